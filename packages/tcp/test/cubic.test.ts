import { describe, expect, test } from 'vitest'
import { createStack } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { cubic, reno, tcp } from '../src/index.ts'
import type { AckSample, CongestionAlgorithm } from '../src/index.ts'
import { ControlBench } from './support/control.ts'
import { Bench } from './support/peer.ts'

/** RFC 9438 §4.2, equations 1 and 2, in segments and seconds. */
function kOf(largest: number, beginning: number): number {
  return Math.cbrt((largest - beginning) / 0.4)
}
function cubicWindow(t: number, k: number, largest: number): number {
  return 0.4 * (t - k) ** 3 + largest
}

/** A control that lost `segments` in flight, in the epoch that follows. */
function afterLoss(segments: number, options: { readonly mss?: number; readonly rtt?: number } = {}): ControlBench {
  const bench = new ControlBench(cubic(), options)
  bench.place(segments)
  bench.lose()
  return bench
}

/** Runs until `seconds` after the epoch began; gives the window at each whole second. */
function windows(bench: ControlBench, seconds: number): number[] {
  const start = bench.now
  const seen: number[] = []
  while (seen.length <= seconds) {
    if (bench.now - start >= seen.length * 1000) seen.push(bench.segments)
    bench.roundTrip()
  }
  return seen
}

describe('CUBIC (RFC 9438)', () => {
  test('the window follows W_cubic(t), back to W_max after K and beyond, whatever the round trip [RFC9293-MAY-18, RFC9438-4.2-window]', () => {
    // 1,000 segments, then 700: K = (300 / 0.4)^(1/3) = 9.09 s.
    const k = kOf(1000, 700)
    expect(k).toBeCloseTo(9.086, 3)
    for (const rtt of [100, 50]) {
      const seen = windows(afterLoss(1000, { rtt }), 14)
      for (let t = 1; t <= 14; t++) {
        // The window is on its way to W_cubic(t + RTT), and one round trip behind.
        const low = cubicWindow(t - (2 * rtt) / 1000, k, 1000)
        const high = cubicWindow(t + (2 * rtt) / 1000, k, 1000)
        expect(seen[t], `window after ${t} s`).toBeGreaterThanOrEqual(low - 1)
        expect(seen[t], `window after ${t} s`).toBeLessThanOrEqual(high + 1)
      }
    }
  })

  test('the table of RFC 9438 is that of equation 1: 1,000 segments lost once', () => {
    const seen = windows(afterLoss(1000), 12).map(Math.round)
    // t →         0    1    2    3    4    5    6    7    8     9     10    11    12
    const table = [700, 788, 857, 910, 947, 973, 988, 996, 999.5, 1000, 1000, 1003, 1010]
    for (let t = 0; t <= 12; t++) expect(Math.abs(seen[t]! - table[t]!), `after ${t} s: ${seen[t]}, by the table ${table[t]}`).toBeLessThanOrEqual(9)
  })

  test('below W_max it grows ever more slowly [RFC9438-4.4-concave]', () => {
    const seen = windows(afterLoss(1000), 8)
    const gains = seen.slice(1).map((window, i) => window - seen[i]!)
    for (let i = 1; i < gains.length; i++) expect(gains[i]).toBeLessThan(gains[i - 1]!)
    expect(seen.at(-1)).toBeLessThanOrEqual(1000)
  })

  test('beyond W_max it grows ever faster, by half of the window in a round trip at most [RFC9438-4.5-convex]', () => {
    const bench = afterLoss(1000)
    windows(bench, 10)
    const seen = windows(bench, 10)
    const gains = seen.slice(1).map((window, i) => window - seen[i]!)
    for (let i = 1; i < gains.length; i++) expect(gains[i]).toBeGreaterThan(gains[i - 1]!)
    // Long after, with the window far below the curve.
    bench.now += 60_000
    const before = bench.segments
    bench.roundTrip()
    expect(bench.segments / before).toBeGreaterThan(1.4)
    expect(bench.segments / before).toBeLessThanOrEqual(1.5)
  })

  test('short round trips and small windows: W_est of Reno, alpha 0.53 up to the window before, then 1 [RFC9438-4.3-friendly]', () => {
    const bench = afterLoss(20, { rtt: 10 })
    const alpha = (3 * (1 - 0.7)) / (1 + 0.7)
    expect(bench.segments).toBe(14)
    let estimate = 14
    let trips = 0
    while (estimate < 20) {
      const acks = Math.floor(bench.segments)
      estimate += (alpha * acks) / bench.segments
      bench.roundTrip()
      trips++
      expect(Math.abs(bench.segments - estimate), `round trip ${trips}`).toBeLessThan(0.2)
    }
    // (20 − 14) / 0.53 round trips, where W_cubic would take K = 2.5 s.
    expect(trips).toBeLessThanOrEqual(13)
    const before = bench.segments
    for (let i = 0; i < 5; i++) bench.roundTrip()
    expect(bench.segments - before).toBeGreaterThan(4.5)
    expect(bench.segments - before).toBeLessThanOrEqual(5)
  })

  test('loss leaves 0.7 of what was in flight, without what limited transmit sent, and two segments at least [RFC9438-4.6-decrease]', () => {
    const bench = new ControlBench(cubic())
    bench.place(100)
    bench.control.onLoss(102_000)
    expect(bench.control).toMatchObject({ cwnd: 70_000, ssthresh: 70_000 })
    bench.control.onLoss(50_000)
    expect(bench.control).toMatchObject({ cwnd: 35_000, ssthresh: 35_000 })
    bench.control.onLoss(1000)
    expect(bench.control).toMatchObject({ cwnd: 2000, ssthresh: 2000 })
  })

  test('who has less than at the last loss aims lower: W_max is 0.85 of the window [RFC9438-4.7-convergence]', () => {
    // The plateau shows W_max: the window stands still there, K after the loss.
    const plateau = (bench: ControlBench, largest: number): void => {
      const beginning = bench.segments
      const k = kOf(largest, beginning)
      const seen = windows(bench, Math.ceil(k))
      expect(Math.abs(seen[Math.floor(k)]! - largest)).toBeLessThan(0.02 * largest)
    }
    const less = afterLoss(1000)
    less.roundTrip()
    less.place(900)
    less.lose()
    expect(less.segments).toBe(630)
    plateau(less, 900 * 0.85)
    const more = afterLoss(1000)
    more.roundTrip()
    more.place(1100)
    more.lose()
    plateau(more, 1100)
  })

  test('after a timeout: one segment, slow start to 0.7, then W_cubic with K = 0 from there [RFC9438-4.8-timeout]', () => {
    const bench = new ControlBench(cubic())
    bench.place(100)
    bench.control.onTimeout(100_000)
    expect(bench.control).toMatchObject({ cwnd: 1000, ssthresh: 70_000 })
    while (bench.control.cwnd < 70_000) bench.roundTrip()
    expect(bench.segments).toBeLessThanOrEqual(71)
    const beginning = bench.segments
    const seen = windows(bench, 8)
    for (let t = 5; t <= 8; t++) {
      expect(seen[t]).toBeGreaterThanOrEqual(cubicWindow(t - 0.3, 0, beginning) - 1)
      // Reno would have one more with each round trip by then: the larger of both.
      expect(seen[t]).toBeLessThanOrEqual(Math.max(cubicWindow(t + 0.3, 0, beginning), beginning + 10 * t) + 1)
    }
  })

  test.each(['onLoss', 'onTimeout'] as const)('%s without cause: window, threshold and the epoch are as before [RFC9438-4.9-spurious]', (kind) => {
    const [bench, other] = [afterLoss(1000), afterLoss(1000)]
    for (const one of [bench, other]) windows(one, 3)
    bench.control[kind](bench.control.cwnd)
    expect(bench.control.cwnd).toBeLessThan(other.control.cwnd)
    bench.control.onUndo()
    expect(bench.control).toMatchObject({ cwnd: other.control.cwnd, ssthresh: other.control.ssthresh })
    // And goes on as if nothing had been.
    expect(windows(bench, 5)).toEqual(windows(other, 5))
  })

  test('an undo that nothing went before changes nothing', () => {
    const { control } = new ControlBench(cubic())
    control.onUndo()
    expect(control).toMatchObject({ cwnd: 10_000, ssthresh: 0x7fff_ffff })
  })

  test('time in which cwnd was not the limit does not count: no jump after it [RFC9438-5.8-limited]', () => {
    const [bench, other] = [afterLoss(1000), afterLoss(1000)]
    for (const one of [bench, other]) windows(one, 3)
    const before = bench.control.cwnd
    // A minute with little to send, then nothing at all.
    bench.limited = false
    for (let i = 0; i < 60; i++) {
      bench.now += 1000
      bench.ack()
    }
    bench.now += 30_000
    bench.ack()
    expect(bench.control.cwnd).toBe(before)
    bench.limited = true
    const [resumed, straight] = [windows(bench, 5), windows(other, 5)]
    for (let t = 0; t <= 5; t++) expect(Math.abs(resumed[t]! - straight[t]!)).toBeLessThan(2)
  })

  test('idleness: the restart window, slow start, and a new epoch towards the same W_max', () => {
    const bench = afterLoss(1000)
    windows(bench, 3)
    bench.control.onIdle()
    expect(bench.control.cwnd).toBe(10_000)
    bench.now += 60_000
    while (bench.control.cwnd < bench.control.ssthresh) bench.roundTrip()
    const seen = windows(bench, 9)
    expect(seen[0]).toBeLessThan(720)
    expect(Math.abs(seen[9]! - 1000)).toBeLessThan(10)
  })

  test('slow start doubles; HyStart++ ends the first one, and W_cubic begins there with K = 0 [RFC9438-4.10-start]', () => {
    const bench = new ControlBench(cubic())
    for (let i = 0; i < 4; i++) bench.roundTrip()
    expect(bench.segments).toBe(160)
    bench.rtt = 130
    for (let i = 0; i < 8 && bench.control.ssthresh === 0x7fff_ffff; i++) bench.roundTrip()
    const { cwnd, ssthresh } = bench.control
    expect(ssthresh).toBeGreaterThan(160_000)
    expect(cwnd).toBeLessThan(1.02 * ssthresh)
    const beginning = bench.segments
    const seen = windows(bench, 8)
    expect(seen[8]).toBeGreaterThanOrEqual(cubicWindow(7.6, 0, beginning))
    expect(seen[8]).toBeLessThanOrEqual(cubicWindow(8.4, 0, beginning) + 1)
  })
})

describe('congestion controls of others', () => {
  const careful: CongestionAlgorithm = {
    name: 'careful',
    create(sender) {
      const control = reno().create(sender)
      const grow = control.onAck.bind(control)
      const onAck = (sample: AckSample): void => {
        if (control.cwnd < 12 * sender.mss) grow(sample)
      }
      return Object.assign(control, { name: 'careful', onAck })
    },
  }

  test('tcp() takes them by name, for a stack and for a connection', async () => {
    const bench = await Bench.create({ tcp: { congestionControls: [careful] } })
    const connection = await bench.connect({ congestionControl: 'careful' }, { mss: 1000 })
    expect(connection.info().congestionControl).toBe('careful')
    connection.write(new Uint8Array(60_000)).catch(() => undefined)
    await bench.clock.settle()
    for (let ack = 10_001; ack < 50_000; ack += 10_000) await bench.send('A', { seq: 1, ack })
    expect(connection.info().cwnd).toBe(20_000)
    await bench.end()
  })

  test('the default is CUBIC, and Reno is there', async () => {
    const bench = await Bench.create()
    expect(bench.stack.tcp.defaults.congestionControl).toBe('cubic')
    const connection = await bench.connect({ congestionControl: 'reno' }, { mss: 1000 })
    expect(connection.info().congestionControl).toBe('reno')
    await bench.end()
  })

  test.each([
    [{}, /must be an array/],
    [new Array(65).fill(careful), /at most 64/],
    [[null], /name and a function/],
    [[{ ...careful, name: '' }], /name and a function/],
    [[{ name: 'x' }], /name and a function/],
    [[careful, careful], /'careful' twice/],
    [[cubic()], /'cubic' twice, or it is built in/],
  ])('congestionControls %# is refused', (given, message) => {
    const options = { congestionControls: given as CongestionAlgorithm[] }
    expect(() => createStack({ plugins: [ipv4(), tcp(options)] })).toThrow(message)
  })
})
