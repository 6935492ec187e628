import { arp as arpPlugin } from '@stack/arp'
import { ipv4 as ipv4Plugin } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { tcp } from '@stack/tcp'
import { arp, createTestStack, ethernet, fakeLink, icmpv6, ipv6 as ip6, packet, parsePacket, scriptedPeer, type Family } from '@stack/testing'
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

test.each([
  ['0.0.0.0/0', '203.0.113.7', true], ['0.0.0.0/0', '10.0.0.77', false], ['10.0.0.0/8', '10.0.0.77', false], ['10.0.0.0/24', '10.0.0.77', true],
  ['10.0.0.64/26', '10.0.0.77', true], ['10.0.0.64/26', '10.0.0.7', false],
])('a range of %s speaks for %s on the link of 10.0.0.0/24: %s', async (range, target, isAnswered) => {
  const { clock, link, end } = await world([range])
  while (link.tryRead() !== null);
  link.inject(packet(ethernet({ destination: 'ff:ff:ff:ff:ff:ff' }), arp({ operation: 'request', sender: '10.0.0.2', target })))
  await clock.settle()
  expect(link.tryRead() !== null).toBe(isAnswered)
  await end()
})

test('neighbour solicitations for a range are answered without override, probes are not', async () => {
  const { clock, link, end } = await world(['2001:db8::/32'])
  while (link.tryRead() !== null);
  const ask = async (source: string, target: string): Promise<unknown> => {
    const options = source === '::' ? [] : [{ kind: 'sourceLinkAddress', address: '02:00:00:00:00:02' } as const]
    link.inject(packet(
      ethernet({ destination: '33:33:ff:00:00:07' }), ip6({ source, destination: 'ff02::1:ff00:7', hopLimit: 255 }), icmpv6({ type: 'neighbor-solicitation', target, options }),
    ))
    await clock.settle()
    const answer = link.tryRead()
    return answer === null ? null : parsePacket(answer, { first: 'ethernet' }).icmpv6
  }
  expect(await ask('fd00::2', '2001:db8::7')).toMatchObject({ target: '2001:db8::7', solicited: true, override: false })
  expect(await ask('fd00::2', '2001:db9::7')).toBeNull()
  expect(await ask('::', '2001:db8::7')).toBeNull()
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
