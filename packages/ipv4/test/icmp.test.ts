import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { plateauBelow } from '../src/icmp-report.ts'
import { bench, OWN, PEER } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { bytesOf, icmp, ip, message, ping, segment, udp } from './support/packets.ts'

const FAR = '192.0.2.7'

describe('ICMPv4', () => {
  let b: Bench
  beforeEach(async () => {
    b = await bench({}, { gateway: PEER })
  })
  afterEach(() => b.end())

  describe('echo', () => {
    test('a request is answered with its data [RFC1122-3.2.2.6-echo, RFC1122-3.2.2.6-data]', () => {
      b.receive(ping(PEER, OWN, 'abc'))
      expect(b.sent()).toEqual(['10.0.0.1 > 10.0.0.2 echo reply 7/1 "abc"'])
      expect(b.counted()).toEqual({ delivered: 1, 'icmp.echoRequests': 1, 'icmp.echoRepliesSent': 1 })
    })

    test('from the address that was asked [RFC1122-3.2.2.6-data]', async () => {
      await b.nic.addAddress('10.0.0.5/24')
      b.receive(ping(PEER, '10.0.0.5', 'abc'))
      expect(b.sent()).toEqual(['10.0.0.5 > 10.0.0.2 echo reply 7/1 "abc"'])
    })

    test('with its type of service [RFC1122-3.2.1.6-tos]', () => {
      b.receive(ping(PEER, OWN, 'abc', { tos: 0x10, ttl: 3 }))
      expect(b.sent()).toEqual(['10.0.0.1 > 10.0.0.2 tos 16 echo reply 7/1 "abc"'])
    })

    test('LESSONS §7: an echo reply copies options: record route and timestamp, with this host in them [RFC1122-3.2.1.8-options, RFC1122-3.2.1.8-record, RFC1122-3.2.2.6-options]', () => {
      b.receive(ping(PEER, OWN, 'abc', { options: [148, 4, 0, 0, 7, 11, 8, 1, 1, 1, 1, 0, 0, 0, 0, 0] }))
      expect(b.sent()).toEqual(['10.0.0.1 > 10.0.0.2 options [7 11 12 1 1 1 1 10 0 0 1 0] echo reply 7/1 "abc"'])
      b.receive(ping(PEER, OWN, 'abc', { options: [68, 8, 5, 0, 0, 0, 0, 0] }))
      const midnight = b.clock.wallNow() % 86_400_000
      expect(b.sent()).toEqual([`10.0.0.1 > 10.0.0.2 options [68 8 9 0 ${midnight >> 24} ${(midnight >> 16) & 255} ${(midnight >> 8) & 255} ${midnight & 255}] echo reply 7/1 "abc"`])
    })

    test('a large one comes back in fragments', () => {
      const data = new Uint8Array(2000).fill(1)
      const whole = message(8, 0, 0x00070001, data)
      b.receive(ip(PEER, OWN, 1, whole.subarray(0, 1480), { id: 9, mf: true }), ip(PEER, OWN, 1, whole.subarray(1480), { id: 9, offset: 1480 }))
      expect(b.sent()).toEqual(['10.0.0.1 > 10.0.0.2 frag 0+1480+', '10.0.0.1 > 10.0.0.2 frag 1480+528'])
    })

    test('a wrong checksum gets no answer', () => {
      const packet = ping(PEER, OWN, 'abc')
      packet[packet.length - 1]! ^= 1
      b.receive(packet)
      expect(b.sent()).toEqual([])
      expect(b.counted()).toEqual({ delivered: 1, 'icmp.dropBadChecksum': 1 })
    })

    test.each(['255.255.255.255', '10.0.0.255', '224.0.0.1'])('to %s is not answered [RFC1122-3.2.2.6-broadcast]', (destination) => {
      b.receive(ping(PEER, destination, 'abc'))
      expect(b.sent()).toEqual([])
      expect(b.counted()).toMatchObject({ 'icmp.dropBroadcastEcho': 1 })
    })

    test('to a broadcast address is answered when asked for, from the own address', async () => {
      const other = await bench({ acceptBroadcastEcho: true })
      other.receive(ping(PEER, '10.0.0.255', 'abc'))
      expect(other.sent()).toEqual(['10.0.0.1 > 10.0.0.2 echo reply 7/1 "abc"'])
      other.end()
    })

    test('too short is malformed', () => {
      b.receive(ip(PEER, OWN, 1, bytesOf(8, 0, 0)))
      expect(b.counted()).toEqual({ delivered: 1, 'icmp.dropMalformed': 1 })
    })
  })

  // Timestamp, information, address mask, and a type that nobody has defined.
  test.each([13, 15, 17, 200])('requests of type %i get no answer [RFC1122-3.2.2-unknown, RFC1122-3.2.2.9-mask]', (type) => {
    b.receive(icmp(PEER, OWN, type, 0, 0x00070001, new Uint8Array(12)))
    expect(b.sent()).toEqual([])
    expect(b.counted()).toEqual({ delivered: 1 })
  })

  describe('errors sent', () => {
    test('quote as much as fits into 576 bytes [RFC1122-3.2.2-quote, RFC1812-4.3.2.3-quote]', () => {
      b.receive(udp(PEER, OWN, 9, 'x'.repeat(1000)))
      const [error] = b.sentBytes()
      expect(error!.length).toBe(576)
      expect(error!.subarray(28)).toEqual(udp(PEER, OWN, 9, 'x'.repeat(1000)).subarray(0, 548))
    })

    test.each([
      ['a broadcast', udp(PEER, '10.0.0.255', 9, 'x')],
      ['the limited broadcast', udp(PEER, '255.255.255.255', 9, 'x')],
      ['a multicast', udp(PEER, '224.0.0.1', 9, 'x')],
      ['the source 0.0.0.0', udp('0.0.0.0', '255.255.255.255', 9, 'x')],
    ])('never about %s [RFC1122-3.2.2-never, RFC1812-4.3.2.7-never]', (_, packet) => {
      b.receive(packet)
      expect(b.sent()).toEqual([])
      expect(b.stack.ipv4.statistics.icmp.errorsSuppressed).toBe(1)
    })

    test('are limited [RFC1812-4.3.2.8-rate]', async () => {
      const other = await bench({ icmpRateLimit: 10, icmpBurst: 5 })
      for (let i = 0; i < 50; i++) other.receive(udp(PEER, OWN, 9, 'x'))
      expect(other.sent().length).toBe(5)
      expect(other.counted()).toMatchObject({ 'icmp.errorsSent': 5, 'icmp.errorsRateLimited': 45 })
      await other.clock.advance(1000)
      for (let i = 0; i < 50; i++) other.receive(udp(PEER, OWN, 9, 'x'))
      expect(other.sent().length).toBe(5)
      other.end()
    })
  })

  describe('errors received', () => {
    const sent = udp(OWN, FAR, 53, 'query')
    beforeEach(() => b.stack.probe.listen(1000))

    function error(type: number, code: number, word = 0, about: Uint8Array = sent): void {
      b.receive(icmp(PEER, OWN, type, code, word, about))
    }

    test.each([
      [3, 0, 'netUnreachable'],
      [3, 1, 'hostUnreachable'],
      [3, 2, 'protocolUnreachable'],
      [3, 3, 'portUnreachable'],
      [3, 9, 'prohibited'],
      [3, 10, 'prohibited'],
      [3, 13, 'prohibited'],
      [3, 14, 'hostUnreachable'],
      [3, 99, 'unknown'],
      [11, 0, 'timeExceeded'],
      [12, 0, 'parameterProblem'],
    ])('type %i code %i is told as %s [RFC1122-3.2.2-deliver, RFC1122-3.2.2.4-exceeded, RFC1122-3.2.2.5-parameter]', (type, code, kind) => {
      error(type, code)
      expect(b.stack.probe.errors).toEqual([`icmp ${kind} :1000 > :53`])
    })

    test('the first 8 bytes of data suffice', () => {
      error(3, 3, 0, sent.subarray(0, 28))
      expect(b.stack.probe.errors).toEqual(['icmp portUnreachable :1000 > :53'])
    })

    test('fewer do not', () => {
      error(3, 3, 0, sent.subarray(0, 27))
      expect(b.stack.probe.errors).toEqual([])
      expect(b.counted()).toMatchObject({ 'icmp.dropMalformed': 1 })
    })

    test('about what this host did not send is dropped', () => {
      error(3, 3, 0, udp('10.0.0.9', FAR, 53, 'query'))
      expect(b.stack.probe.errors).toEqual([])
      expect(b.counted()).toMatchObject({ 'icmp.dropStrayError': 1 })
    })

    test('about a later fragment is dropped', () => {
      error(3, 3, 0, ip(OWN, FAR, 17, new Uint8Array(16), { offset: 8 }))
      expect(b.counted()).toMatchObject({ 'icmp.dropMalformed': 1 })
    })

    test('fragmentation needed lowers the path MTU when the transport believes it (RFC 5927 §4) [RFC1191-3-lower]', () => {
      expect(b.route(FAR).mtu).toBe(1500)
      error(3, 4, 1280)
      expect(b.stack.probe.errors).toEqual(['icmp packetTooBig 1280 :1000 > :53'])
      expect(b.route(FAR).mtu).toBe(1280)
      expect(b.route('192.0.2.8').mtu).toBe(1500)
    })

    test('fragmentation needed that no transport believes changes nothing', () => {
      b.stack.probe.believes = false
      error(3, 4, 1280)
      expect(b.stack.probe.errors).toHaveLength(1)
      // Nobody is at port 1001, and protocol 6 is not there at all.
      error(3, 4, 1280, ip(OWN, FAR, 17, segment(1001, 53, 'query')))
      error(3, 4, 1280, ip(OWN, FAR, 6, new Uint8Array(20)))
      expect(b.stack.statistics().protocols['transport']).toMatchObject({ errorDelivered: 1, errorUnmatched: 2 })
      expect(b.route(FAR).mtu).toBe(1500)
    })

    test('LESSONS §7: fragmentation needed without next-hop MTU: the next plateau [RFC1191-5-old]', () => {
      error(3, 4, 0, udp(OWN, FAR, 53, 'x'.repeat(1472)))
      expect(b.route(FAR).mtu).toBe(1492)
      error(3, 4, 0, udp(OWN, FAR, 53, 'x'.repeat(1464)))
      expect(b.route(FAR).mtu).toBe(1006)
      expect([65535, 1500, 1492, 69, 68, 20].map(plateauBelow)).toEqual([32000, 1492, 1006, 68, 68, 68])
    })

    test('a next-hop MTU below 68 is a lie [RFC1191-3-floor]', () => {
      error(3, 4, 67)
      expect(b.stack.probe.errors).toEqual([])
      expect(b.route(FAR).mtu).toBe(1500)
      expect(b.counted()).toMatchObject({ 'icmp.dropMalformed': 1 })
    })

    test('source quench and redirects are ignored', () => {
      error(4, 0)
      error(5, 1)
      expect(b.stack.probe.errors).toEqual([])
      expect(b.counted()).toMatchObject({ 'icmp.dropIgnored': 2 })
    })
  })
})
