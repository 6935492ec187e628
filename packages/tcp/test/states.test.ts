import { describe, expect, test } from 'vitest'
import type { Connection, TcpState } from '../src/index.ts'
import { Bench, FAMILIES, pattern } from './support/peer.ts'

interface Situation {
  readonly bench: Bench
  readonly connection: Connection
  /** What the stack sends next and expects next. */
  readonly seq: number
  readonly ack: number
}

async function inState(state: TcpState, family: (typeof FAMILIES)[number]): Promise<Situation> {
  const bench = await Bench.create({ family })
  const { connection, seq, ack } = await bench.peer.inState(state)
  return { bench, connection: connection!, seq, ack }
}

const SYNCHRONIZED: readonly TcpState[] = ['established', 'fin-wait-1', 'fin-wait-2', 'close-wait', 'closing', 'last-ack']

describe.each(FAMILIES)('every synchronized state over %s', (family) => {
  test.each(SYNCHRONIZED)('%s: a reset at RCV.NXT ends it [RFC5961-3.2-exact]', async (state) => {
    const { bench, connection, ack } = await inState(state, family)
    await bench.send('R', { seq: ack })
    expect(connection.state).toBe('closed')
    bench.expectNothing()
    // Where both sides had closed nothing is lost.
    if (state === 'closing' || state === 'last-ack') await connection.closed
    else await expect(connection.closed).rejects.toMatchObject({ code: 'ECONNRESET' })
    await bench.end()
  })

  test.each(SYNCHRONIZED)('%s: a reset elsewhere in the window is challenged, outside it is nothing (RFC 5961 §3.2) [RFC5961-3.2-window, RFC5961-3.2-outside, RFC9293-MAY-12]', async (state) => {
    const { bench, connection, seq, ack } = await inState(state, family)
    await bench.send('R', { seq: ack + 10 })
    bench.expect('A', { seq, ack })
    await bench.send('R', { seq: ack - 10 })
    bench.expectNothing()
    expect(connection.state).toBe(state)
    await bench.end()
  })

  test.each(SYNCHRONIZED)('%s: a SYN is challenged (RFC 5961 §4.2) [RFC5961-4.2-syn, RFC9293-MAY-12]', async (state) => {
    const { bench, connection, seq, ack } = await inState(state, family)
    await bench.send('S', { seq: ack + 10 })
    bench.expect('A', { seq, ack })
    await bench.send('SA', { seq: ack, ack: seq })
    bench.expect('A', { seq, ack })
    expect(connection.state).toBe(state)
    await bench.end()
  })

  test.each(SYNCHRONIZED)('%s: an ACK of what was never sent is answered and dropped', async (state) => {
    const { bench, connection, seq, ack } = await inState(state, family)
    await bench.send('A', { seq: ack, ack: seq + 1 })
    bench.expect('A', { seq, ack })
    expect(connection.state).toBe(state)
    expect(bench.counters['dropBadAck']).toBe(1)
    await bench.end()
  })

  test.each(SYNCHRONIZED)('%s: a segment outside the window is answered (unacceptable ACK in closing states)', async (state) => {
    const { bench, connection, seq, ack } = await inState(state, family)
    await bench.send('A', { seq: ack + 2_000_000, ack: seq, data: pattern(10) })
    bench.expect('A', { seq, ack })
    await bench.send('A', { seq: ack - 100, ack: seq })
    bench.expect('A', { seq, ack })
    expect(connection.state).toBe(state)
    await bench.end()
  })

  test.each(SYNCHRONIZED)('%s: a segment without ACK is dropped', async (state) => {
    const { bench, connection, ack } = await inState(state, family)
    await bench.send('F', { seq: ack, data: pattern(5) })
    await bench.send('', { seq: ack })
    bench.expectNothing()
    expect(connection.state).toBe(state)
    expect(bench.counters['dropNoAck']).toBe(2)
    await bench.end()
  })

  test.each([
    ['established', 'close-wait'],
    ['fin-wait-1', 'closing'],
    ['fin-wait-2', 'time-wait'],
    ['close-wait', 'close-wait'],
    ['closing', 'closing'],
    ['last-ack', 'last-ack'],
  ] as const)('%s: a FIN leads to %s', async (state, next) => {
    const { bench, connection, seq, ack } = await inState(state, family)
    const isOld = ack === 2
    const isAcked = state === 'fin-wait-2'
    await bench.send('FA', { seq: 1, ack: isAcked || seq === 1 ? seq : seq - 1 })
    expect(connection.state).toBe(next)
    bench.expect('A', { ack: 2 })
    expect(isOld).toBe(state === 'close-wait' || state === 'closing' || state === 'last-ack')
    await bench.end()
  })

  test('fin-wait-1: FIN and the ACK of ours lead to TIME-WAIT', async () => {
    const { bench, connection } = await inState('fin-wait-1', family)
    await bench.send('FA', { seq: 1, ack: 2 })
    bench.expect('A', { seq: 2, ack: 2 })
    expect(connection.state).toBe('time-wait')
    await bench.end()
  })

  test.each(['established', 'fin-wait-1', 'fin-wait-2'] as const)('%s: takes text', async (state) => {
    const { bench, connection, seq, ack } = await inState(state, family)
    await bench.send('PA', { seq: ack, ack: state === 'fin-wait-1' ? 1 : seq, data: pattern(10) })
    expect(connection.readableLength).toBe(10)
    expect(connection.state).toBe(state)
    await bench.end()
  })
})

describe('blind attacks and old segments', () => {
  test('challenge ACKs: 10 in 5 s (RFC 5961 §7) [RFC5961-7-limit]', async () => {
    const { bench } = await inState('established', 'ipv4')
    for (let i = 0; i < 50; i++) bench.inject('R', { seq: 100 + i })
    await bench.clock.settle()
    expect(bench.all()).toHaveLength(10)
    await bench.clock.advance(5000)
    await bench.send('R', { seq: 100 })
    expect(bench.all()).toHaveLength(1)
    await bench.end()
  })

  test('ACKs far too old are dropped (RFC 5961 §5.2) [RFC5961-5.2-ack, RFC9293-MAY-12]', async () => {
    const { bench, connection } = await inState('established', 'ipv4')
    await bench.send('PA', { seq: 1, ack: -70_000, data: pattern(5) })
    expect(connection.readableLength).toBe(0)
    bench.expect('A', { ack: 1 })
    await bench.send('PA', { seq: 1, ack: 1 - 60_000, data: pattern(5) })
    expect(connection.readableLength).toBe(5)
    await bench.end()
  })

  test('PAWS: an old timestamp is answered and dropped, a reset is not subject to it (RFC 7323 §5) [RFC7323-5.3-paws, RFC7323-5.3-reset, RFC7323-5.5-idle]', async () => {
    const bench = await Bench.create()
    bench.peerTs = 1000
    const connection = await bench.connect()
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(5), ts: { value: 999, echo: 0 } })
    bench.expect('A', { ack: 1 })
    expect(connection.readableLength).toBe(0)
    expect(bench.counters['dropOldTimestamp']).toBe(1)
    await bench.clock.advance(25 * 86_400_000)
    bench.all()
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(5), ts: { value: 998, echo: 0 } })
    expect(connection.readableLength).toBe(5)
    await bench.send('R', { seq: 6, ts: { value: 1, echo: 0 } })
    expect(connection.state).toBe('closed')
    await bench.end()
  })

  test('segments without timestamps after negotiation are taken', async () => {
    const bench = await Bench.create()
    bench.peerTs = 1000
    const connection = await bench.connect()
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(5), ts: null })
    expect(connection.readableLength).toBe(5)
    await bench.end()
  })

  test('tsRecent follows the segment that covers the last ACK only (RFC 7323 §4.3) [RFC7323-4.3-echo]', async () => {
    const bench = await Bench.create()
    bench.peerTs = 1000
    await bench.connect()
    await bench.send('A', { seq: 101, ack: 1, data: pattern(100), ts: { value: 1005, echo: 0 } })
    expect(bench.expect('A', { ack: 1 }).ts?.echo).toBe(1000)
    await bench.send('A', { seq: 1, ack: 1, data: pattern(100), ts: { value: 1003, echo: 0 } })
    expect(bench.expect('A', { ack: 201 }).ts?.echo).toBe(1003)
    await bench.end()
  })

  test('urgent data is read in line', async () => {
    const { bench, connection } = await inState('established', 'ipv4')
    await bench.send('PAU', { seq: 1, ack: 1, data: pattern(10), urgentPointer: 5 })
    expect(await connection.readSome()).toEqual(pattern(10))
    await bench.end()
  })

  test('a keep-alive probe is answered', async () => {
    const { bench } = await inState('established', 'ipv4')
    await bench.send('A', { seq: 0, ack: 1 })
    bench.expect('A', { seq: 1, ack: 1 })
    await bench.end()
  })

  test('unknown and malformed options do no harm [RFC9293-MUST-6, RFC9293-MUST-7]', async () => {
    const { bench, connection } = await inState('established', 'ipv4')
    for (const options of [[254, 4, 0, 0], [254, 0, 0, 0], [8, 10, 0, 0], [1, 1, 1, 3], [0, 99, 99, 99]]) {
      bench.inject('PA', { seq: 1 + connection.readableLength, ack: 1, data: [...options, 1], headerLength: 24 })
    }
    await bench.clock.settle()
    expect(connection.readableLength).toBe(5)
    await bench.end()
  })
})

describe('keep-alive', () => {
  test('off by default; on: probes after the idle time, ended by answers [RFC9293-MUST-24, RFC9293-MUST-25, RFC9293-MUST-26, RFC9293-SHLD-12, RFC9293-MAY-5]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    await bench.clock.advance(10 * 3_600_000)
    bench.expectNothing()
    connection.configure({ keepAlive: { idle: 1000, interval: 100, count: 3 } })
    await bench.clock.advance(1000)
    bench.expect('A', { seq: 0, ack: 1, length: 0 })
    await bench.send('A', { seq: 1, ack: 1 })
    await bench.clock.advance(999)
    bench.expectNothing()
    await bench.clock.advance(1)
    bench.expect('A', { seq: 0 })
    await bench.end()
  })

  test('a silent peer is given up after `count` probes [RFC9293-MUST-27, RFC9293-MUST-29]', async () => {
    const bench = await Bench.create({ tcp: { keepAlive: { idle: 1000, interval: 100, count: 3 } } })
    const connection = await bench.connect()
    const closed = expect(connection.closed).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    await bench.clock.advance(1300)
    await closed
    expect(bench.all().map((segment) => segment.flags)).toEqual(['A', 'A', 'A', 'RA'])
    await bench.end()
  })
})
