import { beforeEach, describe, expect, test, vi } from 'vitest'
import { ChecksumState, GsoType, PacketFlag } from '@stack/buffer'
import type { Packet, PacketMemory, PacketPool } from '@stack/buffer'
import { chunkChain, contents, expectEmpty, JUMBO, LARGE, MEDIUM, memoryOf, mixedBytes, packetWith, SMALL } from './support.ts'

let memory: PacketMemory
let pool: PacketPool

beforeEach(() => {
  memory = memoryOf(4)
  pool = memory.pool()
  return () => {
    expectEmpty(pool)
    expect(memory.statistics).toMatchObject({ packetsOut: 0, chunksOut: 0, bytesHeld: 0 })
  }
})

const HEAD = mixedBytes(60, 2)
const BODY = mixedBytes(500, 3)

const METADATA = {
  sourceA: 1, sourceB: 2, sourceC: 3, sourceD: 4, destinationA: 5, destinationB: 6, destinationC: 7, destinationD: 8,
  sourcePort: 9, destinationPort: 10, nicId: 11, networkProtocol: 12, transportProtocol: 13, ttl: 14, tos: 15, flowLabel: 16,
  hash: 17, mark: 18, flags: PacketFlag.Multicast | PacketFlag.Forwarded, flow: {},
  linkDestination: new Uint8Array(6), linkSource: new Uint8Array(6), arrival: 19.5, arrivalMicros: -20, earliestDeparture: 21.5,
  checksumState: ChecksumState.Partial, checksumStart: 22, checksumOffset: 23, checksumSum: 24,
  gsoType: GsoType.TcpV6, gsoMss: 25, gsoL3HeaderLength: 26, gsoMaxSize: 27, gsoNeedsChecksum: true, gsoChecksumOffset: 28,
}

/** A received packet with two consumed headers, all metadata set, and a payload range. */
function received(): Packet {
  const packet = packetWith(pool, 40, HEAD)
  packet.consumeNetworkHeader(20)
  packet.consumeTransportHeader(8)
  const chunk = chunkChain(pool, BODY, [123, 377])
  packet.attachPayload(chunk, 0, 500)
  chunk.release()
  return Object.assign(packet, METADATA)
}

/** The values of a packet, without the objects of its slot. */
function fields(packet: Packet): Record<string, unknown> {
  const bound = ['slot', 'memory', 'bytes', 'view', 'base', 'capacity', 'payload', 'pool', 'next', 'chain', 'credit', 'creditBytes']
  return Object.fromEntries(Object.entries(packet).filter(([name]) => !bound.includes(name)))
}

describe('release', () => {
  test('gives a clean packet to the next one', () => {
    const fresh = pool.allocate(0, 100)!
    const clean = fields(fresh)
    fresh.release()
    const packet = received()
    packet.credit = { returned: vi.fn() }
    packet.creditBytes = 5
    packet.next = packet
    packet.release()
    const again = pool.allocate(0, 100)!
    expect(again).toBe(packet)
    expect(fields(again)).toEqual(clean)
    expect([again.payload, again.next, again.chain, again.credit, again.creditBytes]).toEqual([null, null, null, null, -1])
    again.release()
  })

  test('the last packet in is the first out', () => {
    const [a, b] = [pool.allocate(0, 10)!, pool.allocate(0, 10)!]
    a.release()
    b.release()
    expect(pool.allocate(0, 10)).toBe(b)
    expect(pool.allocate(0, 10)).toBe(a)
    a.release()
    b.release()
  })

  test('a second release is counted and ignored', () => {
    const packet = received()
    packet.release()
    packet.release()
    expect(packet.pool).toBeNull()
    expect(memory.statistics.doubleRelease).toBe(1)
    const chunk = pool.chunk(10)!
    chunk.release()
    chunk.release()
    expect(memory.statistics.doubleRelease).toBe(2)
    expect(pool.packets + pool.chunks).toBe(0)
  })

  test('releases the packets chained to it', () => {
    const head = received()
    let tail = head
    for (let i = 0; i < 3; i++) tail = tail.chain = received()
    expect(pool.packets).toBe(4)
    head.release()
    expectEmpty(pool)
    expect(memory.statistics.doubleRelease).toBe(0)
  })

  test('tells the credit once, with the length at release or what was set', () => {
    const returned = vi.fn()
    const packet = packetWith(pool, 40, HEAD)
    packet.credit = { returned }
    packet.pushNetworkHeader(20)
    packet.release()
    expect(returned.mock.calls).toEqual([[80]])
    const other = packetWith(pool, 40, HEAD)
    other.credit = { returned }
    other.creditBytes = 1460
    other.release()
    other.release()
    expect(returned.mock.calls).toEqual([[80], [1460]])
  })

  test('the credit may take the same packet again', () => {
    const packet = pool.allocate(0, 10)!
    let again: Packet | null = null
    packet.credit = { returned: () => { again = pool.allocate(5, 10) } }
    packet.release()
    expect(again).toBe(packet)
    expect(packet).toMatchObject({ start: 5, end: 5, credit: null })
    expect(packet.pool).toBe(pool)
    packet.release()
  })
})

describe('chunks', () => {
  test('take what fits, and nothing behind a successor', () => {
    const chunk = pool.chunk(256)!
    expect(chunk.append(BODY, 0, 200)).toBe(200)
    expect(chunk.append(BODY, 200, 300)).toBe(56)
    expect(chunk.append(BODY, 256, 300)).toBe(0)
    expect(chunk.append(BODY, 10, 5)).toBe(0)
    expect([...chunk.bytes]).toEqual([...BODY.subarray(0, 256)])
    const first = pool.chunk(256)!
    first.append(BODY, 0, 10)
    first.setNext(chunk)
    expect(first.append(BODY, 10, 20)).toBe(0)
    first.release()
    chunk.release()
  })

  test('a holder of a chunk holds its successors', () => {
    const first = chunkChain(pool, BODY, [100, 100, 100, 200])
    const third = first.next!.next!
    third.retain()
    first.release()
    expect(pool.chunks).toBe(2)
    expect([...third.bytes.subarray(0, 100)]).toEqual([...BODY.subarray(200, 300)])
    third.release()
    expect(pool.chunks).toBe(0)
  })

  test('a successor is set once', () => {
    const [a, b, c] = [pool.chunk(1)!, pool.chunk(1)!, pool.chunk(1)!]
    a.setNext(b)
    a.setNext(c)
    expect(a.next).toBe(b)
    expect(c.references).toBe(1)
    for (const chunk of [a, b, c]) chunk.release()
  })

  test('a chain of thousands is released without recursion', () => {
    const length = 1000
    const first = chunkChain(pool, new Uint8Array(length), Array.from({ length }, () => 1))
    expect(pool.chunks).toBe(length)
    first.release()
  })

  test('a chunk taken again is empty', () => {
    const chunk = chunkChain(pool, BODY, [200, 300])
    chunk.release()
    const again = pool.chunk(200)!
    expect(again).toMatchObject({ length: 0, next: null, references: 1 })
    again.release()
  })

  test('have the smallest slot that holds the size, and at most the largest', () => {
    const sizes = [1, 256, 257, 2048, 2049, 17_408, 17_409, 69_632, 1_000_000].map((size) => {
      const chunk = pool.chunk(size)!
      const { capacity } = chunk
      chunk.release()
      return capacity
    })
    expect(sizes).toEqual([SMALL, SMALL, MEDIUM, MEDIUM, JUMBO, JUMBO, LARGE, LARGE, LARGE])
  })
})

describe('clone', () => {
  test('copies headers and metadata and shares the payload', () => {
    const packet = received()
    const clone = packet.clone(pool)!
    expect(fields(clone)).toEqual(fields(packet))
    expect(clone.payload).toBe(packet.payload)
    expect(packet.payload!.references).toBe(2)
    expect([...clone.bytes.subarray(40, 100)]).toEqual([...HEAD])
    packet.release()
    expect(contents(clone)).toEqual([...HEAD.subarray(28), ...BODY])
    clone.release()
  })

  test('has its own header bytes', () => {
    const packet = received()
    const clone = packet.clone(pool)!
    clone.bytes.fill(0, clone.networkHeader, clone.end)
    expect([...packet.bytes.subarray(40, 100)]).toEqual([...HEAD])
    packet.release()
    clone.release()
  })

  test('credit and list links stay with the original', () => {
    const packet = received()
    packet.credit = { returned: vi.fn() }
    packet.next = packet
    const clone = packet.clone(pool)!
    expect(clone).toMatchObject({ credit: null, creditBytes: -1, next: null })
    packet.next = null
    clone.release()
    packet.release()
  })

  test('is charged to the given pool, also in another memory', () => {
    const other = memoryOf(2).pool()
    const packet = packetWith(pool, 10, mixedBytes(1000))
    const clone = packet.clone(other)!
    expect(clone.memory).toBe(other.memory)
    expect(other).toMatchObject({ packets: 1, held: MEDIUM })
    expect(contents(clone)).toEqual(contents(packet))
    clone.release()
    packet.release()
    expectEmpty(other)
  })

  test('clones the chain, or nothing when the pool refuses', () => {
    const head = received()
    const middle = (head.chain = received())
    middle.chain = received()
    const clone = head.clone(pool)!
    expect(pool.packets).toBe(6)
    expect(contents(clone.chain!.chain!)).toEqual(contents(middle.chain))
    clone.release()
    expect(pool.packets).toBe(3)
    const tight = memory.pool({ slots: 2 })
    expect(head.clone(tight)).toBeNull()
    expectEmpty(tight)
    head.release()
  })
})

describe('flatten', () => {
  test('makes contiguous in place where that fits', () => {
    const packet = packetWith(pool, 0, HEAD, 1000)
    const chunk = chunkChain(pool, BODY, [500])
    packet.attachPayload(chunk, 0, 500)
    chunk.release()
    expect(pool.flatten(packet)).toBe(packet)
    expect(contents(packet)).toEqual([...HEAD, ...BODY])
    packet.release()
  })

  test('else moves everything to a larger packet', () => {
    const packet = received()
    const returned = vi.fn()
    packet.credit = { returned }
    packet.creditBytes = 500
    const chained = (packet.chain = received())
    const before = contents(packet)
    const { networkHeader, transportHeader } = packet
    const flat = pool.flatten(packet)!
    expect(flat).not.toBe(packet)
    expect(flat).toMatchObject({ ...METADATA, networkHeader, transportHeader, payload: null, capacity: MEDIUM })
    expect(flat.chain).toBe(chained)
    expect(contents(flat)).toEqual(before)
    expect([...flat.bytes.subarray(40, 100)]).toEqual([...HEAD])
    expect(packet.pool).toBeNull()
    expect(returned).not.toHaveBeenCalled()
    flat.release()
    expect(returned.mock.calls).toEqual([[500]])
  })

  test('leaves the packet alone when there is no memory', () => {
    const packet = received()
    const before = contents(packet)
    const tight = memory.pool({ quota: SMALL })
    expect(tight.flatten(packet)).toBeNull()
    expect(contents(packet)).toEqual(before)
    packet.release()
  })
})
