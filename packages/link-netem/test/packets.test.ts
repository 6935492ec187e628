import { describe, expect, test } from 'vitest'
import { addSums, ChecksumState, checksumOf, createPacketMemory, PacketFlag, sumBytes, type Packet } from '@stack/buffer'
import type { LinkCapabilities } from '@stack/core'
import { pipe } from '@stack/link-pipe'
import { netem } from '../src/index.ts'
import { bench } from './support.ts'

/** 12 bytes whose checksum field, at 10, holds a pseudo-header sum of 0x1234 and is not finished. */
function unfinished(packet: Packet): Packet {
  packet.view.setUint16(packet.start + 10, 0x1234)
  packet.checksumState = ChecksumState.Partial
  packet.checksumStart = packet.start
  packet.checksumOffset = 10
  return packet
}
const UNFINISHED_BYTES = [0x45, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0]

describe('corruption', () => {
  test('flips exactly one bit', async () => {
    const b = bench({ corrupt: 1, seed: 4 })
    for (let i = 0; i < 50; i++) b.near.send(new Uint8Array(40).fill(0x55))
    await b.clock.advance(1)

    const flipped = b.far.received.map(({ bytes }) => bytes.reduce((bits, byte) => bits + ones(byte ^ 0x55), 0))
    expect(flipped).toEqual(Array.from({ length: 50 }, () => 1))
    expect(new Set(b.far.receivedHex).size).toBeGreaterThan(30)
    expect(b.link.statistics.out.corrupted).toBe(50)
  })

  test('an unfinished checksum is finished before the bit flips', async () => {
    const b = bench({ seed: 4 }, { trustChecksums: true })
    const packet = unfinished(b.near.packet(UNFINISHED_BYTES))
    // The stack has decided on the checksum; only now does the link become bad.
    b.link.configure({ corrupt: 1 })
    b.link.writePackets([packet])
    await b.clock.advance(1)

    const [{ bytes, checksumState }] = b.far.received as [(typeof b.far.received)[0]]
    expect(checksumState).toBe(ChecksumState.None)
    const finished = Uint8Array.from(UNFINISHED_BYTES)
    new DataView(finished.buffer).setUint16(10, checksumOf(sumBytes(Uint8Array.from([...UNFINISHED_BYTES.slice(0, 10), 0x12, 0x34]), 0, 12)))
    expect(bytes.reduce((bits, byte, i) => bits + ones(byte ^ finished[i]!), 0)).toBe(1)
  })

  test('shared stream bytes stay as they are', async () => {
    const b = bench({ corrupt: 1, seed: 4 })
    const chunk = b.near.memory.chunk(64)!
    chunk.append(new Uint8Array(64), 0, 64)
    const packet = b.near.packet([])
    packet.attachPayload(chunk, 0, 64)
    b.link.writePackets([packet])
    await b.clock.advance(1)

    expect(chunk.bytes.subarray(0, 64).every((byte) => byte === 0)).toBe(true)
    expect(b.far.received[0]!.bytes.reduce((bits, byte) => bits + ones(byte), 0)).toBe(1)
    chunk.release()
    expect(b.near.memory.chunks).toBe(0)
  })

  test('a packet of no bytes passes', async () => {
    const b = bench({ corrupt: 1, seed: 4 })
    b.near.send([])
    await b.clock.advance(1)
    expect(b.far.received).toHaveLength(1)
    expect(b.link.statistics.out.corrupted).toBe(0)
  })

  test('while it is on, the link hides its offloads and finishes what comes in unfinished', async () => {
    const b = bench({ corrupt: 0, seed: 4 }, { trustChecksums: true })
    expect(b.link.capabilities).toMatchObject({ txChecksumOffload: true, rxChecksumOffload: true })
    b.link.configure({ corrupt: 0.000001 })
    expect(b.link.capabilities).toMatchObject({ txChecksumOffload: false, rxChecksumOffload: false })
    expect(b.link.capabilities).toBe(b.link.capabilities)

    b.farLink.writePackets([unfinished(b.far.packet(UNFINISHED_BYTES))])
    await b.clock.advance(1)
    expect(b.near.received[0]!.checksumState).toBe(ChecksumState.None)
    // With the pseudo-header a good checksum makes 0xffff.
    expect(addSums(sumBytes(b.near.received[0]!.bytes, 0, 12), 0x1234)).toBe(0xffff)

    b.link.configure({ corrupt: 0 })
    b.farLink.writePackets([unfinished(b.far.packet(UNFINISHED_BYTES))])
    await b.clock.advance(1)
    expect(b.near.received[1]!.checksumState).toBe(ChecksumState.Partial)
  })
})

describe('what the inner link is', () => {
  test('shows through', () => {
    const [left] = pipe({ mtu: 1280, framing: 'ethernet' })
    const link = netem(left, { delay: 1 })

    expect(link).toMatchObject({ kind: 'pipe', mtu: 1280, framing: 'ethernet', maxHeaderLength: 14, arpHardwareType: 1 })
    expect(link.linkAddress).toEqual(left.linkAddress)
    expect(link.lower.pending).toBe(0)
    link.setMtu?.(1000)
    expect(left.mtu).toBe(1000)
    expect(link.mtu).toBe(1000)
    expect('addHeader' in link || 'open' in link).toBe(false)
  })

  test('capabilities are read when they are asked for', () => {
    const [left] = pipe()
    let capabilities: LinkCapabilities = { softwareGso: true, scatterGather: true }
    Object.defineProperty(left, 'capabilities', { get: () => capabilities })
    const link = netem(left, { loss: 0.1 })
    expect(link.capabilities).toBe(capabilities)
    capabilities = { hardwareGso: true }
    expect(link.capabilities).toEqual({ hardwareGso: true })
    link.configure({ corrupt: 0.5 })
    expect(link.capabilities).toMatchObject({ hardwareGso: false })
  })
})

describe('who is charged', () => {
  test('a flow has its credit back when the packet is under way', () => {
    const b = bench({ delay: 1000 })
    const packet = b.near.packet(new Uint8Array(50))
    const returned: number[] = []
    packet.credit = { returned: (bytes) => returned.push(bytes) }
    b.link.writePackets([packet])

    expect(returned).toEqual([50])
    expect(b.leftovers().packets).toBe(0)
    expect(returned).toEqual([50])
  })

  test('without memory there is no second copy, and the packet arrives', async () => {
    const b = bench({ duplicate: 1 })
    const packet = b.near.packet([0x45, 0])
    const full = createPacketMemory({ size: 69_632 }).pool({ slots: 1 })
    const blocker = full.allocate(0, 1)!
    Object.defineProperty(b.near.host, 'memory', { value: full })
    b.link.writePackets([packet])
    await b.clock.advance(1)

    expect(b.far.received).toHaveLength(1)
    expect(b.link.statistics.out.noMemory).toBe(1)
    blocker.release()
  })
})

test('raw packets keep their place in the queue', async () => {
  const b = bench({ delay: 10 })
  b.near.send(...b.numbered(2))
  const raw = b.near.packet(b.numbered(1, 100, 2)[0]!)
  expect(b.link.writeRawPacket(raw)).toBe(true)
  expect(raw.flags & PacketFlag.PacketRaw).toBe(PacketFlag.PacketRaw)
  b.near.send(...b.numbered(1, 100, 3))
  await b.clock.advance(20)

  expect(b.numbers(b.far)).toEqual([0, 1, 2, 3])
  expect(b.leftovers().packets).toBe(0)
})

function ones(byte: number): number {
  return byte.toString(2).replaceAll('0', '').length
}
