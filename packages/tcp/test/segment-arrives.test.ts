import { describe, expect, test } from 'vitest'
import type { Connection, TcpState } from '../src/index.ts'
import { Bench, FAMILIES, pattern, PEER_PORT } from './support/peer.ts'

// SEGMENT ARRIVES (RFC 9293 §3.10.7): what no state may do, step by step. The table of states and segments is in states.test.ts.

interface Situation {
  readonly bench: Bench
  readonly connection: Connection
  /** What the stack sends next and expects next. */
  readonly seq: number
  readonly ack: number
}

async function inState(state: TcpState, bench?: Bench): Promise<Situation> {
  const b = bench ?? (await Bench.create())
  const { connection, pending, seq, ack } = await b.peer.inState(state, { open: 'active' })
  pending?.catch(() => undefined)
  return { bench: b, connection: connection!, seq, ack }
}

/** A connection with `count` bytes out that the peer has not acknowledged, and the peer's 100 bytes taken. */
async function talking(count = 100): Promise<{ bench: Bench; connection: Connection }> {
  const bench = await Bench.create()
  const connection = await bench.connect({}, { mss: 1000, sackPermitted: true })
  await bench.send('PA', { seq: 1, ack: 1, data: pattern(100) })
  connection.tryWrite(pattern(count))
  bench.all()
  return { bench, connection }
}

/** The receive window is closed: 4,096 bytes are there, and nobody reads. */
async function closedWindow(): Promise<{ bench: Bench; connection: Connection; next: number }> {
  const bench = await Bench.create()
  const connection = await bench.connect({ receiveBuffer: 4096 }, { mss: 1000 })
  await bench.send('PA', { seq: 1, ack: 1, data: pattern(4096) })
  bench.expect('A', { ack: 4097, win: 0 })
  connection.tryWrite(pattern(100))
  bench.expect('PA', { seq: 1, length: 100 })
  return { bench, connection, next: 4097 }
}

describe.each(FAMILIES)('SYN-SENT over %s (RFC 9293 §3.10.7.3)', (family) => {
  test('an ACK of what was not sent is reset, unless it is a reset itself', async () => {
    const { bench, connection } = await inState('syn-sent', await Bench.create({ family }))
    for (const ack of [0, 2]) {
      await bench.send('SA', { seq: 0, ack, mss: 1460 })
      bench.expect('R', { seq: ack })
      await bench.send('RA', { seq: 0, ack })
      bench.expectNothing()
    }
    expect(connection.state).toBe('syn-sent')
    expect(bench.counters['dropBadAck']).toBe(4)
    await bench.end()
  })

  test('neither SYN nor reset: dropped, and nothing said', async () => {
    const { bench, connection } = await inState('syn-sent', await Bench.create({ family }))
    await bench.send('A', { seq: 1, ack: 1 })
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(10) })
    await bench.send('', { seq: 1 })
    bench.expectNothing()
    expect(connection.state).toBe('syn-sent')
    expect(bench.counters['dropBadFlags']).toBe(3)
    await bench.end()
  })

  test('an answer that echoes none of our timestamps is that to another connection (RFC 7323 §5.1)', async () => {
    const bench = await Bench.create({ family })
    const connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT })
    const first = bench.expect('S')
    bench.localPort = first.sourcePort
    const { value } = first.ts!
    await bench.clock.advance(1000)
    expect(bench.expect('S').ts!.value).toBe((value + 1000) >>> 0)
    await bench.clock.advance(10)
    for (const echo of [value - 1, value + 1011]) {
      await bench.send('SA', { seq: 0, ack: 1, mss: 1460, ts: { value: 7, echo } })
      bench.expect('R', { seq: 1 })
    }
    expect(connection.state).toBe('syn-sent')
    expect(bench.counters['dropOldTimestamp']).toBe(2)
    // That of the first SYN is as good as that of the second.
    await bench.send('SA', { seq: 0, ack: 1, mss: 1460, ts: { value: 7, echo: value } })
    bench.expect('A', { seq: 1, ack: 1 })
    expect(connection.state).toBe('established')
    await bench.end()
  })

  test.each([
    ['has no timestamp', true, null], ['echoes nothing', true, { value: 7, echo: 0 }], ['has one that nobody asked for', false, { value: 7, echo: 12_345 }],
  ])('an answer that %s opens the connection', async (_, timestamps, ts) => {
    const bench = await Bench.create({ family })
    const connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT, timestamps })
    bench.localPort = bench.expect('S').sourcePort
    await bench.send('SA', { seq: 0, ack: 1, mss: 1460, ts })
    bench.expect('A', { seq: 1, ack: 1 })
    expect(connection.state).toBe('established')
    expect(connection.info().options.timestamps).toBe(timestamps && ts !== null)
    await bench.end()
  })
})

describe('SYN-RECEIVED of an open of our own (RFC 9293 §3.5, figure 8)', () => {
  test('the SYN again is answered with our SYN-ACK, another one is challenged (RFC 5961 §4.2)', async () => {
    const { bench, connection } = await inState('syn-received')
    await bench.send('S', { seq: 0, mss: 1460 })
    bench.expect('SA', { seq: 0, ack: 1 })
    await bench.send('S', { seq: 5, mss: 1460 })
    bench.expect('A', { seq: 1, ack: 1 })
    expect(connection.state).toBe('syn-received')
    await bench.end()
  })

  test('an ACK from before the window opens nothing: it is told what is expected', async () => {
    const { bench, connection } = await inState('syn-received')
    await bench.send('A', { seq: 0, ack: 1 })
    bench.expect('A', { seq: 1, ack: 1 })
    expect(connection.state).toBe('syn-received')
    await bench.send('A', { seq: 1, ack: 1 })
    expect(connection.state).toBe('established')
    await bench.end()
  })

  test('with an ACK of what was never sent nothing of the segment counts', async () => {
    const { bench, connection } = await inState('syn-received')
    await bench.send('PA', { seq: 1, ack: 5, data: pattern(10) })
    bench.expect('R', { seq: 5 })
    expect(connection.state).toBe('syn-received')
    expect(bench.counters['dropBadAck']).toBe(1)
    await bench.send('A', { seq: 1, ack: 1 })
    expect(connection.readableLength).toBe(0)
    expect(connection.info().bytesReceived).toBe(0)
    await bench.end()
  })
})

describe('first, the sequence number (RFC 9293 §3.10.7.4, §3.4 table 6)', () => {
  test('of a segment that lies before the window nothing counts, its ACK neither; each that has text is answered', async () => {
    const { bench, connection } = await talking()
    for (let i = 0; i < 12; i++) await bench.send('PA', { seq: 1, ack: 101, data: pattern(100) })
    expect(bench.all().map(({ flags, ack }) => [flags, ack])).toEqual(Array.from({ length: 12 }, () => ['A', 101]))
    expect(connection.info()).toMatchObject({ bytesAcked: 0, bytesReceived: 100 })
    expect(bench.counters).toMatchObject({ dropUnacceptable: 12, challengeAcks: 0 })
    await bench.end()
  })

  test('of one behind the window neither, and it is no duplicate (RFC 2883)', async () => {
    const { bench, connection } = await talking()
    const edge = 101 + connection.info().receiveWindow
    await bench.send('PA', { seq: edge, ack: 101, data: pattern(100) })
    expect(bench.expect('A', { ack: 101 }).sack).toBeNull()
    expect(connection.info()).toMatchObject({ bytesAcked: 0, bytesReceived: 100 })
    expect(bench.counters).toMatchObject({ dropUnacceptable: 1, dropWindow: 0 })
    await bench.end()
  })

  test('an empty one counts up to the right edge, and not beyond', async () => {
    const { bench, connection } = await talking(300)
    const edge = 101 + connection.info().receiveWindow
    await bench.send('A', { seq: edge + 1, ack: 101 })
    bench.expect('A', { seq: 301, ack: 101 })
    expect(connection.info().bytesAcked).toBe(0)
    await bench.send('A', { seq: edge, ack: 101 })
    expect(connection.info().bytesAcked).toBe(100)
    bench.expectNothing()
    await bench.end()
  })

  test('a keep-alive probe is answered, and is no duplicate of anything; ten in five seconds (RFC 5961 §7)', async () => {
    const { bench } = await talking()
    for (let i = 0; i < 12; i++) await bench.send('A', { seq: 100, ack: 1 })
    const answers = bench.all()
    expect(answers).toHaveLength(10)
    expect(answers.every(({ ack, sack }) => ack === 101 && sack === null)).toBe(true)
    expect(bench.counters['challengeAcks']).toBe(10)
    await bench.end()
  })

  test('the FIN again is acknowledged each time: our ACK of it was lost', async () => {
    const { bench, connection } = await inState('last-ack')
    for (let i = 0; i < 12; i++) {
      await bench.send('FA', { seq: 1, ack: 1 })
      bench.expect('A', { seq: 2, ack: 2 })
    }
    expect(connection.state).toBe('last-ack')
    await bench.end()
  })

  test('a SYN wherever it lies gets a challenge ACK, with text or without, ten in five seconds (RFC 5961 §4.2, §7)', async () => {
    const { bench, connection } = await talking()
    for (let i = 0; i < 12; i++) await bench.send('S', { seq: 5_000_000, data: pattern(10) })
    expect(bench.all()).toHaveLength(10)
    expect(connection.state).toBe('established')
    await bench.end()
  })

  test('a reset ahead of the window is nothing; where the field could not tell the room there is, it is challenged a segment further (RFC 5961 §3.2)', async () => {
    // 65,535 is all that can be told without scaling, and there is more room.
    const bench = await Bench.create()
    const connection = await bench.connect({ receiveBuffer: 200_000 })
    await bench.send('R', { seq: 1 + 65_535 + 1459 })
    bench.expect('A', { ack: 1 })
    await bench.send('R', { seq: 1 + 65_535 + 1460 })
    await bench.send('R', { seq: 5_000_000 })
    bench.expectNothing()
    expect(connection.state).toBe('established')
    await bench.end()
  })
})

describe('the window is closed (RFC 9293 §3.10.7.4, MUST-66)', () => {
  test('of the next segment the ACK counts, its text does not, nor the FIN behind it', async () => {
    const { bench, connection, next } = await closedWindow()
    await bench.send('FPA', { seq: next, ack: 51, data: pattern(10) })
    bench.expect('A', { ack: next, win: 0 })
    expect(connection.info()).toMatchObject({ state: 'established', bytesAcked: 50, bytesReceived: 4096 })
    expect(bench.counters).toMatchObject({ dropWindow: 1, dropUnacceptable: 0 })
    await bench.end()
  })

  test('a FIN that is next and has no text is taken', async () => {
    const { bench, connection, next } = await closedWindow()
    await bench.send('FA', { seq: next, ack: 51 })
    bench.expect('A', { ack: next + 1 })
    expect(connection.info()).toMatchObject({ state: 'close-wait', bytesAcked: 50 })
    expect(await connection.readSome()).toEqual(pattern(4096))
    expect(await connection.readSome()).toBeNull()
    await bench.end()
  })

  test('a reset that is next ends it, with text or without', async () => {
    for (const data of [[], [1, 2, 3]]) {
      const { bench, connection, next } = await closedWindow()
      await bench.send('R', { seq: next, data })
      expect(connection.state).toBe('closed')
      bench.expectNothing()
      await bench.end()
    }
  })

  test('of others nothing counts', async () => {
    const { bench, connection, next } = await closedWindow()
    for (const seq of [next - 500, next + 500]) {
      await bench.send('PA', { seq, ack: 51, data: pattern(10) })
      bench.expect('A', { ack: next, win: 0 })
    }
    await bench.send('SA', { seq: next, ack: 51 })
    bench.expect('A', { ack: next, win: 0 })
    expect(connection.info()).toMatchObject({ bytesAcked: 0, bytesReceived: 4096 })
    await bench.end()
  })
})

describe('second, the reset bit, and fourth, the SYN bit (RFC 5961 §3.2, §4.2)', () => {
  test('of a reset that is only challenged nothing else counts', async () => {
    const { bench, connection } = await talking()
    await bench.send('RA', { seq: 111, ack: 101, data: pattern(10) })
    bench.expect('A', { ack: 101 })
    await bench.send('RA', { seq: 102, ack: 101 })
    bench.expect('A', { ack: 101 })
    expect(connection.info()).toMatchObject({ state: 'established', bytesAcked: 0, bytesReceived: 100 })
    expect(bench.counters).toMatchObject({ dropBadReset: 2, challengeAcks: 2 })
    await bench.end()
  })

  test('the SYN, or SYN-ACK, that opened the connection comes again: a challenge ACK, and nothing of it counts', async () => {
    const { bench, connection } = await talking()
    await bench.send('S', { seq: 0, mss: 1460 })
    bench.expect('A', { seq: 101, ack: 101 })
    await bench.send('SA', { seq: 0, ack: 101, mss: 1460 })
    bench.expect('A', { seq: 101, ack: 101 })
    expect(connection.info()).toMatchObject({ state: 'established', bytesAcked: 0 })
    await bench.end()
  })

  test('ten challenge ACKs in five seconds, counted from the first (RFC 5961 §7)', async () => {
    const { bench } = await inState('established')
    await bench.clock.advance(100_000)
    for (let i = 0; i < 11; i++) await bench.send('R', { seq: 100 })
    expect(bench.all()).toHaveLength(10)
    await bench.clock.advance(4999)
    await bench.send('R', { seq: 100 })
    bench.expectNothing()
    await bench.clock.advance(1)
    await bench.send('R', { seq: 100 })
    expect(bench.all()).toHaveLength(1)
    expect(bench.counters).toMatchObject({ challengeAcks: 11, dropBadReset: 13 })
    await bench.end()
  })
})

describe('fifth, the ACK field', () => {
  test('old ACKs that were late are no duplicates, and bring no window (RFC 5681 §2)', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: 1000 })
    connection.tryWrite(pattern(8000))
    bench.all()
    await bench.send('A', { seq: 1, ack: 3001, win: 30_000 })
    for (const ack of [1001, 2001, 1, 1001, 2001]) await bench.send('A', { seq: 1, ack, win: 30_000 })
    await bench.send('A', { seq: 1, ack: 2001, win: 20_000 })
    expect(connection.info()).toMatchObject({ bytesAcked: 3000, sendWindow: 30_000, congestionState: 'open', retransmits: 0 })
    bench.expectNothing()
    await bench.end()
  })

  test('the text of a segment with an old ACK is taken (RFC 5961 §5.2)', async () => {
    const { bench, connection } = await talking()
    await bench.send('A', { seq: 101, ack: 101 })
    await bench.send('PA', { seq: 101, ack: 51, data: pattern(10, 100) })
    expect(connection.info()).toMatchObject({ bytesAcked: 100, bytesReceived: 110 })
    await bench.end()
  })

  test('the ACK of our FIN ends CLOSING without a word', async () => {
    const { bench, connection } = await inState('closing')
    await bench.send('A', { seq: 2, ack: 2 })
    expect(connection.state).toBe('time-wait')
    bench.expectNothing()
    await bench.end()
  })
})

describe('seventh, the text', () => {
  test.each(['close-wait', 'closing', 'last-ack'] as const)('%s: text behind the FIN is thrown away, and answered; an ACK is not', async (state) => {
    const { bench, connection, seq, ack } = await inState(state)
    const una = state === 'close-wait' ? seq : seq - 1
    await bench.send('A', { seq: ack, ack: una })
    bench.expectNothing()
    await bench.send('PA', { seq: ack, ack: una, data: pattern(10) })
    bench.expect('A', { seq, ack })
    await bench.send('FA', { seq: ack, ack: una })
    bench.expect('A', { seq, ack })
    expect(connection.readableLength).toBe(0)
    expect(connection.info()).toMatchObject({ state, bytesReceived: 0 })
    await bench.end()
  })

  test('text after close() ends the connection: it was lost (§3.6.1)', async () => {
    const { bench, connection } = await inState('established')
    void connection.close()
    await bench.clock.settle()
    bench.expect('FA', { seq: 1 })
    // Nothing new in what comes again.
    await bench.send('A', { seq: 0, ack: 2, data: pattern(1) })
    bench.expect('A', { ack: 1 })
    await bench.send('PA', { seq: 1, ack: 2, data: pattern(1) })
    bench.expect('R', { seq: 2 })
    await expect(connection.closed).rejects.toMatchObject({ code: 'ECONNABORTED' })
    await bench.end()
  })

  test('what comes is counted: segments, those with text, and when', async () => {
    const { bench, connection } = await inState('established')
    const { segmentsReceived } = connection.info()
    await bench.clock.advance(100)
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(10) })
    await bench.clock.advance(30)
    await bench.send('A', { seq: 11, ack: 1 })
    await bench.clock.advance(7)
    expect(connection.info()).toMatchObject({ segmentsReceived: segmentsReceived + 2, dataSegmentsReceived: 1, sinceReceived: 37, sinceHeard: 7 })
    await bench.end()
  })
})
