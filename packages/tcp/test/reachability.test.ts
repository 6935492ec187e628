import { ipv6 } from '@stack/ipv6'
import { createTestStack, fakeLink, scriptedPeer } from '@stack/testing'
import { expect, test } from 'vitest'
import { tcp } from '../src/index.ts'
import { pattern } from './support/peer.ts'

test('acknowledgments of new data tell that the next hop is there: nobody asks it as long as they come (RFC 4861 §7.3.1)', async () => {
  const link = fakeLink({ framing: 'ethernet' })
  const { stack, clock, end } = await createTestStack({ plugins: [ipv6(), tcp()], link })
  let asked = 0
  const peer = scriptedPeer({
    stack, clock, link, family: 'ipv6',
    ignore: (packet) => {
      if (packet.icmpv6?.type === 135 && packet.icmpv6.target?.startsWith(peer.remote) === true) asked++
      return packet.tcp === null
    },
  })
  const state = (): string | undefined => stack.nic(1)!.neighbors.list().find(({ address }) => address.startsWith(peer.remote))?.state
  const connection = await peer.connect()
  const before = asked
  for (let i = 0; i < 60; i++) {
    connection.tryWrite(pattern(10))
    await peer.settle()
    peer.expect('PA', { seq: 1 + 10 * i })
    await clock.advance(100)
    await peer.send('A', { seq: 1, ack: 11 + 10 * i })
    expect(state()).toBe('reachable')
    await clock.advance(5000)
  }
  expect(asked).toBe(before)
  // ACKs of nothing new tell nothing.
  for (let i = 0; i < 60; i++) {
    await clock.advance(5000)
    await peer.send('A', { seq: 1, ack: 601 })
  }
  expect(state()).not.toBe('reachable')
  connection.abort()
  await peer.settle()
  peer.all()
  await end()
})
