import { seededRandom } from '@stack/core'
import { describe, expect, test } from 'vitest'
import { Mark, RingPool, Scoreboard } from '../src/scoreboard.ts'

/** The same books kept the plain way: a list of records, counted anew each time. */
interface Plain {
  start: number
  end: number
  marks: number
}

const bytes = (records: readonly Plain[], wanted: number, among: number): number =>
  records.filter(({ marks }) => (marks & among) === wanted).reduce((sum, { start, end }) => sum + ((end - start) | 0), 0)

function expectSame(board: Scoreboard, plain: readonly Plain[]): void {
  expect(Array.from({ length: board.length }, (_, i) => ({ start: board.start(i), end: board.end(i), marks: board.marks(i) }))).toEqual(plain)
  expect(board.sackedBytes).toBe(bytes(plain, Mark.Sacked, Mark.Sacked))
  expect(board.sackedRecords).toBe(plain.filter(({ marks }) => (marks & Mark.Sacked) !== 0).length)
  expect(board.lostBytes).toBe(bytes(plain, Mark.Lost, Mark.Lost | Mark.Out))
  expect(board.outBytes).toBe(bytes(plain, Mark.Lost | Mark.Out, Mark.Lost | Mark.Out))
  expect(board.firstLost()).toBe(plain.findIndex(({ marks }) => (marks & (Mark.Lost | Mark.Out)) === Mark.Lost))
}

describe('the scoreboard', () => {
  /** A board whose only record has gone. */
  function usedBoard(pool: RingPool, records = 1): Scoreboard {
    const board = new Scoreboard(pool)
    for (let i = 0; i < records; i++) board.push(i, i + 1, 0, i)
    for (let i = 0; i < records; i++) board.shift()
    return board
  }

  test('who is done gives the ring back', () => {
    const pool = new RingPool()
    const ring = pool.take(16)
    pool.give(ring)
    const board = usedBoard(pool)
    expect(pool.take(16)).not.toBe(ring)
    board.clear()
    expect(pool.take(16)).toBe(ring)
  })

  test('an empty one keeps the smallest ring until 64 others have come', () => {
    const pool = new RingPool()
    const ring = pool.take(16)
    pool.give(ring)
    usedBoard(pool)
    for (let i = 0; i < 63; i++) usedBoard(pool)
    expect(pool.take(16)).not.toBe(ring)
    usedBoard(pool)
    expect(pool.take(16)).toBe(ring)
  })

  test('the ring of one that sends is not taken, and counts as new when it is empty again', () => {
    const pool = new RingPool()
    const board = usedBoard(pool)
    board.push(1, 2, 0, 1)
    for (let i = 0; i < 64; i++) usedBoard(pool)
    expect([board.start(0), board.end(0)]).toEqual([1, 2])
    board.shift()
    board.push(2, 3, 0, 2)
    expect([board.length, board.start(0)]).toEqual([1, 2])
  })

  test('an empty one holds no larger ring', () => {
    const pool = new RingPool()
    const ring = pool.take(32)
    pool.give(ring)
    usedBoard(pool, 17)
    expect(pool.take(32)).toBe(ring)
  })

  test('rings of more than 2 MiB are not kept', () => {
    const pool = new RingPool()
    const [one, two, small] = [pool.take(65_536), pool.take(65_536), pool.take(16)]
    for (const ring of [one, two, small]) pool.give(ring)
    // By identity: comparing so many words takes long.
    expect(pool.take(65_536) === one).toBe(true)
    expect(pool.take(16) === small).toBe(true)
    expect(pool.take(65_536) === two).toBe(false)
    pool.give(two)
    expect(pool.take(65_536) === two).toBe(true)
  })

  test('a stamp stays with its record, whatever comes, goes and is split; those without have an empty one', () => {
    const board = new Scoreboard(new RingPool())
    const stamp = [11, -12, 13, 14, 15]
    const read = (i: number): number[] => {
      const into = [0, 0, 0, 0, 0]
      board.getStamp(i, into)
      return [...into]
    }
    const empty = [0, 0, 0, 0, 0]
    board.keepStamps(true)
    expect(board.hasStamps).toBe(true)
    for (let i = 0; i < 3; i++) board.push(100 * i, 100 * (i + 1), 7 * i, i)
    board.setStamp(1, stamp)
    expect([read(0), read(1), read(2)]).toEqual([empty, [...stamp], empty])
    for (let i = 3; i < 40; i++) board.push(100 * i, 100 * (i + 1), 7 * i, i)
    board.split(1, 150)
    expect([read(0), read(1), read(2), read(3)]).toEqual([empty, [...stamp], [...stamp], empty])
    for (let i = 0; i < 2; i++) board.shift()
    expect([read(0), read(1)]).toEqual([[...stamp], empty])
    expect([board.start(0), board.end(0), board.sent(0), board.order(0)]).toEqual([150, 200, 7, 1])
    // Places that were used before are empty again.
    for (let i = 0; i < board.length; i++) board.setStamp(i, stamp)
    for (let i = 40; i < 200; i++) {
      board.push(100 * i, 100 * (i + 1), 0, i)
      expect(read(board.length - 1)).toEqual(empty)
      board.shift()
    }
  })

  test('stamps may come and go while segments are out', () => {
    const board = new Scoreboard(new RingPool())
    const rows = (): unknown[] => Array.from({ length: board.length }, (_, i) => [board.start(i), board.end(i), board.sent(i), board.marks(i), board.order(i)])
    for (let i = 0; i < 20; i++) board.push(100 * i, 100 * (i + 1), 7 * i, i)
    for (let i = 0; i < 5; i++) board.shift()
    board.markSacked(3)
    board.markLost(1)
    const before = rows()
    expect(board.hasStamps).toBe(false)
    const stamp = [1, 2, 3, 4, 5]
    for (const isKept of [true, true, false, true]) {
      board.keepStamps(isKept)
      expect(board.hasStamps).toBe(isKept)
      expect(rows()).toEqual(before)
      if (!isKept) continue
      for (let i = 0; i < board.length; i++) board.setStamp(i, stamp)
    }
    board.keepStamps(false)
    board.keepStamps(true)
    const read = [9, 9, 9, 9, 9]
    board.getStamp(0, read)
    expect([...read]).toEqual([0, 0, 0, 0, 0])
    expect([board.sackedBytes, board.lostBytes, board.firstLost()]).toEqual([100, 100, 1])
  })

  test('what is held lost is told once, and counted for ever', () => {
    const board = new Scoreboard(new RingPool())
    const told: number[] = []
    board.listener = { segmentLost: (i) => told.push(board.start(i)) }
    for (let i = 0; i < 4; i++) board.push(100 * i, 100 * (i + 1), 0, i)
    board.markLost(2)
    board.markLost(2)
    board.markDue(0)
    expect([told, board.lostTotal, board.lostBytes]).toEqual([[200], 100, 200])
    board.markSentAgain(2, 10, 4)
    board.markLost(2)
    expect([told, board.lostTotal, board.lostBytes, board.outBytes]).toEqual([[200, 200], 200, 200, 0])
  })

  test('marks are added to those that are there', () => {
    const board = new Scoreboard(new RingPool())
    for (let i = 0; i < 3; i++) board.push(100 * i, 100 * (i + 1), 0, i)
    board.markTimed(1)
    board.markAgain(1)
    board.markLost(1)
    expect([0, 1, 2].map((i) => board.marks(i))).toEqual([0, Mark.Timed | Mark.Again | Mark.Lost, 0])
    board.markSacked(1)
    expect(board.marks(1)).toBe(Mark.Timed | Mark.Again | Mark.Sacked)
  })

  test('a run of what the peer has ends with its record until somebody knows better', () => {
    const board = new Scoreboard(new RingPool())
    for (let i = 0; i < 20; i++) board.push(100 * i, 100 * (i + 1), 0, i)
    board.shift()
    for (const i of [2, 3]) board.markSacked(i)
    expect([board.run(2), board.run(3)]).toEqual([400, 500])
    board.setRun(2, 500)
    board.shift()
    expect([board.run(1), board.run(2)]).toEqual([500, 500])
  })

  // The last begins where sequence numbers wrap.
  test.each([1, 2, 3, 0x7fffff00])('keeps the books of a list, whatever happens, from %i', (seed) => {
    const random = seededRandom(seed)
    const below = (n: number): number => random.uint32() % n
    const pool = new RingPool()
    const board = new Scoreboard(pool)
    const plain: Plain[] = []
    let next = seed | 0
    for (let step = 0; step < 6000; step++) {
      const kind = below(12)
      const i = plain.length === 0 ? -1 : below(plain.length)
      const record = plain[i]
      if (kind < 4 && plain.length < 300) {
        const end = (next + 1 + below(1460)) | 0
        board.push(next, end, step, step)
        plain.push({ start: next, end, marks: 0 })
        next = end
      } else if (record === undefined) continue
      else if (kind === 4) {
        const una = below(3) === 0 ? record.end : (record.start + below((record.end - record.start) | 0)) | 0
        board.shiftPlain(una)
        if (below(2) === 0) board.shiftSacked(una)
        while (board.length > 0 && ((board.end(0) - una) | 0) <= 0) board.shift()
        if (board.length > 0 && ((board.start(0) - una) | 0) < 0) board.trim(una)
        while (plain.length > 0 && ((plain[0]!.end - una) | 0) <= 0) plain.shift()
        if (plain.length > 0 && ((plain[0]!.start - una) | 0) < 0) plain[0]!.start = una
      } else if (kind === 5 && (record.marks & Mark.Sacked) === 0) {
        board.markSacked(i)
        record.marks = (record.marks & ~(Mark.Lost | Mark.Out)) | Mark.Sacked
      } else if (kind === 6 && (record.marks & Mark.Sacked) === 0) {
        board.markLost(i)
        record.marks = (record.marks & ~Mark.Out) | Mark.Lost
      } else if (kind === 7 && (record.marks & Mark.Sacked) === 0) {
        board.markSentAgain(i, step, step)
        record.marks |= Mark.Lost | Mark.Out | Mark.Again
      } else if (kind === 8 && record.end - record.start > 1) {
        const border = (record.start + 1 + below(record.end - record.start - 1)) | 0
        board.split(i, border)
        plain.splice(i, 1, { ...record, end: border }, { ...record, start: border })
      } else if (kind === 9 && below(20) === 0) {
        if (below(2) === 0) {
          board.forgetLosses()
          for (const each of plain) if ((each.marks & Mark.Out) === 0) each.marks &= ~Mark.Lost
        } else {
          board.forgetSacks()
          for (const each of plain) each.marks &= ~Mark.Sacked
        }
      }
      else if (kind === 10) {
        const stop = i + below(plain.length - i + 1)
        const end = plain.findIndex(({ marks }, k) => k >= i && (k >= stop || marks !== 0))
        const behind = end < 0 ? plain.length : end
        expect(board.sackPlain(i, stop, next)).toBe(behind)
        for (let k = i; k < behind; k++) {
          plain[k]!.marks = Mark.Sacked
          expect(board.run(k)).toBe(next)
        }
      } else if (kind === 11) {
        const una = record.end
        board.shiftSacked(una)
        while (plain.length > 1 && (plain[0]!.marks & Mark.Sacked) !== 0 && ((plain[0]!.end - una) | 0) <= 0) plain.shift()
      }
      if (step % 7 === 0) expectSame(board, plain)
      const wanted = (seed + below(1 << 20)) | 0
      const at = plain.findIndex(({ end }) => ((end - wanted) | 0) > 0)
      expect(board.find(wanted)).toBe(at < 0 ? plain.length : at)
    }
    expectSame(board, plain)
    board.clear()
    expectSame(board, [])
  })
})
