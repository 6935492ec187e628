import { describe, expect, test } from 'vitest'
import type { ConnectOptions, ListenOptions } from '../src/index.ts'
import { Bench, PEER_PORT, PORT, concat, pattern } from './support/peer.ts'

describe('reading', () => {
  test('read fills what it is given; a zero-length array is a TypeError', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(10) })
    const into = new Uint8Array(4)
    expect(await connection.read(into)).toBe(4)
    expect(into).toEqual(pattern(4))
    expect(await connection.readSome({ max: 3 })).toEqual(pattern(3, 4))
    expect(connection.readableLength).toBe(3)
    expect(connection.bytesRead).toBe(7)
    await expect(connection.read(new Uint8Array(0))).rejects.toThrow(TypeError)
    expect(() => connection.tryRead(new Uint8Array(0))).toThrow(TypeError)
    await bench.end()
  })

  test('one read at a time; a pending one gets what comes', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    const into = new Uint8Array(100)
    const read = connection.read(into)
    await expect(connection.read(into)).rejects.toMatchObject({ code: 'ERR_STACK_BUSY' })
    expect(() => connection.setHandler({})).toThrow(expect.objectContaining({ code: 'ERR_STACK_BUSY' }))
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(10) })
    expect(await read).toBe(10)
    await bench.end()
  })

  test('an aborted read rejects with its reason and takes no bytes', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    const abort = new AbortController()
    const read = connection.read(new Uint8Array(1), { signal: abort.signal })
    const failed = expect(read).rejects.toThrow('no')
    const some = expect(connection.readSome({ signal: AbortSignal.abort(new Error('never')) })).rejects.toThrow('never')
    abort.abort(new Error('no'))
    await Promise.all([failed, some])
    await expect(connection.read(new Uint8Array(1), { signal: abort.signal })).rejects.toThrow('no')
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(10) })
    expect(await connection.readSome()).toEqual(pattern(10))
    await bench.end()
  })

  test('an iterator gives copies; breaking out leaves the connection open', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(10) })
    for await (const chunk of connection) {
      expect(chunk).toEqual(pattern(10))
      break
    }
    await bench.send('FPA', { seq: 11, ack: 1, data: pattern(5) })
    const rest = []
    for await (const chunk of connection) rest.push(chunk)
    expect(concat(rest)).toEqual(pattern(5))
    expect(connection.state).toBe('close-wait')
    await bench.end()
  })
})

describe('writing', () => {
  test('waits for room in the send buffer and keeps order', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ sendBuffer: 4096 }, { mss: 1000 })
    const order: number[] = []
    const first = connection.write(pattern(6000)).then(() => order.push(1))
    const second = connection.write(pattern(1000, 6000)).then(() => order.push(2))
    await bench.clock.settle()
    expect(connection.bytesWritten).toBe(4096)
    expect(connection.writableLength).toBe(0)
    expect(connection.tryWrite(pattern(1))).toBe(0)
    const received: Uint8Array[] = []
    for (let ack = 1; ack < 7001; ) {
      const sent = bench.all()
      if (sent.length === 0) await bench.clock.advance(200)
      received.push(...sent.map((segment) => segment.data))
      ack += sent.reduce((sum, segment) => sum + segment.data.length, 0)
      await bench.send('A', { seq: 1, ack })
    }
    await Promise.all([first, second])
    expect(order).toEqual([1, 2])
    expect(concat(received)).toEqual(pattern(7000))
    await bench.end()
  })

  test('an aborted write rejects; bytesWritten says how far it got; the next write goes on', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ sendBuffer: 4096 }, { mss: 1000 })
    const abort = new AbortController()
    const written = connection.write(pattern(6000), { signal: abort.signal })
    const failed = expect(written).rejects.toThrow('stop')
    await bench.clock.settle()
    abort.abort(new Error('stop'))
    await failed
    expect(connection.bytesWritten).toBe(4096)
    await expect(connection.write(pattern(1), { signal: abort.signal })).rejects.toThrow('stop')
    bench.all()
    await bench.send('A', { seq: 1, ack: 4001 })
    await bench.send('A', { seq: 1, ack: 4097 })
    bench.all()
    await connection.write(pattern(5))
    await bench.clock.settle()
    bench.expect('PA', { seq: 4097, length: 5 })
    await bench.end()
  })

  test('bytes are the caller’s again when it resolves', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    const mine = pattern(100)
    await connection.write(mine)
    mine.fill(0)
    await bench.clock.settle()
    expect(bench.expect('PA').data).toEqual(pattern(100))
    await bench.clock.advance(250)
    expect(bench.expect('PA').data).toEqual(pattern(100))
    await bench.end()
  })

  test('everything pending settles when the stack is destroyed', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ sendBuffer: 4096 })
    const listener = bench.stack.tcp.listen({ port: PORT })
    const calls = [connection.read(new Uint8Array(1)), connection.write(pattern(9000)), connection.closed].map((call) =>
      expect(call).rejects.toMatchObject({ code: 'ERR_STACK_CLOSED' }),
    )
    const accepted = listener.accept()
    await bench.clock.settle()
    await bench.end()
    await Promise.all(calls)
    // And so do calls that come later.
    for (const call of [connection.read(new Uint8Array(1)), connection.readSome(), connection.write(pattern(1))]) {
      await expect(call).rejects.toMatchObject({ code: 'ERR_STACK_CLOSED' })
    }
    expect(() => connection.tryWrite(pattern(1))).toThrow(expect.objectContaining({ code: 'ERR_STACK_CLOSED' }))
    expect(await accepted).toBeNull()
    await listener.closed
    expect(() => bench.stack.tcp.listen({ port: PORT })).toThrow(expect.objectContaining({ code: 'ERR_STACK_CLOSED' }))
    await expect(bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT })).rejects.toMatchObject({ code: 'ERR_STACK_CLOSED' })
  })
})

describe('handlers', () => {
  test('readable, writable and closed, never inside the call that caused them', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ sendBuffer: 4096 }, { mss: 1000 })
    const calls: string[] = []
    connection.setHandler({
      readable: () => {
        const into = new Uint8Array(100)
        const got = connection.tryRead(into)
        calls.push(`readable ${String(got)}`)
      },
      writable: () => calls.push(`writable ${String(connection.writableLength > 0)}`),
      closed: (error) => calls.push(`closed ${error?.code ?? 'well'}`),
    })
    expect(connection.tryWrite(pattern(5000))).toBe(4096)
    expect(calls).toEqual([])
    await bench.clock.settle()
    bench.all()
    await bench.send('A', { seq: 1, ack: 2001 })
    expect(calls).toEqual(['writable true'])
    await bench.send('PA', { seq: 1, ack: 2001, data: pattern(10) })
    expect(calls.at(-1)).toBe('readable 10')
    await bench.send('FA', { seq: 11, ack: 2001 })
    expect(calls.at(-1)).toBe('readable null')
    await bench.send('R', { seq: 12 })
    expect(calls.at(-1)).toBe('closed ECONNRESET')
    await bench.end()
  })

  test('a handler that closes in `readable` is told of the end once', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    const calls: string[] = []
    connection.setHandler({
      readable: () => {
        const into = new Uint8Array(100)
        for (let got = connection.tryRead(into); got !== undefined && got !== null; got = connection.tryRead(into));
        void connection.close()
      },
      closed: (error) => calls.push(error?.code ?? 'well'),
    })
    await bench.send('FPA', { seq: 1, ack: 1, data: pattern(10) })
    bench.all()
    await bench.send('A', { seq: 12, ack: 2 })
    expect(calls).toEqual(['well'])
    await bench.end()
  })

  test('what a handler throws goes to onError, and the stack goes on', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    const again: number[] = []
    connection.setHandler({
      readable: () => {
        again.push(connection.tryRead(new Uint8Array(10)) ?? -1)
      },
    })
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(3) })
    await bench.send('PA', { seq: 4, ack: 1, data: pattern(4) })
    expect(again).toEqual([3, 4])
    await bench.end()
  })
})

describe('options', () => {
  test.each([
    [{ nodelay: true }, /no option 'nodelay'/],
    [{ sendBuffer: 5 }, /sendBuffer/],
    [{ keepAlive: { idle: -1 } }, /idle/],
    [{ keepAlive: true }, /keepAlive/],
    [{ delayedAck: 501 }, /delayedAck/],
    [{ insecureReset: 1 }, /insecureReset/],
    [{ synOptionRetries: 128 }, /synOptionRetries/],
    [{ ecn: { offer: 'classic', retries: -1 } }, /retries/],
    [{ synFin: 'drop' }, /no option 'synFin'/],
    [{ congestionControl: 'vegas' }, /vegas|congestion/],
  ] as const)('%o is refused', async (options, message) => {
    const bench = await Bench.create()
    const bad = options as unknown as Partial<ConnectOptions>
    await expect(bench.stack.tcp.connect({ host: bench.remote, port: 1, ...bad })).rejects.toThrow(message)
    expect(() => bench.stack.tcp.listen({ port: 1, ...(bad as Partial<ListenOptions>) })).toThrow(message)
    await bench.end()
  })

  test('what the stack was made with are the defaults; configure changes one connection', async () => {
    const bench = await Bench.create({ tcp: { noDelay: true, tos: 0x10 } })
    const connection = await bench.connect({ ttl: 9 })
    expect(connection.options).toMatchObject({ noDelay: true, tos: 0x10, ttl: 9, receiveBuffer: null })
    connection.configure({ noDelay: false, tos: 0 })
    expect(connection.options).toMatchObject({ noDelay: false, tos: 0 })
    const other = await bench.connect()
    expect(other.options.noDelay).toBe(true)
    expect(() => connection.configure({ host: 'x' } as never)).toThrow(/host/)
    await bench.end()
  })

  test('the events of connections', async () => {
    const bench = await Bench.create()
    const seen: unknown[] = []
    bench.stack.on('connection-opened', (event) => seen.push(['opened', event.remote.port]))
    bench.stack.on('connection-closed', (event) => seen.push(['closed', event.code]))
    await bench.connect()
    await bench.send('R', { seq: 1 })
    expect(seen).toEqual([['opened', PEER_PORT], ['closed', 'ECONNRESET']])
    await bench.end()
  })
})
