import { describe, expect, test } from 'vitest'
import { Bench, FAMILIES, PORT, pattern } from './support/peer.ts'

describe.each(FAMILIES)('closing over %s', (family) => {
  test('we close first: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT [RFC9293-MUST-13]', async () => {
    const bench = await Bench.create({ family })
    const connection = await bench.connect()
    const closed = connection.close()
    await bench.clock.settle()
    bench.expect('FA', { seq: 1, ack: 1 })
    expect(connection.state).toBe('fin-wait-1')
    await bench.send('A', { seq: 1, ack: 2 })
    expect(connection.state).toBe('fin-wait-2')
    await bench.send('FA', { seq: 1, ack: 2 })
    bench.expect('A', { seq: 2, ack: 2 })
    expect(connection.state).toBe('time-wait')
    await closed
    await connection.closed
    expect(bench.counters).toMatchObject({ connections: 0, timeWait: 1, resets: 0 })
    await bench.clock.advance(60_000)
    expect(bench.counters['timeWait']).toBe(0)
    await bench.end()
  })

  test('the peer closes first: CLOSE-WAIT, LAST-ACK, CLOSED', async () => {
    const bench = await Bench.create({ family })
    const connection = await bench.connect()
    await bench.send('FA', { seq: 1, ack: 1 })
    bench.expect('A', { seq: 1, ack: 2 })
    expect(connection.state).toBe('close-wait')
    expect(await connection.readSome()).toBeNull()
    const closed = connection.close()
    await bench.clock.settle()
    bench.expect('FA', { seq: 1, ack: 2 })
    expect(connection.state).toBe('last-ack')
    await bench.send('A', { seq: 2, ack: 2 })
    await closed
    expect(connection.state).toBe('closed')
    expect(bench.counters).toMatchObject({ connections: 0, timeWait: 0 })
    await bench.end()
  })

  test('both close at once: CLOSING, TIME-WAIT', async () => {
    const bench = await Bench.create({ family })
    const connection = await bench.connect()
    const closed = connection.close()
    await bench.clock.settle()
    bench.expect('FA', { seq: 1 })
    await bench.send('FA', { seq: 1, ack: 1 })
    bench.expect('A', { seq: 2, ack: 2 })
    expect(connection.state).toBe('closing')
    await bench.send('A', { seq: 2, ack: 2 })
    expect(connection.state).toBe('time-wait')
    await closed
    await bench.end()
  })
})

describe('half-close', () => {
  test('after shutdown(write) data still comes in', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    await connection.write(pattern(10), { end: true })
    await bench.clock.settle()
    bench.expect('FPA', { seq: 1, length: 10 })
    await bench.send('A', { seq: 1, ack: 12 })
    await bench.clock.advance(600_000)
    expect(connection.state).toBe('fin-wait-2')
    await bench.send('PA', { seq: 1, ack: 12, data: pattern(100) })
    expect(await connection.readSome()).toEqual(pattern(100))
    await expect(connection.write(pattern(1))).rejects.toMatchObject({ code: 'EPIPE' })
    expect(() => connection.tryWrite(pattern(1))).toThrow(expect.objectContaining({ code: 'EPIPE' }))
    await bench.end()
  })

  test('after the FIN of the peer data still goes out', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    await bench.send('FA', { seq: 1, ack: 1 })
    bench.expect('A', { ack: 2 })
    await connection.write(pattern(100))
    await bench.clock.settle()
    bench.expect('PA', { seq: 1, ack: 2, length: 100 })
    await bench.end()
  })

  test('a FIN with a false sequence number does not hide the real one', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    bench.inject('FA', { seq: 501, ack: 1 })
    bench.inject('PA', { seq: 1, ack: 1, data: pattern(100) })
    bench.inject('FA', { seq: 101, ack: 1 })
    await bench.clock.advance(100)
    const into = new Uint8Array(1000)
    expect([connection.tryRead(into), connection.tryRead(into)]).toEqual([100, null])
    expect(connection.state).toBe('close-wait')
    await bench.end()
  })

  test('a FIN beyond a gap waits for what is missing', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    await bench.send('FA', { seq: 101, ack: 1, data: pattern(100, 100) })
    expect(connection.state).toBe('established')
    await bench.send('A', { seq: 1, ack: 1, data: pattern(100) })
    expect(connection.state).toBe('close-wait')
    expect(bench.all().at(-1)).toMatchObject({ ack: 202 })
    expect(await connection.readSome()).toEqual(pattern(200))
    expect(await connection.readSome()).toBeNull()
    await bench.end()
  })

  test('shutdown(read): what comes is acknowledged and thrown away', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ quickAcks: 0 })
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(10) })
    connection.shutdown('read')
    expect(await connection.readSome()).toBeNull()
    bench.all()
    for (let i = 0; i < 100; i++) await bench.send('PA', { seq: 11 + 1000 * i, ack: 1, data: pattern(1000) })
    expect(bench.all().at(-1)).toMatchObject({ ack: 100_011 })
    // What waited behind a gap, too.
    for (const seq of [101_011, 102_011, 100_011]) await bench.send('A', { seq, ack: 1, data: pattern(1000) })
    expect(bench.all().at(-1)).toMatchObject({ ack: 103_011 })
    expect(bench.stack.memory.packets).toBe(0)
    await bench.end()
  })

  test('the FIN is retransmitted', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    connection.shutdown('write')
    await bench.clock.advance(200)
    bench.expect('FA', { seq: 1 })
    bench.expect('FA', { seq: 1 })
    await bench.send('A', { seq: 1, ack: 2 })
    expect(connection.state).toBe('fin-wait-2')
    await bench.clock.advance(1000)
    bench.expectNothing()
    await bench.end()
  })
})

describe('the end by force', () => {
  test('close with unread data resets (RFC 2525 §2.17) [RFC9293-SHLD-3, RFC2525-2.17-reset]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(10) })
    const closed = connection.close()
    await closed
    bench.expect('RA', { seq: 1 })
    await expect(connection.closed).rejects.toMatchObject({ code: 'ECONNABORTED' })
    await bench.end()
  })

  test('data after close resets (§3.6.1) [RFC9293-MAY-1, RFC9293-SHLD-3, RFC2525-2.16-half-close]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    const closed = connection.close()
    await bench.clock.settle()
    bench.expect('FA')
    await bench.send('PA', { seq: 1, ack: 2, data: pattern(10) })
    bench.expect('R', { seq: 2 })
    await closed
    expect(bench.counters['dataAfterClose']).toBe(1)
    await bench.end()
  })

  test('close() with writes pending sends them first', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ sendBuffer: 4096 }, { mss: 1000 })
    const written = connection.write(pattern(6000))
    const closed = connection.close()
    await bench.clock.settle()
    bench.all()
    await bench.send('A', { seq: 1, ack: 4001 })
    await bench.send('A', { seq: 1, ack: 4097 })
    await written
    const last = bench.all().at(-1)!
    expect(last).toMatchObject({ flags: 'FPA' })
    expect(last.seq + last.data.length).toBe(6001)
    await bench.send('FA', { seq: 1, ack: 6002 })
    await closed
    await bench.end()
  })

  test('an orphan is reset when the peer does not finish (lingerTimeout)', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ lingerTimeout: 3000 })
    const closed = connection.close()
    await bench.clock.settle()
    bench.expect('FA')
    await bench.send('A', { seq: 1, ack: 2 })
    await bench.clock.advance(2999)
    expect(connection.state).toBe('fin-wait-2')
    await bench.clock.advance(1)
    bench.expect('RA', { seq: 2 })
    await closed
    await bench.end()
  })

  test('orphans are bounded: one more is reset at its close', async () => {
    const bench = await Bench.create({ tcp: { maxOrphans: 2 } })
    const connections = []
    for (const port of [1, 2, 3]) {
      bench.remotePort = port
      connections.push(await bench.connect({ port }))
    }
    for (const connection of connections) void connection.close()
    await bench.clock.settle()
    expect(bench.all().map(({ flags }) => flags)).toEqual(['FA', 'FA', 'RA'])
    expect(connections.map(({ state }) => state)).toEqual(['fin-wait-1', 'fin-wait-1', 'closed'])
    expect(bench.counters).toMatchObject({ orphans: 2, orphansReset: 1, connections: 2 })
    // Half-closed by the application is none.
    bench.remotePort = 4
    const half = await bench.connect({ port: 4 })
    half.shutdown('write')
    await bench.clock.settle()
    bench.expect('FA')
    expect(bench.counters).toMatchObject({ orphans: 2, orphansReset: 1 })
    half.abort()
    await bench.clock.advance(60_000)
    expect(bench.counters).toMatchObject({ orphans: 0, connections: 0 })
    bench.all()
    await bench.end()
  })

  test('abort resets, and everything pending rejects with the reason as cause', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ sendBuffer: 4096 })
    const reason = new Error('because')
    const failures = [connection.read(new Uint8Array(1)), connection.write(pattern(10_000)), connection.closed].map((promise) =>
      expect(promise).rejects.toMatchObject({ code: 'ECONNABORTED', cause: reason }),
    )
    await bench.clock.settle()
    bench.all()
    connection.abort(reason)
    await Promise.all(failures)
    bench.expect('RA')
    await connection.close()
    await bench.end()
  })

  test('a reset from the peer ends it: ECONNRESET for all [RFC9293-MUST-12]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    const failures = [connection.read(new Uint8Array(1)), connection.closed].map((promise) => expect(promise).rejects.toMatchObject({ code: 'ECONNRESET' }))
    await bench.send('R', { seq: 1 })
    await Promise.all(failures)
    await expect(connection.write(pattern(1))).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(() => connection.tryRead(new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'ECONNRESET' }))
    await connection.close()
    expect(bench.counters).toMatchObject({ connections: 0, resets: 1, resetsReceived: 1 })
    await bench.end()
  })

  test('text that came before an orderly end can be read after it', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    connection.shutdown('write')
    await bench.clock.settle()
    await bench.send('FPA', { seq: 1, ack: 2, data: pattern(100) })
    await connection.closed
    expect(connection.state).toBe('time-wait')
    expect(await connection.readSome()).toEqual(pattern(100))
    expect(await connection.readSome()).toBeNull()
    bench.all()
    expect(bench.stack.memory.packets).toBe(0)
    await bench.end()
  })

  test('text that nobody reads goes with the stack', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    connection.shutdown('write')
    await bench.clock.settle()
    await bench.send('FPA', { seq: 1, ack: 2, data: pattern(100) })
    await connection.closed
    bench.all()
    await bench.end()
  })

  test('no timer fires after the end', async () => {
    const bench = await Bench.create({ tcp: { keepAlive: { idle: 1000 } } })
    const connection = await bench.connect()
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(10) })
    void connection.write(pattern(10)).catch(() => undefined)
    connection.abort()
    await bench.clock.settle()
    bench.all()
    await bench.clock.advance(100_000)
    bench.expectNothing()
    expect(bench.counters['connections']).toBe(0)
    await bench.end()
  })

  test('stack.close sends FINs, waits, and resets what is left', async () => {
    const bench = await Bench.create()
    const polite = await bench.connect({ localPort: 1001 })
    const port = bench.localPort
    const iss = bench.iss
    const rude = await bench.connect({ localPort: 1002 })
    const closed = bench.stack.close({ timeout: 2000 })
    await bench.clock.settle()
    expect(bench.all().map((segment) => segment.flags)).toEqual(['FA', 'FA'])
    bench.localPort = port
    bench.iss = iss
    await bench.send('FA', { seq: 1, ack: 2 })
    bench.expect('A')
    expect(polite.state).toBe('time-wait')
    expect(rude.state).toBe('fin-wait-1')
    await bench.clock.advance(2000)
    await closed
    expect(rude.state).toBe('closed')
  })
})

describe('TIME-WAIT', () => {
  async function inTimeWait(options: Parameters<typeof Bench.create>[0] = {}, ts: number | null = null) {
    const bench = await Bench.create(options)
    bench.peerTs = ts
    const listener = bench.stack.tcp.listen({ port: PORT })
    await bench.send('S', { mss: 1460 })
    bench.expect('SA')
    await bench.send('A', { seq: 1, ack: 1 })
    const connection = (await listener.accept())!
    const closed = connection.close()
    await bench.clock.settle()
    bench.expect('FA', { seq: 1 })
    await bench.send('FA', { seq: 1, ack: 2 })
    bench.expect('A', { seq: 2, ack: 2 })
    await closed
    return bench
  }

  test('the FIN again is acknowledged and restarts 2 MSL', async () => {
    const bench = await inTimeWait()
    await bench.clock.advance(59_000)
    await bench.send('FA', { seq: 1, ack: 2 })
    bench.expect('A', { seq: 2, ack: 2 })
    await bench.clock.advance(59_000)
    expect(bench.counters['timeWait']).toBe(1)
    await bench.clock.advance(1000)
    expect(bench.counters['timeWait']).toBe(0)
    await bench.send('FA', { seq: 1, ack: 2 })
    bench.expect('R', { seq: 2 })
    await bench.end()
  })

  test('a later SYN takes over the tuple, beyond the old sequence numbers (RFC 6191) [RFC6191-2-sequence, RFC9293-MAY-2]', async () => {
    const bench = await inTimeWait()
    const old = bench.iss
    await bench.send('S', { seq: 1000 })
    bench.expect('SA', { ack: 1001 })
    expect((bench.iss - old) | 0).toBe(65_539)
    expect(bench.counters).toMatchObject({ timeWait: 0, timeWaitReused: 1 })
    await bench.end()
  })

  test('an old SYN is not accepted: our ACK answers (§3.10.7.4) [RFC6191-2-old]', async () => {
    const bench = await inTimeWait()
    await bench.send('S', { seq: -1000 })
    bench.expect('A', { seq: 2, ack: 2 })
    expect(bench.counters['timeWait']).toBe(1)
    await bench.end()
  })

  test('with timestamps a later one decides, whatever the sequence number (RFC 6191 §2) [RFC6191-2-reopen, RFC9293-SHLD-4]', async () => {
    const bench = await inTimeWait({}, 500)
    await bench.send('S', { seq: -100_000, ts: { value: 499, echo: 0 } })
    bench.expect('A', { seq: 2, ack: 2 })
    await bench.send('S', { seq: -100_000, ts: { value: 501, echo: 0 } })
    bench.expect('SA', { ack: -99_999 })
    await bench.end()
  })

  test('a reset does not end it, not even with the exact sequence number [RFC1337-3-reset]', async () => {
    const bench = await inTimeWait()
    await bench.send('R', { seq: 3 })
    await bench.send('R', { seq: 2 })
    expect(bench.counters).toMatchObject({ timeWait: 1, dropBadReset: 2 })
    bench.expectNothing()
    await bench.end()
  })

  test('an old ACK is dropped without an answer', async () => {
    const bench = await inTimeWait()
    await bench.send('A', { seq: 2, ack: 2 })
    bench.expectNothing()
    await bench.end()
  })

  test('a full table evicts the oldest', async () => {
    const bench = await Bench.create({ tcp: { maxTimeWait: 2 } })
    for (const localPort of [1, 2, 3]) {
      const connection = await bench.connect({ localPort })
      const closed = connection.close()
      await bench.clock.settle()
      await bench.send('FA', { seq: 1, ack: 2 })
      await closed
      bench.all()
    }
    expect(bench.counters).toMatchObject({ timeWait: 2, timeWaitEvicted: 1 })
    await expect(bench.stack.tcp.connect({ host: bench.remote, port: 5000, localPort: 3 })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await bench.end()
  })
})
