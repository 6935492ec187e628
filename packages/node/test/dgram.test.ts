import { describe, expect, it, vi } from 'vitest'
import { createSocket, type RemoteInfo } from '@stack/node'
import { network } from './network.ts'

describe('a datagram socket', () => {
  it('receives messages and answers them', async () => {
    const net = await network()
    const server = createSocket(net.server, 'udp4', (message, remote) => {
      server.send(`${message.toString()} from ${remote.address}, ${String(remote.size)} bytes`, remote.port, remote.address)
    }).bind(7)
    await net.event(server, 'listening')
    expect(server.address()).toEqual({ address: '0.0.0.0', port: 7, family: 'IPv4' })
    const client = createSocket(net.client)
    const sent = vi.fn()
    client.send('hello', 7, '10.0.0.1', sent)
    const [message, remote] = (await net.event(client, 'message')) as [Buffer, RemoteInfo]
    expect(message.toString()).toBe('hello from 10.0.0.2, 5 bytes')
    expect(remote).toEqual({ address: '10.0.0.1', port: 7, family: 'IPv4', size: 28 })
    expect(sent.mock.calls).toEqual([[null, 5]])
  })

  it('gives each message bytes of its own', async () => {
    const net = await network()
    const messages: Buffer[] = []
    createSocket(net.server, {}, (message) => messages.push(message)).bind(7)
    const client = createSocket(net.client)
    for (const text of ['one', 'two', 'three']) client.send(text, 7, 'fd00::1')
    await net.clock.advance(10)
    expect(messages.map(String)).toEqual(['one', 'two', 'three'])
  })

  it('takes the forms of send that dgram has', async () => {
    const net = await network()
    const messages: string[] = []
    createSocket(net.server, {}, (message) => messages.push(message.toString())).bind(7)
    const client = createSocket(net.client)
    client.send(Buffer.from('abcdef'), 2, 3, 7, '10.0.0.1')
    client.send(['ab', Buffer.from('cd')], 7, '10.0.0.1', () => undefined)
    client.connect(7, '10.0.0.1')
    client.send('connected')
    client.send(Buffer.from('abcdef'), 1, 2, () => undefined)
    await net.clock.advance(10)
    expect(messages).toEqual(['cde', 'abcd', 'connected', 'bc'])
    expect(() => client.send(Buffer.from('abc'), 2, 2)).toThrow(RangeError)
  })

  it('hears of a closed port once connected', async () => {
    const net = await network()
    const client = createSocket(net.client)
    client.connect(9, '10.0.0.1')
    await net.event(client, 'connect')
    expect(client.remoteAddress()).toEqual({ address: '10.0.0.1', port: 9, family: 'IPv4' })
    client.send('anybody?')
    expect(await net.event(client, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }])
    client.disconnect()
    expect(() => client.remoteAddress()).toThrow(expect.objectContaining({ code: 'ERR_SOCKET_DGRAM_NOT_CONNECTED' }) as Error)
  })

  it('tells what goes wrong to the callback, else as an error', async () => {
    const net = await network()
    const client = createSocket(net.client)
    const sent = vi.fn()
    client.send('x', 7, 'nowhere', sent)
    await net.clock.settle()
    expect(sent.mock.calls).toMatchObject([[{ code: 'ERR_STACK_INVALID_ADDRESS' }]])
    client.send(Buffer.alloc(70_000), 7, '10.0.0.1')
    expect(await net.event(client, 'error')).toMatchObject([{ code: 'EMSGSIZE' }])
    expect(() => client.bind(9)).toThrow(expect.objectContaining({ code: 'ERR_SOCKET_ALREADY_BOUND' }) as Error)
    const second = createSocket(net.client).bind(client.address().port)
    expect(await net.event(second, 'error')).toMatchObject([{ code: 'EADDRINUSE' }])
  })

  it('broadcasts when it may', async () => {
    const net = await network()
    const messages: string[] = []
    createSocket(net.server, 'udp4', (message) => messages.push(message.toString())).bind(7)
    const client = createSocket(net.client, 'udp4')
    client.send('no', 7, '10.0.0.255')
    expect(await net.event(client, 'error')).toMatchObject([{ code: 'EACCES' }])
    client.setBroadcast(true)
    client.send('yes', 7, '10.0.0.255')
    await net.clock.advance(10)
    expect(messages).toEqual(['yes'])
  })

  it('joins groups by the address of an interface, by name, or where the route leads', async () => {
    const net = await network()
    const messages: string[] = []
    const server = createSocket(net.server, {}, (message) => messages.push(message.toString())).bind(7)
    const client = createSocket(net.client)
    client.addMembership('239.1.2.3', '10.0.0.2')
    server.addMembership('239.1.2.3', '10.0.0.1')
    server.addMembership('ff02::1234', '::%eth0')
    client.send('four', 7, '239.1.2.3')
    client.send('six', 7, 'ff02::1234%eth0')
    await net.clock.advance(10)
    expect(messages).toEqual(['four', 'six'])
    server.dropMembership('239.1.2.3', '10.0.0.1')
    client.send('gone', 7, '239.1.2.3')
    await net.clock.advance(10)
    expect(messages).toEqual(['four', 'six'])
    expect(() => server.addMembership('239.1.2.4', '192.0.2.1')).toThrow(expect.objectContaining({ code: 'EADDRNOTAVAIL' }) as Error)
  })

  it('closes once, with its signal or with its stack', async () => {
    const net = await network()
    const closed = vi.fn()
    const socket = createSocket(net.server).bind(7)
    socket.close(closed)
    await net.event(socket, 'close')
    expect(closed).toHaveBeenCalledTimes(1)
    expect(() => socket.send('x', 7, '10.0.0.2')).toThrow(expect.objectContaining({ code: 'ERR_SOCKET_DGRAM_NOT_RUNNING' }) as Error)
    const control = new AbortController()
    const signalled = createSocket(net.server, { signal: control.signal }).bind(7)
    control.abort()
    await net.event(signalled, 'close')
    const last = createSocket(net.server).bind(7)
    await net.event(last, 'listening')
    net.server.destroy()
    await net.event(last, 'close')
  })
})
