import { describe, expect, test } from 'vitest'
import { reno } from '../src/index.ts'
import type { CongestionAlgorithm, Connection, ConnectOptions, LostSegment, RateSample } from '../src/index.ts'
import { Bench, pattern } from './support/peer.ts'
import { connect } from './support/round-trip.ts'

/** Reno that hears of rates, and writes down what it hears. */
function listening(): { readonly algorithm: CongestionAlgorithm; readonly samples: RateSample[]; readonly lost: LostSegment[]; readonly restarts: number[]; isHoldingBack: boolean } {
  const heard = {
    samples: [] as RateSample[],
    lost: [] as LostSegment[],
    restarts: [] as number[],
    isHoldingBack: false,
    algorithm: {
      name: 'listening',
      create: (sender) => Object.defineProperty(Object.assign(reno().create(sender), {
        name: 'listening',
        onDelivered: (sample: RateSample) => void heard.samples.push({ ...sample }),
        onSegmentLost: (segment: LostSegment) => void heard.lost.push({ ...segment }),
        onRestart: (now: number) => void heard.restarts.push(now - 1000),
      }), 'isHoldingBack', { get: () => heard.isHoldingBack }),
    } satisfies CongestionAlgorithm as CongestionAlgorithm,
  }
  return heard
}

async function open(heard: ReturnType<typeof listening>, options: Partial<ConnectOptions> = {}): Promise<{ bench: Bench; connection: Connection }> {
  const bench = await Bench.create({ tcp: { congestionControls: [heard.algorithm] } })
  return { bench, connection: await connect(bench, { congestionControl: 'listening', ...options }) }
}

describe('delivery rate samples (draft-ietf-ccwg-bbr §4.1)', () => {
  test('each acknowledgment tells what arrived since its newest segment left, and in what time [CCWG-BBR-4.1.2-sample]', async () => {
    const heard = listening()
    const { bench, connection } = await open(heard)
    connection.tryWrite(pattern(30_000))
    await bench.clock.advance(100)
    await bench.send('A', { seq: 1, ack: 4001 })
    await bench.clock.advance(20)
    await bench.send('A', { seq: 1, ack: 10_001 })
    // 4,000 bytes in 100 ms; then 10,000 in 120 ms, as the first of both ACKs is part of it.
    expect(heard.samples[0]).toMatchObject({ acked: 4000, deliveredTotal: 4000, delivered: 4000, priorDelivered: 0, rate: 40_000, rtt: 100_000, sentFlight: 4000, lost: 0 })
    expect(heard.samples[1]).toMatchObject({ acked: 6000, deliveredTotal: 10_000, delivered: 10_000, priorDelivered: 0, rtt: 120_000, sentFlight: 10_000, hasSack: true, isRecovering: false })
    expect(heard.samples[1]!.rate).toBeCloseTo(10_000 / 0.12, 0)
    // What left with the first ACK knows of 4,000 that had arrived by then.
    await bench.clock.advance(80)
    await bench.send('A', { seq: 1, ack: 18_001 })
    expect(heard.samples[2]).toMatchObject({ priorDelivered: 4000, delivered: 14_000, rate: 140_000 })
    connection.abort()
    await bench.end()
  })

  test('a part of a segment has arrived, too', async () => {
    const heard = listening()
    const { bench, connection } = await open(heard)
    connection.tryWrite(pattern(3000))
    await bench.clock.advance(100)
    for (const ack of [401, 1001, 2501, 3001]) await bench.send('A', { seq: 1, ack })
    expect(heard.samples.map(({ acked, deliveredTotal }) => [acked, deliveredTotal])).toEqual([[400, 400], [600, 1000], [1500, 2500], [500, 3000]])
    connection.abort()
    await bench.end()
  })

  test('ACKs that come together do not make it faster than it was sent [CCWG-BBR-4.1.1-send-rate]', async () => {
    const heard = listening()
    const { bench, connection } = await open(heard, { maxPacingRate: 50_000 })
    connection.tryWrite(pattern(20_000))
    await bench.clock.advance(300)
    // Ten segments took 160 ms to leave; all of them are acknowledged at once.
    await bench.send('A', { seq: 1, ack: 10_001 })
    await bench.clock.advance(400)
    await bench.send('A', { seq: 1, ack: 20_001 })
    expect(heard.samples.at(-1)!.rate).toBeLessThan(51_000)
    connection.abort()
    await bench.end()
  })

  test('the first flight, and what follows a gap, is marked until all that was out at the gap has arrived [CCWG-BBR-4.1.2.4-app-limited]', async () => {
    const heard = listening()
    const { bench, connection } = await open(heard)
    connection.tryWrite(pattern(4000))
    await bench.clock.advance(100)
    await bench.send('A', { seq: 1, ack: 4001 })
    expect(heard.samples[0]!.isAppLimited).toBe(true)
    // More than the window: nothing is missing any more.
    connection.tryWrite(pattern(60_000))
    await bench.clock.advance(100)
    await bench.send('A', { seq: 1, ack: 14_001 })
    await bench.clock.advance(100)
    await bench.send('A', { seq: 1, ack: 24_001 })
    expect(heard.samples.slice(1).map(({ isAppLimited }) => isAppLimited)).toEqual([true, false])
    connection.abort()
    await bench.end()
  })

  test('a control that holds back on purpose has its samples marked [CCWG-BBR-5.3.4-marked]', async () => {
    const heard = listening()
    const { bench, connection } = await open(heard)
    void connection.write(pattern(400_000)).catch(() => undefined)
    for (let trip = 0; trip < 5; trip++) {
      heard.isHoldingBack = trip === 1
      await bench.clock.advance(100)
      await bench.send('A', { seq: 1, ack: 1 + connection.info().bytesSent })
    }
    expect(heard.samples.map(({ isAppLimited }) => isAppLimited).slice(0, 4)).toEqual([true, false, true, false])
    connection.abort()
    await bench.end()
  })

  test('a lost segment is told with the flight that it was in, before recovery begins; retransmissions take new stamps along [CCWG-BBR-5.5.10.2-lost]', async () => {
    const heard = listening()
    const { bench, connection } = await open(heard)
    connection.tryWrite(pattern(10_000))
    await bench.clock.advance(100)
    await bench.send('A', { seq: 1, ack: 1, sack: [[2001, 10_001]] })
    expect(heard.lost).toHaveLength(2)
    expect(heard.lost[0]).toMatchObject({ deliveredTotal: 8000, lost: 1000, sentFlight: 1000, isAppLimited: true })
    expect(heard.lost[1]).toMatchObject({ lost: 2000, sentFlight: 2000 })
    expect((heard.lost[1]!.end - heard.lost[1]!.start) | 0).toBe(1000)
    expect(heard.samples.at(-1)).toMatchObject({ acked: 8000, lost: 2000, isRecovering: true, flight: 0 })
    await bench.clock.advance(100)
    await bench.send('A', { seq: 1, ack: 10_001 })
    expect(heard.samples.at(-1)).toMatchObject({ acked: 2000, priorDelivered: 8000, delivered: 2000, rate: 20_000, rtt: 0, lost: 0, isRecovering: false })
    connection.abort()
    await bench.end()
  })

  test('what answers the original of a retransmission too early is no rate [CCWG-BBR-4.1.2.3-implausible]', async () => {
    const heard = listening()
    const { bench, connection } = await open(heard)
    connection.tryWrite(pattern(10_000))
    await bench.clock.advance(100)
    await bench.send('A', { seq: 1, ack: 5001 })
    await bench.send('A', { seq: 1, ack: 5001, sack: [[6001, 10_001]] })
    await bench.clock.advance(10)
    await bench.send('A', { seq: 1, ack: 10_001 })
    expect(heard.samples.at(-1)).toMatchObject({ acked: 1000, rate: 0 })
    connection.abort()
    await bench.end()
  })

  test('data after a pause is told before it leaves, when the application made the pause [CCWG-BBR-5.4-restart]', async () => {
    const heard = listening()
    const { bench, connection } = await open(heard)
    connection.tryWrite(pattern(1000))
    await bench.clock.advance(100)
    await bench.send('A', { seq: 1, ack: 1001 })
    await bench.clock.advance(900)
    connection.tryWrite(pattern(1000))
    await bench.clock.advance(1)
    expect(heard.restarts).toEqual([100, 1100])
    connection.abort()
    await bench.end()
  })
})

describe('info()', () => {
  test('the rate at which data arrives, whoever controls congestion; one that the application limited only if it is larger [CCWG-BBR-4.1.2-sample]', async () => {
    const bench = await Bench.create()
    const connection = await connect(bench)
    expect(connection.info()).toMatchObject({ deliveryRate: 0, deliveryRateAppLimited: false, pacingRate: 0, busyTime: 0 })
    connection.tryWrite(pattern(30_000))
    await bench.clock.advance(100)
    await bench.send('A', { seq: 1, ack: 10_001 })
    expect(connection.info()).toMatchObject({ deliveryRate: 100_000, deliveryRateAppLimited: true, minimumRtt: 100 })
    await bench.clock.advance(100)
    await bench.send('A', { seq: 1, ack: 30_001 })
    expect(connection.info()).toMatchObject({ deliveryRate: 200_000, deliveryRateAppLimited: false })
    connection.tryWrite(pattern(500))
    await bench.clock.advance(100)
    await bench.send('A', { seq: 1, ack: 30_501 })
    expect(connection.info()).toMatchObject({ deliveryRate: 200_000, deliveryRateAppLimited: false })
    connection.abort()
    await bench.end()
  })

  test('the shortest round trips are measured once in a millisecond', async () => {
    const bench = await Bench.create()
    const connection = await connect(bench)
    let acked = 1
    const rates: number[] = []
    for (const [length, time] of [[1000, 0.5], [3000, 0.25], [3000, 0.25], [3000, 0.25]] as const) {
      connection.tryWrite(pattern(length))
      await bench.clock.advance(time)
      await bench.send('A', { seq: 1, ack: (acked += length) })
      rates.push(connection.info().deliveryRate)
    }
    expect(rates).toEqual([2_000_000, 2_000_000, 2_000_000, 12_000_000])
    connection.abort()
    await bench.end()
  })

  test('times: busy, and what of it the peer or the send buffer held up [CCWG-BBR-4.1.1-limits]', async () => {
    const bench = await Bench.create()
    const connection = await connect(bench, { sendBuffer: 5000 }, { win: 3000, scale: null })
    await bench.clock.advance(50)
    void connection.write(pattern(12_000)).catch(() => undefined)
    await bench.clock.advance(100)
    // Three segments are out, and the window is full.
    expect(connection.info()).toMatchObject({ busyTime: 100, receiveWindowLimitedTime: 100, sendBufferLimitedTime: 0 })
    await bench.send('A', { seq: 1, ack: 3001, win: 60_000 })
    await bench.clock.advance(70)
    // All that fits into the buffer is out, and more waits for it.
    expect(connection.info()).toMatchObject({ busyTime: 170, receiveWindowLimitedTime: 100, sendBufferLimitedTime: 70 })
    await bench.send('A', { seq: 1, ack: 8001, win: 60_000 })
    await bench.clock.advance(30)
    await bench.send('A', { seq: 1, ack: 12_001, win: 60_000 })
    await bench.clock.advance(500)
    expect(connection.info()).toMatchObject({ busyTime: 200, receiveWindowLimitedTime: 100, sendBufferLimitedTime: 70 })
    connection.abort()
    await bench.end()
  })
})
