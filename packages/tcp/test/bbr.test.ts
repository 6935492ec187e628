import { createPacketMemory } from '@stack/buffer'
import { describe, expect, test } from 'vitest'
import { bbr } from '../src/index.ts'
import { Bench, pattern } from './support/peer.ts'
import { connect } from './support/round-trip.ts'
import { Path } from './support/path.ts'

// The cases of draft-ietf-ccwg-bbr-06, Appendix A, on a path of 1 MB/s and 50 ms: 50 segments of 1,000 bytes.

const PATH = { rate: 1_000_000, rtt: 50 } as const

function start(options: { readonly rate?: number; readonly rtt?: number; readonly seed?: number } = {}): Path {
  return new Path(bbr(), { ...PATH, ...options })
}

/** The rate as a part of what the path takes. */
const part = (path: Path): number => path.control.pacingRate! / path.rate

describe('Startup and Drain', () => {
  test('begins with ten segments spread over a part of the round trip, twice as fast with each [CCWG-BBR-5.3.1-startup, CCWG-BBR-5.6.2-initial-rate]', () => {
    const path = start()
    expect(path.phase).toBe('startup')
    expect(path.control.pacingRate).toBe((2.77 * 10_000 * 1000) / 50)
    const rates = [1, 2, 3].map(() => path.run(0.05))
    expect(rates[2]! / rates[1]!).toBeGreaterThan(1.6)
  })

  test('without a round trip one of a millisecond is assumed, until there is one', () => {
    const sender = { mss: 1000, smoothedRtt: 0, random: { next: () => 0, uint32: () => 0 } }
    const control = bbr().create(sender)
    expect(control.pacingRate).toBe(2.77 * 10_000 * 1000)
    sender.smoothedRtt = 100_000
    expect(control.pacingRate).toBe(2.77 * 100_000)
  })

  test('ends on three rounds without growth; Drain follows at half of the rate until only the path is full [CCWG-BBR-A.1, CCWG-BBR-A.3, CCWG-BBR-5.3.2-drain]', () => {
    const path = start()
    path.until('drain')
    expect(part(path)).toBeCloseTo(0.5 * 0.99, 2)
    // At most what the window of twice the path leaves room for, and the queue of it is a path long.
    expect(path.longestQueue).toBeLessThan(1.5 * PATH.rtt)
    const before = path.flight
    expect(before).toBeGreaterThan(1.5 * path.bdp)
    // DOWN has nothing to do then.
    path.until('probe-bw-cruise', 1)
    expect(path.takePhases()).toEqual(['startup', 'drain', 'probe-bw-cruise'])
    expect(path.flight).toBeLessThanOrEqual(1.05 * path.bdp)
  })

  test('Drain ends after three rounds all the same [CCWG-BBR-A.4]', () => {
    const path = start()
    path.until('drain')
    const from = path.now
    // Something else takes most of the path.
    path.rate /= 3
    path.until('probe-bw-down', 2)
    expect(path.flight).toBeGreaterThan(1.05 * PATH.rate * 0.05 * 0.9)
    expect(path.now - from).toBeGreaterThan(3 * PATH.rtt)
  })

  test('ends on much loss in many places, and remembers what the path took [CCWG-BBR-A.2, CCWG-BBR-5.3.1.3-loss]', () => {
    const path = start()
    path.demand = 800_000
    path.run(1)
    expect(path.phase).toBe('startup')
    path.drop = (index) => index % 5 === 0
    path.until('probe-bw-cruise', 2)
    path.drop = () => false
    path.demand = Infinity
    path.run(0.1)
    // The bound, less what is left to others.
    expect(path.control.cwnd).toBeLessThan(path.bdp)
  })

  test('stays in Startup as long as the application writes too little, without loss [CCWG-BBR-A.7, CCWG-BBR-5.5.4-app-limited]', () => {
    const path = start()
    path.demand = 100_000
    path.run(4)
    expect(path.takePhases()).toEqual(['startup'])
    // And does not pace what comes next by what the application wrote.
    expect(path.control.pacingRate).toBeGreaterThan(200_000)
    path.demand = Infinity
    path.until('probe-bw-cruise', 2)
    expect(part(path)).toBeGreaterThan(0.85)
  })

  test('without SACK one loss in recovery ends it [CCWG-BBR-5.3.1.3-no-sack]', () => {
    const path = start()
    path.hasSack = false
    path.drop = (index) => index === 60
    path.until('drain', 2)
    expect(path.lost).toBe(1000)
  })
})

describe('ProbeBW', () => {
  test('cycles through its states, each at its rate, with a probe every two to three seconds or 63 rounds [CCWG-BBR-5.3.3-cycle, CCWG-BBR-5.3.3.8-time-scale]', () => {
    const path = start({ seed: 5 })
    path.until('probe-rtt')
    path.until('probe-bw-cruise')
    path.takePhases()
    const from = path.now
    const gains: Record<string, number> = { 'probe-bw-down': 0.9, 'probe-bw-cruise': 1, 'probe-bw-refill': 1, 'probe-bw-up': 1.25 }
    const names = ['probe-bw-refill', 'probe-bw-up', 'probe-bw-down', 'probe-bw-cruise']
    const times: number[] = []
    for (const name of names) {
      path.until(name, 4)
      times.push(path.now)
      path.run(0.001)
      expect(path.phase).toBe(name)
      expect(part(path), name).toBeGreaterThan(gains[name]! * 0.99 * 0.99)
      expect(part(path), name).toBeLessThan(gains[name]! * 0.99 * 1.03)
    }
    expect(path.takePhases()).toEqual(names)
    // REFILL lasts for a round trip; UP for two, because a quarter more is in flight by then; DOWN takes the queue away.
    const [refill, up, down] = times as [number, number, number]
    expect(refill - from).toBeGreaterThan(2000)
    expect(refill - from).toBeLessThan(3100)
    expect(up - refill).toBeGreaterThanOrEqual(50)
    expect(up - refill).toBeLessThan(60)
    expect(down - up).toBeGreaterThan(2 * 50)
    expect(down - up).toBeLessThan(3 * 50)
    expect(path.flight).toBeLessThanOrEqual(1.05 * path.bdp)
  })

  test('a probe comes after 2 to 3 s, by chance, or after 62 or 63 rounds: Reno beside it has the time [CCWG-BBR-5.3.3.8-random]', () => {
    const waits = Array.from({ length: 12 }, (_, seed) => {
      // Rounds of 250 ms: the clock decides.
      const path = start({ rtt: 250, rate: 200_000, seed })
      path.until('probe-rtt')
      path.until('probe-bw-cruise')
      const from = path.now
      path.until('probe-bw-refill', 5)
      return path.now - from
    })
    expect(Math.min(...waits)).toBeGreaterThan(2000)
    expect(Math.max(...waits)).toBeLessThan(3100)
    expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(400)
    const short = start({ rtt: 10 })
    short.until('probe-bw-cruise')
    const from = short.now
    short.until('probe-bw-refill', 5)
    // A path of ten segments: as many rounds.
    expect(short.now - from).toBeGreaterThan(80)
    expect(short.now - from).toBeLessThan(150)
  })

  test('uses the whole path, and keeps its queue short [CCWG-BBR-3.1-goals]', () => {
    const path = start()
    path.run(2)
    path.longestQueue = 0
    expect(path.run(8)).toBeGreaterThan(0.93 * path.rate)
    expect(path.longestQueue).toBeLessThan(0.7 * PATH.rtt)
  })

  test('a path that takes ten times as much is used within a few probes [CCWG-BBR-A.15]', () => {
    const path = start()
    path.run(3)
    path.rate *= 10
    path.run(12)
    expect(path.run(3)).toBeGreaterThan(0.85 * path.rate)
  })

  test('a path that takes a quarter is no more believed to take more after two cycles [CCWG-BBR-A.16, CCWG-BBR-5.5.6-cycles]', () => {
    const path = start()
    path.run(3)
    path.rate /= 4
    path.run(15)
    expect(part(path)).toBeLessThan(1.3)
  })

  test('what the application limits neither lowers the rate nor ends UP [CCWG-BBR-A.6, CCWG-BBR-A.22, CCWG-BBR-5.5.4-app-limited]', () => {
    const path = start()
    path.run(2)
    path.demand = 50_000
    path.run(12)
    expect(path.phase).toBe('probe-bw-up')
    expect(part(path)).toBeGreaterThan(1.2)
  })
})

describe('loss', () => {
  test('in UP too much loss ends the probe and bounds what is in flight; CRUISE leaves a part of it to others [CCWG-BBR-A.21, CCWG-BBR-5.5.10.2-longterm, CCWG-BBR-5.3.3.1-headroom]', () => {
    const path = start()
    // Room for a fifth of the path in the queue: a probe finds its end.
    path.limit = path.bdp / 5
    path.until('probe-bw-up', 10)
    path.until('probe-bw-down', 2)
    const lost = path.lost
    expect(lost).toBeGreaterThan(0)
    path.until('probe-bw-cruise', 2)
    path.run(0.2)
    expect(path.control.cwnd).toBeLessThan(1.2 * path.bdp)
    expect(path.control.cwnd).toBeGreaterThan(0.6 * path.bdp)
  })

  test('a probe after one that lost too much is a careful one, and when it is safe a real one follows at once [CCWG-BBR-5.3.3.6-precaution]', () => {
    const path = start()
    path.limit = path.bdp / 5
    path.until('probe-bw-up', 10)
    path.until('probe-bw-down', 2)
    // The queue has room for all from now on.
    path.limit = Infinity
    path.until('probe-bw-up', 5)
    path.takePhases()
    path.run(1)
    const phases = path.takePhases()
    expect(phases.slice(0, 3)).toEqual(['probe-bw-down', 'probe-bw-refill', 'probe-bw-up'])
  })

  test('in CRUISE rate and flight follow what is delivered, 0.7 at least in a round; REFILL forgets it [CCWG-BBR-5.5.10.3-shortterm]', () => {
    const path = start()
    path.until('probe-bw-cruise', 10)
    path.run(0.2)
    const before = path.control.pacingRate!
    path.drop = (index) => index % 2 === 0
    path.run(0.07)
    path.drop = () => false
    path.run(0.1)
    const after = path.control.pacingRate!
    expect(path.phase).toBe('probe-bw-cruise')
    expect(after).toBeLessThan(0.95 * before)
    expect(after).toBeGreaterThanOrEqual(0.49 * before)
    path.until('probe-bw-up', 5)
    expect(path.control.pacingRate! / 1.25).toBeGreaterThan(0.95 * before)
  })

  test('one segment in a hundred lost by chance costs little [CCWG-BBR-3.1-random-loss]', () => {
    const path = start()
    path.drop = (index) => (index * 7919) % 100 === 3
    path.run(3)
    expect(path.run(10)).toBeGreaterThan(0.75 * path.rate)
  })

  test('a timeout leaves one segment, and what arrives opens the window again; its undo restores all [CCWG-BBR-A.19, CCWG-BBR-5.6.4.4-rto]', () => {
    const path = start()
    path.run(2)
    const { cwnd } = path.control
    path.control.onTimeout(path.flight)
    expect(path.control.cwnd).toBe(1000)
    path.control.onUndo()
    expect(path.control.cwnd).toBe(cwnd)
  })

  test('loss that was none: Startup goes on where it had ended [CCWG-BBR-A.18, CCWG-BBR-5.5.11-undo]', () => {
    const path = start()
    path.run(0.12)
    path.drop = (index) => index % 4 === 0
    path.until('drain', 2)
    path.drop = () => false
    path.control.onUndo()
    expect(path.phase).toBe('startup')
    path.until('drain', 2)
  })

  test('loss that was none in UP: a new probe begins [CCWG-BBR-5.5.11-undo]', () => {
    const path = start()
    path.limit = path.bdp / 5
    path.until('probe-bw-up', 10)
    path.until('probe-bw-down', 2)
    path.control.onUndo()
    expect(path.phase).toBe('probe-bw-refill')
  })
})

describe('ProbeRTT', () => {
  test('comes when five seconds brought no lower round trip, with half of the path in flight for 200 ms and a round, then CRUISE with the old window [CCWG-BBR-A.10, CCWG-BBR-5.3.4-probe-rtt]', () => {
    const path = start()
    path.run(3)
    path.until('probe-bw-cruise', 3)
    path.takePhases()
    path.until('probe-rtt', 4)
    expect(path.now - 1000).toBeGreaterThan(5000)
    expect(path.now - 1000).toBeLessThan(5600)
    const { cwnd: before } = path.phases.at(-2) ?? { cwnd: 2 * path.bdp }
    expect(path.control.cwnd).toBeLessThanOrEqual(0.6 * path.bdp)
    const from = path.now
    let least = Infinity
    path.run(1, () => {
      least = Math.min(least, path.flight)
      return path.phase !== 'probe-rtt'
    })
    expect(least).toBeLessThanOrEqual(0.55 * path.bdp)
    expect(path.now - from).toBeGreaterThan(200 + 50 / 2)
    expect(path.now - from).toBeLessThan(350)
    expect(path.phase).toBe('probe-bw-cruise')
    path.run(0.06)
    expect(path.control.cwnd).toBeGreaterThan(0.9 * Math.min(before, 1.9 * path.bdp))
    // Every five seconds again, and it costs little.
    const next = path.now
    path.until('probe-rtt', 6)
    expect(path.now - next).toBeGreaterThan(4900)
  })

  test('the round trip that is believed rises only after ProbeRTT has looked [CCWG-BBR-5.5.7-min-rtt]', () => {
    const path = start()
    path.run(3)
    // The path is longer from now on.
    path.rtt = 150
    path.run(14)
    expect(path.run(3)).toBeGreaterThan(0.8 * path.rate)
  })

  test('idleness is as good: nothing is probed behind it, and the rate is the known one [CCWG-BBR-A.11, CCWG-BBR-5.4-restart]', () => {
    const path = start()
    path.run(3)
    path.until('probe-bw-cruise', 3)
    path.demand = 0
    path.run(6)
    expect(path.flight).toBe(0)
    path.takePhases()
    path.demand = Infinity
    path.run(0.2)
    expect(path.takePhases()).not.toContain('probe-rtt')
    expect(path.control.cwnd).toBeGreaterThan(1.5 * path.bdp)
    expect(path.run(0.3)).toBeGreaterThan(0.9 * path.rate)
  })

  test('interrupts Startup and goes back to it [CCWG-BBR-A.20]', () => {
    const path = start()
    path.demand = 300_000
    path.run(5)
    path.until('probe-rtt', 2)
    path.until('startup', 2)
    expect(path.takePhases()).toEqual(['startup', 'probe-rtt', 'startup'])
  })
})

describe('the window', () => {
  test('four segments at least where the path holds less than one [CCWG-BBR-A.14, CCWG-BBR-5.6.4.3-least]', () => {
    const path = start({ rate: 10_000, rtt: 20 })
    path.run(20)
    expect(path.control.cwnd).toBeGreaterThanOrEqual(4000)
    expect(path.control.cwnd).toBeLessThan(10_000)
    expect(path.run(10)).toBeGreaterThan(0.9 * path.rate)
  })

  test('grows by what comes too early when ACKs come together [CCWG-BBR-A.12, CCWG-BBR-A.13, CCWG-BBR-5.5.9-extra-acked]', () => {
    const [plain, bursts] = [start(), start()]
    bursts.aggregation = 25
    for (const path of [plain, bursts]) {
      path.until('probe-bw-cruise', 10)
      path.run(1)
    }
    expect(bursts.control.cwnd).toBeGreaterThan(plain.control.cwnd + 10_000)
    expect(bursts.run(5)).toBeGreaterThan(0.9 * bursts.rate)
  })
})

describe('in a connection', () => {
  test('an hour of nothing leaves window and rate, and what follows is paced at the known rate [CCWG-BBR-5.4-restart]', async () => {
    // Its bursts hold many packets at once.
    const memory = createPacketMemory({ size: 16 << 20 }).pool()
    const bench = await Bench.create({ memory, tcp: { congestionControls: [bbr()], congestionControl: 'bbr' } })
    const phases: string[] = []
    const connection = await connect(bench, {
      trace: ({ phase }) => {
        if (phases.at(-1) !== phase) phases.push(phase)
      },
    })
    void connection.write(pattern(250_000)).catch(() => undefined)
    for (let acked = 1, trip = 0; trip < 25; trip++) {
      await bench.clock.advance(100)
      acked = Math.min(acked + 25_000, 1 + connection.info().bytesSent)
      await bench.send('A', { seq: 1, ack: acked })
    }
    const before = connection.info()
    expect(before.bytesInFlight).toBe(0)
    await bench.clock.advance(3_600_000)
    bench.all()
    connection.tryWrite(pattern(10_000))
    await bench.clock.settle()
    const after = connection.info()
    expect(after.cwnd).toBe(before.cwnd)
    expect(after.pacingRate).toBeGreaterThan(0)
    expect(bench.all().length).toBeLessThan(10)
    expect(phases.length).toBeGreaterThan(1)
    expect(phases[0]).toBe('startup')
    connection.abort()
    await bench.end()
  })
})

describe('DOWN', () => {
  test('ends when the queue is gone [CCWG-BBR-A.8]', () => {
    const path = start()
    path.until('probe-bw-up')
    path.until('probe-bw-down')
    expect(path.flight).toBeGreaterThan(1.2 * path.bdp)
    path.run(1, () => path.phase !== 'probe-bw-down')
    expect(path.phase).toBe('probe-bw-cruise')
    expect(path.flight).toBeLessThanOrEqual(1.05 * path.bdp)
  })

  test('ends when the next probe is due, too [CCWG-BBR-A.9]', () => {
    const path = start({ rtt: 20 })
    path.until('probe-bw-up')
    path.until('probe-bw-down')
    // Half of the path is somebody else's from now on: too much stays in flight.
    path.rate /= 2
    path.run(3, () => path.phase !== 'probe-bw-down')
    expect(path.phase).toBe('probe-bw-refill')
    expect(path.flight).toBeGreaterThan(1.5 * path.bdp)
  })
})
