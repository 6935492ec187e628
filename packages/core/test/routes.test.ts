import { describe, expect, it } from 'vitest'
import type { Failure, Route } from '@stack/core'
import { advance, bench, codeOf } from './support/bench.ts'
import { FakeLink } from './support/fake-link.ts'
import { FAKE_PROTOCOL, fakeAddress } from './support/fake-network.ts'

const ethernet = (last: number): FakeLink => new FakeLink({ framing: 'ethernet', linkAddress: Uint8Array.of(2, 0, 0, 0, 0, last) })

/** Two NICs: f:1.1 with a default gateway, and f:2.1. */
async function twoNics() {
  const made = bench()
  const first = await made.stack.addNic(ethernet(1), { name: 'one', addresses: ['f:1.1'], gateway: 'f:1.254' })
  const second = await made.stack.addNic(new FakeLink(), { name: 'two', addresses: ['f:2.1'] })
  return { ...made, first, second, host: made.stack.datagrams.host }
}

/** A route in a few words; a failure as it is. */
function way(answer: Route | Failure): object | Failure {
  if (typeof answer !== 'object' || answer === null) return answer
  const { nic, localAddress, nextHop, neighbor, ...rest } = answer
  return { ...rest, endpoint: undefined, nic: nic.name, localAddress, nextHop, neighbor: neighbor?.address ?? null }
}

describe('findRoute', () => {
  it('takes the longest prefix, gateway and neighbour included [RFC1122-3.3.1.1-local]', async () => {
    const { stack, host, first } = await twoNics()
    expect(way(host.findRoute(0, null, fakeAddress(1, 7)))).toMatchObject({
      nic: 'one', protocol: FAKE_PROTOCOL, localAddress: fakeAddress(1, 1), nextHop: fakeAddress(1, 7),
      neighbor: fakeAddress(1, 7), loop: 1, mtu: 1000, mss: 0, isBroadcast: false, isMulticast: false, generation: stack.generation,
    })
    expect(way(host.findRoute(0, null, fakeAddress(2, 7)))).toMatchObject({ nic: 'two', neighbor: null, staticLinkAddress: null })
    expect(way(host.findRoute(0, null, fakeAddress(9, 9)))).toMatchObject({
      nic: 'one', nextHop: fakeAddress(1, 254), neighbor: fakeAddress(1, 254),
    })
    expect(stack.routes.lookup('f:9.9')).toEqual({ nic: first.id, source: 'f:1.1', nextHop: 'f:1.254', mtu: 1000 })
    stack.destroy()
  })

  it('says why there is none [RFC1122-3.2.1.3-source]', async () => {
    const { stack, host, second } = await twoNics()
    expect(way(host.findRoute(0, null, { a: 1, b: 2, c: 3, d: 4, zone: 0 }))).toBe('EAFNOSUPPORT')
    expect(way(host.findRoute(0, fakeAddress(3, 3), fakeAddress(1, 7)))).toBe('EADDRNOTAVAIL')
    expect(way(host.findRoute(9, null, fakeAddress(1, 7)))).toBe('ENODEV')
    expect(way(host.findRoute(second.id, null, fakeAddress(1, 7)))).toBe('ENETUNREACH')
    second.down()
    expect(way(host.findRoute(second.id, null, fakeAddress(2, 7)))).toBe('ENETDOWN')
    stack.routes.remove({ destination: 'default', gateway: 'f:1.254' })
    expect(way(host.findRoute(0, null, fakeAddress(9, 9)))).toBe('ENETUNREACH')
    stack.destroy()
  })

  it('lets forwarders and spoofing NICs use any source', async () => {
    const { stack, host, second } = await twoNics()
    const foreign = fakeAddress(3, 3)
    expect(way(host.findRoute(0, foreign, fakeAddress(2, 7), { anySource: true }))).toMatchObject({ localAddress: foreign })
    second.setSpoofing(true)
    expect(way(host.findRoute(second.id, foreign, fakeAddress(2, 7)))).toMatchObject({ localAddress: foreign })
    stack.destroy()
  })

  it('leads back to the stack for its own addresses, with no loopback NIC', async () => {
    const { stack, host, first } = await twoNics()
    expect(way(host.findRoute(0, null, fakeAddress(1, 1)))).toMatchObject({ nic: 'one', loop: 2, localAddress: fakeAddress(1, 1), neighbor: null })
    expect(way(host.findRoute(0, null, fakeAddress(127, 1)))).toMatchObject({ nic: 'one', loop: 2, localAddress: fakeAddress(127, 1) })
    expect(host.checkLocalAddress(0, fakeAddress(127, 1))).toBe(first.id)
    await stack.addNic(new FakeLink({ capabilities: { loopback: true } }), { addresses: ['f:127.1'] })
    expect(way(host.findRoute(0, null, fakeAddress(127, 1)))).toMatchObject({ nic: 'fake0', loop: 1 })
    expect(way(host.findRoute(0, null, fakeAddress(127, 9)))).toMatchObject({ nic: 'fake0', loop: 1 })
    stack.destroy()
  })

  it('binds to the NIC of a zone', async () => {
    const { stack, host, first, second } = await twoNics()
    await first.addAddress('f:254.1')
    await second.addAddress('f:254.2')
    const on = (zone: number): object | Failure => way(host.findRoute(0, null, { ...fakeAddress(254, 9), zone }))
    expect(on(first.id)).toMatchObject({ nic: 'one' })
    expect(on(second.id)).toMatchObject({ nic: 'two', localAddress: fakeAddress(254, 2) })
    expect(way(host.findRoute(first.id, null, { ...fakeAddress(254, 9), zone: second.id }))).toBe('ENETUNREACH')
    expect(host.checkLocalAddress(0, { ...fakeAddress(254, 2), zone: first.id })).toBe(0)
    stack.destroy()
  })

  it('prefers the NIC that owns the given source', async () => {
    const { stack, host } = await twoNics()
    stack.routes.add({ destination: 'f:5.0/112', nic: 'one' })
    stack.routes.add({ destination: 'f:5.0/112', nic: 'two', metric: 9 })
    expect(way(host.findRoute(0, fakeAddress(2, 1), fakeAddress(5, 5)))).toMatchObject({ nic: 'two' })
    stack.destroy()
  })

  it('learns path MTUs, tells senders by the generation, and forgets them after ten minutes [RFC1191-6.2-connections, RFC1191-6.3-age, RFC8201-5.3-age]', async () => {
    const { stack, host, clock } = await twoNics()
    const [local, remote] = [fakeAddress(2, 1), fakeAddress(2, 9)]
    await stack.addNic(new FakeLink({ mtu: 9000 }), { addresses: ['f:3.1'] })
    const far = fakeAddress(3, 9)
    const before = stack.generation
    host.updatePathMtu(fakeAddress(3, 1), far, 1400)
    expect(stack.generation).toBeGreaterThan(before)
    expect(way(host.findRoute(0, null, far))).toMatchObject({ mtu: 1400, nic: 'fake0' })
    const learnt = stack.generation
    host.updatePathMtu(fakeAddress(3, 1), far, 1500)
    expect(stack.generation).toBe(learnt)
    expect(way(host.findRoute(0, local, remote))).toMatchObject({ mtu: 1000 })
    await advance(clock, 600_001)
    expect(stack.generation).toBeGreaterThan(learnt)
    expect(way(host.findRoute(0, null, far))).toMatchObject({ mtu: 9000 })
    stack.destroy()
  })
})

describe('routes at the API', () => {
  it('adds, lists and removes', async () => {
    const { stack, first, second } = await twoNics()
    const { generation } = stack
    stack.routes.add({ destination: 'f:7.0/112', gateway: 'f:1.5', mtu: 700, source: 'f:2.1', metric: 3 })
    stack.routes.add({ destination: 'f:8.8', nic: 'two' })
    expect(stack.generation).toBeGreaterThan(generation)
    expect(stack.routes.list().slice(-2)).toEqual([
      { destination: 'f:7.0/112', gateway: 'f:1.5', nic: first.id, mtu: 700, source: 'f:2.1', metric: 3 },
      { destination: 'f:8.8', nic: second.id, metric: 0 },
    ])
    expect(stack.routes.lookup('f:7.1')).toEqual({ nic: first.id, source: 'f:2.1', nextHop: 'f:1.5', mtu: 700 })
    expect(stack.routes.lookup('f:7.1', { from: 'f:1.1' })).toMatchObject({ source: 'f:1.1' })
    expect(stack.routes.remove({ destination: 'f:7.0/112', metric: 4 })).toBe(0)
    expect(stack.routes.remove({ destination: 'f:7.0/112', nic: 'one' })).toBe(1)
    expect(stack.routes.remove({ destination: 'f:8.8' })).toBe(1)
    stack.destroy()
  })

  it('passes over a preferred source that is not the stack’s any more', async () => {
    const { stack, second } = await twoNics()
    stack.routes.add({ destination: 'f:7.0/112', gateway: 'f:1.5', source: 'f:2.1' })
    expect(stack.routes.lookup('f:7.1')).toMatchObject({ source: 'f:2.1' })
    second.removeAddress('f:2.1')
    expect(stack.routes.lookup('f:7.1')).toMatchObject({ source: 'f:1.1' })
    stack.destroy()
  })

  it.each([
    ['no way to go', { destination: 'f:7.0/112' }, 'ERR_STACK_INVALID_ARGUMENT'],
    ['a gateway that is on no link', { destination: 'f:7.0/112', gateway: 'f:6.1' }, 'ERR_STACK_INVALID_ARGUMENT'],
    ['a NIC that is not there', { destination: 'f:7.0/112', nic: 'three' }, 'ENODEV'],
    ['a destination that nobody reads', { destination: 'nowhere', nic: 1 }, 'ERR_STACK_INVALID_ADDRESS'],
    ['an unknown field', { destination: 'f:7.0/112', nic: 1, via: 'f:1.1' }, 'ERR_STACK_INVALID_OPTION'],
    ['an MTU below 68', { destination: 'f:7.0/112', nic: 1, mtu: 67 }, 'ERR_STACK_INVALID_OPTION'],
  ])('refuses %s', async (_what, entry, code) => {
    const { stack } = await twoNics()
    expect(await codeOf(() => { stack.routes.add(entry) })).toBe(code)
    stack.destroy()
  })

  it('takes a default route of the gateway’s family, or of both on a point-to-point NIC', async () => {
    const { stack } = await twoNics()
    const count = stack.routes.list().length
    stack.routes.add({ destination: 'default', nic: 'two' })
    expect(stack.routes.list()).toHaveLength(count + 2)
    expect(stack.routes.remove({ destination: 'default', nic: 'two' })).toBe(2)
    expect(stack.routes.remove({ destination: 'default' })).toBe(1)
    stack.destroy()
  })
})
