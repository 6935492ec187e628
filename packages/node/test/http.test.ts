import { createHash } from 'node:crypto'
import http from 'node:http'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import { createHttpServer, listenOn, StackAgent } from '@stack/node'
import { network, pattern, readAll, type Network } from './network.ts'

interface Answer {
  readonly status: number | undefined
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

/** A request with its whole answer. */
function ask(net: Network, options: http.RequestOptions, body?: Uint8Array): Promise<Answer> {
  return net.run((async () => {
    const request = http.request(options)
    const response = new Promise<http.IncomingMessage>((resolve, reject) => {
      request.on('response', resolve).on('error', reject)
    })
    request.end(body)
    const answer = await response
    return { status: answer.statusCode, headers: answer.headers, body: await readAll(answer) }
  })())
}

describe('HTTP over a stack', () => {
  it('serves and asks, over both families, in the forms that URLs have', async () => {
    const net = await network()
    createHttpServer(net.server, (request, response) => response.end(`${request.method ?? ''} ${request.url ?? ''} ${request.socket.remoteAddress ?? ''}`)).listen(80)
    const agent = new StackAgent(net.client)
    expect((await ask(net, { host: '10.0.0.1', path: '/a', agent })).body.toString()).toBe('GET /a 10.0.0.2')
    expect((await ask(net, { host: 'fd00::1', path: '/b', agent })).body.toString()).toBe('GET /b fd00::2')
    expect((await ask(net, { host: '[fd00::1]', method: 'POST', agent })).body.toString()).toBe('POST / fd00::2')
    const { hostname, pathname } = new URL('http://[fd00::1]/c')
    expect((await ask(net, { host: hostname, path: pathname, agent })).body.toString()).toBe('GET /c fd00::2')
  })

  it('carries 10 MB both ways', async () => {
    const net = await network()
    const data = pattern(10_000_000)
    createHttpServer(net.server, (request, response) => {
      void pipeline(request, response)
    }).listen(80)
    const { body } = await ask(net, { host: '10.0.0.1', method: 'PUT', agent: new StackAgent(net.client) }, data)
    expect(createHash('sha256').update(body).digest('hex')).toBe(createHash('sha256').update(data).digest('hex'))
  })

  it('keeps connections alive when the agent does', async () => {
    const net = await network()
    const connections = vi.fn()
    const server = createHttpServer(net.server, (_request, response) => response.end('ok')).on('connection', connections).listen(80)
    const agent = new StackAgent(net.client, { keepAlive: true })
    for (let i = 0; i < 3; i++) {
      expect((await ask(net, { host: '10.0.0.1', agent })).body.toString()).toBe('ok')
      await net.clock.settle()
    }
    expect(connections).toHaveBeenCalledTimes(1)
    // An idle connection does not keep the server from closing.
    server.close()
    await net.event(server, 'close')
    await net.clock.advance(100)
    agent.destroy()
    await net.clock.advance(100)
    expect(net.client.tcp.connections()).toHaveLength(0)
  })

  it('sends small answers without delay, at both ends', async () => {
    const net = await network()
    const sockets: { readonly connection?: { readonly options: object } }[] = []
    createHttpServer(net.server, (_request, response) => response.end()).on('connection', (socket) => sockets.push(socket as object)).listen(80)
    const agent = new StackAgent(net.client, { keepAlive: true })
    await ask(net, { host: '10.0.0.1', agent })
    expect(sockets[0]!.connection!.options).toMatchObject({ noDelay: true })
    expect(net.client.tcp.connections()[0]!.options).toMatchObject({ noDelay: true })
    agent.destroy()
  })

  it('answers many at once', async () => {
    const net = await network()
    createHttpServer(net.server, (request, response) => response.end(request.url)).listen(80)
    const agent = new StackAgent(net.client, { maxSockets: 8 })
    const paths = Array.from({ length: 40 }, (_, i) => `/${String(i)}`)
    const answers = await net.run(Promise.all(paths.map((path) => ask(net, { host: '10.0.0.1', path, agent }))))
    expect(answers.map(({ body }) => body.toString())).toEqual(paths)
  })

  it('sends a slow body as it comes', async () => {
    const net = await network()
    createHttpServer(net.server, (_request, response) => {
      void pipeline(Readable.from(['one ', 'two ', 'three']), response)
    }).listen(80)
    const { headers, body } = await ask(net, { host: '10.0.0.1', agent: new StackAgent(net.client) })
    expect(headers['transfer-encoding']).toBe('chunked')
    expect(body.toString()).toBe('one two three')
  })

  it('tells errors of the network to the request', async () => {
    const net = await network()
    const agent = new StackAgent(net.client)
    await expect(ask(net, { host: '10.0.0.1', agent })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await expect(ask(net, { host: 'example.com', agent })).rejects.toMatchObject({ code: 'ERR_STACK_INVALID_ADDRESS' })
  })

  it('a request that is destroyed takes its connection with it', async () => {
    const net = await network()
    createHttpServer(net.server, () => undefined).listen(80)
    const request = http.get({ host: '10.0.0.1', agent: new StackAgent(net.client) })
    request.on('error', () => undefined)
    await net.clock.advance(50)
    expect(net.client.tcp.connections()).toHaveLength(1)
    request.destroy()
    await net.clock.advance(1000)
    expect(net.client.tcp.connections()).toHaveLength(0)
    expect(net.server.tcp.connections()).toHaveLength(0)
  })

  it('answers what is no HTTP with 400', async () => {
    const net = await network()
    createHttpServer(net.server, () => undefined).listen(80)
    const connection = await net.run(net.client.tcp.connect({ host: '10.0.0.1', port: 80 }))
    await net.run(connection.write(Buffer.from('what is this\r\n\r\n')))
    expect((await net.run(readAll(connection))).toString()).toMatch(/^HTTP\/1\.1 400 Bad Request/)
    connection.abort()
  })

  it('upgrades', async () => {
    const net = await network()
    createHttpServer(net.server).on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
      socket.pipe(socket)
    }).listen(80)
    const request = http.get({ host: '10.0.0.1', agent: new StackAgent(net.client), headers: { connection: 'Upgrade', upgrade: 'echo' } })
    const [, socket] = (await net.event(request, 'upgrade')) as [http.IncomingMessage, NodeJS.ReadWriteStream & AsyncIterable<Uint8Array>]
    socket.end('echo')
    expect((await net.run(readAll(socket))).toString()).toBe('echo')
  })
})

describe('listenOn', () => {
  it('makes a server of Node listen on a stack, and end as it would', async () => {
    const net = await network()
    const server = listenOn(net.server, http.createServer((_request, response) => response.end('hi')))
    const [listening, closed] = [vi.fn(), vi.fn()]
    expect(server.listening).toBe(false)
    server.on('close', closed).listen(8080, listening)
    await net.event(server, 'listening')
    expect(listening).toHaveBeenCalledTimes(1)
    expect(server.address()).toMatchObject({ port: 8080 })
    expect(server.listening).toBe(true)
    expect((await ask(net, { host: '10.0.0.1', port: 8080, agent: new StackAgent(net.client) })).body.toString()).toBe('hi')
    const callback = vi.fn()
    server.close(callback)
    await net.event(server, 'close')
    await net.clock.settle()
    expect([callback.mock.calls, closed.mock.calls]).toEqual([[[]], [[]]])
  })

  it('leaves no timer of Node behind', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const net = await network()
      const server = createHttpServer(net.server).listen(80)
      await net.event(server, 'listening')
      server.close()
      await net.event(server, 'close')
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('tells a taken port as an error', async () => {
    const net = await network()
    createHttpServer(net.server).listen(80)
    expect(await net.event(createHttpServer(net.server).listen(80), 'error')).toMatchObject([{ code: 'EADDRINUSE' }])
  })
})
