import { describe, expect, it } from 'vitest'
import { seededRandom, type Timer } from '@stack/core'
import { createTimerScope } from '../src/time/timer-scope.ts'
import { createTimerWheel, type DrivenTimerWheel } from '../src/time/timing-wheel.ts'

const DAY = 86_400_000
const SPAN = 2 ** 30

interface Bench {
  now: number
  readonly wheel: DrivenTimerWheel
  readonly fired: string[]
  readonly errors: unknown[]
  timer(name: string, then?: () => void): Timer
  /** Drives the wheel as a clock does: from deadline to deadline. */
  advanceTo(time: number): void
}

function bench(start = 0): Bench {
  const errors: unknown[] = []
  const time = { now: start }
  const self: Bench = {
    get now() {
      return time.now
    },
    set now(now) {
      time.now = now
    },
    fired: [],
    errors,
    wheel: createTimerWheel({ now: () => time.now, earlier: () => {}, onError: (error) => errors.push(error) }),
    timer: (name, then) =>
      self.wheel.create((now) => {
        self.fired.push(`${name}@${now}`)
        then?.()
      }),
    advanceTo(end) {
      for (;;) {
        const next = self.wheel.nextDeadline
        if (next > end) break
        self.now = Math.max(self.now, next)
        self.wheel.advance(self.now)
      }
      self.now = end
      self.wheel.advance(end)
    },
  }
  return self
}

describe('deadlines', () => {
  it.each([0, 0.001, 0.999, 1, 31, 32, 33.5, 1023, 1024.25, 40_000, DAY, 12 * DAY, 13 * DAY, 400 * DAY])(
    'are kept exactly: %d ms',
    (deadline) => {
      const b = bench()
      b.timer('t').arm(deadline)
      expect(b.wheel.nextDeadline).toBe(deadline)
      expect(b.wheel.bound).toBe(deadline)
      b.wheel.advance(deadline - 0.0001)
      expect(b.fired).toEqual([])
      b.wheel.advance(deadline)
      expect(b.fired).toEqual([`t@${deadline}`])
      expect(b.wheel.armed).toBe(0)
    },
  )

  it('are kept on a clock that has run for months', () => {
    const start = 200 * DAY + 0.5
    const b = bench(start)
    b.timer('soon').arm(start + 10)
    b.timer('later').arm(start + SPAN)
    b.advanceTo(start + 2 * SPAN)
    expect(b.fired).toEqual([`soon@${start + 10}`, `later@${start + SPAN}`])
  })

  it('in one tick fire in order, equal ones in the order of arming', () => {
    const b = bench()
    b.timer('d').arm(5.9)
    b.timer('a').arm(5.1)
    b.timer('b').arm(5.5)
    b.timer('c').arm(5.5)
    const first = b.timer('armed again')
    first.arm(5.5)
    first.arm(5.5)
    b.wheel.advance(6)
    expect(b.fired).toEqual(['a@6', 'b@6', 'c@6', 'armed again@6', 'd@6'])
  })

  it('that passed long ago fire in order too', () => {
    const b = bench()
    for (const deadline of [DAY * 20, 5, DAY, 1e9, 40, 33]) b.timer(String(deadline)).arm(deadline)
    b.wheel.advance(DAY * 30)
    expect(b.fired.map((entry) => Number(entry.split('@')[0]))).toEqual([5, 33, 40, DAY, 1e9, DAY * 20])
  })

  it('in the past fire at the next visit', () => {
    const b = bench(1000)
    b.timer('past').arm(3)
    b.timer('beginning').arm(-Infinity)
    expect(b.wheel.nextDeadline).toBe(-Infinity)
    b.wheel.advance(1000)
    expect(b.fired).toEqual(['beginning@1000', 'past@1000'])
  })

  it('of Infinity or NaN disarm', () => {
    const b = bench()
    for (const never of [Infinity, NaN]) {
      const timer = b.timer('never')
      timer.arm(never)
      expect(timer.armed).toBe(false)
      timer.arm(5)
      timer.arm(never)
      expect(timer.armed).toBe(false)
    }
    expect(b.wheel.armed).toBe(0)
    expect(b.wheel.nextDeadline).toBe(Infinity)
  })
})

describe('re-arming', () => {
  it('later only stores the deadline', () => {
    const b = bench()
    const rto = b.timer('rto')
    rto.arm(200)
    const moves = b.wheel.moves
    for (let i = 1; i <= 1000; i++) rto.arm(200 + i)
    expect(b.wheel.moves).toBe(moves)
    // A bound until somebody looks, then exact.
    expect(b.wheel.bound).toBe(200)
    expect(b.wheel.nextDeadline).toBe(1200)
    expect(b.wheel.bound).toBe(1200)
    b.advanceTo(1199.999)
    expect(b.fired).toEqual([])
    b.advanceTo(1200)
    expect(b.fired).toEqual(['rto@1200'])
  })

  it('later, and then earlier but not before its slot, is exact', () => {
    const b = bench()
    const timer = b.timer('t')
    timer.arm(200)
    timer.arm(5000)
    timer.arm(300)
    b.advanceTo(10_000)
    expect(b.fired).toEqual(['t@300'])
  })

  it('earlier is exact', () => {
    const b = bench()
    const timer = b.timer('t')
    timer.arm(13 * DAY)
    timer.arm(5000)
    timer.arm(4.25)
    expect(b.wheel.bound).toBe(4.25)
    b.advanceTo(14 * DAY)
    expect(b.fired).toEqual(['t@4.25'])
  })

  it('while it fires gives a period', () => {
    const b = bench()
    const timer = b.timer('tick', () => timer.arm(b.now + 100))
    timer.arm(100)
    b.advanceTo(350)
    expect(b.fired).toEqual(['tick@100', 'tick@200', 'tick@300'])
    expect(timer.armed).toBe(true)
  })

  it('at once does not hold the wheel: the limit ends the visit', () => {
    const b = bench()
    const timer = b.timer('t', () => timer.armAfter(0))
    timer.arm(0)
    expect(b.wheel.advance(0, 10)).toBe(10)
    expect(timer.armed).toBe(true)
  })
})

describe('cancelling', () => {
  it('is final, also by a timer of the same tick', () => {
    const b = bench()
    const victim = b.timer('victim')
    b.timer('killer', () => victim.cancel()).arm(7)
    victim.arm(7)
    b.wheel.advance(8)
    expect(b.fired).toEqual(['killer@8'])
    expect(victim.armed).toBe(false)
  })

  it('of an idle timer does nothing', () => {
    const b = bench()
    const timer = b.timer('t')
    timer.cancel()
    timer.arm(1)
    timer.cancel()
    timer.cancel()
    expect(b.wheel.armed).toBe(0)
  })

  it('of the next timer makes the bound loose and the next deadline exact', () => {
    const b = bench()
    const first = b.timer('first')
    first.arm(70)
    b.timer('second').arm(80)
    first.cancel()
    expect(b.wheel.bound).toBeLessThanOrEqual(80)
    expect(b.wheel.nextDeadline).toBe(80)
  })
})

it('what a timer throws is reported, and the others fire', () => {
  const b = bench()
  b.timer('bad', () => {
    throw new Error('boom')
  }).arm(1)
  b.timer('good').arm(1)
  b.wheel.advance(1)
  expect(b.fired).toEqual(['bad@1', 'good@1'])
  expect(b.errors).toHaveLength(1)
})

it('tells armings before the alarm, and no others', () => {
  const told: number[] = []
  const wheel = createTimerWheel({ now: () => 0, earlier: (deadline) => told.push(deadline), onError: () => {} })
  const timer = wheel.create(() => {})
  timer.arm(100)
  wheel.alarm = 100
  wheel.create(() => {}).arm(100)
  wheel.create(() => {}).arm(99)
  wheel.alarm = -Infinity
  wheel.create(() => {}).arm(1)
  expect(told).toEqual([100, 99])
})

it('holds a million timers, each arming and cancelling one step', () => {
  const b = bench()
  const random = seededRandom(7)
  const timers = Array.from({ length: 1_000_000 }, () => b.wheel.create(() => {}))
  for (const timer of timers) timer.arm(random.next() * 3_600_000)
  for (const timer of timers) timer.arm(timer.deadline + 1000)
  expect(b.wheel.moves).toBe(0)
  expect(b.wheel.armed).toBe(1_000_000)
  for (let i = 0; i < timers.length; i += 2) timers[i]!.cancel()
  expect(b.wheel.moves).toBe(0)
  // Each timer goes down the levels once, and again after the deadline that was stored while it waited.
  expect(b.wheel.advance(7_200_000)).toBe(500_000)
  expect(b.wheel.moves).toBeLessThan(500_000 * 10)
  expect(b.wheel.armed).toBe(0)
})

it.each([1, 2, 3, 4, 5])('does what a sorted list does (seed %d)', (seed) => {
  const random = seededRandom(seed)
  const below = (n: number): number => Math.floor(random.next() * n)
  const scales = [1, 3, 40, 1000, 60_000, 3 * DAY, 30 * DAY]
  const b = bench(below(2) * SPAN * 0.9)
  /** What must happen: name → deadline and order of arming. */
  const model = new Map<number, { deadline: number; order: number }>()
  const expected: string[] = []
  let order = 0
  const arm = (id: number): void => {
    const deadline = b.now + Math.round(random.next() * scales[below(scales.length)]! * 4) / 4
    timers[id]!.arm(deadline)
    model.set(id, { deadline, order: order++ })
  }
  const timers = Array.from({ length: 60 }, (_, id) =>
    b.wheel.create(() => {
      b.fired.push(`${id}@${b.now}`)
      const [due] = [...model].sort(([, x], [, y]) => x.deadline - y.deadline || x.order - y.order)[0]!
      expected.push(`${due}@${model.get(due)!.deadline}`)
      model.delete(due)
      if (below(3) === 0) arm(id)
      if (below(4) === 0) drop(below(60))
    }),
  )
  const drop = (id: number): void => {
    timers[id]!.cancel()
    model.delete(id)
  }
  for (let step = 0; step < 3000; step++) {
    const action = below(10)
    if (action < 6) arm(below(60))
    else if (action < 8) drop(below(60))
    else b.advanceTo(b.now + random.next() * scales[below(scales.length)]!)
    expect(b.wheel.armed).toBe(model.size)
    expect(b.wheel.bound).toBeLessThanOrEqual(Math.min(...[...model.values()].map((entry) => entry.deadline)))
  }
  b.advanceTo(b.now + 200 * DAY)
  expect(b.fired.length).toBeGreaterThan(500)
  expect(b.fired).toEqual(expected)
})

describe('a scope', () => {
  it('counts and cancels its own timers only', () => {
    const b = bench()
    const mine = createTimerScope(b.wheel)
    const yours = createTimerScope(b.wheel)
    const fired: string[] = []
    const timers = ['a', 'b', 'c'].map((name) => mine.create(() => fired.push(name)))
    timers.forEach((timer, i) => timer.arm(10 + i))
    timers[0]!.arm(50)
    const other = yours.create((now) => fired.push(`other@${now}`))
    other.armAfter(12)
    expect([mine.armed, yours.armed, b.wheel.armed]).toEqual([3, 1, 4])
    b.wheel.advance(11)
    expect(fired).toEqual(['b'])
    timers[2]!.cancel()
    expect([mine.armed, timers[0]!.armed, timers[0]!.deadline]).toEqual([1, true, 50])
    timers[1]!.arm(11) // due within this tick
    timers[2]!.arm(13 * DAY)
    expect(mine.armed).toBe(3)
    mine.cancelAll()
    expect([mine.armed, yours.armed, b.wheel.armed]).toEqual([0, 1, 1])
    b.wheel.advance(100)
    expect(fired).toEqual(['b', 'other@100'])
    expect(yours.armed).toBe(0)
  })

  it('lets a timer arm itself again, and disarm by Infinity', () => {
    const b = bench()
    const scope = createTimerScope(b.wheel)
    let count = 0
    const timer = scope.create((now) => {
      if (++count < 3) timer.arm(now + 1)
    })
    timer.arm(1)
    b.advanceTo(10)
    expect(count).toBe(3)
    expect(scope.armed).toBe(0)
    timer.arm(20)
    timer.arm(Infinity)
    expect(scope.armed).toBe(0)
  })
})
