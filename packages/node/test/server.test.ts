import { once } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import type { StackSocket } from '@stack/node'
import { network } from './network.ts'

describe('a server', () => {
  it('listens at a free port and says which', async () => {
    const net = await network()
    const listening = vi.fn()
    const server = net.serve().listen(0, '10.0.0.1', listening)
    expect(server.listening).toBe(true)
    expect(server.address()).toMatchObject({ address: '10.0.0.1', family: 'IPv4' })
    expect(server.address()!.port).toBeGreaterThan(0)
    expect(listening).not.toHaveBeenCalled()
    await net.event(server, 'listening')
    expect(listening).toHaveBeenCalledTimes(1)
  })

  it('takes the forms of listen that net.Server has', async () => {
    const net = await network()
    for (const args of [[8001], ['8002'], [{ port: 8003 }], [8004, 511], [8005, '10.0.0.1', 511], [{ port: 8006, host: 'fd00::1', backlog: 1 }]]) {
      const server = net.serve().listen(...args)
      expect(server.address()?.port).toBe(8000 + server.address()!.port % 10)
      await net.event(server, 'listening')
    }
  })

  it('tells what the stack refuses as an error event', async () => {
    const net = await network()
    net.serve().listen(7)
    const second = net.serve().listen(7)
    expect(await net.event(second, 'error')).toMatchObject([{ code: 'EADDRINUSE' }])
    expect(second.listening).toBe(false)
    expect(await net.event(net.serve().listen(7, '192.0.2.1'), 'error')).toMatchObject([{ code: 'EADDRNOTAVAIL' }])
  })

  it('listens once', async () => {
    const net = await network()
    const server = net.serve().listen(7)
    expect(() => server.listen(8)).toThrow(expect.objectContaining({ code: 'ERR_SERVER_ALREADY_LISTEN' }) as Error)
  })

  it('closes to new connections at once, and says so when the last one is gone', async () => {
    const net = await network()
    const server = net.serve({}, (socket) => socket.resume()).listen(7)
    const client = net.connect({})
    await net.event(client, 'connect')
    await net.clock.advance(10)
    const closed = vi.fn()
    server.close(closed)
    expect(server.listening).toBe(false)
    expect(server.address()).toBe(null)
    const late = net.connect({})
    expect(await net.event(late, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }])
    expect(closed).not.toHaveBeenCalled()
    expect(await new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))).toBe(1)
    client.resume()
    client.end()
    await net.event(server, 'close')
    expect(closed).toHaveBeenCalledTimes(1)
  })

  it('close of a server that does not listen is told to the callback', async () => {
    const net = await network()
    const error = await new Promise((resolve) => net.serve().close(resolve))
    expect(error).toMatchObject({ code: 'ERR_SERVER_NOT_RUNNING' })
  })

  it('can listen again after it closed', async () => {
    const net = await network()
    const server = net.serve().listen(7)
    server.close()
    await net.event(server, 'close')
    server.listen(7)
    await net.event(server, 'listening')
    expect(server.listening).toBe(true)
  })

  it('closes with its signal and with its stack', async () => {
    const net = await network()
    const control = new AbortController()
    const signalled = net.serve().listen({ port: 7, signal: control.signal })
    control.abort()
    await net.event(signalled, 'close')
    const server = net.serve().listen(7)
    const closed = once(server, 'close')
    net.server.destroy()
    await net.run(closed)
    expect(server.listening).toBe(false)
  })

  it('serves IPv6 on the same port', async () => {
    const net = await network()
    let served: StackSocket | undefined
    net.serve({}, (socket) => {
      served = socket
      socket.end('hi')
    }).listen(7)
    const client = net.connect({ host: 'fd00::1', port: 7 })
    client.resume()
    await net.event(client, 'end')
    expect(served?.remoteFamily).toBe('IPv6')
  })
})
