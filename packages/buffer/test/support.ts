import { expect } from 'vitest'
import { createPacketMemory } from '@stack/buffer'
import type { Chunk, Packet, PacketMemory, PacketPool } from '@stack/buffer'

export const SMALL = 256
export const MEDIUM = 2048
export const JUMBO = 17_408
export const LARGE = 69_632

/** A memory with room for this many spans of 68 KiB. */
export function memoryOf(spans: number): PacketMemory {
  return createPacketMemory({ size: spans * LARGE, simd: false })
}

/** The checksum arithmetic as RFC 1071 §1 words it: adjacent bytes paired, carries added back. */
export function referenceSum(bytes: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i++) {
    sum += i % 2 === 0 ? bytes[i]! * 256 : bytes[i]!
    if (sum > 0xffff) sum -= 0xffff
  }
  return sum
}

/** `length` reproducible bytes. */
export function mixedBytes(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed * 2_654_435_761
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state
  }
  return bytes
}

/** All bytes of a packet in order, payload range included, read the slow way. */
export function contents(packet: Packet): number[] {
  const bytes = [...packet.bytes.slice(packet.start, packet.end)]
  let { payload, payloadOffset } = packet
  for (let left = packet.payloadLength; left > 0; ) {
    expect(payload).not.toBeNull()
    const part = payload!.bytes.slice(payloadOffset, Math.min(payload!.length, payloadOffset + left))
    bytes.push(...part)
    left -= part.length
    payload = payload!.next
    payloadOffset = 0
  }
  return bytes
}

/** A packet with these contiguous bytes. */
export function packetWith(pool: PacketPool, headroom: number, bytes: Uint8Array, capacity: number = bytes.length): Packet {
  const packet = pool.allocate(headroom, capacity)!
  expect(packet.append(bytes, 0, bytes.length)).toBe(true)
  return packet
}

/** `bytes` in a chain of chunks with the given fill each; the caller holds the first. */
export function chunkChain(pool: PacketPool, bytes: Uint8Array, fills: readonly number[]): Chunk {
  let at = 0
  let first: Chunk | null = null
  let last: Chunk | null = null
  for (const fill of fills) {
    const chunk = pool.chunk(fill)!
    expect(chunk.append(bytes, at, at + fill)).toBe(fill)
    at += fill
    last?.setNext(chunk)
    if (first === null) first = chunk
    else chunk.release()
    last = chunk
  }
  expect(at).toBe(bytes.length)
  return first!
}

/** Nothing of the pool is out any more. */
export function expectEmpty(pool: PacketPool): void {
  expect({ held: pool.held, packets: pool.packets, chunks: pool.chunks }).toEqual({ held: 0, packets: 0, chunks: 0 })
}
