import { arp as arpPlugin } from '@stack/arp'
import { ipv4 as ipv4Plugin } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { tcp } from '@stack/tcp'
import { arp, createTestStack, ethernet, fakeLink, packet, parsePacket, scriptedPeer, type Family } from '@stack/testing'
import { expect, test } from 'vitest'

const RANGE = '203.0.113.0/24'
const WITHIN = '203.0.113.7'

async function world(ranges: readonly string[] = [RANGE]) {
  const link = fakeLink({ framing: 'ethernet' })
  return createTestStack({ plugins: [ipv4Plugin(), ipv6(), arpPlugin(), tcp()], link, nic: { ranges } })
}

test.each([['ipv4', WITHIN, RANGE], ['ipv6', '2001:db8::7', '2001:db8::/32']] as const)('a listener answers from any address of a range, over %s', async (family: Family, local, range) => {
  const { stack, clock, link, nic, end } = await world([range])
  expect(nic.ranges).toEqual([range])
  const listener = stack.tcp.listen({ port: 7000 })
  const peer = scriptedPeer({ stack, clock, link, family, local, ignore: ({ tcp: segment }) => segment === null })
  await peer.send('S', { mss: 1000 })
  peer.expect('SA')
  await peer.send('A', { seq: 1, ack: 1 })
  expect(listener.tryAccept()?.local.host).toBe(local)
  // A NIC of its own does not need leave to send from there; when the range goes, that is over.
  expect(nic.removeRange(range)).toBe(true)
  expect(nic.removeRange(range)).toBe(false)
  await peer.send('S', { mss: 1000, sourcePort: 9 })
  peer.expectNothing()
  await end()
})

test('ARP requests for a range are answered, probes are not: who wants such an address may have it', async () => {
  const { clock, link, end } = await world()
  while (link.tryRead() !== null);
  const ask = async (sender: string, target: string): Promise<unknown> => {
    link.inject(packet(ethernet({ destination: 'ff:ff:ff:ff:ff:ff' }), arp({ operation: 'request', sender, target })))
    await clock.settle()
    const answer = link.tryRead()
    return answer === null ? null : parsePacket(answer, { first: 'ethernet' }).arp
  }
  expect(await ask('10.0.0.2', WITHIN)).toMatchObject({ operation: 2, sender: WITHIN })
  expect(await ask('10.0.0.2', '203.0.114.7')).toBeNull()
  expect(await ask('0.0.0.0', WITHIN)).toBeNull()
  await end()
})

test('what this host sends to a range leaves it, and a wrong range is refused', async () => {
  const { stack, nic, clock, end } = await world(['0.0.0.0/0'])
  let code = ''
  stack.tcp.connect({ host: '10.0.0.9', port: 1, timeout: 1000 }).catch((error: unknown) => (code = (error as { code: string }).code))
  await clock.advance(1000)
  expect(code).toBe('ETIMEDOUT')
  for (const wrong of ['203.0.113.0/33', 'somewhere', '203.0.113']) expect(() => nic.addRange(wrong)).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_ADDRESS' }))
  nic.addRange('198.51.100.9')
  expect(nic.ranges).toEqual(['0.0.0.0/0', '198.51.100.9/32'])
  await end()
})
