import type { Connection, TcpOptions } from '@stack/tcp'
import { rate, type Figure } from '../measure.ts'
import { bytesInUse } from '../memory.ts'
import { makePair, type Pair } from '../pair.ts'
import { ADDRESSES } from './connections.ts'

const PORT = 5005
/** Connections from one host to one address, safely below the ephemeral ports that there are. */
const PER_ADDRESS = 12_500
/** ms until the last timer of a handshake has gone. */
const SETTLED = 1500

interface Ends {
  readonly clients: Connection[]
  readonly servers: Connection[]
}

/** MB/s of many connections together, through awaited calls of `size` bytes, each reader into an array of its own. */
export async function bulkOfMany(connections: number, bytes: number, size: number): Promise<Figure> {
  const pair = await makePair()
  const { clients, servers } = await openMany(pair, connections)
  const share = Math.ceil(bytes / connections / size) * size
  const chunk = new Uint8Array(size).fill(7)
  const result = await rate((share * connections) / 1e6, async () => {
    await Promise.all([...clients.map((client) => send(client, chunk, share)), ...servers.map((server) => receive(server, share, size))])
  })
  pair.close()
  return result
}

/** Bytes that an end of an idle connection takes: objects, buffers, its public object and its entry in the demultiplexer. */
export async function idleBytes(connections: number): Promise<Figure> {
  const pair = await makePair({}, Math.ceil(connections / PER_ADDRESS))
  const before = await bytesInUse()
  const { clients, servers } = await openMany(pair, connections)
  await new Promise((resolve) => setTimeout(resolve, SETTLED))
  const after = await bytesInUse()
  pair.close()
  return { value: (after - before) / (clients.length + servers.length) }
}

/** `work` between two stacks that have `connections` idle ones, whose last timers have gone. */
export async function besideIdle(connections: number, work: (pair: Pair) => Promise<Figure>, tcpOptions: TcpOptions = {}): Promise<Figure> {
  const pair = await makePair({}, Math.max(ADDRESSES, Math.ceil(connections / PER_ADDRESS)), tcpOptions)
  const { clients, servers } = await openMany(pair, connections)
  await new Promise((resolve) => setTimeout(resolve, SETTLED))
  const result = await work(pair)
  for (const each of [...clients, ...servers]) if (each.state !== 'established') throw new Error(`An idle connection is ${each.state}.`)
  pair.close()
  return result
}

async function openMany({ client, server, hosts }: Pair, connections: number): Promise<Ends> {
  const listener = server.tcp.listen({ port: PORT })
  const clients: Connection[] = []
  const servers: Connection[] = []
  for (let i = 0; i < connections; i++) {
    clients.push(await client.tcp.connect({ host: hosts[i % hosts.length]!, port: PORT }))
    servers.push((await listener.accept())!)
  }
  return { clients, servers }
}

async function send(connection: Connection, chunk: Uint8Array, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes; sent += chunk.length) await connection.write(chunk)
}

async function receive(connection: Connection, bytes: number, size: number): Promise<void> {
  const into = new Uint8Array(size)
  for (let got = 0; got < bytes; ) {
    const count = await connection.read(into)
    if (count === null) throw new Error('The stream ended early.')
    got += count
  }
}
