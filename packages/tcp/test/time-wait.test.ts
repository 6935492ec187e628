import { describe, expect, test } from 'vitest'
import type { TcpState } from '../src/index.ts'
import { Bench, FAMILIES, pattern, PORT } from './support/peer.ts'

// What is left of a connection that closed first (RFC 9293 §3.6.1, §3.10.7.4), and what ABORT says in each state (§3.10.5).

interface Options {
  readonly ts?: number
  readonly listens?: boolean
  readonly family?: (typeof FAMILIES)[number]
}

/** A connection that the peer opened, and that we closed first; RCV.NXT is 2, SND.NXT 2. */
async function inTimeWait({ ts, listens = true, family = 'ipv4' }: Options = {}): Promise<Bench> {
  const bench = await Bench.create({ family })
  if (ts !== undefined) bench.peerTs = ts
  const listener = bench.stack.tcp.listen({ port: PORT })
  await bench.send('S', { mss: 1460 })
  bench.expect('SA')
  await bench.send('A', { seq: 1, ack: 1 })
  const connection = (await listener.accept())!
  if (!listens) await listener.close()
  void connection.close()
  await bench.clock.settle()
  bench.expect('FA', { seq: 1 })
  await bench.send('FA', { seq: 1, ack: 2 })
  bench.expect('A', { seq: 2, ack: 2 })
  expect(bench.counters['timeWait']).toBe(1)
  return bench
}

describe.each(FAMILIES)('TIME-WAIT over %s (RFC 9293 §3.10.7.4)', (family) => {
  test('text and FINs again are acknowledged, each time; other ACKs within limits; nothing else is said', async () => {
    const bench = await inTimeWait({ family })
    for (let i = 0; i < 3; i++) await bench.send('PA', { seq: -9, ack: 2, data: pattern(10) })
    await bench.send('FA', { seq: 1, ack: 2 })
    expect(bench.all().map(({ flags, seq, ack, length }) => [flags, seq, ack, length])).toEqual(Array.from({ length: 4 }, () => ['A', 2, 2, 0]))
    // A hundred a second.
    for (let i = 0; i < 3; i++) await bench.send('A', { seq: 1, ack: 2 })
    expect(bench.all()).toHaveLength(1)
    await bench.clock.advance(9)
    await bench.send('A', { seq: 3, ack: 2 })
    bench.expectNothing()
    await bench.clock.advance(1)
    await bench.send('A', { seq: 3, ack: 2 })
    bench.expect('A', { seq: 2, ack: 2 })
    await bench.send('A', { seq: 2, ack: 2 })
    await bench.send('', { seq: 2 })
    await bench.send('R', { seq: 2 })
    bench.expectNothing()
    expect(bench.counters).toMatchObject({ challengeAcks: 2, dropNoAck: 1, dropBadReset: 1, timeWait: 1 })
    await bench.end()
  })

  test('a SYN-ACK is challenged, whatever its number (RFC 5961 §4.2)', async () => {
    const bench = await inTimeWait({ family })
    await bench.send('SA', { seq: 5000, ack: 2 })
    bench.expect('A', { seq: 2, ack: 2 })
    await bench.send('SA', { seq: 5000, ack: 2 })
    bench.expectNothing()
    expect(bench.counters).toMatchObject({ timeWait: 1, timeWaitReused: 0 })
    await bench.end()
  })
})

describe('2 MSL', () => {
  test('begins anew with the FIN, and with nothing else', async () => {
    const bench = await inTimeWait()
    await bench.clock.advance(30_000)
    for (const [flags, fields] of [
      ['PA', { seq: -9, data: pattern(10) }], ['FA', { seq: 0 }], ['FA', { seq: 2 }], ['A', { seq: 2 }], ['S', { seq: -5 }],
    ] as const) await bench.send(flags, { ack: 2, ...fields })
    await bench.clock.advance(29_999)
    expect(bench.counters['timeWait']).toBe(1)
    await bench.clock.advance(1)
    expect(bench.counters['timeWait']).toBe(0)
    bench.all()
    await bench.send('FA', { seq: 1, ack: 2 })
    bench.expect('R', { seq: 2 })
    await bench.end()
  })

  test('with text on it as well, when it ends where the stream ended', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    connection.shutdown('write')
    bench.expect('FA', { seq: 1 })
    await bench.send('FPA', { seq: 1, ack: 2, data: pattern(10) })
    bench.expect('A', { seq: 2, ack: 12 })
    await bench.clock.advance(59_999)
    await bench.send('FPA', { seq: 1, ack: 2, data: pattern(10) })
    bench.expect('A', { seq: 2, ack: 12 })
    await bench.clock.advance(59_999)
    expect(bench.counters['timeWait']).toBe(1)
    await bench.clock.advance(1)
    expect(bench.counters['timeWait']).toBe(0)
    await connection.readSome()
    await bench.end()
  })
})

describe('what the answer says', () => {
  test('the window as it was told last, scaled, and both timestamps (RFC 7323 §3.2)', async () => {
    const bench = await Bench.create()
    bench.peerTs = 500
    const connection = await bench.connect({ receiveBuffer: 100_000 }, { scale: 3 })
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(5000) })
    connection.shutdown('write')
    const { win, ts } = bench.all().at(-1)!
    expect(win).toBe(Math.ceil(95_000 / 2))
    await bench.send('FA', { seq: 5001, ack: 2, ts: { value: 600, echo: 0 } })
    const last = bench.expect('A', { seq: 2, ack: 5002 })
    await bench.clock.advance(250)
    await bench.send('FA', { seq: 5001, ack: 2, ts: { value: 700, echo: 0 } })
    const again = bench.expect('A', { seq: 2, ack: 5002 })
    expect(again.win).toBe(last.win)
    expect(again.win << 1).toBeGreaterThan(90_000)
    expect(again.ts).toEqual({ value: (ts!.value + 250) >>> 0, echo: 600 })
    await connection.readSome()
    await bench.end()
  })

  test('no timestamps where none were agreed on', async () => {
    const bench = await inTimeWait()
    await bench.send('FA', { seq: 1, ack: 2, ts: { value: 9, echo: 0 } })
    expect(bench.expect('A', { seq: 2, ack: 2 }).ts).toBeNull()
    await bench.end()
  })
})

describe('a SYN for the same tuple (RFC 6191 §2)', () => {
  test('with the same timestamp the sequence number decides', async () => {
    const bench = await inTimeWait({ ts: 500 })
    await bench.send('S', { seq: 2 })
    bench.expect('A', { seq: 2, ack: 2 })
    await bench.clock.advance(10)
    await bench.send('S', { seq: 3 })
    bench.expect('SA', { ack: 4 })
    await bench.end()
  })

  test('without one on either side the sequence number does, beyond all that was received', async () => {
    for (const ts of [undefined, 500]) {
      const bench = await inTimeWait({ ...(ts === undefined ? {} : { ts }) })
      await bench.send('S', { seq: 2, ts: null })
      bench.expect('A', { seq: 2, ack: 2 })
      await bench.send('S', { seq: 3, ts: null })
      bench.expect('SA', { ack: 4 })
      await bench.end()
    }
  })

  test('opens nothing where nobody listens', async () => {
    const bench = await inTimeWait({ listens: false })
    await bench.send('S', { seq: 5000 })
    bench.expect('A', { seq: 2, ack: 2 })
    expect(bench.counters).toMatchObject({ timeWait: 1, timeWaitReused: 0 })
    await bench.end()
  })
})

test('hundreds of records: each answers with its own numbers, goes in its time, and makes room', async () => {
  const bench = await Bench.create()
  const count = 150
  const numbers: { iss: number; port: number }[] = []
  const close = async (port: number): Promise<void> => {
    const connection = await bench.connect({ localPort: port })
    numbers.push({ iss: bench.iss, port })
    connection.shutdown('write')
    await bench.clock.settle()
    await bench.send('FA', { seq: 1, ack: 2 })
    bench.all()
  }
  for (let i = 0; i < count; i++) {
    await close(2000 + i)
    await bench.clock.advance(100)
  }
  expect(bench.counters['timeWait']).toBe(count)
  for (const i of [0, 63, 64, 65, 127, 128, 149, 70]) {
    bench.iss = numbers[i]!.iss
    await bench.send('PA', { destinationPort: numbers[i]!.port, seq: -9, ack: 2, data: pattern(10) })
    bench.expect('A', { sourcePort: numbers[i]!.port, seq: 2, ack: 2 })
  }
  // One in the middle begins anew.
  bench.iss = numbers[10]!.iss
  await bench.send('FA', { destinationPort: numbers[10]!.port, seq: 1, ack: 2 })
  bench.all()
  await bench.clock.advance(60_000 - count * 100 + 999)
  expect(bench.counters['timeWait']).toBe(count - 10)
  await bench.clock.advance(1100)
  // The 11th is spared.
  expect(bench.counters['timeWait']).toBe(count - 20)
  for (let i = 0; i < 30; i++) await close(5000 + i)
  expect(bench.counters['timeWait']).toBe(count + 10)
  await bench.clock.advance(120_000)
  expect(bench.counters['timeWait']).toBe(0)
  await bench.end()
})

describe('ABORT (RFC 9293 §3.10.5)', () => {
  test.each<[TcpState, boolean]>([
    ['syn-sent', false], ['syn-received', true], ['established', true], ['fin-wait-1', true], ['fin-wait-2', true], ['close-wait', true],
    ['closing', false], ['last-ack', false],
  ])('%s: a reset is sent: %s', async (state, isReset) => {
    const bench = await Bench.create()
    const { connection, pending, seq, ack } = await bench.peer.inState(state, { open: 'active' })
    pending?.catch(() => undefined)
    connection!.abort()
    await bench.clock.settle()
    if (isReset) bench.expect('RA', { seq, ack })
    bench.expectNothing()
    expect(connection!.state).toBe('closed')
    await expect(connection!.closed).rejects.toMatchObject({ code: 'ECONNABORTED' })
    await bench.clock.advance(600_000)
    bench.expectNothing()
    await bench.end()
  })
})

describe('CLOSE (RFC 9293 §3.10.4)', () => {
  test('of one that waits for the peer’s FIN: no longer than lingerTimeout from now on', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ lingerTimeout: 5000 })
    connection.shutdown('write')
    bench.expect('FA', { seq: 1 })
    await bench.send('A', { seq: 1, ack: 2 })
    await bench.clock.advance(60_000)
    expect(connection.state).toBe('fin-wait-2')
    const closed = connection.close()
    await bench.clock.advance(4999)
    expect(connection.state).toBe('fin-wait-2')
    await bench.clock.advance(1)
    bench.expect('RA', { seq: 2 })
    await closed
    await bench.end()
  })

  test('twice, or shutdown behind it, is one FIN', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    connection.shutdown('write')
    connection.shutdown('write')
    void connection.close()
    await bench.clock.settle()
    bench.expect('FA', { seq: 1 })
    bench.expectNothing()
    await bench.send('FA', { seq: 1, ack: 2 })
    bench.expect('A', { seq: 2, ack: 2 })
    await bench.end()
  })

  test('of the reading side alone: what was there is forgotten, and its room is told', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ receiveBuffer: 4096 })
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(4096) })
    bench.expect('A', { ack: 4097, win: 0 })
    connection.shutdown('read')
    bench.expect('A', { ack: 4097, win: 4096 })
    expect(bench.stack.memory.packets).toBe(0)
    connection.shutdown('read')
    bench.expectNothing()
    const idle = await bench.connect({ port: 5000 })
    idle.shutdown('read')
    await bench.clock.settle()
    bench.expectNothing()
    await bench.end()
  })
})
