import { describe, expect, test } from 'vitest'
import {
  arp, destinationOptions, ethernet, fragment, fragmentsOf, hex, hopByHop, icmpv4, icmpv6, internetChecksum, ipv4, ipv6, packet, parsePacket, routing, tcp, toHex,
  udp, type Layer, type NdpOption, type TcpOption,
} from '../src/index.ts'

describe('bytes as the RFCs and others have them', () => {
  test('an IPv4 header with its checksum', () => {
    const header = packet(ipv4({ dontFragment: true, source: '192.168.0.1', destination: '192.168.0.199', protocol: 17, totalLength: 0x73 }))
    expect(toHex(header)).toBe('450000730000400040' + '11b861c0a80001c0a800c7')
  })

  test('RFC 1071 §3: the example sums to ddf2', () => {
    expect(internetChecksum(hex('0001 f203 f4f5 f6f7'))).toBe(~0xddf2 & 0xffff)
    expect(internetChecksum(hex('0001 f203 f4f5 f6f7 220d'))).toBe(0)
    expect(internetChecksum(Uint8Array.of(1))).toBe(~0x0100 & 0xffff)
  })

  test('a SYN', () => {
    const syn = packet(ipv4(), tcp({ flags: 'S', seq: 1, mss: 1460, sackPermitted: true, timestamps: { value: 1, echo: 0 }, windowScale: 7 }))
    expect(toHex(syn.subarray(20))).toBe('13881b58' + '00000001' + '00000000' + 'a002ffff' + toHex(syn.subarray(36, 38)) + '0000' + '020405b4' + '0402080a00000001' + '00000000' + '01030307')
    expect(parsePacket(syn).problems).toEqual([])
  })

  test('a UDP checksum worked out by hand', () => {
    const bytes = packet(ipv4(), udp({ sourcePort: 1, destinationPort: 2 }), [3])
    // 0a00 + 0002 + 0a00 + 0001 + 17 + 9 + 1 + 2 + 9 + 0300
    expect(parsePacket(bytes).udp).toMatchObject({ length: 9, checksum: ~(0x0a00 + 2 + 0x0a00 + 1 + 17 + 9 + 1 + 2 + 9 + 0x300) & 0xffff })
  })

  test('a UDP checksum of 0 goes as ffff', () => {
    // The data makes the sum ffff.
    const without = parsePacket(packet(ipv4(), udp(), [0, 0])).udp!.checksum
    expect(parsePacket(packet(ipv4(), udp(), [without >> 8, without & 255])).udp!.checksum).toBe(0xffff)
  })

  test('an ARP request in a frame that is padded', () => {
    const frame = packet(ethernet({ destination: 'ff:ff:ff:ff:ff:ff', pad: true }), arp())
    expect(toHex(frame)).toBe(`ffffffffffff020000000002080600010800060400010200000000020a0000020000000000000a000001${'00'.repeat(18)}`)
    expect(parsePacket(frame, { first: 'ethernet' })).toMatchObject({ problems: [], arp: { operation: 1, sender: '10.0.0.2', target: '10.0.0.1' } })
  })

  test('a neighbour solicitation', () => {
    const bytes = packet(ipv6({ source: 'fe80::2', destination: 'ff02::1:ff00:1', hopLimit: 255 }), icmpv6({ type: 'neighbor-solicitation', target: 'fe80::1', options: [{ kind: 'sourceLinkAddress', address: '02:00:00:00:00:02' }] }))
    const target = 'fe80000000000000' + '0000000000000001'
    expect(toHex(bytes.subarray(0, 40))).toBe('6000000000203aff' + 'fe800000000000000000000000000002' + 'ff0200000000000000000001ff000001')
    expect(toHex(bytes.with(42, 0).with(43, 0).subarray(40))).toBe('87000000' + '00000000' + target + '0101020000000002')
    expect(parsePacket(bytes).problems).toEqual([])
  })
})

const ADDRESSES: readonly (readonly [string, string])[] = [
  ['::', '::'], ['::1', '::1'], ['1:0:0:2::', '1:0:0:2::'], ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'], ['::ffff:10.0.0.1', '::ffff:10.0.0.1'], ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
]
test.each(ADDRESSES)('the address %s is read as %s', (text, canonical) => {
  expect(parsePacket(packet(ipv6({ source: text }))).ipv6!.source).toBe(canonical)
})

test.each(['1.2.3', '1.2.3.256', '1.2.3.4.5', 'a.b.c.d', ''])('%s is no IPv4 address', (source) => {
  expect(() => ipv4({ source })).toThrow('not an IPv4 address')
})
test.each(['1:2:3', '1::2::3', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8:9', 'g::', '::10.0.0.256'])('%s is no IPv6 address', (source) => {
  expect(() => ipv6({ source })).toThrow('not an IPv')
})

const TCP_OPTIONS: readonly TcpOption[] = [
  { kind: 'nop' }, { kind: 'mss', value: 1460 }, { kind: 'windowScale', shift: 14 }, { kind: 'sackPermitted' }, { kind: 'sack', blocks: [[1, 2], [4_000_000_000, 5]] },
  { kind: 'timestamps', value: 4_294_967_295, echo: 1 }, { kind: 'fastOpen', cookie: new Uint8Array(0) }, { kind: 'fastOpen', cookie: hex('0102030405060708') },
  { kind: 'fastOpenExperimental', cookie: hex('01020304') }, { kind: 'userTimeout', granularity: 'minutes', value: 5 }, { kind: 'md5', digest: new Uint8Array(16).fill(7) },
  { kind: 'accEcn0', counters: [1, 2, 0xffffff] }, { kind: 'accEcn1', counters: [1] }, { kind: 'unknown', number: 200, data: hex('010203') },
]
test.each(TCP_OPTIONS.map((option) => [option.kind, option] as const))('TCP option %s comes back as it went', (_, option) => {
  const parsed = parsePacket(packet(ipv4(), tcp({ options: [option] }), 'data'))
  expect(parsed.problems).toEqual([])
  expect(parsed.tcp!.options).toEqual([option])
  expect(parsed.payload).toEqual(new TextEncoder().encode('data'))
})

test('more than 40 bytes of TCP options are an error', () => {
  expect(() => packet(ipv4(), tcp({ mss: 1, options: [{ kind: 'unknown', number: 9, data: new Uint8Array(40) }] }))).toThrow('do not fit')
})

test.each(['S', 'SA', 'FPA', 'R', 'SECN', ''])('TCP flags %s come back', (flags) => {
  expect(parsePacket(packet(ipv6(), tcp({ flags, reserved: 5 }))).tcp).toMatchObject({ flags, reserved: 5 })
})
test('a letter that is no flag is an error', () => {
  expect(() => packet(ipv4(), tcp({ flags: 'X' }))).toThrow('not a TCP flag')
})

const NDP_OPTIONS: readonly NdpOption[] = [
  { kind: 'sourceLinkAddress', address: '02:00:00:00:00:02' }, { kind: 'targetLinkAddress', address: '02:00:00:00:00:03' },
  { kind: 'prefixInformation', prefix: '2001:db8::', prefixLength: 64, onLink: true, autonomous: false, validLifetime: 4_294_967_295, preferredLifetime: 3600 },
  { kind: 'redirectedHeader', packet: new Uint8Array(16).fill(3) }, { kind: 'mtu', value: 1400 }, { kind: 'nonce', value: new Uint8Array(6).fill(1) },
  { kind: 'recursiveDnsServers', lifetime: 600, servers: ['2001:db8::53', '2001:db8::54'] }, { kind: 'unknown', number: 99, data: new Uint8Array(14).fill(9) },
]
test.each(NDP_OPTIONS.map((option) => [option.kind, option] as const))('NDP option %s comes back as it went', (_, option) => {
  const parsed = parsePacket(packet(ipv6({ hopLimit: 255 }), icmpv6({ type: 'router-solicitation', options: [option] })))
  expect(parsed.problems).toEqual([])
  expect(parsed.icmpv6!.options).toEqual([option])
})

/** Headers that the parser has to give back with the fields that the builder was told. */
const HEADERS: readonly (readonly [string, readonly Layer[], string, object])[] = [
  ['IPv4 with everything', [ipv4({ tos: 0xb8, ecn: 1, identification: 7, ttl: 3, source: '1.2.3.4', reserved: true, options: [{ kind: 'routerAlert', value: 0 }, { kind: 'recordRoute', addresses: ['0.0.0.0', '1.1.1.1'] }] }), udp()], 'ipv4',
    { tos: 0xb9, ecn: 1, identification: 7, ttl: 3, source: '1.2.3.4', reserved: true, headerLength: 36, protocol: 17, options: [{ kind: 'routerAlert', value: 0 }, { kind: 'recordRoute', pointer: 4, addresses: ['0.0.0.0', '1.1.1.1'] }] }],
  ['IPv6 with everything', [ipv6({ trafficClass: 0xb8, ecn: 2, flowLabel: 0xabcde, hopLimit: 3 }), udp()], 'ipv6', { trafficClass: 0xba, ecn: 2, flowLabel: 0xabcde, hopLimit: 3, nextHeader: 17, payloadLength: 8 }],
  ['IPv6 with nothing', [ipv6()], 'ipv6', { nextHeader: 59, payloadLength: 0 }],
  ['a VLAN tag', [ethernet({ vlan: { id: 100, priority: 5 } }), ipv4(), udp()], 'ethernet', { vlan: { id: 100, priority: 5 }, type: 0x0800 }],
  ['ICMPv4 echo', [ipv4(), icmpv4({ identifier: 7, sequence: 9 })], 'icmpv4', { type: 8, code: 0, identifier: 7, sequence: 9, mtu: null }],
  ['ICMPv4 fragmentation needed', [ipv4(), icmpv4({ type: 'unreachable', code: 4, mtu: 1280 })], 'icmpv4', { type: 3, code: 4, mtu: 1280, identifier: null }],
  ['ICMPv4 parameter problem', [ipv4(), icmpv4({ type: 'parameter-problem', pointer: 20 })], 'icmpv4', { type: 12, pointer: 20 }],
  ['ICMPv4 redirect', [ipv4(), icmpv4({ type: 'redirect', code: 1, gateway: '10.0.0.254' })], 'icmpv4', { type: 5, gateway: '10.0.0.254' }],
  ['ICMPv6 echo', [ipv6(), icmpv6({ identifier: 7, sequence: 9 })], 'icmpv6', { type: 128, identifier: 7, sequence: 9, options: null }],
  ['ICMPv6 packet too big', [ipv6(), icmpv6({ type: 'packet-too-big', mtu: 1280 })], 'icmpv6', { type: 2, mtu: 1280, pointer: null }],
  ['neighbour advertisement', [ipv6(), icmpv6({ type: 'neighbor-advertisement', target: 'fd00::2', solicited: true, override: true })], 'icmpv6', { target: 'fd00::2', router: false, solicited: true, override: true }],
  ['redirect', [ipv6(), icmpv6({ type: 'redirect', target: 'fe80::1', destination: 'fd00::9' })], 'icmpv6', { target: 'fe80::1', destination: 'fd00::9' }],
  ['router advertisement', [ipv6(), icmpv6({ type: 'router-advertisement', hopLimit: 9, managed: true, routerLifetime: 5, reachableTime: 6, retransTimer: 7 })], 'icmpv6', { hopLimit: 9, managed: true, other: false, routerLifetime: 5, reachableTime: 6, retransTimer: 7 }],
  ['listener report', [ipv6(), icmpv6({ type: 'listener-report', group: 'ff02::1:3', maximumResponseDelay: 0 })], 'icmpv6', { group: 'ff02::1:3', maximumResponseDelay: 0 }],
  ['hop-by-hop options', [ipv6(), hopByHop({ options: [{ kind: 'routerAlert', value: 0 }] }), udp()], 'hopByHop', { nextHeader: 17, headerLength: 8, options: [{ kind: 'routerAlert', value: 0 }, { kind: 'padN', length: 2 }] }],
  ['destination options', [ipv6(), destinationOptions({ options: [{ kind: 'jumbo', length: 70_000 }, { kind: 'pad1' }, { kind: 'unknown', number: 0x1e, data: hex('0102') }] }), tcp()], 'destinationOptions',
    { nextHeader: 6, headerLength: 16, options: [{ kind: 'jumbo', length: 70_000 }, { kind: 'pad1' }, { kind: 'unknown', number: 0x1e, data: hex('0102') }, { kind: 'padN', length: 3 }] }],
  ['a routing header', [ipv6(), routing({ type: 2, addresses: ['fd00::9'] }), tcp()], 'routing', { type: 2, segmentsLeft: 1, addresses: ['fd00::9'], headerLength: 24, nextHeader: 6 }],
  ['a fragment header', [ipv6(), fragment({ offset: 8, more: true, identification: 0xfeedface })], 'fragment', { offset: 8, more: true, identification: 0xfeedface }],
  ['IPv6 in IPv4', [ipv4(), ipv6(), tcp()], 'ipv4', { protocol: 41 }],
  ['IPv4 in IPv6', [ipv6(), ipv4(), tcp()], 'ipv6', { nextHeader: 4 }],
]
test.each(HEADERS)('%s comes back as it went', (_, layers, name, fields) => {
  const parsed = parsePacket(packet(...layers), { first: layers[0]!.layer === 'ethernet' ? 'ethernet' : 'ip' })
  expect(parsed.problems).toEqual([])
  expect(parsed.layers.find(({ layer }) => layer === name)).toMatchObject(fields)
})

test('a checksum behind a routing header is made for the last address (RFC 8200 §8.1)', () => {
  const routed = packet(ipv6(), routing({ addresses: ['fd00::8', 'fd00::9'] }), udp(), 'x')
  const direct = packet(ipv6({ destination: 'fd00::9' }), udp(), 'x')
  expect(parsePacket(routed).udp!.checksum).toBe(parsePacket(direct).udp!.checksum)
})

describe('headers that lie', () => {
  test.each([
    ['the IPv4 checksum', packet(ipv4({ checksum: 1 }), udp()), 'ipv4: checksum 0x0001 is wrong'],
    ['the total length', packet(ipv4({ totalLength: 100 }), udp()), 'ipv4: total length 100, 28 bytes are there'],
    ['the header length', packet(ipv4({ headerLength: 16 }), udp()), 'ipv4: header length 16'],
    ['the version', packet(ipv4({ version: 5 }), udp()), 'version 5'],
    ['an IPv4 option', packet(ipv4({ options: [{ kind: 'unknown', number: 68, data: hex('0102'), length: 40 }] }), udp()), 'ipv4: option 68 has the length 40'],
    ['the payload length', packet(ipv6({ payloadLength: 9 }), udp()), 'ipv6: payload length 9, 8 bytes are there'],
    ['bytes behind the end', packet(ipv4({ totalLength: 28 }), udp(), 'x'), '1 bytes behind the end'],
    ['the UDP length', packet(ipv4(), udp({ length: 12 }), 'x'), 'udp: length 12, 9 bytes are there'],
    ['the UDP checksum', packet(ipv4(), udp({ checksum: 5 }), 'x'), 'udp: checksum 0x0005 is wrong'],
    ['no UDP checksum over IPv6', packet(ipv6(), udp({ checksum: 0 }), 'x'), 'udp: no checksum over IPv6'],
    ['the TCP checksum', packet(ipv6(), tcp({ checksum: 5 }), 'x'), 'tcp: checksum 0x0005 is wrong'],
    ['the data offset', packet(ipv4(), tcp({ headerLength: 60 }), 'x'), 'tcp: header length 60, 21 bytes are there'],
    ['a TCP option', packet(ipv4(), tcp({ options: [{ kind: 'unknown', number: 8, data: hex('01'), length: 10 }] })), 'tcp: option 8 has the length 10'],
    ['the ICMP checksum', packet(ipv4(), icmpv4({ checksum: 5 })), 'icmpv4: checksum 0x0005 is wrong'],
    ['the ICMPv6 checksum', packet(ipv6(), icmpv6({ checksum: 5 })), 'icmpv6: checksum 0x0005 is wrong'],
    ['an NDP option', packet(ipv6(), icmpv6({ type: 133, options: [{ kind: 'unknown', number: 1, data: new Uint8Array(6), length: 0 }] })), 'icmpv6: option 1 has the length 0'],
    ['an extension header', packet(ipv6(), hopByHop({ headerLength: 80 }), udp()), 'hopByHop: 80 bytes of header are needed, 16 are there'],
    ['an extension option', packet(ipv6(), destinationOptions({ options: [{ kind: 'unknown', number: 30, data: hex('01'), length: 90 }] }), udp()), 'destinationOptions: option 30 has the length 90'],
    ['nothing at all', new Uint8Array(0), 'ip: neither IPv4 nor IPv6'],
  ])('%s', (_, bytes, problem) => {
    const { problems } = bytes[0] === 0x55 ? parsePacket(bytes, { first: 'ipv4' }) : parsePacket(bytes)
    expect(problems.join('; ')).toContain(problem)
  })

  test('no cut of a packet makes the parser throw, and each is a problem', () => {
    const whole = packet(ipv6(), hopByHop({ options: [{ kind: 'routerAlert', value: 0 }] }), routing({ addresses: ['fd00::9'] }), tcp({ options: TCP_OPTIONS.slice(0, 3) }), 'data')
    for (let n = 0; n < whole.length; n++) expect(parsePacket(whole.slice(0, n)).problems).not.toEqual([])
  })

  test('no byte changed makes the parser throw', () => {
    const whole = packet(ethernet(), ipv4({ options: [{ kind: 'routerAlert', value: 0 }] }), tcp({ options: TCP_OPTIONS.slice(0, 4) }), 'data')
    for (let i = 0; i < whole.length; i++) for (let value = 0; value < 256; value++) parsePacket(whole.with(i, value), { first: 'ethernet' })
  })
})

describe('fragments', () => {
  test.each(['ipv4', 'ipv6'] as const)('%s: they cover the packet', (family) => {
    const whole = packet(family === 'ipv4' ? ipv4({ identification: 9 }) : ipv6(), udp(), new Uint8Array(1000).fill(7))
    const parsed = fragmentsOf(whole, { size: 400, identification: 77 }).map((bytes) => parsePacket(bytes))
    expect(parsed.map(({ problems }) => problems)).toEqual([[], [], []])
    const places = parsed.map(({ ipv4: four, fragment: six }) => (four === null ? [six!.offset, six!.more, six!.identification] : [four.fragmentOffset, four.moreFragments, four.identification]))
    expect(places).toEqual([[0, true, 77], [400, true, 77], [800, false, 77]])
    expect(parsed.map(({ udp: header, payload }) => [header?.length, payload.length])).toEqual([[1008, 392], [undefined, 400], [undefined, 208]])
  })

  test('a size that is no multiple of 8 is an error', () => {
    expect(() => fragmentsOf(packet(ipv4()), { size: 9 })).toThrow('multiple of 8')
  })
})

test('a header behind payload is an error', () => {
  expect(() => packet(ipv4(), 'text', udp())).toThrow('packet() of its own')
})
test('hex() takes whole bytes only', () => {
  expect(hex('0a:0B 0c\n')).toEqual(Uint8Array.of(10, 11, 12))
  expect(() => hex('0')).toThrow('whole number')
  expect(() => hex('zz')).toThrow('whole number')
})
