import { HookPoint } from '@stack/core'
import { describe, expect, it } from 'vitest'
import { bench, sentOn } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { bytesOf, fragmentHeader, ip, ping } from './support/packets.ts'
import { PROBE } from './support/probe.ts'

const NEAR = '2001:db8:1::9'
const FAR = '2001:db8:2::9'
const US = '2001:db8:1::1'

/** A router between 2001:db8:1::/64 and 2001:db8:2::/64, the second with an MTU of 1,280. */
async function router(forwarding = true): Promise<Bench & { far(): string[] }> {
  const b = await bench({ options: { linkLocal: false, forwarding }, nic: { addresses: [`${US}/64`] } })
  const { link } = await b.addNic({ mtu: 1280 }, { addresses: ['2001:db8:2::1/64'] })
  return { ...b, far: () => sentOn(link) }
}

describe('forwarding', () => {
  it('is off unless asked for', async () => {
    const b = await router(false)
    b.send(ping(NEAR, FAR, 'through'))
    expect(b.far()).toEqual([])
    expect(b.counters().dropNotLocal).toBe(1)
    b.ipv6.forwarding = true
    b.send(ping(NEAR, FAR, 'through'))
    expect(b.far()).toEqual([`${NEAR} > ${FAR} hop 63: echo request 7/1 through`])
    b.end()
  })

  it('lowers the hop limit and touches nothing else [RFC8200-4-forward]', async () => {
    const b = await router()
    b.send(ip(NEAR, FAR, 60, bytesOf([58, 0, 1, 4, 0, 0, 0, 0], ping(NEAR, FAR, 'x').subarray(40)), { hops: 2, tos: 0x2e }))
    expect(b.far()).toEqual([`${NEAR} > ${FAR} hop 1: destination(0) echo request 7/1 x`])
    expect(b.counters()).toMatchObject({ forwarded: 1, delivered: 0 })
    b.end()
  })

  it('ends with the hop limit [RFC4443-3.3-exceeded]', async () => {
    const b = await router()
    b.send(ping(NEAR, FAR, 'x', { hops: 1 }))
    expect(b.sent()).toEqual([`${US} > ${NEAR}: time exceeded code 0`])
    expect(b.far()).toEqual([])
    b.end()
  })

  it('says what the next link carries: a router does not fragment [RFC4443-3.2-too-big, RFC8200-4.5-source-only]', async () => {
    const b = await router()
    b.send(ping(NEAR, FAR, 'x'.repeat(1233)))
    expect(b.sent()).toEqual([`${US} > ${NEAR}: too big 1280, quotes 1232`])
    b.send(ping(NEAR, FAR, 'x'.repeat(1232)))
    expect(b.far()).toHaveLength(1)
    b.end()
  })

  it('says so about later fragments, too [RFC4443-3.2-too-big]', async () => {
    const b = await router()
    b.send(ip(NEAR, FAR, 44, bytesOf(fragmentHeader(58, 1400, false), new Uint8Array(1300))))
    expect(b.sent()).toEqual([`${US} > ${NEAR}: too big 1280, quotes 1232`])
    b.end()
  })

  it('says who does not answer [RFC4443-3.1-unreachable]', async () => {
    const b = await router()
    const { link } = await b.addNic({ framing: 'ethernet' }, { addresses: ['2001:db8:3::1/64'] })
    b.send(ping(NEAR, '2001:db8:3::9', 'x'))
    await b.clock.advance(4000)
    expect(b.sent()).toEqual([`${US} > ${NEAR}: unreachable code 3, quotes 49`])
    while (link.tryRead() !== null);
    b.end()
  })

  it('the address of another NIC is its own [RFC4443-2.2-source]', async () => {
    const b = await router()
    b.send(ping(NEAR, '2001:db8:2::1', 'you', { hops: 1 }))
    await b.clock.settle()
    expect(b.sent()).toEqual([`2001:db8:2::1 > ${NEAR}: echo reply 7/1 you`])
    b.send(ip(NEAR, '2001:db8:2::1', PROBE, bytesOf([0, 2, 0, 9]), { hops: 1 }))
    expect(b.sent()).toEqual([`2001:db8:2::1 > ${NEAR}: unreachable code 4, quotes 44`])
    expect(b.counters()).toMatchObject({ forwarded: 0 })
    b.end()
  })

  it('says when there is no way [RFC4443-3.1-unreachable]', async () => {
    const b = await router()
    b.send(ping(NEAR, '2001:db8:3::1', 'x'))
    expect(b.sent()).toEqual([`${US} > ${NEAR}: unreachable code 0, quotes 49`])
    b.end()
  })

  it('keeps link-local and unspecified addresses on their link', async () => {
    const b = await router()
    b.send(ping('fe80::9', FAR, 'x'))
    b.send(ping(NEAR, 'fe80::9', 'x'))
    b.send(ping('::', FAR, 'x'))
    b.send(ping(NEAR, 'ff0e::9', 'x'))
    expect(b.far()).toEqual([])
    expect(b.counters()).toMatchObject({ dropScope: 3, dropNotLocal: 1, forwarded: 0 })
    b.end()
  })

  it('sends nothing on in its own name', async () => {
    const b = await router()
    b.send(ping(US, FAR, 'x'))
    b.send(ip(US, FAR, PROBE, bytesOf([0, 1, 0, 9])))
    expect(b.far()).toEqual([])
    expect(b.counters()).toMatchObject({ dropMartianSource: 2, forwarded: 0 })
    b.end()
  })

  it('says that a link-local source leads no further [RFC4443-3.1-unreachable]', async () => {
    const b = await router()
    await b.nic.addAddress('fe80::1/64', { skipDuplicateDetection: true })
    b.send(ping('fe80::9', FAR, 'x'))
    expect(b.sent()).toEqual(['fe80::1 > fe80::9: unreachable code 2, quotes 49'])
    expect(b.far()).toEqual([])
    b.end()
  })

  it('asks the hooks of Forward', async () => {
    const b = await router()
    b.nic.networkInterface.hooks.add(HookPoint.Forward, (_packet, { inputNic, outputNic }) => {
      expect([inputNic, outputNic]).toEqual([1, 2])
      return { action: 'drop', reason: 'filtered' }
    })
    b.send(ping(NEAR, FAR, 'x'))
    expect(b.far()).toEqual([])
    b.end()
  })
})
