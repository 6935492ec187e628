import { describe, expect, test } from 'vitest'
import { parseScript, type OptionSpec, type PacketAction } from '../src/language/index.ts'
import { comparePackets, type Rules } from '../src/packet/compare.ts'
import { Flow } from '../src/packet/flow.ts'
import { injectedPacket, type Wire } from '../src/packet/inject.ts'
import { parsePacket } from '../src/packet/live.ts'
import { pcapFile } from '../src/packet/pcap.ts'
import { printPacket } from '../src/packet/print.ts'
import { encodeOptions, parseOptions } from '../src/packet/tcp-options.ts'

const WIRES: readonly Wire[] = [
  { version: 4, local: Uint8Array.of(192, 168, 0, 1), remote: Uint8Array.of(192, 0, 2, 1), cookies: new Map(), echoScaled: false, md5Secret: null },
  { version: 6, local: new Uint8Array(16).fill(0xfd), remote: new Uint8Array(16).fill(0xfe), cookies: new Map(), echoScaled: false, md5Secret: null },
]

function packet(text: string): PacketAction {
  const action = parseScript(`0 ${text}\n`, 'inline.pkt').events[0]!.action
  if (action.kind !== 'packet') throw new Error('not a packet')
  return action
}

function flow(protocol: 'tcp' | 'udp' = 'tcp'): Flow {
  return new Flow(protocol, { local: 8080, remote: 50_000 }, null, 'literal')
}

describe.each(WIRES)('packets over IPv$version', (wire) => {
  test('a segment that is put in says on the wire what the script says', () => {
    const live = parsePacket(injectedPacket(packet('< [ect0, ttl 3] SP. 7:17(10) ack 3 win 99 urg 4 <mss 1000,nop,wscale 7>'), flow(), wire))!
    expect(live).toMatchObject({ version: wire.version, source: wire.remote, destination: wire.local, ttl: 3, tos: 2, fault: null })
    expect(live.body).toMatchObject({ kind: 'tcp', sourcePort: 50_000, destinationPort: 8080, sequence: 7, acknowledgment: 3, flags: 0x1a, window: 99, urgent: 4, length: 10 })
  })

  test('numbers of our side are live: ack, SACK blocks, echoes of timestamps', () => {
    const known = flow()
    known.localSyn(0xfffffff0, 0, null)
    known.sawTimestamp(100, 5000)
    const { body } = parsePacket(injectedPacket(packet('< . 1:1(0) ack 21 win 9 <sack 31:41,TS val 7 ecr 100>'), known, wire))!
    expect(body).toMatchObject({ sequence: 1, acknowledgment: 5 })
    expect(body).toMatchObject({ options: [{ kind: 'sack', blocks: [{ start: 15, end: 25 }] }, { kind: 'timestamp', value: 7, echo: 5000 }] })
  })

  test('a datagram has a checksum that is right', () => {
    const live = parsePacket(injectedPacket(packet('< udp (1000)'), flow('udp'), wire))!
    expect(live).toMatchObject({ fault: null, body: { kind: 'udp', sourcePort: 50_000, destinationPort: 8080, length: 1000 } })
  })

  test('a changed byte is a fault', () => {
    const bytes = injectedPacket(packet('< . 1:11(10) ack 1 win 9'), flow(), wire)
    bytes[bytes.length - 1]! ^= 1
    expect(parsePacket(bytes)!.fault).toBe('The TCP checksum is wrong.')
  })

  test('what is cut short is not read', () => {
    const bytes = injectedPacket(packet('< . 1:11(10) ack 1 win 9'), flow(), wire)
    for (let length = 0; length < bytes.length; length++) expect(parsePacket(bytes.slice(0, length))).toBeNull()
  })
})

describe('ICMP', () => {
  test('an error quotes a packet of ours', () => {
    const known = flow()
    known.localSyn(1000, 0, null)
    const { body } = parsePacket(injectedPacket(packet('< icmp unreachable frag_needed mtu 1200 [1:1461(1460)]'), known, WIRES[0]!))!
    if (body.kind !== 'icmp') throw new Error('not ICMP')
    expect(body).toMatchObject({ type: 3, code: 4, rest: 1200 })
    expect(parsePacketLength(body.payload)).toBe(1500)
    expect([...body.payload.slice(20)]).toEqual([0x1f, 0x90, 0xc3, 0x50, 0, 0, 0x03, 0xe9])
  })

  test('over IPv6 the names are its own', () => {
    const { body } = parsePacket(injectedPacket(packet('< icmp packet_too_big mtu 1280 [1:1441(1440)]'), flow(), WIRES[1]!))!
    expect(body).toMatchObject({ type: 2, code: 0, rest: 1280 })
    expect(() => injectedPacket(packet('< icmp packet_too_big mtu 1280 [1:1441(1440)]'), flow(), WIRES[0]!)).toThrow(/no type 'packet_too_big'/)
  })
})

function parsePacketLength(quote: Uint8Array): number {
  return (quote[2]! << 8) | quote[3]!
}

describe('TCP options', () => {
  const options: OptionSpec[] = [
    { kind: 'mss', value: 1460 }, { kind: 'sackOK' }, { kind: 'timestamp', value: 0xfffffffe, echo: 3 }, { kind: 'nop' }, { kind: 'wscale', value: 7 },
    { kind: 'fastOpen', cookie: Uint8Array.of(1, 2), symbol: null }, { kind: 'accurateEcn', counters: [{ name: 'e0b', value: 0x010203 }] },
    { kind: 'other', number: 253, bytes: Uint8Array.of(9) },
  ]

  test('come back as they went', () => {
    expect(parseOptions(encodeOptions(options))).toEqual(options)
  })

  test('a length that lies ends the list', () => {
    expect(parseOptions(Uint8Array.of(2, 9, 1, 1))).toEqual([{ kind: 'other', number: 2, bytes: Uint8Array.of(9, 1, 1) }])
    expect(parseOptions(Uint8Array.of(1, 3))).toEqual([{ kind: 'nop' }, { kind: 'other', number: 3, bytes: new Uint8Array(0) }])
  })
})

describe('comparing', () => {
  const exact = { options: 'exact', window: 'exact', push: 'exact', acks: 'exact', repeatedFin: 'exact' } as const
  const differences = (wanted: string, got: string, rules: Rules = exact): string[] => comparePackets(packet(wanted), packet(got), 4, rules)

  test('equal packets have no differences', () => {
    expect(differences('> P. 1:11(10) ack 1 <nop,nop,TS val 1 ecr 2>', '> .P 1:11(10) ack 1 win 7 <nop,nop,TS val 1 ecr 2>')).toEqual([])
  })

  test('every field is told', () => {
    expect(differences('> [ect0] P. 1:11(10) ack 1 win 5 urg 3', '> [ce] F. 2:11(9) ack 4 win 6')).toEqual([
      'ECN: expected ect0, got ce', 'flags: expected P., got F.', 'sequence: expected 1, got 2', 'payload length: expected 10, got 9',
      'ack: expected 1, got 4', 'urgent pointer: expected 3, got 0', 'window: expected 5, got 6',
    ])
  })

  test('options in order and with every nop, or as a set', () => {
    const wanted = '> S 0:0(0) <mss 1460,nop,wscale 6,sackOK>'
    const got = '> S 0:0(0) <mss 1460,nop,nop,sackOK,nop,wscale 6>'
    expect(differences(wanted, got)).toEqual(['options: expected <mss 1460,nop,wscale 6,sackOK>, got <mss 1460,nop,nop,sackOK,nop,wscale 6>'])
    expect(differences(wanted, got, { ...exact, options: 'set' })).toEqual([])
    expect(differences(wanted, '> S 0:0(0) <mss 1460,wscale 6>', { ...exact, options: 'set' })).toHaveLength(1)
  })

  test('a window exactly, or to a segment', () => {
    const slack = { ...exact, window: 'segment' } as const
    expect(differences('> . 1:1(0) ack 2 win 65535', '> . 1:1(0) ack 2 win 65534')).toHaveLength(1)
    expect(differences('> . 1:1(0) ack 2 win 65535', '> . 1:1(0) ack 2 win 65534', slack)).toEqual([])
    expect(differences('> . 1:1(0) ack 2 win 65535', '> . 1:1(0) ack 2 win 64000', slack)).toHaveLength(1)
    expect(comparePackets(packet('> . 1:1(0) ack 2 win 1026'), packet('> . 1:1(0) ack 2 win 1000'), 4, slack, 6)).toHaveLength(1)
    expect(comparePackets(packet('> . 1:1(0) ack 2 win 1026'), packet('> . 1:1(0) ack 2 win 1024'), 4, slack, 6)).toEqual([])
  })

  test('PSH exactly, or not at all; any sequence number where the script leaves it open', () => {
    expect(differences('> P. 1:11(10) ack 1', '> . 1:11(10) ack 1')).toEqual(['flags: expected P., got .'])
    expect(differences('> P. 1:11(10) ack 1', '> . 1:11(10) ack 1', { ...exact, push: 'any' })).toEqual([])
    expect(differences('> S. ...(0) ack 1', '> S. 77:77(0) ack 1')).toEqual([])
    expect(differences('> S. ...(0) ack 1', '> S. 77:78(1) ack 1')).toHaveLength(1)
  })

  test('<...> compares no options, no list means none', () => {
    expect(differences('> S 0:0(0) <...>', '> S 0:0(0) <mss 1460>')).toEqual([])
    expect(differences('> S 0:0(0)', '> S 0:0(0) <mss 1460>')).toEqual(['options: expected <>, got <mss 1460>'])
  })

  test('ect01 is either', () => {
    expect(differences('> [ect01] . 1:1(0) ack 1', '> [ect1] . 1:1(0) ack 1')).toEqual([])
    expect(differences('> [ect01] . 1:1(0) ack 1', '> [noecn] . 1:1(0) ack 1')).toHaveLength(1)
  })

  test('ACE is three flags', () => {
    expect(differences('> .5 1:1(0) ack 1', '> EA. 1:1(0) ack 1')).toEqual([])
  })
})

describe('numbers', () => {
  test('behind a SYN of 123 the remote side counts from it, or as it stands', () => {
    const relative = new Flow('tcp', { local: 1, remote: 2 }, null, 'relative')
    relative.remoteSyn(123, null)
    relative.localSyn(5000, 0, null)
    expect([relative.remoteToLive(1, false), relative.remoteToLive(123, true), relative.remoteToScript(124, false)]).toEqual([124, 123, 1])
    const literal = flow()
    literal.remoteSyn(123, null)
    expect(literal.remoteToLive(124, false)).toBe(124)
  })

  test('a SYN that is refused leaves numbers as they stand, and one within a connection changes nothing', () => {
    const known = new Flow('tcp', { local: 1, remote: 2 }, null, 'relative')
    known.remoteSyn(17, null)
    expect(known.remoteToScript(18, false)).toBe(18)
    known.localSyn(5000, 0, null)
    known.remoteSyn(9000, null)
    expect(known.remoteToScript(18, false)).toBe(1)
    known.localSyn(6000, 0, null)
    expect(known.remoteToScript(9001, false)).toBe(1)
  })

  test('our ISN is learnt once, and again when the script starts over', () => {
    const known = flow()
    known.localSyn(1000, 0, null)
    known.localSyn(7777, 0, null)
    expect(known.localToLive(1)).toBe(1001)
    known.remoteSyn(0, null)
    known.localSyn(7777, 0, null)
    expect(known.localToLive(1)).toBe(7778)
  })
})

test('a packet prints as it is written', () => {
  for (const text of ['< [ect0, ttl 3] S. 0:0(0) ack 1 win 9 <mss 1460,sackOK,TS val 1 ecr 2,nop,wscale 7>', '> icmp unreachable port_unreachable [udp (10)]', '> - 1:2(1) <...>']) {
    expect(printPacket(packet(text))).toBe(text)
  }
})

test('a pcap file has a header, and a record for each packet', () => {
  const file = pcapFile([{ seconds: 1.5, bytes: Uint8Array.of(0x45, 1) }])
  const view = new DataView(file.buffer)
  expect([view.getUint32(0, true), view.getUint32(20, true), view.getUint32(24, true), view.getUint32(28, true), view.getUint32(32, true)]).toEqual([0xa1b2c3d4, 101, 1, 500_000, 2])
  expect(file.length).toBe(24 + 16 + 2)
})
