import { describe, expect, test } from 'vitest'
import { createAckSample } from '../src/congestion.ts'
import { HyStart } from '../src/hystart.ts'

const MSS = 1000

/** Rounds of HyStart++: what is out when one begins, acknowledged segment by segment. */
class Rounds {
  readonly hystart = new HyStart()
  window = 10
  una = 0
  private nxt = this.window * MSS
  private end = this.nxt
  private readonly sample = createAckSample()

  /** One round whose round trips, ms, are `rtt` (the n-th of the round), in `acks` ACKs. Gives the phases that it went through. */
  round(rtt: (n: number) => number, acks = Infinity): string {
    const { sample, hystart, end } = this
    let seen = this.phase
    for (let i = 0; this.una < end; i++) {
      const acked = i === acks - 1 ? end - this.una : MSS
      this.una += acked
      this.window += hystart.growth(acked) / MSS
      sample.acked = acked
      sample.una = this.una
      // What this ACK lets go leaves after it.
      sample.nxt = this.end = this.nxt
      sample.rtt = rtt(i) * 1000
      hystart.onAck(sample)
      if (seen.at(-1) !== this.phase) seen += this.phase
      this.nxt = this.una + Math.floor(this.window) * MSS
    }
    return seen
  }

  /** S slow start, C conservative slow start, X over. */
  get phase(): string {
    if (this.hystart.isOver) return 'X'
    return this.hystart.isConservative ? 'C' : 'S'
  }
}

describe('HyStart++ (RFC 9406)', () => {
  test('round trips that do not grow leave slow start alone', () => {
    const rounds = new Rounds()
    for (let i = 0; i < 5; i++) expect(rounds.round(() => 100)).toBe('S')
    expect(rounds.window).toBe(10 + rounds.una / MSS)
    expect(rounds.window).toBeGreaterThan(200)
  })

  test.each([
    // The threshold is an eighth of the last round's least, between 4 and 16 ms.
    [10, 13, 14],
    [80, 89, 90],
    [400, 415, 416],
  ])('after %d ms, %d ms are no sign and %d ms begin conservative slow start [RFC9406-4.2-css]', (before, below, above) => {
    const quiet = new Rounds()
    quiet.round(() => before)
    expect(quiet.round(() => below)).toBe('S')
    const loud = new Rounds()
    loud.round(() => before)
    expect(loud.round(() => above)).toBe('SC')
  })

  test('only the least of a round counts, and only with eight samples [RFC9406-4.2-css]', () => {
    const single = new Rounds()
    single.round(() => 50)
    expect(single.round((n) => (n === 3 ? 50 : 200))).toBe('S')
    const few = new Rounds()
    few.round(() => 50)
    expect(few.round(() => 200, 7)).toBe('S')
    const enough = new Rounds()
    enough.round(() => 50)
    expect(enough.round(() => 200, 8)).toBe('SC')
  })

  test('conservative slow start grows by a quarter of what is acknowledged, to the byte [RFC9406-4.2-css]', () => {
    const rounds = new Rounds()
    rounds.round(() => 50)
    rounds.round(() => 100)
    expect(rounds.phase).toBe('C')
    let grown = 0
    for (let i = 0; i < 100; i++) grown += rounds.hystart.growth(999)
    expect(Math.abs(grown - 99_900 / 4)).toBeLessThan(1)
  })

  test('round trips that fall below those at its beginning go back to slow start [RFC9406-4.2-resume]', () => {
    const rounds = new Rounds()
    rounds.round(() => 50)
    expect(rounds.round(() => 80)).toBe('SC')
    expect(rounds.round(() => 80)).toBe('C')
    expect(rounds.round(() => 79)).toBe('CS')
    // And may leave it again.
    expect(rounds.round(() => 95)).toBe('SC')
  })

  test('five rounds of it, the first in part, end slow start [RFC9406-4.2-exit]', () => {
    const rounds = new Rounds()
    rounds.round(() => 50)
    expect(rounds.round(() => 80)).toBe('SC')
    for (let i = 0; i < 3; i++) expect(rounds.round(() => 80)).toBe('C')
    expect(rounds.round(() => 80)).toBe('CX')
  })

  test('one sample in a round trip, as a dialogue has it, says nothing', () => {
    const rounds = new Rounds()
    for (let i = 0; i < 50; i++) expect(rounds.round((n) => (n === 0 ? 20 + 40 * (i % 2) : 0), 1)).toBe('S')
  })
})
