import { describe, expect, test } from 'vitest'
import { icmpv4, ipv4, packet, tcp } from '@stack/testing'
import type { Connection, ConnectOptions } from '../src/index.ts'
import { ample, Bench, FAMILIES, pattern, PEER_PORT, PORT, type Family, type Segment } from './support/peer.ts'

const headers = (family: Family): number => (family === 'ipv4' ? 40 : 60)

async function opened(options: Partial<ConnectOptions> = {}, family: Family = 'ipv4', sackPermitted = true): Promise<{ bench: Bench; connection: Connection; full: number }> {
  const bench = await Bench.create({ family })
  const full = 1500 - headers(family)
  const connection = await bench.connect({ sendBuffer: 262_144, ...options }, { mss: full, sackPermitted })
  return { bench, connection, full }
}

async function end({ bench, connection }: { bench: Bench; connection: Connection }): Promise<void> {
  connection.abort()
  await bench.end()
}

/** What left, as `seq(length)`. */
function sent(bench: Bench): string[] {
  return bench.all().map(({ seq, length }) => `${String(seq)}(${String(length)})`)
}

/** A router on the way says that it takes `mtu` and no more. */
async function tooBig(bench: Bench, mtu: number): Promise<void> {
  const quoted = packet(ipv4({ source: bench.local, destination: bench.remote, totalLength: 1500 }), tcp({ sourcePort: bench.localPort, destinationPort: bench.remotePort, seq: bench.iss + 1 })).slice(0, 28)
  await bench.peer.sendPacket(icmpv4({ type: 3, code: 4, mtu }), quoted)
}

/** Everything is acknowledged as it comes until `count` bytes were; lengths of what came, those of at most `passes` bytes only get through. */
async function carry(bench: Bench, connection: Connection, from: number, count: number, passes: number): Promise<number[]> {
  const lengths: number[] = []
  const until = from + count
  let ack = from
  const beyond = new Map<number, number>()
  await connection.write(pattern(count))
  for (let idle = 0; ack < until && idle < 50; ) {
    const segments = bench.all().filter(({ length }) => length > 0)
    idle = segments.length === 0 ? idle + 1 : 0
    for (const { seq, length } of segments) {
      lengths.push(length)
      if (length > passes) continue
      beyond.set(seq, Math.max(beyond.get(seq) ?? 0, seq + length))
      for (let next = beyond.get(ack); next !== undefined; next = beyond.get(ack)) ack = next
      const blocks = [...beyond].filter(([start]) => start > ack).sort(([a], [b]) => b - a)
      await bench.send('A', { seq: 1, ack, ...(blocks.length === 0 ? {} : { sack: blocks.slice(0, 3) }) })
    }
    if (segments.length === 0) await bench.clock.advance(20)
  }
  expect(ack).toBe(until)
  return lengths
}

describe.each(FAMILIES)('a black hole over %s', (family) => {
  const base = family === 'ipv4' ? 1024 : 1220

  test('three timeouts of full segments make them smaller, and they get through [RFC4821-7.7-blackhole]', async () => {
    const { bench, connection, full } = await opened({}, family)
    await connection.write(pattern(full))
    expect(sent(bench)).toEqual([`1(${String(full)})`])
    // The tail loss probe stands in place of a timeout.
    await bench.clock.advance(200)
    await bench.clock.advance(200)
    await bench.clock.advance(400)
    expect(sent(bench)).toEqual([`1(${String(full)})`, `1(${String(full)})`, `1(${String(full)})`])
    expect(bench.counters['blackHoles']).toBe(0)
    await bench.clock.advance(800)
    expect(sent(bench)).toEqual([`1(${String(base)})`, `${String(1 + base)}(${String(full - base)})`])
    expect(bench.counters['blackHoles']).toBe(1)
    expect(connection.info()).toMatchObject({ sendMss: base, pathMtu: base + headers(family) })
    await bench.send('A', { seq: 1, ack: 1 + full })
    await connection.write(pattern(2000))
    expect(sent(bench)[0]).toBe(`${String(1 + full)}(${String(base)})`)
    await end({ bench, connection })
  })

  test('small segments that time out say nothing of sizes', async () => {
    const { bench, connection, full } = await opened({}, family)
    await connection.write(pattern(100))
    await bench.clock.advance(10_000)
    expect(bench.counters['blackHoles']).toBe(0)
    expect(connection.info().sendMss).toBe(full)
    await end({ bench, connection })
  })

  test('off is off', async () => {
    const { bench, connection, full } = await opened({ mtuProbing: 'off' }, family)
    await connection.write(pattern(full))
    await bench.clock.advance(10_000)
    expect(new Set(sent(bench))).toEqual(new Set([`1(${String(full)})`]))
    await end({ bench, connection })
  })

  test('further timeouts go down to what every path must take, and no lower', async () => {
    const { bench, connection, full } = await opened({}, family)
    await connection.write(pattern(full))
    await bench.clock.advance(60_000)
    expect(connection.info().pathMtu).toBe(family === 'ipv4' ? 576 : 1280)
    await end({ bench, connection })
  })

  test('then larger sizes are tried, and the largest that gets through is found; no loss of a probe is congestion [RFC4821-7.2-probe, RFC4821-7.3-search, RFC4821-7.6-loss]', async () => {
    const { bench, connection, full } = await opened({}, family)
    await connection.write(pattern(full))
    await bench.clock.advance(1600)
    await bench.send('A', { seq: 1, ack: 1 + base })
    await bench.send('A', { seq: 1, ack: 1 + full })
    bench.all()
    const passes = 1400 - headers(family)
    const before = connection.info()
    const lengths = await carry(bench, connection, 1 + full, 200_000, passes)
    const { timeouts, cwnd, ssthresh, sendMss } = connection.info()
    expect({ timeouts, ssthresh }).toEqual({ timeouts: before.timeouts, ssthresh: before.ssthresh })
    expect(cwnd).toBeGreaterThan(before.cwnd)
    expect(sendMss).toBeGreaterThan(passes - 8)
    expect(sendMss).toBeLessThanOrEqual(passes)
    // The top first; and no more probes than halving takes.
    expect(lengths.find((length) => length > base)).toBe(full)
    expect(bench.counters['mtuProbes']).toBeLessThan(9)
    expect(bench.counters['mtuProbesLost']).toBeGreaterThan(1)
    expect(bench.counters['fastRetransmits']).toBe(0)
    await end({ bench, connection })
  })
})

describe('probes', () => {
  /** A connection that begins small, with `cwnd` for a probe. */
  const always = (sackPermitted = true): ReturnType<typeof opened> => opened({ mtuProbing: 'always' }, 'ipv4', sackPermitted)

  test('always: small first, the first probe is the largest, and one that arrives makes all segments so [RFC4821-7.2-probe]', async () => {
    const { bench, connection } = await always()
    await connection.write(pattern(10_000))
    expect(sent(bench).slice(0, 3)).toEqual(['1(1460)', '1461(1024)', '2485(1024)'])
    await bench.send('A', { seq: 1, ack: 10_001 })
    expect(connection.info()).toMatchObject({ sendMss: 1460, pathMtu: 1500 })
    expect(bench.counters).toMatchObject({ mtuProbes: 1, mtuProbesLost: 0 })
    await end({ bench, connection })
  })

  test('one at a time, and none without enough behind it', async () => {
    const { bench, connection } = await always()
    await connection.write(pattern(4000))
    expect(sent(bench)).toEqual(['1(1024)', '1025(1024)', '2049(1024)', '3073(928)'])
    await bench.send('A', { seq: 1, ack: 4001 })
    await connection.write(pattern(6000))
    await connection.write(pattern(6000))
    expect(sent(bench).filter((segment) => segment.endsWith('(1460)'))).toHaveLength(1)
    await end({ bench, connection })
  })

  test('a lost probe leaves again in pieces, cwnd stays; then the middle is tried [RFC4821-7.6-loss]', async () => {
    const { bench, connection } = await always()
    await connection.write(pattern(8000))
    bench.all()
    const { cwnd, ssthresh } = connection.info()
    await bench.send('A', { seq: 1, ack: 1, sack: [[1461, 2485]] })
    await bench.send('A', { seq: 1, ack: 1, sack: [[1461, 3509]] })
    await bench.send('A', { seq: 1, ack: 1, sack: [[1461, 4533]] })
    await bench.clock.advance(30)
    expect(sent(bench)).toEqual(['1(1024)', '1025(436)'])
    expect(connection.info()).toMatchObject({ cwnd, ssthresh, congestionState: 'disorder', sendMss: 1024 })
    await bench.send('A', { seq: 1, ack: 8001 })
    await connection.write(pattern(10_000))
    // (1064 + 1499 + 1) / 2, less 40.
    expect(sent(bench)[0]).toBe('8001(1242)')
    await end({ bench, connection })
  })

  test('without SACK three duplicate ACKs say the same', async () => {
    const { bench, connection } = await always(false)
    await connection.write(pattern(8000))
    bench.all()
    const { cwnd } = connection.info()
    for (let i = 0; i < 3; i++) await bench.send('A', { seq: 1, ack: 1 })
    expect(sent(bench)).toEqual(['1(1024)', '1025(436)'])
    expect(connection.info()).toMatchObject({ cwnd })
    expect(bench.counters).toMatchObject({ mtuProbesLost: 1, fastRetransmits: 0 })
    await bench.send('A', { seq: 1, ack: 8001 })
    await end({ bench, connection })
  })

  test('with another loss beside it, it is congestion, and the probe says nothing [RFC4821-7.6-loss]', async () => {
    const { bench, connection } = await always()
    await connection.write(pattern(10_000))
    bench.all()
    const { cwnd } = connection.info()
    await bench.send('A', { seq: 1, ack: 1, sack: [[2485, 6581]] })
    await bench.clock.advance(30)
    expect(connection.info().cwnd).toBeLessThan(cwnd)
    expect(bench.counters).toMatchObject({ mtuProbesLost: 0, fastRetransmits: 1 })
    await end({ bench, connection })
  })

  test('a timeout says nothing of the probe either', async () => {
    const { bench, connection } = await always()
    await connection.write(pattern(8000))
    bench.all()
    await bench.clock.advance(400)
    expect(bench.counters).toMatchObject({ mtuProbesLost: 0 })
    expect(connection.info()).toMatchObject({ timeouts: 1, sendMss: 1024 })
    await end({ bench, connection })
  })

  test('a router may tell: the search goes on below what it says', async () => {
    const { bench, connection } = await always()
    await connection.write(pattern(10_000))
    bench.all()
    const { cwnd } = connection.info()
    await tooBig(bench, 1200)
    expect(sent(bench)).toEqual(['1(1024)', '1025(436)'])
    expect(connection.info()).toMatchObject({ cwnd, sendMss: 1024 })
    await bench.send('A', { seq: 1, ack: 10_001 })
    await connection.write(pattern(10_000))
    expect(sent(bench)[0]).toBe('10001(1160)')
    await end({ bench, connection })
  })

  test('a search that is over begins anew after ten minutes [RFC4821-7.3-search]', async () => {
    const { bench, connection } = await always()
    for (let i = 0; i < 3; i++) await carry(bench, connection, 1 + i * 200_000, 200_000, 1300)
    const { sendMss } = connection.info()
    expect(sendMss).toBeGreaterThan(1292)
    const probes = bench.counters['mtuProbes']!
    await carry(bench, connection, 600_001, 200_000, 1300)
    expect(bench.counters['mtuProbes']).toBe(probes)
    await bench.clock.advance(600_000)
    await carry(bench, connection, 800_001, 50_000, 1460)
    expect(bench.counters['mtuProbes']).toBe(probes + 1)
    expect(connection.info().sendMss).toBe(1460)
    await end({ bench, connection })
  })

  test('nonsense is refused', async () => {
    const bench = await Bench.create()
    expect(() => bench.stack.tcp.listen({ port: 1, mtuProbing: true as never })).toThrow(/'mtuProbing' must be one of 'off', 'black-hole', 'always'/)
    expect(() => bench.stack.tcp.listen({ port: 1, mtuProbeBase: 10 })).toThrow(/mtuProbeBase/)
    expect(() => bench.stack.tcp.listen({ port: 1, minimumSegmentSize: 10 })).toThrow(/minimumSegmentSize/)
    await bench.end()
  })
})

test('minimumSegmentSize: a peer that asks for less does not get it', async () => {
  const bench = await Bench.create()
  const connection = await bench.connect({ minimumSegmentSize: 200 }, { mss: 50 })
  await connection.write(pattern(300))
  expect(sent(bench)).toEqual(['1(200)', '201(100)'])
  await end({ bench, connection })
})

test('by default no peer gets segments of less than 48 bytes, options included', async () => {
  for (const timestamps of [false, true]) {
    const bench = await Bench.create()
    if (timestamps) bench.peer.timestamp = 1
    const connection = await bench.connect({}, { mss: 1 })
    const mss = timestamps ? 36 : 48
    expect(connection.info().sendMss).toBe(mss)
    await connection.write(pattern(2 * mss))
    expect(sent(bench)).toEqual([`1(${String(mss)})`, `${String(1 + mss)}(${String(mss)})`])
    await end({ bench, connection })
  }
})

test('what the path takes counts more than minimumSegmentSize', async () => {
  const bench = await Bench.create({ mtu: 200 })
  const connection = await bench.connect({ minimumSegmentSize: 400 }, { mss: 1460 })
  await connection.write(pattern(320))
  expect(sent(bench)).toEqual(['1(160)', '161(160)'])
  await end({ bench, connection })
})

test('a forged path MTU makes no flood of tiny segments; what the path really takes is left to fragments (RFC 5927 §7)', async () => {
  const bench = await Bench.create({ memory: ample() })
  const connection = await bench.connect({ sendBuffer: 262_144 }, { mss: 1460 })
  await connection.write(pattern(100_000))
  expect(bench.all()).toHaveLength(10)
  await tooBig(bench, 68)
  const again = bench.all()
  expect(again).toHaveLength(29)
  expect(Math.max(...again.map(({ length }) => length))).toBe(512)
  expect(connection.info()).toMatchObject({ sendMss: 512, timeouts: 0 })
  await bench.send('A', { seq: 1, ack: 14_601 })
  expect(bench.all().length).toBeLessThanOrEqual(60)
  await end({ bench, connection })
})

test('a route may cap the MSS, both ways', async () => {
  for (const isActive of [true, false]) {
    const bench = await Bench.create()
    bench.stack.routes.add({ destination: `${bench.remote}/32`, nic: 1, mss: 700 })
    expect(bench.stack.routes.list()).toContainEqual(expect.objectContaining({ destination: bench.remote, mss: 700 }))
    let announced: Segment
    let connection: Connection
    if (isActive) {
      connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT })
      announced = bench.expect('S')
      bench.localPort = announced.sourcePort
      await bench.send('SA', { ack: 1, mss: 1460 })
      bench.expect('A')
    } else {
      const listener = bench.stack.tcp.listen({ port: PORT })
      await bench.send('S', { mss: 1460 })
      announced = bench.expect('SA')
      await bench.send('A', { seq: 1, ack: 1 })
      connection = listener.tryAccept()!
      await listener.close()
    }
    expect(announced.mss).toBe(700)
    await connection.write(pattern(1000))
    expect(sent(bench)).toEqual(['1(700)', '701(300)'])
    expect(bench.stack.routes.remove({ destination: bench.remote, mss: 600 })).toBe(0)
    expect(bench.stack.routes.remove({ destination: bench.remote, mss: 700 })).toBe(1)
    await end({ bench, connection })
  }
})
