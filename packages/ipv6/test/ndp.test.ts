import { describe, expect, it } from 'vitest'
import { OWN_MAC, PEER_MAC, bench } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { advertisement, bytesOf, icmp, ip, ping, solicitation } from './support/packets.ts'
import { PROBE } from './support/probe.ts'

const US = '2001:db8::1'
const PEER = '2001:db8::2'
const OUR_GROUP = 'ff02::1:ff00:1'
const OUR_GROUP_MAC = '33:33:ff:00:00:01'
const onEthernet = { link: { framing: 'ethernet' as const }, nic: { addresses: [`${US}/64`] } }

function neighbors(b: Bench): readonly string[] {
  return b.nic.neighbors.list().map(({ address, state, linkAddress }) => `${address} ${state} ${linkAddress ?? '-'}`)
}

describe('asking for a neighbour (RFC 4861 §7.2.2)', () => {
  it('solicits his solicited-node group, then sends what waited [RFC4861-4.3-solicitation, RFC4861-7.2.2-send]', async () => {
    const b = await bench(onEthernet)
    b.probe.send(PEER, bytesOf('first'))
    b.probe.send(PEER, bytesOf('second'))
    await b.clock.settle()
    expect(b.sent()).toEqual([`[33:33:ff:00:00:02] ${US} > ff02::1:ff00:2 hop 255: who has ${PEER}? from ${OWN_MAC}`])
    b.send(advertisement(PEER, US, PEER, { flags: 'SO', targetLink: PEER_MAC }))
    expect(b.sent()).toEqual([`[${PEER_MAC}] ${US} > ${PEER}: next 253, 9 bytes`, `[${PEER_MAC}] ${US} > ${PEER}: next 253, 10 bytes`])
    expect(neighbors(b)).toEqual([`${PEER} reachable ${PEER_MAC}`])
    b.end()
  })

  it('three times, a second apart, then the sender is told [RFC4861-7.2.2-send, RFC4861-7.2.2-fail]', async () => {
    const b = await bench(onEthernet)
    b.probe.send(PEER, bytesOf('anybody?'))
    await b.clock.advance(3500)
    expect(b.sent()).toHaveLength(3)
    expect(b.probe.errors).toMatchObject([{ about: 'anybody?', error: { kind: 'hostUnreachable', cause: 'neighbor' } }])
    b.end()
  })

  it('probes a silent neighbour by unicast [RFC4861-4.3-solicitation, RFC4861-7.3.3-probe]', async () => {
    const b = await bench(onEthernet)
    b.send(solicitation(PEER, OUR_GROUP, US, { sourceLink: PEER_MAC }), OUR_GROUP_MAC)
    b.sent()
    b.probe.send(PEER, bytesOf('x'))
    await b.clock.advance(5500)
    expect(b.sent()).toEqual([
      `[${PEER_MAC}] ${US} > ${PEER}: next 253, 5 bytes`,
      `[${PEER_MAC}] ${US} > ${PEER} hop 255: who has ${PEER}? from ${OWN_MAC}`,
    ])
    b.send(advertisement(PEER, US, PEER, { flags: 'S' }))
    expect(neighbors(b)).toEqual([`${PEER} reachable ${PEER_MAC}`])
    b.end()
  })

  it('from an own address, never from the one of a packet that passes through, never from :: [RFC4861-7.2.2-source]', async () => {
    const b = await bench(onEthernet)
    const { host } = b.probe
    const resolver = b.nic.networkInterface.resolver(0x86dd)!
    expect(resolver.linkAddressRequest(host.parseAddress(PEER), host.parseAddress('2001:db8:9::9'), null)).toBeNull()
    await b.clock.settle()
    expect(b.sent()).toEqual([`[33:33:ff:00:00:02] ${US} > ff02::1:ff00:2 hop 255: who has ${PEER}? from ${OWN_MAC}`])
    b.nic.removeAddress(US)
    expect(resolver.linkAddressRequest(host.parseAddress(PEER), null, null)).toBe('EADDRNOTAVAIL')
    b.end()
  })

  it('groups need no asking', async () => {
    const b = await bench(onEthernet)
    b.probe.send('ff05::1:2', bytesOf('x'))
    await b.clock.settle()
    expect(b.sent()).toEqual([`[33:33:00:01:00:02] ${US} > ff05::1:2: next 253, 5 bytes`])
    b.end()
  })
})

describe('being asked (RFC 4861 §7.2.4)', () => {
  it('answers the asker, and remembers him as stale [RFC4861-4.4-advertisement, RFC4861-7.2.3-receive]', async () => {
    const b = await bench(onEthernet)
    b.send(solicitation(PEER, OUR_GROUP, US, { sourceLink: PEER_MAC }), OUR_GROUP_MAC)
    expect(b.sent()).toEqual([`[${PEER_MAC}] ${US} > ${PEER} hop 255: ${US} is here, SO at ${OWN_MAC}`])
    expect(neighbors(b)).toMatchObject([expect.stringMatching(new RegExp(`${PEER} (stale|delay) ${PEER_MAC}`))])
    b.end()
  })

  it('the neighbour it learnt from a solicitation can be resolved (LESSONS: an entry created by a received NS needs a resolver)', async () => {
    const b = await bench(onEthernet)
    b.send(solicitation(PEER, OUR_GROUP, US, { sourceLink: PEER_MAC }), OUR_GROUP_MAC)
    b.sent()
    b.probe.send(PEER, bytesOf('x'))
    // No answer to three unicast probes: it is gone, and looked for again.
    await b.clock.advance(9000)
    b.sent()
    b.probe.send(PEER, bytesOf('y'))
    await b.clock.settle()
    expect(b.sent()).toEqual([`[33:33:ff:00:00:02] ${US} > ff02::1:ff00:2 hop 255: who has ${PEER}? from ${OWN_MAC}`])
    b.end()
  })

  it('a probe for a duplicate is answered to everybody [RFC4861-7.2.4-answer]', async () => {
    const b = await bench(onEthernet)
    b.send(solicitation('::', OUR_GROUP, US, { nonce: [1, 2, 3, 4, 5, 6] }), OUR_GROUP_MAC)
    expect(b.sent()).toEqual([`[33:33:00:00:00:01] ${US} > ff02::1 hop 255: ${US} is here, O at ${OWN_MAC}`])
    expect(neighbors(b)).toEqual([])
    b.end()
  })

  it('a router says so [RFC4861-4.4-advertisement]', async () => {
    const b = await bench({ ...onEthernet, options: { linkLocal: false, forwarding: true } })
    b.send(solicitation(PEER, US, US, { sourceLink: PEER_MAC }))
    expect(b.sent()).toEqual([`[${PEER_MAC}] ${US} > ${PEER} hop 255: ${US} is here, RSO at ${OWN_MAC}`])
    b.end()
  })

  it('without a link address of the asker, asks back', async () => {
    const b = await bench(onEthernet)
    b.send(solicitation(PEER, US, US))
    expect(b.sent()).toEqual([`[33:33:ff:00:00:02] ${US} > ff02::1:ff00:2 hop 255: who has ${PEER}? from ${OWN_MAC}`])
    b.send(advertisement(PEER, US, PEER, { flags: 'SO', targetLink: PEER_MAC }))
    expect(b.sent()).toEqual([`[${PEER_MAC}] ${US} > ${PEER} hop 255: ${US} is here, SO at ${OWN_MAC}`])
    b.end()
  })

  it('is silent about addresses of others, and learns nothing [RFC4861-7.2.3-receive]', async () => {
    const b = await bench(onEthernet)
    b.send(solicitation(PEER, OUR_GROUP, '2001:db8::ff00:1', { sourceLink: PEER_MAC }), OUR_GROUP_MAC)
    expect(b.sent()).toEqual([])
    expect(neighbors(b)).toEqual([])
    b.end()
  })

  it('works on a link without addresses too', async () => {
    const b = await bench({ nic: onEthernet.nic })
    b.send(solicitation(PEER, OUR_GROUP, US))
    expect(b.sent()).toEqual([`${US} > ${PEER} hop 255: ${US} is here, SO`])
    b.end()
  })
})

describe('advertisements (RFC 4861 §7.2.5)', () => {
  it('unsolicited ones create nothing, and make no neighbour reachable (LESSONS: unsolicited NA) [RFC4861-7.2.5-update]', async () => {
    const b = await bench(onEthernet)
    b.send(advertisement(PEER, 'ff02::1', PEER, { flags: 'O', targetLink: PEER_MAC }), '33:33:00:00:00:01')
    expect(neighbors(b)).toEqual([])
    b.send(solicitation(PEER, OUR_GROUP, US, { sourceLink: PEER_MAC }), OUR_GROUP_MAC)
    b.send(advertisement(PEER, 'ff02::1', PEER, { flags: 'O', targetLink: '02:00:00:00:00:09' }), '33:33:00:00:00:01')
    expect(neighbors(b)).toEqual([`${PEER} stale 02:00:00:00:00:09`])
    b.end()
  })

  it('without the override flag do not replace a link address [RFC4861-7.2.5-update]', async () => {
    const b = await bench(onEthernet)
    b.send(solicitation(PEER, OUR_GROUP, US, { sourceLink: PEER_MAC }), OUR_GROUP_MAC)
    b.send(advertisement(PEER, US, PEER, { flags: 'S', targetLink: '02:00:00:00:00:09' }))
    expect(neighbors(b)).toMatchObject([expect.stringContaining(PEER_MAC)])
    b.end()
  })

  it('of an own address are counted as conflicts', async () => {
    const b = await bench(onEthernet)
    b.send(advertisement(US, 'ff02::1', US, { flags: 'O', targetLink: PEER_MAC }), '33:33:00:00:00:01')
    expect(b.counters().addressConflicts).toBe(1)
    expect(neighbors(b)).toEqual([])
    b.end()
  })
})

describe('messages that are invalid (RFC 4861 §7.1)', () => {
  const body = (target: string): Uint8Array => solicitation(PEER, US, target).subarray(44)

  it.each([
    ['hop limit below 255', solicitation(PEER, US, US, { hops: 254 }), 'ndpDropHopLimit'],
    ['code not 0', icmp(PEER, US, 135, 1, body(US), { hops: 255 }), 'ndpDropHopLimit'],
    ['shorter than 24 bytes', icmp(PEER, US, 135, 0, body(US).subarray(0, 19), { hops: 255 }), 'ndpDropMalformed'],
    ['an advertisement shorter than 24 bytes (LESSONS: NA minimum size)', icmp(PEER, US, 136, 0, body(US).subarray(0, 19), { hops: 255 }), 'ndpDropMalformed'],
    ['a multicast target', icmp(PEER, US, 135, 0, body('ff02::1'), { hops: 255 }), 'ndpDropMalformed'],
    ['an option of length 0', icmp(PEER, US, 135, 0, bytesOf(body(US), [1, 0, 0, 0, 0, 0, 0, 0]), { hops: 255 }), 'ndpDropMalformed'],
    ['an option beyond the end', icmp(PEER, US, 135, 0, bytesOf(body(US), [1, 2, 0, 0, 0, 0, 0, 0]), { hops: 255 }), 'ndpDropMalformed'],
    ['a probe to a unicast address', solicitation('::', US, US), 'ndpDropMalformed'],
    ['a probe with a link address', solicitation('::', OUR_GROUP, US, { sourceLink: PEER_MAC }), 'ndpDropMalformed'],
    ['a solicited advertisement to a group', advertisement(PEER, 'ff02::1', PEER, { flags: 'S', targetLink: PEER_MAC }), 'ndpDropMalformed'],
    ['an advertisement of a group', advertisement(PEER, US, 'ff02::1', { targetLink: PEER_MAC }), 'ndpDropMalformed'],
    ['a router advertisement from beyond the link', icmp(PEER, US, 134, 0, new Uint8Array(12), { hops: 64 }), 'ndpDropHopLimit'],
  ] as const)('%s [RFC4861-7.1.1-ns, RFC4861-7.1.2-na, RFC4861-4.6-options]', async (_what, packet, counter) => {
    const b = await bench(onEthernet)
    b.send(packet, packet[24] === 0xff ? (packet[37] === 0xff ? OUR_GROUP_MAC : '33:33:00:00:00:01') : OWN_MAC)
    expect(b.counters()[counter]).toBe(1)
    expect(b.sent()).toEqual([])
    expect(neighbors(b)).toEqual([])
    b.end()
  })

  it('routers, redirects and listener reports are counted and ignored', async () => {
    const b = await bench(onEthernet)
    for (const type of [133, 134, 137]) b.send(icmp('fe80::2', US, type, 0, new Uint8Array(36), { hops: 255 }))
    for (const type of [130, 131, 132, 143]) b.send(icmp('fe80::2', US, type, 0, new Uint8Array(20), { hops: 1 }))
    expect(b.counters()).toMatchObject({ routerMessagesIgnored: 3, mldIgnored: 4 })
    expect(b.sent()).toEqual([])
    b.end()
  })
})

describe('link-local traffic', () => {
  it('goes out on its own link, from the link-local address', async () => {
    const b = await bench({ ...onEthernet, options: { duplicateAddressDetectTransmits: 0 } })
    await b.clock.advance(10)
    b.send(solicitation('fe80::2', OUR_GROUP, 'fe80::ff:fe00:1', { sourceLink: PEER_MAC }), OUR_GROUP_MAC)
    expect(b.sent()).toEqual([`[${PEER_MAC}] fe80::ff:fe00:1 > fe80::2 hop 255: fe80::ff:fe00:1 is here, SO at ${OWN_MAC}`])
    b.send(ping('fe80::2', 'fe80::ff:fe00:1', 'near'))
    expect(b.sent()).toEqual([`[${PEER_MAC}] fe80::ff:fe00:1 > fe80::2: echo reply 7/1 near`])
    b.send(ip('fe80::2', 'fe80::ff:fe00:1', PROBE, bytesOf([0, 2, 0, 9])))
    expect(b.sent()).toEqual([`[${PEER_MAC}] fe80::ff:fe00:1 > fe80::2: unreachable code 4, quotes 44`])
    b.end()
  })
})
