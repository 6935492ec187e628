import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { ChecksumState, checksumOf, createPacketMemory } from '@stack/buffer'
import type { PacketMemory, PacketPool } from '@stack/buffer'
import { chunkChain, contents, expectEmpty, LARGE, memoryOf, mixedBytes, packetWith, referenceSum } from './support.ts'

let memory: PacketMemory
let pool: PacketPool

beforeEach(() => {
  memory = memoryOf(15)
  pool = memory.pool()
  return () => expectEmpty(pool)
})

const HEAD = mixedBytes(41, 2)
const TAIL = mixedBytes(600, 3)

/** 41 contiguous bytes, then 600 in five chunks of odd and even fill. */
function ranged(headroom = 20, capacity = HEAD.length) {
  const packet = packetWith(pool, headroom, HEAD, capacity)
  const chunk = chunkChain(pool, TAIL, [101, 1, 200, 3, 295])
  expect(packet.attachPayload(chunk, 0, TAIL.length)).toBe(true)
  chunk.release()
  return packet
}
const whole = [...HEAD, ...TAIL]

describe('copyTo', () => {
  test('copies the same part, other parts and short ones, over and over', () => {
    const packet = packetWith(pool, 20, TAIL)
    const parts = [[20, 220], [20, 220], [20, 219], [21, 221], [30, 31], [20, 220], [0, 0], [20, 620]] as const
    for (const [from, to] of parts) {
      const target = new Uint8Array(700)
      packet.copyTo(target, 7, from, to)
      expect([...target.subarray(7, 7 + to - from)]).toEqual([...packet.bytes.subarray(from, to)])
      expect(target.subarray(7 + to - from).every((byte) => byte === 0)).toBe(true)
    }
    packet.release()
  })

  test.each([17, 31, 32, 33, 724, 1448, 32_767, 32_768, 65_535, 65_536, 65_537, LARGE])('copies %i bytes the first time, the second and the third', (length) => {
    const bytes = mixedBytes(LARGE)
    const packet = packetWith(pool, 0, bytes)
    const from = LARGE - length
    for (let time = 0; time < 3; time++) {
      const target = new Uint8Array(length + 2)
      packet.copyTo(target, 1, from, LARGE)
      expect(Buffer.compare(target, Uint8Array.of(0, ...bytes.subarray(from), 0))).toBe(0)
    }
    packet.release()
  })

  test('copies what is there now, when the slot has been used again', () => {
    const target = new Uint8Array(100)
    for (const seed of [1, 2]) {
      const packet = packetWith(pool, 0, mixedBytes(100, seed))
      packet.copyTo(target, 0, 0, 100)
      expect(target).toEqual(mixedBytes(100, seed))
      packet.release()
    }
  })

  test('refuses a target that is too small, as `set` does', () => {
    const packet = packetWith(pool, 0, TAIL)
    expect(() => {
      packet.copyTo(new Uint8Array(10), 0, 0, 100)
    }).toThrow(RangeError)
    packet.release()
  })
})

describe('append', () => {
  test('fills tailroom to the last byte and refuses the next', () => {
    const packet = pool.allocate(6, 250)!
    expect(packet).toMatchObject({ start: 6, end: 6, capacity: 256, length: 0 })
    expect(packet.append(TAIL, 10, 259)).toBe(true)
    expect(packet.append(TAIL, 0, 2)).toBe(false)
    expect(packet.append(TAIL, 0, 1)).toBe(true)
    expect(contents(packet)).toEqual([...TAIL.subarray(10, 259), TAIL[0]])
    packet.release()
  })

  test('is refused before a payload range', () => {
    const packet = ranged()
    expect(packet.append(TAIL, 0, 1)).toBe(false)
    packet.release()
  })
})

describe('trim', () => {
  test.each([0, 1, 40, 41, 42, 141, 142, 143, 344, 640, 641])('trimEnd(%i) keeps that many bytes', (length) => {
    const packet = ranged()
    packet.trimEnd(length)
    expect(packet.length).toBe(length)
    expect(contents(packet)).toEqual(whole.slice(0, length))
    packet.release()
  })

  test('trimEnd never grows, and takes a negative length as 0', () => {
    const packet = ranged()
    packet.trimEnd(642)
    expect(packet.length).toBe(641)
    packet.trimEnd(-1)
    expect(packet.length).toBe(0)
    packet.release()
  })

  test('trimEnd to contiguous bytes lets the chunks go', () => {
    const packet = ranged()
    expect(pool.chunks).toBe(5)
    packet.trimEnd(41)
    expect(packet.payload).toBeNull()
    expect(pool.chunks).toBe(0)
    packet.release()
  })

  test.each([0, 1, 40, 41, 42, 141, 142, 143, 345, 346, 640, 641, 1000])('trimStart(%i) drops that many bytes', (n) => {
    const packet = ranged()
    packet.trimStart(n)
    expect(contents(packet)).toEqual(whole.slice(n))
    packet.release()
  })

  test('trimStart lets go of the chunks it has passed, and of nothing for a negative number', () => {
    const packet = ranged()
    packet.trimStart(-5)
    expect(packet.length).toBe(641)
    packet.trimStart(41 + 101 + 1 + 1)
    expect(pool.chunks).toBe(3)
    packet.release()
  })
})

describe('payload range', () => {
  test('may start inside any chunk and end inside another', () => {
    fc.assert(
      fc.property(fc.nat(600), fc.nat(600), (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)]
        const packet = packetWith(pool, 0, HEAD)
        const chunk = chunkChain(pool, TAIL, [101, 1, 200, 3, 295])
        expect(packet.attachPayload(chunk, from, to - from)).toBe(true)
        chunk.release()
        expect(contents(packet)).toEqual([...HEAD, ...TAIL.subarray(from, to)])
        packet.release()
        expect(pool.chunks).toBe(0)
      }),
    )
  })

  test.each([[0, 601], [600, 1], [-1, 1], [0, -1], [601, 0], [Number.NaN, 1]])('bytes that were not written are refused: offset %d, length %d', (offset, length) => {
    const packet = packetWith(pool, 0, HEAD)
    const chunk = chunkChain(pool, TAIL, [300, 300])
    expect(packet.attachPayload(chunk, offset, length)).toBe(false)
    expect(packet.payload).toBeNull()
    expect(chunk.references).toBe(1)
    chunk.release()
    packet.release()
  })

  test('a second range replaces the first', () => {
    const packet = ranged()
    const other = chunkChain(pool, HEAD, [41])
    packet.attachPayload(other, 1, 3)
    other.release()
    expect(contents(packet)).toEqual([...HEAD, ...HEAD.subarray(1, 4)])
    expect(pool.chunks).toBe(1)
    packet.release()
  })

  test('bytes appended to the chunk later do not enter the range', () => {
    const packet = packetWith(pool, 0, HEAD)
    const chunk = pool.chunk(100)!
    chunk.append(TAIL, 0, 10)
    packet.attachPayload(chunk, 0, 10)
    chunk.append(TAIL, 10, 100)
    chunk.release()
    expect(contents(packet)).toEqual([...HEAD, ...TAIL.subarray(0, 10)])
    packet.release()
  })
})

describe('makeContiguous', () => {
  test('moves the range into tailroom', () => {
    const packet = ranged(20, 641)
    expect(packet.makeContiguous()).toBe(true)
    expect(packet).toMatchObject({ start: 20, end: 661, payload: null, payloadLength: 0 })
    expect(contents(packet)).toEqual(whole)
    expect(pool.chunks).toBe(0)
    packet.release()
  })

  test('without room changes nothing', () => {
    const packet = ranged()
    expect(packet.capacity).toBe(256)
    expect(packet.makeContiguous()).toBe(false)
    expect(contents(packet)).toEqual(whole)
    packet.release()
  })

  test('copies from chunks of another memory', () => {
    const elsewhere = memoryOf(2).pool()
    const packet = packetWith(elsewhere, 20, HEAD, 700)
    const chunk = chunkChain(pool, TAIL, [300, 300])
    packet.attachPayload(chunk, 0, 600)
    chunk.release()
    expect(packet.sum(20)).toBe(referenceSum(whole))
    expect(packet.makeContiguous()).toBe(true)
    expect(contents(packet)).toEqual(whole)
    packet.release()
    expectEmpty(elsewhere)
  })
})

describe.each([true, false])('checksum, SIMD %s', (simd) => {
  let elsewhere: PacketPool
  beforeEach(() => {
    pool = createPacketMemory({ size: 1 << 20, simd }).pool()
    elsewhere = createPacketMemory({ size: 1 << 20, simd }).pool()
    return () => expectEmpty(elsewhere)
  })

  test('sum runs over the payload range, from odd and even offsets', () => {
    const packet = ranged()
    for (const from of [20, 21, 30, 60, 61]) expect(packet.sum(from)).toBe(referenceSum(whole.slice(from - 20)))
    packet.release()
  })

  test('sum with an end stays in the contiguous bytes, and within the slot', () => {
    const packet = ranged()
    expect(packet.sum(21, 40)).toBe(referenceSum(HEAD.subarray(1, 20)))
    expect(packet.sum(40, 40)).toBe(0)
    expect(packet.sum(40, 30)).toBe(0)
    expect(packet.sum(-1, 40)).toBe(0)
    expect(packet.sum(0, packet.capacity + 1)).toBe(0)
    packet.release()
  })

  // A TCP-like header of 20 bytes whose field, at 16, holds the folded pseudo-header sum.
  const PSEUDO = 0x1234
  function partial(packetPool: PacketPool, capacity: number, fills: number[], chunkPool = pool) {
    const packet = packetPool.allocate(40, capacity)!
    const payload = mixedBytes(fills.reduce((total, fill) => total + fill, 0), 9)
    packet.append(mixedBytes(20, 4), 0, 20)
    packet.append(mixedBytes(3, 5), 0, 3)
    packet.view.setUint16(56, PSEUDO)
    if (fills.length > 0) {
      const chunk = chunkChain(chunkPool, payload, fills)
      packet.attachPayload(chunk, 0, payload.length)
      chunk.release()
    }
    packet.checksumState = ChecksumState.Partial
    packet.checksumStart = 40
    packet.checksumOffset = 16
    const expected = checksumOf(referenceSum(contents(packet)))
    return { packet, expected, bytes: contents(packet) }
  }

  test.each([
    ['contiguous', 100, []],
    ['a range with tailroom', 1500, [100]],
    ['a range over chunks with odd boundaries and tailroom', 1500, [101, 1, 1, 200, 3, 295]],
    ['a range without tailroom', 60, [101, 1, 1, 200, 3, 295]],
  ])('finishChecksum: %s', (_, capacity, fills) => {
    const { packet, expected, bytes } = partial(pool, capacity, fills)
    expect(packet.finishChecksum()).toBe(true)
    expect(packet.view.getUint16(56)).toBe(expected)
    expect(packet.checksumState).toBe(ChecksumState.None)
    expect(packet.payload === null).toBe(capacity !== 60)
    expect(contents(packet).toSpliced(16, 2)).toEqual(bytes.toSpliced(16, 2))
    packet.release()
  })

  test('finishChecksum over chunks of another memory', () => {
    const { packet, expected } = partial(elsewhere, 1500, [101, 1, 200])
    expect(packet.finishChecksum()).toBe(true)
    expect(packet.view.getUint16(56)).toBe(expected)
    expect(packet.payload).toBeNull()
    packet.release()
  })

  test('finishChecksum refuses other states and fields outside of the packet', () => {
    const { packet } = partial(pool, 100, [])
    packet.checksumState = ChecksumState.Verified
    expect(packet.finishChecksum()).toBe(false)
    packet.checksumState = ChecksumState.Partial
    for (const [start, offset] of [[40, 22], [63, 0], [-2, 4], [40, -41], [60_000, 60_000]] as const) {
      packet.checksumStart = start
      packet.checksumOffset = offset
      expect(packet.finishChecksum()).toBe(false)
    }
    packet.checksumStart = 40
    packet.checksumOffset = 21
    expect(packet.finishChecksum()).toBe(true)
    packet.release()
  })

  test.each([
    ['UDP by its protocol number', 17, 0, 0xffff],
    ['UDP by the place of its field', 0, 6, 0xffff],
    ['another protocol', 58, 2, 0],
  ])('a checksum of zero: %s', (_, transportProtocol, offset, checksum) => {
    const packet = packetWith(pool, 0, new Uint8Array(8))
    packet.view.setUint16(offset, 0xffff)
    Object.assign(packet, { checksumState: ChecksumState.Partial, checksumStart: 0, checksumOffset: offset, transportProtocol })
    expect(packet.finishChecksum()).toBe(true)
    expect(packet.view.getUint16(offset)).toBe(checksum)
    packet.release()
  })
})
