import { describe, expect, test } from 'vitest'
import { netem } from '@stack/link-netem'
import { gilbertElliott, losePackets, randomLoss, simulation, type WireOptions } from '../src/index.ts'
import { arrivals, HEADERS, sendDatagrams } from './support.ts'

function twoHosts(options: WireOptions, seed = 1) {
  const net = simulation({ seed })
  const a = net.host('a')
  const b = net.host('b')
  const wire = net.wire(a, b, options)
  return { net, a, b, wire, arrived: arrivals(net, b) }
}

describe('rate and delay', () => {
  test('a packet arrives after its bits and the delay, the next one behind it', async () => {
    // 1,000 bytes with all headers are 8 ms at 1 Mbit/s.
    const { net, a, b, arrived } = twoHosts({ rate: 1e6, delay: 10 })
    net.at(1, () => sendDatagrams(a, b, 3, 1000 - HEADERS))
    await net.run(2)

    expect(arrived.map(({ at }) => at)).toEqual([1018, 1026, 1034])
  })

  test('without a rate only the delay counts', async () => {
    const { net, a, b, arrived } = twoHosts({ delay: 5 })
    net.at(0.5, () => sendDatagrams(a, b, 2, 100))
    await net.run(1)

    expect(arrived.map(({ at }) => at)).toEqual([505, 505])
  })

  test('the way back may differ', async () => {
    const { net, a, b } = twoHosts({ delay: 5, back: { delay: 45 } })
    let rtt = 0
    net.at(0, async () => {
      rtt = (await a.stack.icmp.ping(b.ipv4)).rtt
    })
    await net.run(1)

    expect(rtt).toBeCloseTo(50, 6)
  })

  test('jitter spreads the delay and keeps the order', async () => {
    const { net, a, b, arrived } = twoHosts({ delay: 10, jitter: 8 })
    for (let i = 0; i < 50; i++) net.at(i / 1000, () => sendDatagrams(a, b, 1, 100, i))
    await net.run(1)

    expect(arrived.map(({ first }) => first)).toEqual(Array.from({ length: 50 }, (_, i) => i))
    const delays = arrived.map(({ at }, i) => at - i)
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(10)
    expect(Math.max(...delays)).toBeLessThanOrEqual(18)
    expect(new Set(delays).size).toBeGreaterThan(25)
  })
})

describe('the queue', () => {
  test('holds so many bytes, the packet on the wire included', async () => {
    const { net, a, b, wire, arrived } = twoHosts({ rate: 1e6, queue: 3000 })
    net.at(0, () => sendDatagrams(a, b, 5, 1000 - HEADERS))
    await net.run(1)

    expect(arrived.map(({ first }) => first)).toEqual([0, 1, 2])
    expect(wire.there.counters).toMatchObject({ packets: 5, delivered: 3, droppedQueueFull: 2 })
    expect([...wire.there.drops]).toEqual([0, 0])
  })

  test('holds so many packets', async () => {
    const { net, a, b, wire, arrived } = twoHosts({ rate: 1e6, queue: { packets: 2 } })
    net.at(0, () => sendDatagrams(a, b, 4, 1000 - HEADERS))
    // The first is on its way by then, the second still waits.
    net.at(0.01, () => sendDatagrams(a, b, 2, 1000 - HEADERS, 10))
    await net.run(1)

    expect(arrived.map(({ first }) => first)).toEqual([0, 1, 10])
    expect(wire.there.counters.droppedQueueFull).toBe(3)
  })

  test('is measured each millisecond', async () => {
    const { net, a, b, wire } = twoHosts({ rate: 8e6, queue: 100_000 })
    // 10,000 bytes leave at 1,000 bytes a ms.
    net.at(0, () => sendDatagrams(a, b, 10, 1000 - HEADERS))
    await net.run(0.02)

    const { there } = wire
    expect(Array.from(there.queueSamples.subarray(0, 11), Math.round)).toEqual([9000, 8000, 7000, 6000, 5000, 4000, 3000, 2000, 1000, 0, 0])
    expect(there.queue(0, 0.01).mean).toBeCloseTo(4500, 3)
    expect(there.queue(0, 0.01).max).toBeCloseTo(10_000, 3)
    expect(there.queue(0.005, 0.01).max).toBeCloseTo(5000, 3)
    expect(there.queue(0, 0.02).p95).toBeCloseTo(8000, 3)
    expect(there.queue(5, 6)).toEqual({ mean: 0, p95: 0, max: 0 })
  })

  test('of one BDP by default, never less than ten packets', () => {
    const limits = (options: WireOptions) => twoHosts(options).wire.there.settings.limitBytes
    expect(limits({ rate: 100e6, delay: 20 })).toBe(500_000)
    expect(limits({ rate: 100e6, delay: 20, queue: { bdp: 2, rtt: 50 } })).toBe(1_250_000)
    expect(limits({ rate: 1e6, delay: 1 })).toBe(15_140)
    expect(limits({ delay: 20 })).toBe(Infinity)
  })
})

describe('marks', () => {
  /** Sends five datagrams of 1,000 bytes at once; gives the ECN field of those that arrive. */
  async function marks(options: WireOptions, tos: number, family: 'ipv4' | 'ipv6' = 'ipv4') {
    const { net, a, b, wire } = twoHosts({ rate: 1e6, queue: 50_000, checksums: true, ...options })
    const fields: number[] = []
    const socket = a.stack.udp.bind({ tos })
    b.stack.udp.bind({ port: 10 }).setHandler({ datagram: (_data, _remote, { tos: came }) => void fields.push(came & 3) })
    net.at(0, () => {
      for (let i = 0; i < 5; i++) socket.send(new Uint8Array(958), { host: b[family], port: 10 })
    })
    await net.run(1)
    return { fields, counters: wire.there.counters }
  }

  test('what finds more than the threshold is marked, with a good checksum', async () => {
    for (const family of ['ipv4', 'ipv6'] as const) {
      const { fields, counters } = await marks({ mark: { from: 2500 } }, 2, family)
      expect(fields).toEqual([2, 2, 2, 3, 3])
      expect(counters).toMatchObject({ marked: 2, droppedNotCapable: 0, delivered: 5 })
    }
  })

  test('what is not capable of ECN is dropped instead', async () => {
    const { fields, counters } = await marks({ mark: { from: { packets: 1 } } }, 0)
    expect(fields).toEqual([0, 0])
    expect(counters).toMatchObject({ marked: 0, droppedNotCapable: 3 })
  })

  test('between two thresholds it is a matter of chance', async () => {
    const none = await marks({ mark: { from: 1, to: 100_000, probability: 0 } }, 1)
    expect(none.fields).toEqual([1, 1, 1, 1, 1])
    const { net, a, b, wire } = twoHosts({ rate: 1e6, queue: 500_000, mark: { from: 1, to: 400_000, probability: 0.5 } })
    const socket = a.stack.udp.bind({ tos: 2 })
    for (let i = 0; i < 30; i++) {
      net.at(i / 1000, () => {
        for (let n = 0; n < 10; n++) socket.send(new Uint8Array(958), { host: b.ipv4, port: 10 })
      })
    }
    await net.run(1)
    // From 0 to 0.375.
    expect(wire.there.counters.marked).toBeGreaterThan(30)
    expect(wire.there.counters.marked).toBeLessThan(90)
  })

  test('thresholds the wrong way round are refused', () => {
    expect(() => twoHosts({ rate: 1e6, mark: { from: 100, to: 50 } })).toThrow(/mark/)
    expect(() => twoHosts({ rate: 1e6, mark: { from: 100, probability: 2 } })).toThrow(/probability/)
  })
})

describe('loss', () => {
  test('of the packets that were named', async () => {
    const { net, a, b, wire, arrived } = twoHosts({ loss: losePackets(2, 4) })
    net.at(0, () => sendDatagrams(a, b, 5, 100))
    await net.run(1)

    expect(arrived.map(({ first }) => first)).toEqual([0, 2, 4])
    expect(wire.there.counters.lost).toBe(2)
  })

  test('at random, the same for the same seed', async () => {
    const lost = async (seed: number): Promise<readonly number[]> => {
      const { net, a, b, arrived } = twoHosts({ loss: 0.3 }, seed)
      net.at(0, () => sendDatagrams(a, b, 200, 100))
      await net.run(1)
      return arrived.map(({ first }) => first)
    }
    const first = await lost(1)

    expect(first.length).toBeGreaterThan(120)
    expect(first.length).toBeLessThan(160)
    expect(await lost(1)).toEqual(first)
    expect(await lost(2)).not.toEqual(first)
  })

  test('in bursts', async () => {
    const { net, a, b, arrived } = twoHosts({ loss: gilbertElliott({ enter: 0.05, leave: 0.25 }) })
    net.at(0, () => sendDatagrams(a, b, 250, 100))
    await net.run(1)

    const received = new Set(arrived.map(({ first }) => first))
    const bursts: number[] = []
    for (let i = 0; i < 250; i++) {
      if (received.has(i)) continue
      if (i > 0 && !received.has(i - 1)) bursts[bursts.length - 1]!++
      else bursts.push(1)
    }
    expect(bursts.length).toBeGreaterThan(4)
    const mean = bursts.reduce((sum, length) => sum + length, 0) / bursts.length
    expect(mean).toBeGreaterThan(2)
    expect(mean).toBeLessThan(7)
  })

  test('an outage takes what enters in its time', async () => {
    const { net, a, b, wire, arrived } = twoHosts({ delay: 50, outages: [{ from: 0.1, until: 0.2 }] })
    for (const [i, at] of [0.09, 0.1, 0.199, 0.2].entries()) net.at(at, () => sendDatagrams(a, b, 1, 100, i))
    await net.run(1)

    // What is on its way arrives.
    expect(arrived).toEqual([{ at: 140, first: 0 }, { at: 250, first: 3 }])
    expect(wire.there.counters.droppedOutage).toBe(2)
  })

  test.each([-0.1, 1.5, NaN])('%d is no probability', (probability) => {
    expect(() => randomLoss(probability)).toThrow(/must be a probability/)
    expect(() => gilbertElliott({ enter: probability, leave: 0.5 })).toThrow(/'enter' must be a probability/)
  })
})

test('late packets are overtaken', async () => {
  const { net, a, b, wire, arrived } = twoHosts({ delay: 10, reorder: { probability: 0.1, delay: [5, 10] } })
  for (let i = 0; i < 100; i++) net.at(i / 1000, () => sendDatagrams(a, b, 1, 100, i))
  await net.run(1)

  expect(arrived).toHaveLength(100)
  const late = arrived.filter(({ at, first }) => at - first > 10 + 1e-6)
  expect(late).toHaveLength(wire.there.counters.reordered)
  expect(late.length).toBeGreaterThan(3)
  expect(late.every(({ at, first }) => at - first >= 15 && at - first <= 20)).toBe(true)
  expect(arrived.map(({ first }) => first)).not.toEqual(Array.from({ length: 100 }, (_, i) => i))
})

test('checksums are computed and verified where that is wanted', async () => {
  const { net, a, b, arrived } = twoHosts({ checksums: true })
  net.at(0, () => sendDatagrams(a, b, 3, 100))
  await net.run(1)

  expect(arrived).toHaveLength(3)
})

test('what a wire does not do, another link around it does', async () => {
  const { net, a, b, arrived } = twoHosts({ delay: 5, wrap: (link) => netem(link, { duplicate: 1, seed: 1 }) })
  net.at(0, () => sendDatagrams(a, b, 2, 100))
  await net.run(1)

  expect(arrived.map(({ first }) => first)).toEqual([0, 0, 1, 1])
})

test.each<WireOptions>([
  { rate: 0 }, { delay: -1 }, { queue: 0 }, { queue: { packets: -1 } }, { queue: { bdp: 0 }, rate: 1e6, delay: 1 }, { mtu: 10 },
  { reorder: { probability: 2, delay: [1, 2] } }, { back: { rate: -1 } }, { speed: 1 } as WireOptions,
])('%j is refused', (options) => {
  expect(() => twoHosts(options)).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_OPTION' }) as Error)
})
