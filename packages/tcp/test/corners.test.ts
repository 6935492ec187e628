import { createPacketMemory, MemoryLevel, type Packet, type PacketPool, type PacketPoolOptions } from '@stack/buffer'
import { createStack, seededRandom, type StackBase } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { pipe, type PipeOptions } from '@stack/link-pipe'
import { leaksOf, manualClock, type ManualClock } from '@stack/testing'
import { describe, expect, test } from 'vitest'
import { tcp, type Connection, type Tcp, type TcpOptions } from '../src/index.ts'
import { ample, Bench, concat, isPattern, pattern } from './support/peer.ts'

interface Pair {
  readonly clock: ManualClock
  readonly a: StackBase & { readonly tcp: Tcp }
  readonly b: StackBase & { readonly tcp: Tcp }
  end(): Promise<void>
}

/** Two stacks on a wire. */
async function pair(link: PipeOptions = {}, options: TcpOptions = {}): Promise<Pair> {
  const clock = manualClock()
  const [left, right] = pipe(link)
  const a = createStack({ plugins: [ipv4(), tcp(options)], clock, random: seededRandom(1) })
  const b = createStack({ plugins: [ipv4(), tcp(options)], clock, random: seededRandom(2) })
  await clock.until(Promise.all([a.addNic(left, { addresses: ['10.0.0.1/24'] }), b.addNic(right, { addresses: ['10.0.0.2/24'] })]))
  return {
    clock, a, b,
    async end() {
      a.destroy()
      b.destroy()
      await clock.settle()
      expect([...leaksOf(a), ...leaksOf(b)]).toEqual([])
    },
  }
}

async function connected(pair: Pair): Promise<[Connection, Connection]> {
  const listener = pair.b.tcp.listen({ port: 80 })
  const one = await pair.clock.until(pair.a.tcp.connect({ host: '10.0.0.2', port: 80 }))
  return [one, (await pair.clock.until(listener.accept()))!]
}

async function readAll(connection: Connection): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of connection) parts.push(part)
  return concat(parts)
}

describe('the whole exchange within one call', () => {
  test('connect() that is refused before it returns says so', async () => {
    const two = await pair()
    await expect(two.a.tcp.connect({ host: '10.0.0.2', port: 9 })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await two.end()
  })
})

describe('segment sizes', () => {
  test('the smallest MTU there is, 68 bytes, carries data (RFC 791 §3.2)', async () => {
    const two = await pair({ mtu: 68 })
    const [one, other] = await connected(two)
    expect(one.info().sendMss).toBe(16)
    void one.write(pattern(1000), { end: true })
    expect(await two.clock.until(readAll(other))).toEqual(pattern(1000))
    await two.end()
  })

  test('a smaller path that a timer finds out first is obeyed', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: 1460 })
    await connection.write(pattern(1400))
    bench.expect('PA', { seq: 1, length: 1400 })
    bench.stack.nic(1)!.setMtu(1000)
    await bench.clock.advance(1000)
    expect(bench.all().map((segment) => segment.data.length)).toEqual([960, 960])
    await bench.send('A', { seq: 1, ack: 961 })
    bench.expect('PA', { seq: 961, length: 440 })
    await bench.end()
  })
})

describe('closing', () => {
  test('abort after both sides closed, with our FIN still behind data, resets', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: 1460, win: 100 })
    await connection.write(pattern(1000))
    bench.expect('A', { seq: 1, length: 100 })
    connection.shutdown('write')
    await bench.send('FA', { seq: 1, ack: 1, win: 100 })
    expect(connection.state).toBe('closing')
    bench.expect('A', { ack: 2 })
    connection.abort()
    await bench.clock.settle()
    bench.expect('RA', { seq: 101 })
    await bench.end()
  })

  test('close() behind writes that wait for a closed window settles after lingerTimeout', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ sendBuffer: 4096, lingerTimeout: 10_000 }, { mss: 1000, win: 0 })
    const written = connection.write(pattern(6000)).catch((error: unknown) => error)
    let settled = false
    void connection.close().then(() => {
      settled = true
    })
    for (let second = 0; second < 10; second++) {
      expect(settled).toBe(false)
      await bench.clock.advance(1000)
      for (const segment of bench.all()) if (!segment.flags.includes('R')) await bench.send('A', { seq: 1, ack: 1, win: 0 })
    }
    expect(settled).toBe(true)
    expect(await written).toMatchObject({ code: 'ETIMEDOUT' })
    await bench.end()
  })

  test('lingerTimeout counts from the last progress: a slow peer gets all of it', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ lingerTimeout: 10_000 }, { mss: 1000, win: 1000 })
    await connection.write(pattern(5000))
    const closed = connection.close()
    for (let sent = 1000; sent <= 5000; sent += 1000) {
      await bench.clock.advance(4000)
      bench.all()
      await bench.send('A', { seq: 1, ack: sent + 1, win: 1000 })
    }
    await bench.clock.settle()
    expect(bench.all().at(-1)).toMatchObject({ flags: 'FA', seq: 5001 })
    await bench.send('FA', { seq: 1, ack: 5002 })
    await closed
    await bench.end()
  })

  test('the FIN leaves although the write that was to carry it was aborted', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ sendBuffer: 4096, nagle: 'classic' }, { mss: 1000 })
    const abort = new AbortController()
    const written = connection.write(pattern(6000), { signal: abort.signal, end: true })
    const closed = connection.close()
    await bench.clock.settle()
    bench.all()
    abort.abort(new Error('enough'))
    await expect(written).rejects.toThrow('enough')
    expect(connection.bytesWritten).toBe(4096)
    await bench.clock.settle()
    bench.expect('FPA', { seq: 4001, length: 96 })
    await bench.send('FA', { seq: 1, ack: 4098 })
    await closed
    await bench.end()
  })

  test('closing a listener takes it off its signal', () => {
    const signal = new AbortController().signal
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--
      remove(...args)
    }
    const stack = createStack({ plugins: [ipv4(), tcp()], clock: manualClock() })
    void stack.tcp.listen({ port: 80, signal }).close()
    expect(listeners).toBe(0)
    stack.destroy()
  })
})

describe('windows', () => {
  test('scaled windows reach zero under tiny segments, and what is held stays bounded', async () => {
    const receiveBuffer = 70_000
    const bench = await Bench.create({ memory: ample() })
    await bench.accept({ receiveBuffer, delayedAck: 0 }, { mss: 1000, scale: 0 })
    let seq = 1
    for (; seq <= 69_000; seq += 1000) await bench.send('A', { seq, ack: 1, data: pattern(1000) })
    let window = bench.all().at(-1)!.win
    for (let i = 0; window > 0 && i < 20_000; i++) {
      bench.inject('A', { seq: seq++, ack: 1, data: pattern(1) })
      bench.clock.advanceSync(1)
      window = bench.next().win
    }
    expect(window).toBe(0)
    expect(seq).toBeLessThan(1.2 * receiveBuffer)
    await bench.end()
  })

  test('an ACK right at the edge of the window is taken: all before it was lost', async () => {
    const bench = await Bench.create()
    const connection = await bench.accept({ receiveBuffer: 4096 }, { mss: 1000 })
    await connection.write(pattern(10))
    bench.expect('PA', { seq: 1, length: 10 })
    await bench.send('A', { seq: 4097, ack: 11 })
    expect(connection.info().bytesInFlight).toBe(0)
    await bench.end()
  })

  test('both windows closed: ACKs go with the number that the peer expects, not with the one behind the probe', async () => {
    const bench = await Bench.create()
    const connection = await bench.accept({ receiveBuffer: 4096 }, { mss: 1000, win: 0 })
    await connection.write(pattern(10))
    await bench.clock.advance(1000)
    expect(bench.all().at(-1)).toMatchObject({ seq: 1, data: pattern(1) })
    await bench.send('A', { seq: 1, ack: 1, win: 0, data: pattern(1000) })
    await bench.clock.advance(40)
    bench.expect('A', { seq: 1, ack: 1001 })
    await bench.end()
  })
})

describe('acknowledgments', () => {
  test('a retransmission that acknowledges something new brings its window along', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: 1000, win: 2000 })
    void connection.write(pattern(10_000))
    await bench.clock.settle()
    expect(bench.all().length).toBe(2)
    // Out of order, with the window as it was; then what fills the gap, with a window that the two segments have filled.
    await bench.send('A', { seq: 101, ack: 1, win: 2000, data: pattern(100, 100) })
    bench.all()
    await bench.send('A', { seq: 1, ack: 2001, win: 0, data: pattern(100) })
    bench.expect('A', { ack: 201, length: 0 })
    bench.expectNothing()
    await bench.end()
  })
})

describe('round trips', () => {
  test('a lost ACK does not make the timeout a round trip', async () => {
    const bench = await Bench.create()
    bench.peerTs = 1
    const connection = await bench.connect({}, { mss: 1000 })
    await connection.write(pattern(500))
    bench.all()
    await bench.clock.advance(10_000)
    const sent = bench.all()
    const [last, before] = [sent.at(-1)!, sent.at(-2)!]
    expect(last.ts!.value - before.ts!.value).toBeGreaterThan(3000)
    // The ACK of the last but one was lost; that of the last, a duplicate, echoes the same.
    await bench.send('A', { seq: 1, ack: 501, ts: { value: 2, echo: before.ts!.value } })
    expect(connection.info().smoothedRtt).toBeLessThan(100)
    await bench.end()
  })

  test('small segments by MTU are full ones: every second is acknowledged at once', async () => {
    const bench = await Bench.create({ mtu: 68 })
    bench.peerTs = 1
    await bench.accept({ quickAcks: 0 }, { mss: 1460 })
    await bench.send('A', { seq: 1, ack: 1, data: pattern(16) })
    bench.expectNothing()
    await bench.send('A', { seq: 17, ack: 1, data: pattern(16, 16) })
    bench.expect('A', { ack: 33 })
    await bench.end()
  })
})

describe('packet memory', () => {
  /** A stack whose memory is `pool`, connected to one with enough. */
  async function scarce(options: PacketPoolOptions): Promise<Pair & { readonly pool: PacketPool }> {
    const clock = manualClock()
    const pool = createPacketMemory({ size: 8 << 20 }).pool(options)
    const [left, right] = pipe({ latency: 1 })
    const a = createStack({ plugins: [ipv4(), tcp({ sendBuffer: 1_048_576 })], clock, random: seededRandom(1), memory: pool })
    const b = createStack({ plugins: [ipv4(), tcp()], clock, random: seededRandom(2), memory: ample() })
    await clock.until(Promise.all([a.addNic(left, { addresses: ['10.0.0.1/24'] }), b.addNic(right, { addresses: ['10.0.0.2/24'] })]))
    return {
      clock, a, b, pool,
      async end() {
        a.destroy()
        b.destroy()
        await clock.settle()
        expect([...leaksOf(a), ...leaksOf(b)]).toEqual([])
      },
    }
  }

  test('connections whose peers do not read leave something for the others', async () => {
    const two = await scarce({ quota: 1_000_000 })
    const [one, other] = await connected(two)
    for (let i = 0; i < 4; i++) {
      const stuck = await two.clock.until(two.a.tcp.connect({ host: '10.0.0.2', port: 80, sendBuffer: 4_194_304 }))
      stuck.write(new Uint8Array(4_000_000)).catch(() => undefined)
    }
    await two.clock.advance(1000)
    expect(two.pool.level).toBe(MemoryLevel.Critical)
    void one.write(pattern(20_000), { end: true })
    expect(await two.clock.until(readAll(other), 60_000)).toEqual(pattern(20_000))
    await two.end()
  })

  test('a send buffer larger than the memory: the transfer ends', async () => {
    const two = await scarce({ slots: 64 })
    const [one, other] = await connected(two)
    const write = async (): Promise<void> => {
      for (let at = 0; at < 400_000; at += 4000) await one.write(pattern(4000, at))
      one.shutdown('write')
    }
    void write()
    expect(await two.clock.until(readAll(other), 60_000)).toEqual(pattern(400_000))
    await two.end()
  })

  test.each([20, 64])('a handler that writes hears of room, whether an ACK or memory makes it: %i slots', async (slots) => {
    const two = await scarce({ slots })
    const [one, other] = await connected(two)
    const data = pattern(600_000)
    let written = 0
    const write = (): void => {
      for (let count = -1; count !== 0 && written < data.length;) written += count = one.tryWrite(data.subarray(written, written + 16_384))
      if (written === data.length) one.shutdown('write')
    }
    one.setHandler({ writable: write })
    write()
    const read = await two.clock.until(readAll(other), 600_000)
    expect([read.length, isPattern(read, 0)]).toEqual([data.length, true])
    await two.end()
  })

  test('no memory while segments wait below: one attempt a turn, and on when they are gone', async () => {
    const bench = await Bench.create({ memory: createPacketMemory({ size: 1 << 20 }).pool({ slots: 7 }), nic: { softwareGso: false } })
    const connection = await bench.connect({ nagle: 'classic' })
    // Four chunks leave room for three of the five segments, and those stay in the link.
    await connection.write(pattern(7300))
    expect(bench.counters['localDrops']).toBe(1)
    await connection.write(pattern(100, 7300))
    await bench.clock.settle()
    expect(bench.counters['localDrops']).toBe(2)
    const sent: Uint8Array[] = []
    while (sent.length < 5) {
      sent.push(...bench.all().map((segment) => segment.data))
      await bench.clock.settle()
    }
    expect(concat(sent)).toEqual(pattern(7300))
    await bench.send('A', { seq: 1, ack: 7301 })
    expect(bench.next().data).toEqual(pattern(100, 7300))
    await bench.end()
  })

  test('ordinary memory is gone: the reserve carries one segment at a time', async () => {
    const two = await scarce({ quota: 200_000 })
    const [one, other] = await connected(two)
    const hoard: Packet[] = []
    for (let packet = two.pool.allocate(0, 2000); packet !== null; packet = two.pool.allocate(0, 2000)) hoard.push(packet)
    // Room for the chunk, not for a packet.
    hoard.pop()!.release()
    void one.write(pattern(2000), { end: true })
    expect(two.pool.allocate(0, 200)).toBeNull()
    expect(await two.clock.until(readAll(other), 60_000)).toEqual(pattern(2000))
    for (const packet of hoard) packet.release()
    await two.end()
  })
})
