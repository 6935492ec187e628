import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describePacket } from '../src/index.ts'
import { A4, arp, B6, checksum, ethernet, ipv4, ipv6, MAC_A, summed, SYN_OPTIONS, tcp, u16, u32, udp } from './packets.ts'

const ip = (bytes: Uint8Array): string => describePacket(bytes, 'ip')
const frame = (bytes: Uint8Array): string => describePacket(bytes, 'ethernet')
const icmp = (...bytes: number[]): Uint8Array => ipv4(1, bytes)
const icmpv6 = (...bytes: number[]): Uint8Array => ipv6(58, bytes)

describe('TCP', () => {
  test.each([
    [tcp({ flags: 0x02, options: SYN_OPTIONS }), 'Flags [S], seq 1000, win 65535, options [mss 1460,sackOK,TS val 77 ecr 0,nop,wscale 7], length 0'],
    [tcp({ flags: 0x12, ack: 5, window: 8 }), 'Flags [S.], seq 1000, ack 5, win 8, length 0'],
    [tcp({ flags: 0x18, ack: 5, payload: [1, 2, 3] }), 'Flags [P.], seq 1000:1003, ack 5, win 65535, length 3'],
    [tcp({ flags: 0x10, seq: 0xffffffff, ack: 5, payload: [1, 2] }), 'Flags [.], seq 4294967295:1, ack 5, win 65535, length 2'],
    [tcp({ flags: 0x11, ack: 5 }), 'Flags [F.], seq 1000, ack 5, win 65535, length 0'],
    [tcp({ flags: 0x04 }), 'Flags [R], seq 1000, win 65535, length 0'],
    [tcp({ flags: 0xc2 }), 'Flags [SEW], seq 1000, win 65535, length 0'],
    [tcp({ flags: 0 }), 'Flags [none], seq 1000, win 65535, length 0'],
    [tcp({ ack: 9, options: [1, 1, 5, 10, ...u32(20), ...u32(30)] }), 'Flags [.], seq 1000, ack 9, win 65535, options [nop,nop,sack 1 {20:30}], length 0'],
    [tcp({ flags: 2, options: [34, 2, 0, 0] }), 'Flags [S], seq 1000, win 65535, options [tfo cookiereq,eol], length 0'],
    [tcp({ flags: 2, options: [2, 40, 0, 0] }), 'Flags [S], seq 1000, win 65535, options [bad option 2], length 0'],
    [tcp({ flags: 2, options: [2, 1, 0, 0] }), 'Flags [S], seq 1000, win 65535, options [bad option 2], length 0'],
    [tcp({ flags: 2, options: [253, 4, 1, 2] }), 'Flags [S], seq 1000, win 65535, options [option 0xfd of 4 bytes], length 0'],
  ])('%#', (segment, text) => {
    expect(ip(ipv4(6, segment))).toBe(`IP 10.0.0.1.49152 > 10.0.0.2.80: ${text}`)
    expect(ip(ipv6(6, segment))).toBe(`IP6 2001:db8::1.49152 > fe80::2.80: ${text}`)
  })

  test('a lying data offset', () => {
    const segment = tcp({})
    segment[12] = 0xf0
    expect(ip(ipv4(6, segment))).toContain('tcp [bad header length 60]')
    segment[12] = 0x10
    expect(ip(ipv4(6, segment))).toContain('tcp [bad header length 4]')
  })
})

describe('UDP', () => {
  test('ports and length', () => {
    expect(ip(ipv4(17, udp([1, 2, 3])))).toBe('IP 10.0.0.1.5000 > 10.0.0.2.53: UDP, length 3')
  })

  test('a length that lies', () => {
    const datagram = udp([1])
    datagram.splice(4, 2, ...u16(100))
    expect(ip(ipv4(17, datagram))).toBe('IP 10.0.0.1.5000 > 10.0.0.2.53: UDP, [bad length 100]')
  })
})

describe('ICMP', () => {
  const original = [...ipv4(17, udp([]))]
  test.each([
    [[8, 0, 0, 0, ...u16(7), ...u16(1)], 'ICMP echo request, id 7, seq 1, length 8'],
    [[0, 0, 0, 0, ...u16(7), ...u16(1), 9], 'ICMP echo reply, id 7, seq 1, length 9'],
    [[3, 3, 0, 0, 0, 0, 0, 0, ...original], 'ICMP 10.0.0.2 port unreachable, length 36'],
    [[3, 4, 0, 0, 0, 0, ...u16(1280), ...original], 'ICMP 10.0.0.2 need to frag (mtu 1280), length 36'],
    [[3, 77, 0, 0, 0, 0, 0, 0], 'ICMP unreachable code 77, length 8'],
    [[11, 0, 0, 0, 0, 0, 0, 0, ...original], 'ICMP 10.0.0.2 time exceeded in transit, length 36'],
    [[12, 0, 0, 0, 20, 0, 0, 0], 'ICMP parameter problem at 20, length 8'],
    [[5, 0, 0, 0, 10, 0, 0, 254], 'ICMP redirect to 10.0.0.254, length 8'],
    [[99, 2, 0, 0, 0, 0, 0, 0], 'ICMP type 99 code 2, length 8'],
    [[8, 0], 'ICMP [truncated]'],
  ])('%#', (message, text) => {
    expect(ip(icmp(...message))).toBe(`IP 10.0.0.1 > 10.0.0.2: ${text}`)
  })
})

describe('ICMPv6', () => {
  const original = [...ipv6(17, udp([]))]
  test.each([
    [[128, 0, 0, 0, ...u16(7), ...u16(1)], 'ICMP6, echo request, id 7, seq 1, length 8'],
    [[1, 4, 0, 0, 0, 0, 0, 0, ...original], 'ICMP6, fe80::2 port unreachable, length 56'],
    [[2, 0, 0, 0, ...u32(1280), ...original], 'ICMP6, fe80::2 packet too big, mtu 1280, length 56'],
    [[133, 0, 0, 0, 0, 0, 0, 0], 'ICMP6, router solicitation, length 8'],
    [[134, 0, 0, 0, 64, 0, ...u16(1800), ...u32(0), ...u32(0)], 'ICMP6, router advertisement, hop limit 64, lifetime 1800 s, length 16'],
    [[135, 0, 0, 0, 0, 0, 0, 0, ...B6], 'ICMP6, neighbor solicitation, who has fe80::2, length 24'],
    [[136, 0, 0, 0, 0x60, 0, 0, 0, ...B6], 'ICMP6, neighbor advertisement, tgt is fe80::2, flags [solicited override], length 24'],
    [[143, 0, 0, 0, 0, 0, ...u16(2)], 'ICMP6, multicast listener report v2, 2 group records, length 8'],
    [[200, 1, 0, 0], 'ICMP6, type 200 code 1, length 4'],
    [[135], 'ICMP6 [truncated]'],
  ])('%#', (message, text) => {
    expect(ip(icmpv6(...message))).toBe(`IP6 2001:db8::1 > fe80::2: ${text}`)
  })
})

describe('IP', () => {
  test('fragments', () => {
    const first = ipv4(17, udp([1, 2, 3]), { id: 9, fragment: 0x2000 })
    expect(ip(first)).toBe('IP 10.0.0.1.5000 > 10.0.0.2.53: UDP, length 3 (frag id 9 0-10+)')
    const long = udp([1, 2, 3])
    long.splice(4, 2, ...u16(3008))
    expect(ip(ipv4(17, long, { id: 9, fragment: 0x2000 }))).toContain('UDP, length 3000 (frag id 9 0-10+)')
    expect(ip(ipv6(44, [17, 0, ...u16(1), ...u32(5), ...long]))).toContain('UDP, length 3000 (frag id 5 0-10+)')
    const last = ipv4(17, [1, 2, 3, 4], { id: 9, fragment: 185 })
    expect(ip(last)).toBe('IP 10.0.0.1 > 10.0.0.2: proto 17, length 4 (frag id 9 1480-1483)')
    expect(ip(ipv6(44, [17, 0, ...u16(8), ...u32(5), 1, 2, 3, 4]))).toBe('IP6 2001:db8::1 > fe80::2: next header 17, length 4 (frag id 5 8-11)')
    expect(ip(ipv6(44, [17, 0, ...u16(1), ...u32(5), ...udp([])]))).toBe('IP6 2001:db8::1.5000 > fe80::2.53: UDP, length 0 (frag id 5 0-7+)')
  })

  test('extension headers', () => {
    const options = [58, 0, 5, 2, 0, 0, 1, 0]
    expect(ip(ipv6(0, [...options, 131, 0, 0, 0, 0, 0, 0, 0]))).toBe('IP6 2001:db8::1 > fe80::2: ICMP6, multicast listener report, length 8')
    expect(ip(ipv6(60, [6, 200, 0, 0, 0, 0, 0, 0]))).toContain('[bad extension header length]')
    expect(ip(ipv6(0, [0]))).toContain('[truncated extension header 0]')
    expect(ip(ipv6(59, []))).toContain('no next header')
  })

  test('other protocols', () => {
    expect(ip(ipv4(2, [0x16, 0, 0, 0, 224, 0, 0, 1]))).toBe('IP 10.0.0.1 > 10.0.0.2: igmp v2 report, length 8')
    expect(ip(ipv4(47, [1, 2]))).toBe('IP 10.0.0.1 > 10.0.0.2: proto 47, length 2')
  })

  test('lengths that lie, and packets cut short', () => {
    const packet = ipv4(17, udp([1, 2, 3]))
    expect(ip(packet.subarray(0, 12))).toBe('IP [truncated, 12 bytes]')
    expect(ip(packet.subarray(0, 22))).toBe('IP 10.0.0.1 > 10.0.0.2: UDP [truncated]')
    expect(ip(Uint8Array.from([0x41, ...packet.subarray(1)]))).toBe('IP [bad header length 4]')
    expect(ip(Uint8Array.from([0x4f, ...packet.subarray(1)]))).toBe('IP 10.0.0.1 > 10.0.0.2: [bad total length 31]')
    expect(ip(Uint8Array.of())).toBe('[empty]')
    expect(ip(Uint8Array.of(0x10))).toBe('unknown IP version 1, length 1')
  })

  test('bytes behind the packet are not its own', () => {
    const padded = Uint8Array.from([...ipv4(17, udp([1])), 0xde, 0xad])
    expect(ip(padded)).toBe('IP 10.0.0.1.5000 > 10.0.0.2.53: UDP, length 1')
    const short = Uint8Array.from([...ipv4(17, []), 1, 2, 3, 4, 5, 6, 7, 8])
    expect(ip(short)).toBe('IP 10.0.0.1 > 10.0.0.2: UDP [truncated]')
  })

  test.each([
    [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], '::'],
    [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], '::1'],
    [[0x20, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1], '2001:0:1::1:0:1'],
    [[0x20, 1, 0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6], '2001:0:1:2:3:4:5:6'],
    [[0x20, 1, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 3], '2001:1::2:0:0:3'],
  ])('%#: IPv6 text', (source, text) => {
    expect(ip(ipv6(59, [], { source }))).toBe(`IP6 ${text} > fe80::2: no next header`)
  })
})

describe('Ethernet', () => {
  test('ARP', () => {
    expect(frame(ethernet(0x0806, arp(1)))).toBe('ARP, Request who-has 10.0.0.2 tell 10.0.0.1')
    expect(frame(ethernet(0x0806, arp(2)))).toBe('ARP, Reply 10.0.0.1 is-at 02:00:00:00:00:01')
    expect(frame(ethernet(0x0806, arp(1, [0, 0, 0, 0])))).toBe('ARP, Probe 10.0.0.2')
    expect(frame(ethernet(0x0806, arp(1, A4, A4)))).toBe('ARP, Announcement 10.0.0.1 is-at 02:00:00:00:00:01')
    expect(frame(ethernet(0x0806, arp(9)))).toBe('ARP, operation 9')
    expect(frame(ethernet(0x0806, [0, 6]))).toBe('ARP [truncated, 2 bytes]')
  })

  test('tags, other types and short frames', () => {
    expect(frame(ethernet(0x8100, [...u16(0x2005), ...u16(0x0800), ...ipv4(17, udp([]))]))).toBe('vlan 5, IP 10.0.0.1.5000 > 10.0.0.2.53: UDP, length 0')
    expect(frame(ethernet(0x88cc, [1]))).toBe('02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 0x88cc, length 15')
    expect(frame(ethernet(38, [0x42, 0x42, 3]))).toBe('02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 38')
    expect(frame(Uint8Array.from(MAC_A))).toBe('Ethernet [truncated, 6 bytes]')
    expect(frame(ethernet(0x8100, [0]))).toContain('ethertype 0x8100')
  })
})

describe('any bytes', () => {
  const line = (text: string): boolean => text.length > 0 && !/[\n\r]/.test(text)

  test('make one line', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom('ip' as const, 'ethernet' as const), (bytes, framing) => line(describePacket(bytes, framing))), { numRuns: 3000, seed: 1 })
  })

  test('so do good packets that were cut or changed', () => {
    const good = [
      ethernet(0x0806, arp(1)),
      ethernet(0x0800, ipv4(6, summed(tcp({ flags: 2, options: SYN_OPTIONS }), 16, 6))),
      ethernet(0x0800, ipv4(1, [3, 3, 0, 0, 0, 0, 0, 0, ...ipv4(17, udp([]))])),
      ethernet(0x86dd, ipv6(0, [44, 0, 5, 2, 0, 0, 1, 0, 58, 0, 0, 0, ...u32(1), 136, 0, 0, 0, 0x60, 0, 0, 0, ...B6])),
      ethernet(0x8100, [0, 5, 0x86, 0xdd, ...ipv6(17, udp([1, 2]))]),
    ]
    expect(checksum(good[1]!.subarray(14, 34))).toBe(0)
    const changes = fc.array(fc.tuple(fc.nat(100), fc.nat(255)), { maxLength: 6 })
    fc.assert(fc.property(fc.constantFrom(...good), fc.nat(100), changes, (bytes, length, pokes) => {
      const changed = bytes.slice(0, length)
      for (const [at, value] of pokes) if (at < changed.length) changed[at] = value
      return line(describePacket(changed, 'ethernet')) && line(describePacket(changed.subarray(14), 'ip'))
    }), { numRuns: 5000, seed: 2 })
  })
})
