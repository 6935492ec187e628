import { HookPoint } from '@stack/core'
import type { Hooks } from '@stack/core'
import { describe, expect, it } from 'vitest'
import { bench } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { addressBytes, bytesOf, fragments, icmp, ip } from './support/packets.ts'
import { PROBE } from './support/probe.ts'

const US = '2001:db8::1'
const PEER = '2001:db8::2'
const nic = { addresses: [`${US}/64`] }

function hooksOf(b: Bench): Hooks {
  return b.nic.networkInterface.hooks
}

function flowLabelOf(packet: Uint8Array): number {
  return ((packet[1]! & 0xf) << 16) | (packet[2]! << 8) | packet[3]!
}

describe('sending', () => {
  it('writes the header: traffic class, hop limit, addresses, payload length [RFC8200-3-header]', async () => {
    const b = await bench({ nic, options: { linkLocal: false, flowLabels: false } })
    expect(b.probe.send(PEER, bytesOf('hi'), { tos: 0xb9, ttl: 3 })).toBeNull()
    await b.clock.settle()
    expect(b.sentBytes()).toEqual([ip(US, PEER, PROBE, bytesOf([0, 1, 0, 2], 'hi'), { hops: 3, tos: 0xb9 })])
    expect(b.counters().sent).toBe(1)
    b.end()
  })

  it('the hop limit is 64, or what the stack was told', async () => {
    const b = await bench({ nic })
    b.probe.send(PEER, bytesOf('a'))
    b.ipv6.defaultHopLimit = 7
    b.probe.send(PEER, bytesOf('b'))
    await b.clock.settle()
    expect(b.sent()).toEqual([`${US} > ${PEER}: next 253, 5 bytes`, `${US} > ${PEER} hop 7: next 253, 5 bytes`])
    expect(() => {
      b.ipv6.defaultHopLimit = 256
    }).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_ARGUMENT' }))
    b.end()
  })

  it('::1 is no source for others', async () => {
    const b = await bench({ nic })
    for (const remote of [PEER, 'ff02::1']) expect(b.probe.send(remote, bytesOf('x'), { local: '::1' })).toBe('EADDRNOTAVAIL')
    await b.clock.settle()
    expect(b.sent()).toEqual([])
    b.end()
  })

  it('gives each flow a label of its own and keeps it (RFC 6437) [RFC8200-6-flow, RFC8504-5.1-flow]', async () => {
    const b = await bench({ nic })
    for (const remote of [PEER, PEER, '2001:db8::3']) b.probe.send(remote, bytesOf('x'))
    b.probe.send(PEER, bytesOf('x'), { flowLabel: 0xabcde })
    await b.clock.settle()
    const [first, again, other, given] = b.sentBytes().map(flowLabelOf)
    expect(first).not.toBe(0)
    expect(again).toBe(first)
    expect(other).not.toBe(first)
    expect(given).toBe(0xabcde)
    b.end()
  })

  it('puts extension headers between, and names the transport in the last [RFC8200-4.3-hop, RFC8200-4.6-destination]', async () => {
    const b = await bench({ nic })
    const options = bytesOf([60, 0, 5, 2, 0, 0, 1, 0], [0, 0, 1, 4, 0, 0, 0, 0])
    expect(b.probe.send(PEER, bytesOf('x'), { options })).toBeNull()
    expect(b.probe.send(PEER, bytesOf('x'), { options: bytesOf([0, 1, 1, 4, 0, 0, 0, 0]) })).toBe('EINVAL')
    await b.clock.settle()
    expect(b.sent()).toEqual([`${US} > ${PEER}: hop-by-hop(0) destination(0) next 253, 5 bytes`])
    b.end()
  })

  it('fragments at the source what the path does not carry [RFC8200-4.5-fragment]', async () => {
    const b = await bench({ nic, link: { mtu: 1280 } })
    const data = Uint8Array.from({ length: 3000 }, (_, i) => i * 7)
    expect(b.probe.send(PEER, data)).toBeNull()
    await b.clock.settle()
    const packets = b.sentBytes()
    expect(packets.map((packet) => packet.length)).toEqual([1280, 1280, 40 + 8 + 3004 - 2 * 1232])
    expect(bytesOf(...packets.map((packet) => packet.subarray(48)))).toEqual(bytesOf([0, 1, 0, 2], data))
    expect(new Set(packets.map((packet) => packet.subarray(44, 48).join())).size).toBe(1)
    expect(b.counters()).toMatchObject({ fragmented: 1, fragmentsSent: 3, sent: 3 })
    b.end()
  })

  it('each fragment carries the hop-by-hop options, the first alone the destination options [RFC8200-4.5-fragment]', async () => {
    const b = await bench({ nic, link: { mtu: 1280 } })
    const options = bytesOf([60, 0, 1, 4, 0, 0, 0, 0], [0, 0, 1, 4, 0, 0, 0, 0])
    b.probe.send(PEER, new Uint8Array(1300), { options })
    await b.clock.settle()
    expect(b.sent()).toEqual([
      `${US} > ${PEER}: hop-by-hop(0) fragment 0+1224 more of next 60`,
      `${US} > ${PEER}: hop-by-hop(0) fragment 1224+88 last of next 60`,
    ])
    b.end()
  })

  it('does not fragment what must not be', async () => {
    const b = await bench({ nic, link: { mtu: 1280 } })
    expect(b.probe.send(PEER, new Uint8Array(1237), { dontFragment: true })).toBe('EMSGSIZE')
    expect(b.probe.send(PEER, new Uint8Array(1236), { dontFragment: true })).toBeNull()
    expect(b.probe.send(PEER, new Uint8Array(66_000))).toBe('EMSGSIZE')
    expect(b.counters().dropTooLarge).toBe(2)
    b.end()
  })

  it('learns the path MTU from Packet Too Big, but nothing below 1,280 (RFC 8201 §4) [RFC8201-4-learn, RFC8201-4-floor, RFC8201-5.2-store, RFC8200-5-mtu, RFC8504-5.7-pmtud]', async () => {
    const b = await bench({ nic })
    const quote = ip(US, PEER, PROBE, bytesOf([0, 1, 0, 2], 'too long'))
    const tooBig = (mtu: number): void => b.send(icmp('2001:db8::fe', US, 2, 0, bytesOf([0, 0, mtu >> 8, mtu & 255], quote)))
    tooBig(600)
    expect(b.counters().icmpDropTinyMtu).toBe(1)
    expect(b.probe.errors).toEqual([])
    tooBig(1300)
    expect(b.probe.errors).toMatchObject([{ about: 'too long', error: { kind: 'packetTooBig', mtu: 1300, cause: 'icmp' } }])
    b.probe.send(PEER, new Uint8Array(1400))
    b.probe.send('2001:db8::3', new Uint8Array(1400))
    await b.clock.settle()
    expect(b.sentBytes().map((packet) => packet.length)).toEqual([1296, 48 + 156, 1444])
    b.end()
  })

  it('learns nothing from Packet Too Big about what nobody sends (RFC 5927 §4) [RFC8201-4-validate, RFC4443-5.2-verify]', async () => {
    const b = await bench({ nic })
    const tooBig = (quote: Uint8Array): void => b.send(icmp('2001:db8::fe', US, 2, 0, bytesOf([0, 0, 1300 >> 8, 1300 & 255], quote)))
    tooBig(ip(US, PEER, PROBE, bytesOf([0, 9, 0, 2], 'nobody there')))
    tooBig(ip(US, PEER, 6, new Uint8Array(20)))
    tooBig(ip(US, PEER, PROBE, new Uint8Array(0)))
    // A later fragment has no transport header.
    tooBig(ip(US, PEER, 44, bytesOf([PROBE, 0, 4, 0, 0, 0, 0, 1], 'the rest of it')))
    expect(b.counters().icmpDropUnquoted).toBe(1)
    expect(b.protocols('transport')).toMatchObject({ errorDelivered: 0, errorUnmatched: 3 })
    b.probe.send(PEER, new Uint8Array(1400))
    await b.clock.settle()
    expect(b.sentBytes().map((packet) => packet.length)).toEqual([1444])
    b.end()
  })

  it('sends packets with their own header, filling in length and source', async () => {
    const b = await bench({ nic })
    const packet = ip('::', PEER, PROBE, bytesOf([0, 1, 0, 2], 'raw'), { hops: 5, length: 0 })
    expect(b.probe.sendRaw(PEER, packet)).toBeNull()
    expect(b.probe.sendRaw(PEER, packet.subarray(0, 39))).toBe('EINVAL')
    expect(b.probe.sendRaw(PEER, bytesOf([0x45], packet.subarray(1)))).toBe('EINVAL')
    expect(b.probe.sendRaw(PEER, ip(US, PEER, PROBE, new Uint8Array(1500)))).toBe('EMSGSIZE')
    await b.clock.settle()
    expect(b.sentBytes()).toEqual([ip(US, PEER, PROBE, bytesOf([0, 1, 0, 2], 'raw'), { hops: 5 })])
    b.end()
  })
})

describe('hooks', () => {
  it('see each packet at Prerouting and Input, Output and Postrouting', async () => {
    const b = await bench({ nic })
    const seen: string[] = []
    for (const point of [HookPoint.Prerouting, HookPoint.Input, HookPoint.Output, HookPoint.Postrouting]) {
      hooksOf(b).add(point, (packet) => {
        seen.push(`${point}: next ${packet.transportProtocol}, header at ${packet.networkHeader >= 0 ? 'known' : 'unknown'} place`)
        return 'accept'
      })
    }
    b.send(icmp(PEER, US, 128, 0, bytesOf([0, 7, 0, 1], 'x')))
    expect(seen).toEqual([
      '0: next 58, header at known place', '1: next 58, header at known place', '3: next 58, header at known place', '4: next 58, header at known place',
    ])
    b.end()
  })

  it('see the transport protocol before extension headers are looked at, of fragments too', async () => {
    const b = await bench({ nic, options: { forwarding: true } })
    const seen: string[] = []
    for (const point of [HookPoint.Prerouting, HookPoint.Forward]) {
      hooksOf(b).add(point, (packet) => {
        seen.push(`${point}: ${packet.transportProtocol}`)
        return 'accept'
      })
    }
    // Destination options, in front of the upper layer.
    b.send(ip(PEER, US, 60, bytesOf([PROBE, 0, 1, 4, 0, 0, 0, 0, 0, 2, 0, 1], 'x')))
    for (const part of fragments(PEER, US, PROBE, bytesOf([0, 2, 0, 1], 'twenty bytes of text'), 16)) b.send(part)
    // For somebody else.
    b.send(ip(PEER, '2001:db8:9::1', PROBE, bytesOf([0, 2, 0, 1], 'x')))
    b.send(ip('2001:db8:9::1', '2001:db8::3', PROBE, bytesOf([0, 2, 0, 1], 'x')))
    expect(seen).toEqual([`0: ${PROBE}`, `0: ${PROBE}`, `0: ${PROBE}`, `0: ${PROBE}`, `0: ${PROBE}`, `2: ${PROBE}`])
    b.end()
  })

  it('drop, and steal: a stolen packet goes on where it was', async () => {
    const b = await bench({ nic })
    const drop = hooksOf(b).add(HookPoint.Input, () => ({ action: 'drop', reason: 'test' }))
    b.send(icmp(PEER, US, 128, 0, bytesOf([0, 7, 0, 1], 'dropped')))
    expect(b.sent()).toEqual([])
    drop()
    for (const point of [HookPoint.Prerouting, HookPoint.Input, HookPoint.Output, HookPoint.Postrouting]) {
      let stolen: Parameters<Hooks['reinject']>[0] | null = null
      const remove = hooksOf(b).add(point, (packet) => {
        stolen = packet
        return 'steal'
      })
      b.send(icmp(PEER, US, 128, 0, bytesOf([0, 7, 0, 1], 'later')))
      expect(b.sent()).toEqual([])
      expect(hooksOf(b).reinject(stolen!)).toBe(true)
      await b.clock.settle()
      expect(b.sent()).toEqual([`${US} > ${PEER}: echo reply 7/1 later`])
      remove()
    }
    b.end()
  })

  it('may change the header: what it says then is what counts', async () => {
    const b = await bench({ nic })
    hooksOf(b).add(HookPoint.Prerouting, (packet) => {
      packet.bytes.set(addressBytes(US), packet.networkHeader + 24)
      return 'accept'
    })
    b.send(ip(PEER, '2001:db8::77', PROBE, bytesOf([0, 2, 0, 1], 'translated')))
    expect(b.probe.received.map(({ data }) => data)).toEqual(['translated'])
    // Out: to a neighbour whose path is narrower, so that the route must be the new one.
    b.send(icmp(PEER, US, 2, 0, bytesOf([0, 0, 5, 0], ip(US, '2001:db8::88', PROBE, bytesOf([0, 1, 0, 2], 'long')))))
    hooksOf(b).add(HookPoint.Output, (packet) => {
      packet.bytes.set(addressBytes('2001:db8::88'), packet.networkHeader + 24)
      return 'reroute'
    })
    b.probe.send(PEER, new Uint8Array(1400))
    await b.clock.settle()
    expect(b.sent()).toEqual([`${US} > 2001:db8::88: fragment 0+1232 more of next 253`, `${US} > 2001:db8::88: fragment 1232+172 last of next 253`])
    b.end()
  })

  it('that hold a packet with a header of its own do not get it fragmented', async () => {
    const b = await bench({ nic })
    let stolen: Parameters<Hooks['reinject']>[0] | null = null
    hooksOf(b).add(HookPoint.Output, (packet) => {
      stolen = packet
      return 'steal'
    })
    expect(b.probe.sendRaw(PEER, ip(US, PEER, PROBE, new Uint8Array(1500)))).toBeNull()
    hooksOf(b).reinject(stolen!)
    await b.clock.settle()
    expect(b.sent()).toEqual([])
    expect(b.counters().dropTooLarge).toBe(1)
    b.end()
  })
})
