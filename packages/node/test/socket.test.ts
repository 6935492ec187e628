import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { Readable, Writable } from 'node:stream'
import { isStackError } from '@stack/core'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { StackSocket } from '@stack/node'
import { network, pattern, readAll, type Network } from './network.ts'

/** A server on port 7 and a client that is connected to it. */
async function pair(net: Network, allowHalfOpen = false): Promise<{ readonly local: StackSocket; readonly remote: StackSocket }> {
  const server = net.serve({ allowHalfOpen }).listen(7)
  const arrived = once(server, 'connection')
  const local = net.connect({ allowHalfOpen })
  await net.event(local, 'connect')
  const [remote] = (await net.run(arrived)) as [StackSocket]
  return { local, remote }
}

describe('a socket', () => {
  it('carries bytes both ways and ends with both FINs', async () => {
    const net = await network()
    net.serve({}, (socket) => socket.pipe(socket)).listen(7)
    const socket = net.connect({})
    socket.write('before the connection is there, ')
    socket.end('and after')
    expect((await net.run(readAll(socket))).toString()).toBe('before the connection is there, and after')
    if (!socket.closed) await net.event(socket, 'close')
    expect(socket.destroyed).toBe(true)
    await net.clock.advance(1000)
    expect(net.server.tcp.connections()).toHaveLength(0)
    expect(net.client.tcp.connections()).toHaveLength(0)
  })

  it('says with its close whether an error was the reason', async () => {
    const net = await network()
    net.serve({}, (socket) => socket.end()).listen(7)
    const seen: unknown[] = []
    for (const port of [7, 8]) {
      const socket = net.connect({ port })
      socket.on('error', (error) => seen.push((error as { code?: string }).code))
      socket.on('close', (...given: unknown[]) => seen.push(given))
      socket.resume()
      await net.clock.advance(10)
      expect(socket.closed).toBe(true)
    }
    expect(seen).toEqual([[false], 'ECONNREFUSED', [true]])
  })

  it('knows its ends when the listener sees it first', async () => {
    const net = await network()
    let seen: unknown
    net.serve({}, (socket) => {
      seen = [socket.remoteAddress, socket.remoteFamily, socket.localAddress, socket.localPort, socket.readyState, socket.pending]
    }).listen(7)
    const socket = net.connect({})
    expect([socket.connecting, socket.pending, socket.readyState, socket.remoteAddress]).toEqual([true, true, 'opening', undefined])
    await net.event(socket, 'ready')
    await net.clock.advance(10)
    expect(seen).toEqual(['10.0.0.2', 'IPv4', '10.0.0.1', 7, 'open', false])
    expect(socket.address()).toEqual({ address: '10.0.0.2', port: socket.localPort, family: 'IPv4' })
  })

  it('holds the writer while nobody reads, and loses nothing', async () => {
    const sendBuffer = 65_536
    const receiveBuffer = 65_536
    const net = await network({ sendBuffer, receiveBuffer })
    const { local, remote } = await pair(net)
    const data = pattern(4_000_000)
    let produced = 0
    const source = Readable.from((function* () {
      for (; produced < data.length; produced += 10_000) yield data.subarray(produced, produced + 10_000)
    })())
    source.pipe(local)
    remote.pause()
    await net.clock.advance(10_000)
    // Both buffers of the stack, those of the streams at both ends, and chunks on the edge.
    const held = sendBuffer + receiveBuffer + local.writableHighWaterMark + remote.readableHighWaterMark
    expect(produced).toBeGreaterThan(sendBuffer)
    expect(produced).toBeLessThan(held + 2 * 65_536)
    expect(local.writableNeedDrain).toBe(true)
    expect((await net.run(readAll(remote))).equals(data)).toBe(true)
  })

  it('stops taking from the stack while the reader is slow', async () => {
    const net = await network({ receiveBuffer: 65_536 })
    const { local, remote } = await pair(net)
    const data = pattern(1_000_000)
    let taken = 0
    const slow = new Writable({
      highWaterMark: 1,
      write: (chunk: Buffer, _encoding, done) => {
        taken += chunk.length
        expect(remote.bytesRead - taken).toBeLessThanOrEqual(remote.readableHighWaterMark + 65_536)
        setImmediate(done)
      },
    })
    const done = pipeline(remote, slow)
    local.end(data)
    await net.run(done)
    expect(taken).toBe(data.length)
  })

  it('goes on in one direction after the other ended', async () => {
    const net = await network()
    const { local, remote } = await pair(net, true)
    local.end('question')
    expect((await net.run(readAll(remote.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>))).toString()).toBe('question')
    expect(remote.readyState).toBe('writeOnly')
    remote.end('answer')
    expect((await net.run(readAll(local))).toString()).toBe('answer')
  })

  it('ends the other direction by itself without allowHalfOpen', async () => {
    const net = await network()
    const { local, remote } = await pair(net)
    remote.resume()
    local.resume()
    local.end()
    await net.event(local, 'close')
    expect(remote.writableEnded).toBe(true)
  })

  it('counts bytes as they are written and read', async () => {
    const net = await network({ sendBuffer: 4096, receiveBuffer: 4096 })
    const { local, remote } = await pair(net)
    remote.pause()
    local.write(pattern(50_000))
    local.write(pattern(50_000))
    await net.clock.advance(100)
    expect(local.bytesWritten).toBe(100_000)
    remote.resume()
    local.end()
    await net.event(remote, 'end')
    expect([local.bytesWritten, remote.bytesRead]).toEqual([100_000, 100_000])
  })

  it('joins corked writes into one segment', async () => {
    const net = await network()
    const { local, remote } = await pair(net)
    local.setNoDelay()
    const before = local.connection!.info().segmentsSent
    local.cork()
    for (let i = 0; i < 20; i++) local.write('x')
    local.uncork()
    await net.event(remote, 'readable')
    expect(local.connection!.info().segmentsSent - before).toBe(1)
  })

  it('works with pipeline both ways', async () => {
    const net = await network()
    const data = pattern(300_000)
    net.serve({ allowHalfOpen: true }, (socket) => {
      void pipeline(socket, socket)
    }).listen(7)
    const socket = net.connect({ allowHalfOpen: true })
    const chunks: Buffer[] = []
    await net.run(pipeline(Readable.from([data]), socket, async (source: AsyncIterable<Buffer>) => {
      for await (const chunk of source) chunks.push(chunk)
    }))
    expect(Buffer.concat(chunks).equals(data)).toBe(true)
  })
})

describe('settings', () => {
  it('made before the connection hold once it is there', async () => {
    const net = await network()
    net.serve().listen(7)
    const socket = net.connect({}).setNoDelay().setKeepAlive(true, 5000)
    await net.event(socket, 'connect')
    expect(socket.connection!.options).toMatchObject({ noDelay: true, keepAlive: { idle: 5000 } })
    socket.setKeepAlive(false).setNoDelay(false)
    expect(socket.connection!.options).toMatchObject({ noDelay: false, keepAlive: false })
  })

  it('of a server hold for its sockets', async () => {
    const net = await network()
    const server = net.serve({ noDelay: true }).listen(7)
    const arrived = once(server, 'connection')
    net.connect({})
    const [socket] = (await net.run(arrived)) as [StackSocket]
    expect(socket.connection!.options.noDelay).toBe(true)
  })
})

describe('errors', () => {
  it('ECONNREFUSED where nobody listens', async () => {
    const net = await network()
    const socket = net.connect({ port: 9 })
    const [error] = await net.event(socket, 'error')
    expect(error).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect', address: '10.0.0.1', port: 9 })
    expect([socket.connecting, socket.destroyed]).toEqual([false, true])
  })

  it('ENETUNREACH without a route, and one for what is no address', async () => {
    const net = await network()
    expect(await net.event(net.connect({ host: '192.0.2.1', port: 9 }), 'error')).toMatchObject([{ code: 'ENETUNREACH' }])
    expect(await net.event(net.connect({ host: 'localhost', port: 9 }), 'error')).toMatchObject([{ code: 'ERR_STACK_INVALID_ADDRESS' }])
  })

  it('ECONNRESET after the peer reset, and the write that waits hears of it', async () => {
    const net = await network({ sendBuffer: 4096, receiveBuffer: 4096 })
    const { local, remote } = await pair(net)
    const failed = new Promise((resolve) => {
      local.write(pattern(100_000), resolve)
    })
    const errors: unknown[] = []
    local.on('error', (error) => errors.push(error))
    await net.clock.advance(10)
    remote.resetAndDestroy()
    expect(await net.run(failed)).toMatchObject({ code: 'ECONNRESET' })
    await net.clock.settle()
    expect(errors).toMatchObject([{ code: 'ECONNRESET' }])
    expect(local.destroyed).toBe(true)
  })

  it('resets the peer when what it sent was not read', async () => {
    const net = await network()
    const { local, remote } = await pair(net)
    remote.pause()
    local.write(pattern(200_000))
    await net.clock.advance(10)
    remote.destroy()
    expect(await net.event(local, 'error')).toMatchObject([{ code: 'ECONNRESET' }])
  })

  it('a write after the end is an error, as with every stream', async () => {
    const net = await network()
    const { local } = await pair(net)
    local.end()
    local.write('late')
    expect(await net.event(local, 'error')).toMatchObject([{ code: 'ERR_STREAM_WRITE_AFTER_END' }])
  })

  it('sends what was written before destroy(error), as a server does with its last words', async () => {
    const net = await network()
    const { local, remote } = await pair(net)
    local.on('error', () => undefined)
    const heard = readAll(remote)
    local.write('400 Bad Request')
    local.destroy(new Error('bad request'))
    expect((await net.run(heard)).toString()).toBe('400 Bad Request')
  })

  it('what a listener throws is the program\'s, not the network\'s', async () => {
    const net = await network({ sendBuffer: 4096 })
    const { local, remote } = await pair(net)
    const errors = vi.fn()
    local.on('error', errors)
    remote.on('error', errors)
    const reader = new Error('from a data listener')
    const writer = new Error('from a write callback')
    let seen = 0
    remote.on('data', () => {
      if (seen++ === 0) throw reader
    })
    let isFirst = true
    local.write(pattern(50_000), () => {
      if (isFirst) throw writer
    })
    await net.clock.advance(1000)
    isFirst = false
    expect(net.thrown.splice(0)).toEqual([reader, writer])
    expect(errors).not.toHaveBeenCalled()
    expect([local.destroyed, remote.destroyed]).toEqual([false, false])
    expect(seen).toBeGreaterThan(1)
  })

  it('ends with the stack', async () => {
    const net = await network()
    const { local } = await pair(net)
    net.client.destroy()
    const [error] = await net.event(local, 'error')
    expect(isStackError(error)).toBe(true)
  })
})

describe('ending early', () => {
  it('destroy while connecting stops the attempt at once', async () => {
    const net = await network()
    // Nobody has this address, and nobody says so.
    const socket = net.connect({ host: '10.0.0.9', port: 7 })
    const callback = vi.fn()
    socket.write('never sent', callback)
    await net.clock.advance(100)
    expect(net.client.tcp.connections()).toHaveLength(1)
    const before = net.clock.now()
    socket.destroy()
    await net.event(socket, 'close')
    await net.clock.settle()
    expect(net.clock.now()).toBe(before)
    expect(net.client.tcp.connections()).toHaveLength(0)
    expect(callback).toHaveBeenCalledTimes(1)
    expect(callback.mock.calls[0]![0]).toBeInstanceOf(Error)
  })

  it('a signal ends a connection attempt and an open connection', async () => {
    const net = await network()
    net.serve({}, (socket) => socket.resume()).listen(7)
    const early = new AbortController()
    const connecting = net.connect({ host: '10.0.0.9', port: 7, signal: early.signal })
    early.abort()
    expect(await net.event(connecting, 'error')).toMatchObject([{ name: 'AbortError' }])
    const late = new AbortController()
    const socket = net.connect({ signal: late.signal })
    await net.event(socket, 'connect')
    late.abort()
    expect(await net.event(socket, 'error')).toMatchObject([{ name: 'AbortError' }])
    await net.clock.advance(100)
    expect(net.client.tcp.connections()).toHaveLength(0)
  })
})

describe('timeout', () => {
  it('tells of silence, starts again with traffic, and closes nothing', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const net = await network()
    const { local, remote } = await pair(net)
    const timedOut = vi.fn()
    remote.setTimeout(1000, timedOut)
    remote.resume()
    vi.advanceTimersByTime(900)
    local.write('x')
    await net.clock.advance(10)
    vi.advanceTimersByTime(900)
    expect(timedOut).not.toHaveBeenCalled()
    vi.advanceTimersByTime(100)
    expect(timedOut).toHaveBeenCalledTimes(1)
    expect(remote.destroyed).toBe(false)
    remote.setTimeout(50)
    remote.destroy()
    vi.advanceTimersByTime(1000)
    expect(vi.getTimerCount()).toBe(0)
  })
})
