import { describe, expect, test } from 'vitest'
import { goodputTable, losePackets, queueTable, simulation, traceTable, type TransferOptions, type WireOptions } from '../src/index.ts'

async function transfer(wire: WireOptions, options: TransferOptions, seconds: number) {
  const net = simulation()
  const [a, b] = [net.host('a'), net.host('b')]
  const only = net.wire(a, b, wire)
  const flow = net.transfer(a, b, options)
  const result = await net.run(seconds)
  return { net, flow, result, wire: only }
}

describe('a transfer', () => {
  test('fills the link, and the counts agree', async () => {
    const { flow, wire } = await transfer({ rate: 10e6, delay: 10, queue: 1e6 }, {}, 5)

    // Goodput in segments of 1,448 of 1,514 bytes.
    expect(flow.goodput(1, 5) / (10e6 * (1448 / 1514))).toBeCloseTo(1, 2)
    const counted = flow.intervals.reduce((sum, { bitsPerSecond }) => sum + bitsPerSecond * 0.1, 0) / 8
    expect(counted).toBeCloseTo(flow.bytes, 3)
    expect((flow.goodput(0, 5) * 5) / 8).toBeCloseTo(flow.bytes, 3)
    expect(wire.there.counters.deliveredBytes).toBeGreaterThan(flow.bytes)
  })

  test('of so many bytes ends when they are there', async () => {
    const { flow } = await transfer({ rate: 8e6, delay: 5 }, { bytes: 100_000, start: 1 }, 5)

    expect(flow.bytes).toBe(100_000)
    expect(flow.openedAt).toBeCloseTo(1.01, 3)
    // Two round trips of handshake and slow start, and 100 ms at 8 Mbit/s.
    expect(flow.finishedAt).toBeGreaterThan(1.1)
    expect(flow.finishedAt).toBeLessThan(1.2)
    expect(flow.goodput()).toBeCloseTo((100_000 * 8) / (flow.finishedAt! - 1), 0)
    expect(flow.error).toBeNull()
  })

  test('of so many seconds stops writing then', async () => {
    const { flow } = await transfer({ rate: 8e6, delay: 5, queue: 50_000 }, { seconds: 2 }, 10)

    expect(flow.finishedAt).toBeGreaterThan(2)
    expect(flow.finishedAt).toBeLessThan(2.5)
  })

  test('over IPv6', async () => {
    const { flow } = await transfer({ rate: 8e6, delay: 5 }, { bytes: 100_000, family: 'ipv6' }, 5)

    expect(flow.bytes).toBe(100_000)
  })

  test('that fails says why', async () => {
    const { flow } = await transfer({}, { tcp: { congestionControl: 'nonsense' } }, 1)

    expect(flow).toMatchObject({ error: 'ERR_STACK_INVALID_OPTION', openedAt: null, finishedAt: null, bytes: 0 })
  })

  test('refuses options that it does not know', () => {
    const net = simulation()
    const [a, b] = [net.host('a'), net.host('b')]
    expect(() => net.transfer(a, b, { byte: 1 } as TransferOptions)).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_OPTION' }) as Error)
  })
})

describe('a trace', () => {
  test('tells of the lost segment, its repair, and the window', async () => {
    // SYN, and the 20th data segment: the first one has the ACK.
    const { flow } = await transfer({ rate: 10e6, delay: 20, loss: losePackets(21), back: { loss: 0 } }, { bytes: 200_000 }, 5)
    const { trace } = flow
    const rows = [...trace.rows()]
    const again = rows.filter((_, i) => trace.isRetransmission(i))

    expect(again).toHaveLength(1)
    expect(again[0]).toMatchObject({ kind: 'send', reason: 'fast-retransmit', position: 1 + 19 * 1448, length: 1448 })
    expect(flow.retransmits).toBe(1)
    expect(rows[0]).toMatchObject({ kind: 'send', reason: 'syn', time: 0, position: 0 })
    const before = rows.findLast(({ time }) => time < again[0]!.time)!
    expect(rows.at(-1)!.ssthresh).toBeLessThan(before.inFlight)
    expect([...traceTable(trace)]).toHaveLength(1 + trace.length)
  })

  test('shows the round trips of the path, not of the holes', async () => {
    const { flow } = await transfer({ rate: 100e6, delay: 20, loss: losePackets(21), back: { loss: 0 } }, { bytes: 200_000 }, 5)
    const rtts = flow.roundTrips.map(({ rtt }) => rtt)

    expect(rtts.length).toBeGreaterThan(30)
    expect(Math.min(...rtts)).toBeGreaterThan(40)
    // And what a delayed ACK adds: 40 ms.
    expect(Math.max(...rtts)).toBeLessThan(85)
  })

  test('keeps so many events, and counts the others', async () => {
    const { flow } = await transfer({ delay: 5 }, { bytes: 100_000, traceLimit: 10 }, 5)

    expect(flow.trace.length).toBe(10)
    expect(flow.trace.dropped).toBeGreaterThan(50)
    expect(flow.bytes).toBe(100_000)
  })

  test('is empty when it is not wanted', async () => {
    const { flow } = await transfer({ delay: 5 }, { bytes: 10_000, trace: false }, 5)

    expect([flow.trace.length, flow.trace.dropped, flow.roundTrips.length]).toEqual([0, 0, 0])
  })
})

test('datagrams come at their rate', async () => {
  const net = simulation()
  const [a, b] = [net.host('a'), net.host('b')]
  net.wire(a, b, { rate: 10e6, delay: 5 })
  const stream = net.datagrams(a, b, { rate: 1e6, size: 1250, start: 1, seconds: 2 })
  await net.run(5)

  expect([stream.sent, stream.received, stream.bytes]).toEqual([200, 200, 250_000])
  expect(stream.goodput(1, 3)).toBeCloseTo(1e6, -4)
})

test('tables have a line for each interval and each millisecond', async () => {
  const { net, wire } = await transfer({ rate: 8e6, delay: 5 }, { bytes: 50_000, name: 'up, "fast"' }, 1)
  const goodput = [...goodputTable(net.flows)]

  expect(goodput).toHaveLength(11)
  expect(goodput[0]).toBe('time,"up, ""fast"""')
  expect(goodput[1]).toMatch(/^0,\d+$/)
  const queue = [...queueTable(wire.there)]
  expect(queue).toHaveLength(1001)
  expect(queue.slice(0, 2)).toEqual(['time,bytes,peak', '0.001,0,74'])
})
