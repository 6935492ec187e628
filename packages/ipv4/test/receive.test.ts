import { createPacketMemory } from '@stack/buffer'
import { mappedAddress } from '@stack/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bench, OWN, PEER } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { bytesOf, ip, ping, udp } from './support/packets.ts'

describe('receiving', () => {
  let b: Bench
  beforeEach(async () => {
    b = await bench()
  })
  afterEach(() => b.end())

  function refused(packet: Uint8Array, counter: string): void {
    b.receive(packet)
    expect(b.stack.probe.received).toEqual([])
    expect(b.sent()).toEqual([])
    expect(b.counted()).toEqual({ [counter]: 1 })
  }

  test('a datagram to an own address is delivered', () => {
    b.receive(udp(PEER, OWN, 7, 'hello'))
    expect(b.stack.probe.received).toEqual(['10.0.0.2 > 10.0.0.1:7 "hello"'])
    expect(b.counted()).toEqual({ delivered: 1 })
  })

  test('LESSONS §7: header checksum is verified [RFC1122-3.2.1.2-checksum, RFC1812-4.2.2.5-checksum]', () => {
    const packet = udp(PEER, OWN, 7, 'hello')
    packet[10]! ^= 1
    refused(packet, 'dropBadChecksum')
  })

  test('padding of the link is cut off', () => {
    b.receive(bytesOf(udp(PEER, OWN, 7, 'hi'), new Uint8Array(16)))
    expect(b.stack.probe.received).toEqual(['10.0.0.2 > 10.0.0.1:7 "hi"'])
  })

  test.each([
    ['a total length behind the end', udp(PEER, OWN, 7, 'x', { length: 40 })],
    ['a total length below the header', udp(PEER, OWN, 7, 'x', { length: 19 })],
    ['a header length below 20', Uint8Array.from(udp(PEER, OWN, 7, 'x'), (byte, i) => (i === 0 ? 0x44 : byte))],
    ['a header length behind the end', Uint8Array.from(udp(PEER, OWN, 7, 'x'), (byte, i) => (i === 0 ? 0x4f : byte))],
    ['version 6', Uint8Array.from(udp(PEER, OWN, 7, 'x'), (byte, i) => (i === 0 ? 0x65 : byte))],
  ])('%s is malformed [RFC1122-3.2.1.1-version]', (_, packet) => refused(packet, 'dropMalformed'))

  test.each(['255.255.255.255', '10.0.0.255', '224.0.0.1', '239.1.2.3', '0.0.0.0', '0.0.0.9', '127.0.0.1', OWN])(
    'LESSONS §7: broadcast or multicast source, martian loopback: %s is no source [RFC1122-3.2.1.3-bad-source, RFC1122-3.2.1.3-zero, RFC1122-4.1.3.6-invalid]', (source) => refused(udp(source, OWN, 7, 'x'), 'dropMartianSource'),
  )

  test('without an address yet, a host may speak to all [RFC1122-3.2.1.3-zero]', () => {
    b.stack.probe.listen(67)
    b.receive(udp('0.0.0.0', '255.255.255.255', 67, 'discover'))
    expect(b.stack.probe.received).toEqual(['0.0.0.0 > 255.255.255.255:67 "discover"'])
  })

  test.each(['127.0.0.1', '0.0.0.0', '0.1.2.3'])('destination %s is a martian [RFC1122-3.2.1.3-loopback]', (destination) => refused(udp(PEER, destination, 7, 'x'), 'dropMartianDestination'))

  test.each([0, 1])('a time to live of %i is no reason to drop what has arrived [RFC1122-3.2.1.7-ttl, RFC1812-4.2.2.9-ttl]', (ttl) => {
    b.receive(udp(PEER, OWN, 7, 'last step', { ttl }))
    expect(b.stack.probe.received).toEqual(['10.0.0.2 > 10.0.0.1:7 "last step"'])
  })

  test('what is for others is dropped [RFC1122-3.2.1.3-destination]', () => refused(udp(PEER, '10.0.0.3', 7, 'x'), 'dropOtherHost'))

  test.each(['255.255.255.255', '10.0.0.255', '224.0.0.1'])('%s is for us too [RFC1122-3.2.1.3-broadcast, RFC1122-3.3.6-broadcast]', (destination) => {
    b.receive(udp(PEER, destination, 7, 'all'))
    expect(b.stack.probe.received).toEqual([`10.0.0.2 > ${destination}:7 "all"`])
  })

  test('LESSONS §7: broadcast is derived from the interface subnet, not from a route', () => {
    b.stack.routes.add({ destination: '10.9.0.0/16', gateway: PEER })
    refused(udp(PEER, '10.9.255.255', 7, 'x'), 'dropOtherHost')
  })

  test('groups are received while joined', () => {
    const group = mappedAddress(0xe00000fb)
    const endpoint = b.nic.networkInterface.networkEndpoint(0x0800) as unknown as { joinGroup(g: object): unknown; leaveGroup(g: object): unknown }
    refused(udp(PEER, '224.0.0.251', 7, 'x'), 'dropNotJoined')
    expect(endpoint.joinGroup(group)).toBeNull()
    b.receive(udp(PEER, '224.0.0.251', 7, 'mdns'))
    expect(b.stack.probe.received).toEqual(['10.0.0.2 > 224.0.0.251:7 "mdns"'])
    expect(endpoint.leaveGroup(group)).toBeNull()
    expect(endpoint.leaveGroup(group)).toBe('EADDRNOTAVAIL')
    expect(endpoint.joinGroup(mappedAddress(0x0a000001))).toBe('EINVAL')
    b.receive(udp(PEER, '224.0.0.251', 7, 'mdns'))
    expect(b.counted()).toEqual({ delivered: 1, dropNotJoined: 2 })
  })

  test('a promiscuous NIC accepts any address', () => {
    b.nic.setPromiscuous(true)
    b.receive(udp(PEER, '192.0.2.1', 7, 'any'))
    expect(b.stack.probe.received).toEqual(['10.0.0.2 > 192.0.2.1:7 "any"'])
  })

  test('RFC 7126: source routes are refused', () => {
    refused(udp(PEER, OWN, 7, 'x', { options: [131, 7, 4, 10, 0, 0, 9, 0] }), 'dropSourceRoute')
  })

  test('a wrong option is answered with where it is [RFC1812-4.3.3.5-parameter]', () => {
    b.receive(udp(PEER, OWN, 7, 'x', { options: [1, 7, 9, 4] }))
    expect(b.sent()).toEqual(['10.0.0.1 > 10.0.0.2 tos 192 parameter problem 0 pointer 22 [10.0.0.2 > 10.0.0.1, 33 bytes]'])
    expect(b.counted()).toEqual({ dropBadOption: 1, 'icmp.errorsSent': 1 })
  })

  test('other options do no harm [RFC1122-3.2.1.8-options]', () => {
    b.receive(udp(PEER, OWN, 7, 'x', { options: [148, 4, 0, 0, 0x9e, 4, 1, 2, 7, 7, 4, 0, 0, 0, 0, 0] }))
    expect(b.sent()).toEqual([])
    expect(b.stack.probe.received).toEqual(['10.0.0.2 > 10.0.0.1:7 "x"'])
  })

  test('nobody on the port: port unreachable [RFC1122-3.2.2.1-unreachable]', () => {
    b.receive(udp(PEER, OWN, 9, 'x'))
    expect(b.sent()).toEqual(['10.0.0.1 > 10.0.0.2 tos 192 unreachable 3 [10.0.0.2 > 10.0.0.1, 29 bytes]'])
    expect(b.counted()).toEqual({ delivered: 1, dropPortUnreachable: 1, 'icmp.errorsSent': 1 })
  })

  test('no such protocol: protocol unreachable [RFC1122-3.2.2.1-unreachable]', () => {
    b.receive(ip(PEER, OWN, 99, bytesOf('x')))
    expect(b.sent()).toEqual(['10.0.0.1 > 10.0.0.2 tos 192 unreachable 2 [10.0.0.2 > 10.0.0.1, 21 bytes]'])
  })

  test('fragments become a datagram [RFC1122-3.2.1.4-fragments, RFC1122-3.3.2-reassembly]', () => {
    const data = Uint8Array.from({ length: 3000 }, (_, i) => i)
    const whole = udp(PEER, OWN, 7, data).subarray(20)
    const cut = (from: number, to: number): Uint8Array => ip(PEER, OWN, 17, whole.subarray(from, to), { id: 5, offset: from, mf: to < whole.length })
    b.receive(cut(2400, 3008), cut(0, 1200), cut(1200, 2400))
    expect(b.stack.probe.payloads).toEqual([data])
    expect(b.stack.ipv4.statistics.reassembly.reassembled).toBe(1)
  })

  test('the header of a datagram put together is a whole one: an error about it quotes it so', () => {
    const whole = udp(PEER, OWN, 9, 'x'.repeat(92)).subarray(20)
    b.receive(ip(PEER, OWN, 17, whole.subarray(0, 64), { id: 5, mf: true, options: [148, 4, 0, 0] }), ip(PEER, OWN, 17, whole.subarray(64), { id: 5, offset: 64 }))
    expect(b.sentBytes()[0]!.subarray(28)).toEqual(ip(PEER, OWN, 17, whole, { id: 5, options: [148, 4, 0, 0] }))
  })

  test('LESSONS §7: reassembly overlap is not accepted', () => {
    const whole = udp(PEER, OWN, 7, 'a'.repeat(100)).subarray(20)
    b.receive(ip(PEER, OWN, 17, whole.subarray(0, 64), { id: 5, mf: true }), ip(PEER, OWN, 17, whole.subarray(56), { id: 5, offset: 56 }))
    b.receive(ip(PEER, OWN, 17, whole.subarray(64), { id: 5, offset: 64 }))
    expect(b.stack.probe.received).toEqual([])
    expect(b.stack.ipv4.statistics.reassembly).toMatchObject({ overlapped: 1, dropIgnored: 1, bytesHeld: 0 })
  })

  test('a datagram whose rest never comes: time exceeded in reassembly [RFC1122-3.3.2-reassembly]', async () => {
    b.receive(ip(PEER, OWN, 17, new Uint8Array(64), { id: 5, mf: true }))
    await b.clock.advance(29_999)
    expect(b.sent()).toEqual([])
    await b.clock.advance(1)
    expect(b.sent()).toEqual(['10.0.0.1 > 10.0.0.2 tos 192 time exceeded 1 [10.0.0.2 > 10.0.0.1, 84 bytes]'])
    b.receive(ip(PEER, OWN, 17, new Uint8Array(64), { id: 6, offset: 64 }))
    await b.clock.advance(30_000)
    expect(b.sent()).toEqual([])
  })

  test('an endpoint that is down receives nothing', () => {
    b.nic.down()
    b.receive(udp(PEER, OWN, 7, 'x'))
    expect(b.stack.probe.received).toEqual([])
  })

  test('random and truncated packets are counted and never throw', async () => {
    // Fragments that nobody completes may take more than a small memory has.
    const other = await bench({}, {}, {}, createPacketMemory({ size: 8 << 20 }).pool())
    let state = 9
    const random = (): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 8
    const good = [udp(PEER, OWN, 7, 'hello', { options: [7, 7, 4, 0, 0, 0, 0, 0] }), ping(PEER, OWN, 'ping'), udp(PEER, OWN, 9, 'x'), ip(PEER, OWN, 17, new Uint8Array(16), { mf: true })]
    const fix = (packet: Uint8Array): void => {
      // Half of the time the checksum is right, so that what lies behind it is reached.
      const length = Math.min((packet[0]! & 15) * 4, packet.length)
      if (length < 20) return
      packet[10] = packet[11] = 0
      let sum = 0
      for (let i = 0; i < length; i += 2) sum += (packet[i]! << 8) | packet[i + 1]!
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
      packet[10] = (~sum >> 8) & 255
      packet[11] = ~sum & 255
    }
    let received = 0
    for (let i = 0; i < 5000; i++) {
      const packet = good[random() % good.length]!.slice()
      for (let n = random() % 4; n > 0; n--) packet[random() % packet.length] = random()
      const cut = random() % 4 === 0 ? packet.slice(0, random() % packet.length) : packet
      if (cut.length === 0) continue
      if (random() % 2 === 0) fix(cut)
      other.receive(cut)
      if (cut.length >= 20) received++
      if (i % 100 === 0) other.clock.advanceSync(1000)
      other.sentBytes()
    }
    expect(other.stack.ipv4.statistics.ipv4.received).toBe(received)
    other.end()
  })
})
