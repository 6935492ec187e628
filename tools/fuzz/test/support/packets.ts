import {
  arp, destinationOptions, ethernet, fragmentsOf, hopByHop, icmpv4, icmpv6, ipv4, ipv6, packet, pattern, routing, tcp, udp,
} from '@stack/testing'

const text = pattern(40)
const SOLICITED = [1, 1, 2, 0, 0, 0, 0, 2]

/** Packets with what recorded traffic has seldom: options, extension headers, discovery, errors, wrong checksums. */
export function rarePackets(): Uint8Array[] {
  const question = packet(ipv4(), udp({ destinationPort: 4000 }), text)
  const question6 = packet(ipv6(), udp({ destinationPort: 4000 }), text)
  const nothing = { data: new Uint8Array(4) }
  return [
    packet(ipv4({ options: [{ kind: 'recordRoute', addresses: ['0.0.0.0', '0.0.0.0'] }] }), icmpv4({ identifier: 1, sequence: 1 }), text),
    packet(ipv4({ options: [{ kind: 'routerAlert', value: 0 }], ttl: 1 }), udp({ destinationPort: 4000 }), text),
    packet(ipv4({ options: [{ kind: 'unknown', number: 68, ...nothing, length: 60 }] }), udp({ destinationPort: 4000 }), text),
    packet(ipv4({ checksum: 1 }), udp({ destinationPort: 4000 }), text),
    packet(ipv4(), udp({ destinationPort: 4000, checksum: 0x1234 }), text),
    packet(ipv4(), udp({ destinationPort: 4000, checksum: 0 }), text),
    packet(ipv4(), icmpv4({ type: 'unreachable', code: 4, mtu: 1400 }), question),
    packet(ipv4(), icmpv4({ type: 'parameter-problem', pointer: 8 }), question.slice(0, 28)),
    ...fragmentsOf(packet(ipv4({ identification: 7 }), udp({ destinationPort: 4000 }), pattern(1200)), { size: 512 }).reverse(),
    packet(ipv4(), tcp({ flags: 'S', seq: 0xfffffff0, mss: 1460, sackPermitted: true, timestamps: { value: 0xfffffffe, echo: 0 }, windowScale: 14 })),
    packet(ipv4(), tcp({ flags: 'A', seq: 5, ack: 6, sack: [[100, 200], [300, 400], [500, 600]], timestamps: { value: 9, echo: 8 } })),
    packet(ipv4(), tcp({ flags: 'SFRPAUEC', window: 0, urgentPointer: 3 }), text),
    packet(ipv4(), tcp({ flags: 'A', options: [{ kind: 'unknown', number: 30, data: new Uint8Array(10) }] })),
    packet(ipv4(), tcp({ flags: 'A', checksum: 7 }), text),
    packet(ipv6(), hopByHop({ options: [{ kind: 'routerAlert', value: 0 }] }), icmpv6({ identifier: 1, sequence: 2 }), text),
    packet(ipv6(), hopByHop({}), destinationOptions({ options: [{ kind: 'unknown', number: 0x1e, ...nothing }] }), routing({ segmentsLeft: 0 }), udp({ destinationPort: 4000 }), text),
    packet(ipv6(), destinationOptions({ options: [{ kind: 'unknown', number: 0xbe, ...nothing }] }), udp({ destinationPort: 4000 }), text),
    packet(ipv6({ trafficClass: 0xb8, flowLabel: 0xabcde }), tcp({ flags: 'S', mss: 1440, windowScale: 3 })),
    ...fragmentsOf(packet(ipv6(), udp({ destinationPort: 4000 }), pattern(1200)), { size: 512 }),
    packet(ipv6(), icmpv6({ type: 'packet-too-big', mtu: 1280 }), question6),
    packet(ipv6({ hopLimit: 255, source: 'fe80::2', destination: 'ff02::1' }), icmpv6({ type: 'router-advertisement', options: [
      { kind: 'prefixInformation', prefix: 'fd00::', prefixLength: 64, onLink: true, autonomous: true, validLifetime: 600, preferredLifetime: 300 },
      { kind: 'mtu', value: 1400 },
    ] })),
    packet(ipv6({ hopLimit: 255, source: 'fe80::2', destination: 'ff02::1:ff00:1' }), icmpv6({ type: 'neighbor-solicitation', target: 'fd00::1' }), SOLICITED),
  ]
}

/** The same in frames, with what only frames have. */
export function rareFrames(): Uint8Array[] {
  return [
    ...rarePackets().map((bytes) => packet(ethernet({ type: bytes[0]! >> 4 === 4 ? 0x0800 : 0x86dd, pad: true }), bytes)),
    packet(ethernet({ vlan: { id: 5, priority: 3 } }), ipv4(), udp({ destinationPort: 4000 }), text),
    packet(ethernet({ destination: 'ff:ff:ff:ff:ff:ff' }), arp({ sender: '10.0.0.9', target: '10.0.0.9' })),
    packet(ethernet({ type: 0x88cc }), text),
  ]
}
