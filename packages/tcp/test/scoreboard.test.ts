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
  // The last begins where sequence numbers wrap.
  test.each([1, 2, 3, 0x7fffff00])('keeps the books of a list, whatever happens, from %i', (seed) => {
    const random = seededRandom(seed)
    const below = (n: number): number => random.uint32() % n
    const pool = new RingPool()
    const board = new Scoreboard(pool)
    const plain: Plain[] = []
    let next = seed | 0
    for (let step = 0; step < 6000; step++) {
      const kind = below(10)
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
      if (step % 7 === 0) expectSame(board, plain)
      const wanted = (seed + below(1 << 20)) | 0
      const at = plain.findIndex(({ end }) => ((end - wanted) | 0) > 0)
      expect(board.find(wanted)).toBe(at < 0 ? plain.length : at)
    }
    expectSame(board, plain)
    board.clear()
    expectSame(board, [])
  })

  test('an empty one holds no ring, and rings are used again', () => {
    const pool = new RingPool()
    const ring = pool.take(16)
    pool.give(ring)
    const board = new Scoreboard(pool)
    board.push(0, 1, 0, 0)
    expect(pool.take(16)).not.toBe(ring)
    board.shift()
    expect(pool.take(16)).toBe(ring)
  })
})
