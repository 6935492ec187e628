import { describe, expect, test } from 'vitest'
import { Bench, FAMILIES, pattern, PORT } from './support/peer.ts'

describe.each(FAMILIES)('the handshake over %s', (family) => {
  test('window scale is offered; the answer has it only when the SYN had [RFC7323-2.2-syn]', async () => {
    const bench = await Bench.create({ family })
    bench.stack.tcp.open({ host: bench.remote, port: 5000 })
    bench.expect('S', { scale: 9 })
    bench.stack.tcp.listen({ port: PORT })
    await bench.send('S', { mss: 1460, scale: 0 })
    bench.expect('SA', { scale: 9 })
    await bench.send('S', { mss: 1460, sourcePort: 9 })
    bench.expect('SA', { scale: null, destinationPort: 9 })
    await bench.end()
  })

  test('timestamps are used when both SYNs have them [RFC7323-3.2-negotiate]', async () => {
    for (const [ours, theirs] of [[true, true], [true, false], [false, true]] as const) {
      const bench = await Bench.create({ family })
      bench.stack.tcp.listen({ port: PORT, timestamps: ours })
      const ts = theirs ? { value: 77, echo: 0 } : null
      await bench.send('S', { mss: 1460, ts })
      const isUsed = ours && theirs
      expect(bench.expect('SA').ts?.echo).toBe(isUsed ? 77 : undefined)
      await bench.send('A', { seq: 1, ack: 1, ts })
      await bench.send('A', { seq: 101, ack: 1, ts, data: pattern(5) })
      expect(bench.expect('A', { ack: 1 }).ts?.echo).toBe(isUsed ? 77 : undefined)
      await bench.end()
    }
  })
})

describe('windows', () => {
  test('one that shrinks by what its scale rounds away does no harm [RFC7323-2.4-retract]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: 1000, scale: 7 })
    await bench.send('A', { seq: 1, ack: 1, win: 40 })
    expect(connection.info().sendWindow).toBe(5120)
    connection.tryWrite(pattern(8000))
    const edge = Math.max(...bench.all().map((segment) => segment.seq + segment.length))
    expect(edge).toBe(5001)
    connection.configure({ noDelay: true })
    // 10 bytes are taken, and the window is told as 39 << 7: its edge is at 5003, not 5121 any more.
    await bench.send('A', { seq: 1, ack: 11, win: 39 })
    bench.expectNothing()
    await bench.send('A', { seq: 1, ack: 5001, win: 39 })
    expect(bench.all().map((segment) => [segment.seq, segment.length])).toEqual([[5001, 1000], [6001, 1000], [7001, 1000]])
    await bench.send('A', { seq: 1, ack: 8001, win: 39 })
    expect(connection.info()).toMatchObject({ bytesAcked: 8000, retransmits: 0 })
    await bench.end()
  })
})

describe('timestamps', () => {
  test('every segment has them: data, ACK, retransmission, probe, FIN and RST [RFC7323-3.2-always, RFC7323-3.2-reset]', async () => {
    const bench = await Bench.create()
    bench.peerTs = 100
    const connection = await bench.connect({ keepAlive: { idle: 500 } })
    await connection.write(pattern(10))
    await bench.clock.advance(250)
    await bench.send('A', { seq: 101, ack: 11, data: pattern(5) })
    await bench.clock.advance(600)
    connection.shutdown('write')
    await bench.clock.settle()
    connection.abort()
    await bench.clock.settle()
    const segments = bench.all()
    expect(new Set(segments.map(({ flags }) => flags))).toEqual(new Set(['PA', 'A', 'FA', 'RA']))
    expect(segments.every((segment) => segment.ts?.echo === 100)).toBe(true)
    await bench.end()
  })

  test('the clock ticks once a millisecond and never goes back [RFC7323-4.1-clock]', async () => {
    const bench = await Bench.create()
    bench.peerTs = 1
    const connection = await bench.connect({ noDelay: true })
    const values: number[] = []
    for (const wait of [0, 1, 1, 10, 1000, 0]) {
      await bench.clock.advance(wait)
      connection.tryWrite(pattern(1))
      const segments = bench.all()
      await bench.send('A', { seq: 1, ack: 1 + connection.bytesWritten })
      values.push(segments.at(-1)!.ts!.value)
    }
    expect(values.map((value) => (value - values[0]!) | 0)).toEqual([0, 1, 2, 12, 1012, 1012])
    await bench.end()
  })

  test('PAWS comes before the sequence number: an old timestamp is what is told of a segment outside of the window [RFC7323-3.2-checks, RFC7323-5.3-paws]', async () => {
    const bench = await Bench.create()
    bench.peerTs = 1000
    await bench.connect()
    await bench.send('PA', { seq: 5_000_000, ack: 1, data: pattern(5), ts: { value: 999, echo: 0 } })
    bench.expect('A', { seq: 1, ack: 1 })
    expect(bench.counters).toMatchObject({ dropOldTimestamp: 1, dropUnacceptable: 0 })
    await bench.end()
  })

  test.each([true, false])('old duplicates that come in one batch are dropped one and all, merged: %s [RFC7323-5.3-paws]', async (gro) => {
    const bench = await Bench.create({ family: 'ipv6', nic: { gro } })
    bench.peerTs = 1000
    const connection = await bench.connect({}, { sackPermitted: true })
    await bench.send('A', { seq: 1, ack: 1 })
    const old = (seq: number): void => {
      bench.inject('A', { seq, ack: 1, data: pattern(100), ts: { value: 999, echo: 0 } })
    }
    await bench.batch(() => {
      old(1)
      old(101)
      old(201)
    })
    expect(bench.nic.statistics.rxMerged).toBe(gro ? 2 : 0)
    expect(bench.counters).toMatchObject({ dropOldTimestamp: 3 })
    expect(bench.all().map(({ ack, sack }) => ({ ack, sack }))).toEqual(Array(3).fill({ ack: 1, sack: null }))
    await bench.send('A', { seq: 1, ack: 1, data: pattern(100) })
    expect(connection.readableLength).toBe(100)
    connection.abort()
    await bench.end()
  })

  test('what left before a retransmission and comes after it is no old duplicate; what is older than the gap, or beyond the edge of then, is', async () => {
    const bench = await Bench.create()
    bench.peerTs = 1000
    const connection = await bench.connect({ receiveBuffer: 20_000 })
    const segment = (seq: number, value: number): Promise<void> => bench.send('A', { seq, ack: 1, data: pattern(100, seq - 1), ts: { value, echo: 0 } })
    await segment(1, 1000)
    // 101 is lost, 201 and 401 are late, 301 tells of it; then the retransmission.
    await segment(301, 1003)
    await segment(101, 1050)
    bench.all()
    await segment(201, 1002)
    expect(bench.expect('A').ack).toBe(401)
    await segment(401, 1004)
    expect(bench.counters).toMatchObject({ dropOldTimestamp: 0 })
    expect(connection.readableLength).toBe(500)
    bench.all()
    await segment(501, 999)
    bench.expect('A', { ack: 501 })
    expect(bench.counters).toMatchObject({ dropOldTimestamp: 1 })
    // The edge of then is passed: as strict as ever.
    let seq = 501
    for (; seq < 20_101; seq += 100) {
      await segment(seq, 1051)
      connection.discard(100)
      await bench.clock.settle()
    }
    bench.all()
    await segment(seq, 1050)
    expect(bench.counters).toMatchObject({ dropOldTimestamp: 2 })
    await bench.end()
  })

  test('after the edge of then has passed nothing old is good any more, whatever came in between', async () => {
    const bench = await Bench.create()
    bench.peerTs = 1000
    const connection = await bench.connect({ receiveBuffer: 4096 })
    let value = 1000
    const segment = async (seq: number, stamp = ++value): Promise<void> => {
      await bench.send('A', { seq, ack: 1, data: pattern(100), ts: { value: stamp, echo: 0 } })
      connection.discard(Infinity)
      await bench.clock.settle()
    }
    await segment(101)
    await segment(1)
    for (let seq = 201; seq < 6001; seq += 100) await segment(seq)
    expect(connection.info().bytesReceived).toBe(6000)
    await segment(6001, value - 10)
    expect(connection.info().bytesReceived).toBe(6000)
    expect(bench.counters).toMatchObject({ dropOldTimestamp: 1 })
    await bench.end()
  })

  test('what was late for a first retransmission is not old for a second', async () => {
    const bench = await Bench.create()
    bench.peerTs = 1000
    const connection = await bench.connect()
    const segment = (seq: number, value: number): Promise<void> => bench.send('A', { seq, ack: 1, data: pattern(100), ts: { value, echo: 0 } })
    // 1, 201 and 401 come again; 501 left with the first flight.
    await segment(101, 1001)
    await segment(1, 1050)
    await segment(301, 1001)
    await segment(201, 1051)
    await segment(401, 1052)
    await segment(501, 1002)
    expect(connection.info().bytesReceived).toBe(600)
    expect(bench.counters).toMatchObject({ dropOldTimestamp: 0 })
    await bench.end()
  })

  test('a remembered timestamp is good for 24 days of silence, whatever the clock says (RFC 7323 §5.5) [RFC7323-5.5-idle]', async () => {
    const bench = await Bench.create()
    await bench.clock.advance(40 * 86_400_000)
    bench.peerTs = 1000
    const connection = await bench.connect()
    const old = { seq: 1, ack: 1, data: pattern(5), ts: { value: 999, echo: 0 } }
    await bench.clock.advance(24 * 86_400_000)
    await bench.send('PA', old)
    expect(connection.readableLength).toBe(0)
    await bench.clock.advance(1)
    await bench.send('PA', old)
    expect(connection.readableLength).toBe(5)
    await bench.end()
  })

  test('timestamps that were not agreed on mean nothing, whatever they say [RFC7323-3.2-negotiate]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ timestamps: false })
    for (const [seq, value] of [[1, 2000], [6, 1000], [11, -5]] as const) {
      await bench.send('PA', { seq, ack: 1, data: pattern(5), ts: { value, echo: 0 } })
    }
    expect(connection.readableLength).toBe(15)
    expect(bench.counters).toMatchObject({ dropOldTimestamp: 0 })
    await bench.end()
  })

  test('a round trip is measured from the echo, for an ACK of something new only [RFC7323-4.2-sample]', async () => {
    const bench = await Bench.create()
    bench.peerTs = 1
    const connection = await bench.connect({}, { mss: 1012 })
    const before = connection.info().smoothedRtt
    connection.tryWrite(pattern(2000))
    const sent = bench.all()
    await bench.clock.advance(100)
    // A window update, with an echo as old as the data.
    await bench.send('A', { seq: 1, ack: 1, win: 60_000, ts: { value: 2, echo: sent[0]!.ts!.value } })
    expect(connection.info().smoothedRtt).toBe(before)
    await bench.send('A', { seq: 1, ack: 1001, win: 60_000, ts: { value: 2, echo: sent[0]!.ts!.value } })
    expect(connection.info().smoothedRtt).toBeGreaterThan(before)
    await bench.end()
  })

  test('of two connections they begin at different offsets [RFC7323-5.4-offset]', async () => {
    const bench = await Bench.create()
    const values = [1, 2, 3].map((localPort) => {
      bench.stack.tcp.open({ host: bench.remote, port: 5000, localPort })
      return bench.expect('S').ts!.value
    })
    expect(new Set(values).size).toBe(3)
    expect(Math.abs(values[0]! - values[1]!)).toBeGreaterThan(100_000)
    await bench.end()
  })
})
