import { describe, expect, test } from 'vitest'
import {
  anyOf, arp, arpHeader, atLeast, atMost, between, check, destinationOptions, destinationOptionsHeader, ethernet, ethernetHeader, formatPacket, fragment, fragmentHeader, hopByHop,
  hopByHopHeader, icmpv4, icmpv4Header, icmpv6, icmpv6Header, ipv4, ipv4Header, ipv6, ipv6Header, layersAre, not, packet, parsePacket, payload, quoting, routing, routingHeader,
  satisfying, tcp, tcpHeader, udp, udpHeader, withProblem, type PacketChecker,
} from '../src/index.ts'

const SYN = packet(ipv4({ ttl: 64, dontFragment: true }), tcp({ flags: 'S', seq: -1, mss: 1460 }))

test('a packet that is as expected is given back taken apart', () => {
  const parsed = check(SYN, ipv4Header({ ttl: 64, dontFragment: true }), tcpHeader({ flags: 'S', seq: -1, mss: 1460, sackPermitted: false }), payload(0))
  expect(parsed.tcp!.seq).toBe(0xffff_ffff)
})

test('everything that is different is listed, with the packet', () => {
  expect(() => check(SYN, ipv4Header({ ttl: 63, source: '10.0.0.2' }), tcpHeader({ flags: 'AS', mss: null, window: between(1, 100) }), payload('x'))).toThrow(
    [
      'The packet is not as expected:',
      '  ipv4.ttl: expected 63, got 64',
      "  tcp.flags: expected 'SA', got 'S'",
      '  tcp.mss: expected null, got 1460',
      '  tcp.window: expected from 1 to 100, got 65535',
      '  payload: expected 1 bytes 78, got 0 bytes ',
      '  in IP 10.0.0.2.5000 > 10.0.0.1.7000: Flags [S], seq 4294967295, win 65535, options [mss 1460], length 0',
    ].join('\n'),
  )
})

test('what is wrong with lengths and checksums fails too, unless a checker expects it', () => {
  const bytes = packet(ipv4(), udp({ checksum: 1 }), 'x')
  expect(() => check(bytes, udpHeader())).toThrow('udp: checksum 0x0001 is wrong')
  check(bytes, udpHeader({ checksum: 1 }), withProblem('checksum'))
  expect(() => check(bytes, withProblem('total length'))).toThrow("problems: expected 'total length', got ['udp: checksum 0x0001 is wrong']")
})

/** For each checker: a packet that it agrees to, and itself with something else to say. */
const CHECKERS: readonly (readonly [string, Uint8Array, PacketChecker, PacketChecker])[] = [
  ['ethernetHeader', packet(ethernet(), ipv4(), udp()), ethernetHeader({ type: 0x0800 }), ethernetHeader({ vlan: { id: 1, priority: 0 } })],
  ['arpHeader', packet(arp({ operation: 'reply' })), arpHeader({ operation: 2 }), arpHeader({ operation: 1 })],
  ['ipv4Header', SYN, ipv4Header({ options: [] }), ipv4Header({ options: [{ kind: 'nop' }] })],
  ['ipv6Header', packet(ipv6(), udp()), ipv6Header({ hopLimit: 64 }), ipv6Header({ hopLimit: 255 })],
  ['hopByHopHeader', packet(ipv6(), hopByHop(), udp()), hopByHopHeader({ nextHeader: 17 }), hopByHopHeader({ headerLength: 16 })],
  ['destinationOptionsHeader', packet(ipv6(), destinationOptions(), udp()), destinationOptionsHeader(), destinationOptionsHeader({ nextHeader: 6 })],
  ['routingHeader', packet(ipv6(), routing(), udp()), routingHeader({ segmentsLeft: 0 }), routingHeader({ type: 4 })],
  ['fragmentHeader', packet(ipv6(), fragment(), udp()), fragmentHeader({ more: false }), fragmentHeader({ offset: 8 })],
  ['icmpv4Header', packet(ipv4(), icmpv4()), icmpv4Header({ type: 'echo-request' }), icmpv4Header({ type: 'echo-reply' })],
  ['icmpv6Header', packet(ipv6(), icmpv6()), icmpv6Header({ type: 128 }), icmpv6Header({ type: 'unreachable' })],
  ['udpHeader', packet(ipv4(), udp()), udpHeader({ length: 8 }), udpHeader({ sourcePort: 1 })],
  ['tcpHeader', SYN, tcpHeader({ options: [{ kind: 'mss', value: 1460 }] }), tcpHeader({ options: [{ kind: 'mss', value: 1461 }] })],
  ['payload', packet(ipv4(), udp(), 'abc'), payload([97, 98, 99]), payload('abd')],
  ['payload length', packet(ipv4(), udp(), 'abc'), payload(3), payload(4)],
  ['payload matcher', packet(ipv4(), udp(), 'abc'), payload(satisfying('odd', ({ length }) => length % 2 === 1)), payload(satisfying('even', ({ length }) => length % 2 === 0))],
  ['layersAre', packet(ipv6(), hopByHop(), udp()), layersAre('ipv6', 'hopByHop', 'udp'), layersAre('ipv6', 'udp')],
  ['quoting', packet(ipv4(), icmpv4({ type: 'unreachable', code: 3 }), SYN.slice(0, 28)), quoting(tcpHeader({ destinationPort: 7000 })), quoting(tcpHeader({ destinationPort: 7001 }))],
  ['a header that is not there', SYN, ipv4Header(), udpHeader()],
]
test.each(CHECKERS)('%s agrees and disagrees', (_, bytes, right, wrong) => {
  check(bytes, right)
  expect(() => check(bytes, wrong)).toThrow('The packet is not as expected')
})

test('headers are looked for in order: tunnels', () => {
  const tunnel = packet(ipv4({ ttl: 1 }), ipv4({ ttl: 2 }), tcp())
  check(tunnel, ipv4Header({ ttl: 1 }), ipv4Header({ ttl: 2 }), tcpHeader())
  expect(() => check(tunnel, ipv4Header(), ipv4Header(), ipv4Header())).toThrow('headers: expected ipv4, got ipv4, ipv4, tcp')
})

test('matchers', () => {
  const verdicts = [atLeast(64), atMost(64), anyOf(1, 64), not(63), atLeast(65), atMost(63), anyOf(1, 2), not(64)].map((ttl) => {
    try {
      check(SYN, ipv4Header({ ttl }))
      return true
    } catch {
      return false
    }
  })
  expect(verdicts).toEqual([true, true, true, true, false, false, false, false])
})

describe('one line about a packet', () => {
  test.each([
    [packet(ipv4(), tcp({ flags: 'PA', seq: 1, ack: 2 }), 'abc'), 'IP 10.0.0.2.5000 > 10.0.0.1.7000: Flags [P.], seq 1:4, ack 2, win 65535, length 3'],
    [packet(ipv6(), tcp({ flags: 'A', ack: 5, sack: [[7, 9]] })), 'IP6 fd00::2.5000 > fd00::1.7000: Flags [.], ack 5, win 65535, options [nop,nop,sack 1 {7:9}], length 0'],
    [packet(ipv4(), udp(), 'abc'), 'IP 10.0.0.2.5000 > 10.0.0.1.7000: UDP, length 3'],
    [packet(ipv4(), icmpv4({ identifier: 1, sequence: 2 }), 'abc'), 'IP 10.0.0.2 > 10.0.0.1: ICMP echo request, id 1, seq 2, length 3'],
    [packet(ipv4(), icmpv4({ type: 'unreachable', code: 3 }), packet(ipv4(), udp())), 'IP 10.0.0.2 > 10.0.0.1: ICMP unreachable code 3, quoting IP 10.0.0.2.5000 > 10.0.0.1.7000: UDP, length 0'],
    [packet(ipv6(), icmpv6({ type: 'neighbor-solicitation', target: 'fd00::1' })), 'IP6 fd00::2 > fd00::1: ICMP6, neighbor solicitation, target fd00::1, length 0'],
    [packet(ipv4({ moreFragments: true, identification: 7 }), new Uint8Array(8)), 'IP 10.0.0.2 > 10.0.0.1: frag (7:0+) protocol 253, length 8'],
    [packet(ipv4({ protocol: 47 }), 'x'), 'IP 10.0.0.2 > 10.0.0.1: protocol 47, length 1'],
    [packet(ipv4(), udp({ checksum: 1 })), 'IP 10.0.0.2.5000 > 10.0.0.1.7000: UDP, length 0 (udp: checksum 0x0001 is wrong)'],
    [Uint8Array.of(1, 2), 'unknown, length 2 (ip: neither IPv4 nor IPv6)'],
  ])('%#', (bytes, line) => {
    expect(formatPacket(bytes)).toBe(line)
  })

  test('frames', () => {
    expect(formatPacket(packet(ethernet(), arp()), { first: 'ethernet' })).toBe('02:00:00:00:00:02 > 02:00:00:00:00:01, ARP, Request who-has 10.0.0.1 tell 10.0.0.2, length 28')
    expect(formatPacket(packet(ethernet({ type: 0x88cc }), 'x'), { first: 'ethernet' })).toBe('02:00:00:00:00:02 > 02:00:00:00:00:01, ethertype 0x88cc, length 15')
  })

  test('relative numbers', () => {
    const bytes = packet(ipv4(), tcp({ flags: 'PA', seq: 1001, ack: 2001 }), 'abc')
    expect(formatPacket(parsePacket(bytes), { relativeTo: { seq: 1000, ack: 2000 } })).toContain('seq 1:4, ack 1')
  })
})
