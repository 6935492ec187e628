import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hex, ipv4, packet, udp } from '@stack/testing'
import { expect, test } from 'vitest'
import { recordTraffic } from '../../tests/test/support/corpus.ts'
import { captureFiles, runCorpus } from '../src/corpus/corpus.ts'
import { readFields } from '../src/corpus/fields.ts'
import { LinkType, networkOf, readCapture } from '../src/corpus/reader.ts'
import { disagreements, hasTshark } from '../src/corpus/tshark.ts'
import { rareFrames, rarePackets } from './support/packets.ts'
import { pcapFile, pcapngFile } from './support/pcap.ts'

const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url))

// RECORD=1 makes the corpus anew: what two stacks say to each other, and packets that are rare; every format once.
if (process.env['RECORD'] === '1') {
  const recorded = await recordTraffic()
  const small = recorded.filter((frame) => frame.length < 700)
  const large = recorded.filter((frame) => frame.length >= 700)
  const cooked = rarePackets().map((bytes) => Uint8Array.from([0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0, bytes[0]! >> 4 === 4 ? 8 : 0x86, bytes[0]! >> 4 === 4 ? 0 : 0xdd, ...bytes]))
  const loop = rarePackets().map((bytes) => Uint8Array.from([bytes[0]! >> 4 === 4 ? 2 : 30, 0, 0, 0, ...bytes]))
  const files: Readonly<Record<string, Uint8Array>> = {
    'traffic.pcapng': pcapngFile([...small, ...large.slice(0, 60)], { isLittle: true, isNano: false, linkType: LinkType.ethernet }),
    'frames-big-endian.pcapng': pcapngFile(rareFrames(), { isLittle: false, isNano: true, linkType: LinkType.ethernet }),
    'raw-nanoseconds-big-endian.pcap': pcapFile(rarePackets(), { isLittle: false, isNano: true, linkType: LinkType.raw }),
    'cooked.pcap': pcapFile(cooked, { isLittle: true, isNano: false, linkType: LinkType.cooked }),
    'null.pcap': pcapFile(loop, { isLittle: true, isNano: false, linkType: LinkType.null }),
  }
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(FIXTURES, name), bytes)
}

test.each([
  ['pcap', pcapFile], ['pcapng', pcapngFile],
] as const)('%s files are read in both byte orders, with µs and ns', (_name, write) => {
  const frames = [packet(ipv4(), udp(), [1]), packet(ipv4(), udp(), [1, 2, 3]), packet(ipv4(), udp())]
  for (const isLittle of [false, true]) {
    for (const isNano of [false, true]) {
      const read = [...readCapture(write(frames, { isLittle, isNano, linkType: LinkType.raw }))]
      expect(read.map(({ bytes }) => Uint8Array.from(bytes))).toEqual(frames)
      expect(read.map(({ linkType, length }) => [linkType, length])).toEqual(frames.map(({ length }) => [LinkType.raw, length]))
      expect(read[1]!.time).toBe(1_700_000_000_001_000_000n)
    }
  }
})

test('a capture that ends in the middle of a frame gives those before it; what is none is told', () => {
  const file = pcapFile([packet(ipv4(), udp(), [1]), packet(ipv4(), udp(), [2])], { isLittle: true, isNano: false, linkType: LinkType.raw })
  for (let length = 24; length < file.length; length++) expect([...readCapture(file.subarray(0, length))].length).toBeLessThanOrEqual(1)
  expect(() => [...readCapture(new Uint8Array(100))]).toThrow('no pcap')
})

test('the network header is found behind every kind of link header', () => {
  const at = (linkType: number, head: string): unknown => networkOf(linkType, Uint8Array.from([...hex(head), ...packet(ipv4(), udp())]))
  const ip = (offset: number): unknown => ({ etherType: 0x0800, offset })
  expect(at(LinkType.ethernet, '020000000001 020000000002 0800')).toEqual(ip(14))
  expect(at(LinkType.ethernet, '020000000001 020000000002 88a8 0001 8100 0002 0800')).toEqual(ip(22))
  expect(at(LinkType.cooked, '0000 0001 0006 0200000000020000 0800')).toEqual(ip(16))
  expect(at(LinkType.cooked2, '0800 0000 00000001 0001 00 06 0200000000020000')).toEqual(ip(20))
  expect(at(LinkType.null, '02000000')).toEqual(ip(4))
  expect(at(LinkType.raw, '')).toEqual(ip(0))
  expect(at(147, '')).toBeNull()
})

test('fields are told as tshark tells them, and a disagreement is seen', () => {
  const fields = readFields(packet(ipv4({ ttl: 7 }), udp({ sourcePort: 1, destinationPort: 2, checksum: 3 }), [1]), 0x0800, 0, true)
  expect(fields).toMatchObject({ 'ip.ttl': '7', 'ip.checksum.status': '1', 'udp.srcport': '1', 'udp.length': '9', 'udp.checksum.status': '0' })
  expect(disagreements(fields, { 'ip.ttl': '7', 'udp.srcport': '1', 'frame.number': '1' })).toEqual([])
  expect(disagreements(fields, { 'ip.ttl': '8' })).toEqual(['ip.ttl: 7 here, 8 in tshark'])
})

test('the corpus: nothing throws, hangs or grows', async () => {
  const { files, frames, unknown, problems, fed } = await runCorpus(FIXTURES, false)
  expect(problems).toEqual([])
  expect([files, unknown]).toEqual([5, 0])
  expect(frames).toBeGreaterThan(200)
  expect(fed.sent).toBeGreaterThan(50)
  expect(fed.mostHeld).toBeLessThan(2 << 20)
  expect(captureFiles(FIXTURES).reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThan(200_000)
})

test.skipIf(!hasTshark())('the corpus: tshark reads the same fields', async () => {
  const { problems, compared } = await runCorpus(FIXTURES, true)
  expect(problems).toEqual([])
  expect(compared).toBeGreaterThan(3000)
}, 60_000)

test('a file that is no capture is told, and the others are read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stack-corpus-'))
  try {
    writeFileSync(join(folder, 'a.pcap'), new Uint8Array(50))
    writeFileSync(join(folder, 'b.pcap'), pcapFile(rarePackets(), { isLittle: true, isNano: false, linkType: LinkType.raw }))
    const { frames, problems } = await runCorpus(folder, false)
    expect(frames).toBe(rarePackets().length)
    expect(problems.join('\n')).toContain('no pcap')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
