import type { ConnectionOptions } from '@stack/tcp'
import { tcp } from '@stack/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { forgery, TCP, type Forgery } from './support/forgery.ts'
import { network, siege, tell } from './support/siege.ts'

/** Segments outstanding. */
const SIZES = [256, 2048, 16_384]
/** Hostile ACKs of each attack. */
const ACKS = 1000
/** Payload of a segment. */
const MSS = 128
/** All work against all ACKs and segments: logarithms are below this exponent over these sizes, a walk over the window is above it. */
const STEEPEST = 0.3
/** Record accesses that a segment takes once, when it is first told of: an ACK that takes less has no slope to speak of. */
const LEAST = 20
/** Records from which on only full segments make more. */
const MOST_RECORDS = 65_536
/** Record accesses for one ACK at the largest size, with what is done once for each segment: a walk over the window would be one for each of 16,384. */
const MOST = 1000

/** Reads and writes of the scoreboard's records: what an ACK costs, the same in every run. */
let operations = 0
let restore = (): void => undefined

/** The receiving end of a connection, whose windows and SACK blocks are a lie. Numbers count from the stack's ISN. */
interface Liar {
  readonly size: number
  /** An ACK of `una` with up to three blocks, in segments from `base` on; `window` in bytes, as a multiple of 256. */
  readonly ack: (una: number, blocks?: readonly (readonly [number, number])[], window?: number) => void
  /** The same in bytes. */
  readonly ackBytes: (una: number, blocks: readonly (readonly [number, number])[], window?: number, echo?: number) => void
  /** First sequence number outstanding. */
  readonly base: number
  readonly pass: (ms?: number) => void
  readonly pick: (below: number) => number
}

/** A connection with `size` segments outstanding, got by being a good receiver for so long. */
async function outstanding(size: number, options: ConnectionOptions = {}) {
  const { stack, hit, run, link, clock, random, end } = await siege({ quota: 64 << 20 })
  const listener = stack.tcp.listen({ port: 7000, sendBuffer: 16 << 20, maximumSegmentSize: MSS + 12, ...options })
  hit(forgery(network('ipv4'), tcp({ flags: 'S', mss: MSS + 12, windowScale: 8, sackPermitted: true, timestamps: { value: 1, echo: 0 } })).bytes)
  clock.advanceSync(0)
  const synAck = link.take()!
  const at = synAck.start + 20
  const iss = synAck.view.getInt32(at + 4)
  const serverStamp = synAck.view.getInt32(at + 20 + 8)
  const startedAt = clock.now()
  synAck.release()

  const forged = new Map<number, Forgery>()
  let stamp = 2
  function ackBytes(una: number, blocks: readonly (readonly [number, number])[], window = 65_535 << 8, echo = serverStamp + (clock.now() - startedAt)): void {
    let segment = forged.get(blocks.length)
    segment ??= forgery(network('ipv4'), tcp({ flags: 'A', seq: 1, timestamps: { value: 2, echo: 0 }, sack: blocks.length === 0 ? null : blocks }))
    forged.set(blocks.length, segment)
    segment.set32(TCP.acknowledgment, (iss + una) | 0).set16(TCP.window, window >> 8)
    segment.set32(TCP.options + 4, stamp++).set32(TCP.options + 8, Math.floor(echo) | 0)
    for (const [i, [left, right]] of blocks.entries()) segment.set32(TCP.options + 16 + 8 * i, (iss + left) | 0).set32(TCP.options + 20 + 8 * i, (iss + right) | 0)
    hit(segment.bytes)
    run()
  }

  ackBytes(1, [])
  const connection = listener.tryAccept()!
  const { snd } = (connection as unknown as { endpoint: { snd: { nxt: number; readonly board: { readonly length: number } } } }).endpoint
  const { board } = snd
  // Slow start: whatever was sent is acknowledged, until there is enough of it.
  const chunk = new Uint8Array(256 * MSS)
  let una = 1
  for (let rounds = 0; ; rounds++) {
    for (let more = 2 * (size + 10) * MSS; more > 0;) {
      const taken = connection.tryWrite(more > chunk.length ? chunk : chunk.subarray(0, more))
      if (taken === 0) break
      more -= taken
    }
    // The NIC's queue takes a part of it at a time.
    for (let idle = 0; idle < 3; ) {
      const sent = snd.nxt
      run(4)
      idle = sent === snd.nxt ? idle + 1 : 0
    }
    if (board.length >= size) break
    if (rounds === 20) throw new Error(`Only ${String(board.length)} of ${String(size)} segments are out.`)
    una = (snd.nxt - iss) | 0
    ackBytes(una, [])
  }
  expect(board.length, 'the window is full').toBeGreaterThanOrEqual(size)
  const liar: Liar = {
    size, base: una, ackBytes,
    ack: (from, blocks = [], window) => {
      ackBytes(una + from * MSS, blocks.map(([left, right]) => [una + left * MSS, una + right * MSS] as const), window)
    },
    pass: run,
    pick: (below) => random.uint32() % below,
  }
  const ackAll = (): void => {
    ackBytes((snd.nxt - iss) | 0, [])
  }
  return { liar, board, connection, ackAll, end }
}

const PATTERNS: readonly (readonly [name: string, attack: (liar: Liar) => void])[] = [
  ['single segments at random', ({ size, ack, pick }) => {
    for (let i = 0; i < ACKS; i++) {
      const left = 1 + pick(size - 2)
      ack(0, [[left, left + 1]])
    }
  }],
  ['three rotating blocks', ({ size, ack, pick }) => {
    const places = Array.from({ length: 64 }, () => 1 + pick(size - 3))
    for (let i = 0; i < ACKS; i++) ack(0, [0, 1, 2].map((n) => [places[(3 * i + n) % 64]!, places[(3 * i + n) % 64]! + 1] as const))
  }],
  ['every second segment', ({ size, ack }) => {
    for (let i = 0; i < ACKS; i++) ack(0, [[1 + ((2 * i) % (size - 2)), 2 + ((2 * i) % (size - 2))]])
  }],
  ['every second segment, then all of them again and again', ({ size, ack }) => {
    for (let i = 0; i < ACKS / 2; i++) ack(0, [[1 + ((2 * i) % (size - 2)), 2 + ((2 * i) % (size - 2))]])
    for (let i = 0; i < ACKS / 2; i++) ack(0, [[1, size - i % 8], [2 + i % 8, size]])
  }],
  ['the whole window, shrinking from the right', ({ size, ack }) => {
    for (let i = 0; i < ACKS; i++) ack(0, [[1, size - (i % (size - 2))]])
  }],
  ['the whole window, shrinking from the left', ({ size, ack }) => {
    for (let i = 0; i < ACKS; i++) ack(0, [[1 + (i % (size - 2)), size]])
  }],
  ['growing backwards', ({ size, ack }) => {
    for (let i = 0; i < ACKS; i++) ack(0, [[size - 1 - (i % (size - 2)), size]])
  }],
  ['large blocks with wandering edges', ({ size, ack, pick }) => {
    for (let i = 0; i < ACKS; i++) {
      const half = size >> 1
      ack(0, [[1 + pick(half - 1), half + 1 + pick(half - 1)], [1 + pick(half - 1), half + 1 + pick(half - 1)], [1 + pick(half - 1), half + 1 + pick(half - 1)]])
    }
  }],
  ['single bytes', ({ size, base, ackBytes, pick }) => {
    for (let i = 0; i < ACKS; i++) {
      const left = base + 1 + pick((size - 1) * MSS)
      ackBytes(base, [[left, left + 1]])
    }
  }],
  ['D-SACKs of everything', ({ size, base, ackBytes, pick }) => {
    for (let i = 0; i < ACKS; i++) {
      const left = base + 1 + pick((size - 2) * MSS)
      ackBytes(base, [[left, left + MSS], [base + 1, base + (size - 1) * MSS]])
    }
  }],
  ['losses with the time to notice them', ({ size, ack, pick, pass }) => {
    for (let i = 0; i < ACKS; i++) {
      const left = 1 + pick(size - 2)
      ack(0, [[left, left + 1]])
      if (i % 4 === 0) pass(1)
    }
  }],
  ['one byte acknowledged at a time, with old echoes that undo each recovery (RFC 3522)', ({ size, base, ackBytes, pass }) => {
    for (let i = 0; i < ACKS / 2; i++) {
      ackBytes(base + i, [[base + MSS * 8, base + MSS * (size - 1)]])
      pass(1)
      ackBytes(base + i + 1, [[base + MSS * 8, base + MSS * (size - 1)]], undefined, 0)
    }
  }],
  ['a window that shrinks below what is out, and opens byte by byte', ({ size, base, ackBytes, pass }) => {
    ackBytes(base, [[base + MSS * 2, base + MSS * (size >> 1)]], 0)
    pass(500)
    for (let i = 0; i < ACKS; i++) {
      ackBytes(base, [[base + MSS * 2, base + MSS * (size >> 1)]], (((size >> 1) * MSS) & ~255) + (i << 8))
      if (i % 4 === 0) pass(1)
    }
  }],
]

/** Slope of the line through (log size, log work). */
function exponent(works: readonly number[]): number {
  const xs = SIZES.map((size) => Math.log(size))
  const ys = works.map((work) => Math.log(work))
  const meanX = xs.reduce((sum, x) => sum + x, 0) / xs.length
  const meanY = ys.reduce((sum, y) => sum + y, 0) / ys.length
  return xs.reduce((sum, x, i) => sum + (x - meanX) * (ys[i]! - meanY), 0) / xs.reduce((sum, x) => sum + (x - meanX) ** 2, 0)
}

describe('abuse of SACK blocks', () => {
  beforeAll(async () => {
    const { board, end } = await outstanding(1)
    const prototype = Object.getPrototypeOf(board) as { offset: (i: number) => number }
    const { offset } = prototype
    prototype.offset = function (this: { offset: (i: number) => number }, i) {
      operations++
      return offset.call(this, i)
    }
    restore = () => {
      prototype.offset = offset
    }
    await end()
  })
  afterAll(() => {
    restore()
  })

  it.each(PATTERNS)('%s: the work for an ACK does not grow with the window', async (name, attack) => {
    const works: number[] = []
    for (const size of SIZES) {
      const { liar, end } = await outstanding(size)
      operations = 0
      const before = process.cpuUsage()
      attack(liar)
      const { user, system } = process.cpuUsage(before)
      works.push(Math.max(LEAST, operations / (ACKS + size)))
      tell(`SACK, ${String(size)} segments out, ${name}`, ACKS, user + system, `${(operations / ACKS).toFixed(1)} record accesses per ACK`)
      expect(operations / ACKS).toBeLessThanOrEqual(MOST)
      await end()
    }
    console.log(`SACK, ${name}: exponent ${exponent(works).toFixed(2)}`)
    expect(exponent(works)).toBeLessThanOrEqual(STEEPEST)
  })

  it('a window whose edge is always in the middle of what was lost: the work for a split is of the pieces before it, not of the window', async () => {
    const { liar: { base, ackBytes, pass }, board, end } = await outstanding(16_384)
    const una = base + MSS / 2
    // Each ACK tells of two segments more, so that as much may leave as the window opens.
    const last = base + MSS * (board.length - 1)
    const sacked = (count: number): readonly [number, number] => [last - MSS * count, last]
    ackBytes(una, [sacked(1)], 0)
    pass(500)
    operations = 0
    const records = board.length
    for (let i = 1; i <= ACKS; i++) ackBytes(una, [sacked(1 + 2 * i)], i << 8)
    const splits = board.length - records
    console.log(`SACK, splits: ${(operations / splits).toFixed(1)} record accesses for each of ${String(splits)}`)
    expect(splits).toBeGreaterThan(ACKS / 2)
    // Three records for each of them lie before the last, and one is read and written when it makes room.
    expect(operations / splits).toBeLessThan(2 * 3 * splits)
    await end()
  })

  it('a byte in each segment, and no ACK: there is a limit to records, and full segments go on', async () => {
    const { liar: { pass }, board, connection, ackAll, end } = await outstanding(1024, { noDelay: true })
    for (let rounds = 0; board.length > 0 && rounds < 1000; rounds++) {
      ackAll()
      pass(4)
    }
    const byte = new Uint8Array(1)
    for (let i = 1; i <= MOST_RECORDS + 1024; i++) {
      connection.tryWrite(byte)
      if (i % 128 === 0) pass()
    }
    expect(board.length).toBe(MOST_RECORDS + 1024 / MSS)
    expect(connection.info().bytesInFlight).toBe(MOST_RECORDS + 1024)
    await end()
  })
})
