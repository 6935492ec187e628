import { describe, expect, test } from 'vitest'
import { bbr, reno } from '../src/index.ts'
import { Pacer, sendQuantum } from '../src/pacer.ts'
import { Bench, pattern } from './support/peer.ts'
import { connect } from './support/round-trip.ts'

/** ms since `from` at which each of the next segments leaves, until `ms` have passed. */
async function departures(bench: Bench, ms: number): Promise<number[]> {
  const times: number[] = []
  for (let at = 0; at < ms; at++) {
    for (const segment of bench.all()) if (segment.data.length > 0) times.push(at)
    await bench.clock.advance(1)
  }
  return times
}

describe('pacing (draft-ietf-ccwg-bbr §5.6.2)', () => {
  test('a cap spreads what leaves: two segments each time [CCWG-BBR-5.6.2-cap, CCWG-BBR-5.6.3-quantum]', async () => {
    const bench = await Bench.create()
    const connection = await connect(bench, { maxPacingRate: 200_000 })
    connection.tryWrite(pattern(10_000))
    await bench.clock.settle()
    expect(await departures(bench, 60)).toEqual([0, 0, 10, 10, 20, 20, 30, 30, 40, 40])
    expect(connection.info().pacingRate).toBe(200_000)
    connection.configure({ maxPacingRate: null })
    expect(connection.info().pacingRate).toBe(0)
    connection.abort()
    await bench.end()
  })

  test('the window alone paces nobody; with `pacing` it leaves in half of the round trip, later in five sixths', async () => {
    const bench = await Bench.create()
    const connection = await connect(bench, { pacing: true, congestionControl: 'reno' })
    connection.tryWrite(pattern(40_000))
    await bench.clock.advance(100)
    bench.all()
    await bench.send('A', { seq: 1, ack: 10_001 })
    const { smoothedRtt, cwnd } = connection.info()
    expect(connection.info().pacingRate).toBeCloseTo((2 * cwnd * 1000) / smoothedRtt, 0)
    const times = await departures(bench, 100)
    expect(times).toHaveLength(20)
    expect(times.at(-1)).toBeGreaterThanOrEqual(Math.floor(0.4 * smoothedRtt))
    expect(times.at(-1)).toBeLessThanOrEqual(0.55 * smoothedRtt)
    connection.abort()
    await bench.end()
  })

  test('a timer that comes late is made up for, as far as timers of hosts are late [CCWG-BBR-5.6.3-quantum]', () => {
    const pacer = new Pacer()
    let now = 0
    const send = (until: number): number => {
      let bytes = 0
      now = until
      while (pacer.isOpen(now, 1_000_000, 1000)) {
        pacer.sent(now, 1000, 1_000_000)
        bytes += 1000
      }
      return bytes
    }
    expect(send(0)).toBe(2000)
    expect(pacer.next).toBe(2)
    // 1.5 ms late: the next two are due half a millisecond sooner.
    expect(send(3.5)).toBe(2000)
    expect(pacer.next).toBe(4)
    // Much too late: 4 ms of it, and not more.
    expect(send(500)).toBe(6000)
    expect(pacer.next).toBe(502)
    // A millisecond of data where that is more than two segments, and 64 KiB at most.
    expect([sendQuantum(5_000_000, 1000), sendQuantum(1_000_000_000, 1000), sendQuantum(1000, 1000)]).toEqual([5000, 65_536, 2000])
  })

  test('what is sent again is paced, too, but for the first of it', async () => {
    const bench = await Bench.create()
    const connection = await connect(bench, { maxPacingRate: 100_000 })
    connection.tryWrite(pattern(8000))
    connection.shutdown('write')
    await bench.clock.advance(100)
    bench.all()
    await bench.send('A', { seq: 1, ack: 1, sack: [[5001, 8001]] })
    const times = await departures(bench, 60)
    expect(times[0]).toBe(0)
    expect(times.at(-1)).toBeGreaterThanOrEqual(5)
    connection.abort()
    await bench.end()
  })

  test.each([0, -1, Number.NaN, '5'])('maxPacingRate %s is refused', async (maxPacingRate) => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, {})
    expect(() => connection.configure({ maxPacingRate: maxPacingRate as number })).toThrow(/maxPacingRate/)
    connection.abort()
    await bench.end()
  })
})

describe('another control for an open connection', () => {
  test('takes over window and threshold, and what is out is known to it', async () => {
    const bench = await Bench.create({ tcp: { congestionControls: [bbr()] } })
    const connection = await connect(bench)
    connection.tryWrite(pattern(40_000))
    await bench.clock.advance(50)
    await bench.send('A', { seq: 1, ack: 5001 })
    const { cwnd } = connection.info()
    connection.configure({ congestionControl: 'bbr' })
    expect(connection.info()).toMatchObject({ congestionControl: 'bbr', cwnd })
    expect(connection.info().pacingRate).toBeGreaterThan(0)
    await bench.clock.advance(50)
    await bench.send('A', { seq: 1, ack: 15_001 })
    await bench.clock.advance(50)
    await bench.send('A', { seq: 1, ack: 25_001 })
    connection.configure({ congestionControl: 'reno' })
    expect(connection.info()).toMatchObject({ congestionControl: 'reno', pacingRate: 0, bytesLost: 0 })
    await bench.clock.advance(50)
    await bench.send('A', { seq: 1, ack: 40_001 })
    expect(connection.info().bytesInFlight).toBe(0)
    expect(() => connection.configure({ congestionControl: 'vegas' })).toThrow(/vegas.*installed are: cubic, reno, bbr/)
    connection.abort()
    await bench.end()
  })

  test('Reno has neither rate nor phase', () => {
    const control = reno().create({ mss: 1000, smoothedRtt: 0, random: { next: () => 0, uint32: () => 0 } })
    expect([control.pacingRate, control.phase, 'onDelivered' in control]).toEqual([undefined, undefined, false])
  })
})
