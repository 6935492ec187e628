import { arp } from '@stack/arp'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { tcp } from '@stack/tcp'
import { createTestStack, fakeLink, scriptedPeer, type Family } from '@stack/testing'
import { expect, test } from 'vitest'

async function world(family: Family) {
  const link = fakeLink({ framing: 'ethernet' })
  const { stack, clock, end } = await createTestStack({ plugins: [ipv4(), ipv6(), arp(), tcp()], link })
  const peer = scriptedPeer({ stack, clock, link, family, ignore: (packet) => packet.tcp === null })
  const neighbor = (): string | undefined => stack.nic(1)!.neighbors.list().find(({ address }) => address.startsWith(peer.remote))?.state
  return { stack, clock, peer, neighbor, end }
}

test.each(['ipv4', 'ipv6'] as const)('data that is not answered: after three retransmissions the next hop is in doubt, and asked, over %s [RFC9293-MUST-20, RFC9293-SHLD-10]', async (family) => {
  const { clock, peer, neighbor, end } = await world(family)
  const connection = await peer.connect()
  expect(neighbor()).toBe('reachable')
  connection.tryWrite(new Uint8Array(10))
  await clock.advance(200 + 400)
  expect(peer.all()).toHaveLength(3)
  expect(neighbor()).toBe('reachable')
  await clock.advance(800)
  expect(peer.all()).toHaveLength(1)
  expect(neighbor()).toBe('delay')
  // Nobody answers for five seconds; then the neighbour is asked, and is there.
  await clock.advance(5000)
  await peer.settle()
  expect(neighbor()).toBe('reachable')
  connection.abort()
  await end()
})

test('a SYN that is not answered does the same [RFC9293-MUST-20, RFC9293-MUST-22]', async () => {
  const { stack, clock, peer, neighbor, end } = await world('ipv4')
  stack.tcp.open({ host: peer.remote, port: 5000 })
  await peer.settle()
  expect(neighbor()).toBe('reachable')
  await clock.advance(3000)
  expect(neighbor()).toBe('reachable')
  await clock.advance(4000)
  expect(neighbor()).toBe('delay')
  peer.all()
  await end()
})
