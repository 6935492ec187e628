import { once, type EventEmitter } from 'node:events'
import { createStack } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { pipe } from '@stack/link-pipe'
import { connect, createServer, type ServerOptions, type SocketOptions, type StackServer, type StackSocket } from '@stack/node'
import { tcp, type TcpOptions } from '@stack/tcp'
import { leaksOf, manualClock, type ManualClock } from '@stack/testing'
import { udp } from '@stack/udp'
import { afterEach, expect } from 'vitest'

const open: Network[] = []

/** Two hosts on a wire in virtual time: server 10.0.0.1 and fd00::1, client 10.0.0.2 and fd00::2. */
export interface Network {
  readonly clock: ManualClock
  /** What listeners threw; a test that expects it takes it out. */
  readonly thrown: unknown[]
  readonly server: ReturnType<typeof host>
  readonly client: ReturnType<typeof host>
  /** `connect` from the client; what happens to the socket at the end of the test is no uncaught error. */
  connect(options: Partial<SocketOptions>): StackSocket
  /** `createServer` at the server, likewise. */
  serve(options?: ServerOptions, onConnection?: (socket: StackSocket) => void): StackServer
  /** Moves time until the promise settles. */
  run<T>(promise: Promise<T>): Promise<T>
  /** Moves time until the event; its arguments. */
  event(emitter: EventEmitter, name: string): Promise<unknown[]>
}

function host(clock: ManualClock, options: TcpOptions, thrown: unknown[]) {
  return createStack({ clock, onError: (error) => thrown.push(error), plugins: [ipv4(), ipv6(), tcp(options), udp()] })
}

export async function network(options: TcpOptions = {}): Promise<Network> {
  const clock = manualClock()
  const thrown: unknown[] = []
  const [left, right] = pipe({ latency: 1 })
  const server = host(clock, options, thrown)
  const client = host(clock, options, thrown)
  await clock.until(server.addNic(left, { name: 'eth0', addresses: ['10.0.0.1/24', 'fd00::1/64'], skipDuplicateDetection: true }))
  await clock.until(client.addNic(right, { name: 'eth0', addresses: ['10.0.0.2/24', 'fd00::2/64'], skipDuplicateDetection: true }))
  const made: Network = {
    clock, thrown, server, client,
    connect: (options) => connect(client, { host: '10.0.0.1', port: 7, ...options }).on('error', () => undefined),
    serve: (options, onConnection) => createServer(server, options, onConnection).on('connection', (socket: StackSocket) => socket.on('error', () => undefined)),
    run: (promise) => clock.until(promise),
    event: (emitter, name) => clock.until(once(emitter, name)),
  }
  open.push(made)
  return made
}

// Whatever a test left open ends with its stacks, and nothing stays behind.
afterEach(async () => {
  for (const { clock, thrown, server, client } of open.splice(0)) {
    server.destroy()
    client.destroy()
    await clock.settle()
    expect(thrown).toEqual([])
    expect([...leaksOf(server), ...leaksOf(client)]).toEqual([])
  }
})

/** Everything a stream has, as one buffer. */
export async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The same bytes every time, different at every offset that matters. */
export function pattern(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  let state = 1
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
    bytes[i] = state >>> 16
  }
  return bytes
}
