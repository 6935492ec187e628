import type { PacketPool } from '@stack/buffer'
import { createStack, HookPoint, seededRandom, type DropVerdict } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { loopback } from '@stack/link-loopback'
import { pipe } from '@stack/link-pipe'
import { leaksOf, manualClock, type ManualClock } from '@stack/testing'
import { describe, expect, test } from 'vitest'
import { tcp, type Connection, type ConnectOptions } from '../src/index.ts'
import { ample, deterministic, pattern } from './support/peer.ts'

const DROP: DropVerdict = { action: 'drop', reason: 'test' }

async function pair(options: { loss?: number; latency?: number; seed?: number; family?: 4 | 6; limit?: number; memory?: () => PacketPool } = {}) {
  const clock = manualClock()
  const [left, right] = pipe({ latency: options.latency ?? 1, ...(options.limit === undefined ? {} : { limit: options.limit }) })
  const make = (seed: number) =>
    createStack({ plugins: [ipv4(), ipv6(), tcp()] as const, clock, random: seededRandom(seed), secureRandom: deterministic(seed), ...(options.memory === undefined ? {} : { memory: options.memory() }) })
  const a = make(1)
  const b = make(2)
  const six = options.family === 6
  await a.addNic(left, { addresses: [six ? 'fd00::1/64' : '10.0.0.1/24'], skipDuplicateDetection: true })
  await b.addNic(right, { addresses: [six ? 'fd00::2/64' : '10.0.0.2/24'], skipDuplicateDetection: true })
  const random = seededRandom(options.seed ?? 5)
  const loss = options.loss ?? 0
  if (loss > 0) for (const stack of [a, b]) stack.hooks.add(HookPoint.Prerouting, () => (random.next() < loss ? DROP : 'accept'))
  const listener = b.tcp.listen({ port: 7 })
  const connect = async (more: Partial<ConnectOptions> = {}): Promise<[Connection, Connection]> => {
    const client = clock.until(a.tcp.connect({ host: six ? 'fd00::2' : '10.0.0.2', port: 7, ...more }))
    const server = clock.until(listener.accept())
    return [await client, (await server)!]
  }
  const end = async (): Promise<void> => {
    for (const stack of [a, b]) {
      expect(stack.statistics().protocols['tcp']!['illegalTransitions']).toBe(0)
      stack.destroy()
    }
    await clock.settle()
    expect(leaksOf(a)).toEqual([])
    expect(leaksOf(b)).toEqual([])
  }
  return { clock, a, b, listener, connect, end }
}

/** Reads everything and checks it against the pattern. */
async function drain(connection: Connection): Promise<number> {
  let total = 0
  const into = new Uint8Array(20_000)
  for (let got = await connection.read(into); got !== null; got = await connection.read(into)) {
    for (let i = 0; i < got; i++) if (into[i] !== (((total + i) * 7) & 0xff)) throw new Error(`byte ${String(total + i)} is wrong`)
    total += got
  }
  return total
}

async function both(clock: ManualClock, ...work: Promise<unknown>[]): Promise<unknown[]> {
  return await clock.until(Promise.all(work), 3_600_000)
}

describe('two stacks', () => {
  test.each([4, 6] as const)('2 MB each way over IPv%i', async (family) => {
    // Nothing is sent twice as long as there is memory for what arrives.
    const { clock, connect, end } = await pair({ family, memory: ample })
    const [client, server] = await connect()
    const data = pattern(2_000_000)
    const [, , up, down] = await both(clock, client.write(data, { end: true }), server.write(data, { end: true }), drain(server), drain(client))
    expect([up, down]).toEqual([2_000_000, 2_000_000])
    await both(clock, client.closed, server.closed)
    expect(client.info().retransmits).toBe(0)
    await end()
  })

  test.each([
    [0.01, 300_000, 1], [0.05, 200_000, 2], [0.2, 60_000, 3], [0.4, 10_000, 4],
  ])('a loss of %f', async (loss, bytes, seed) => {
    const { clock, connect, end } = await pair({ loss, seed, latency: 10 })
    const [client, server] = await connect()
    const [, total] = await both(clock, client.write(pattern(bytes), { end: true }), drain(server))
    expect(total).toBe(bytes)
    await end()
  })

  test('connections one after the other under loss leave nothing', async () => {
    const { clock, a, b, connect, end } = await pair({ loss: 0.1, seed: 9 })
    for (let i = 0; i < 20; i++) {
      const [client, server] = await connect()
      const closing = Promise.all([client.write(pattern(5000), { end: true }), drain(server).then(() => server.close()), drain(client)])
      await both(clock, closing, client.closed.catch(() => undefined))
    }
    await clock.advance(200_000)
    for (const stack of [a, b]) expect(stack.statistics().protocols['tcp']).toMatchObject({ connections: 0, timeWait: 0 })
    await end()
  })

  test('a slow reader: the window closes and opens, memory stays bounded', async () => {
    const { clock, b, connect, end } = await pair()
    const [client, server] = await connect()
    const written = client.write(pattern(3_000_000), { end: true })
    await clock.advance(5000)
    expect(server.readableLength).toBeLessThanOrEqual(1 << 20)
    expect(b.memory.held).toBeLessThan(4 << 20)
    const [, total] = await both(clock, written, drain(server))
    expect(total).toBe(3_000_000)
    await end()
  })

  test('a link that takes few packets: the stack’s own queue is no loss', async () => {
    const { clock, connect, end } = await pair({ limit: 4, latency: 1 })
    const [client, server] = await connect()
    const [, total] = await both(clock, client.write(pattern(500_000), { end: true }), drain(server))
    expect(total).toBe(500_000)
    expect(client.info()).toMatchObject({ retransmits: 0, timeouts: 0 })
    await end()
  })

  test('loopback: a stack talks to itself', async () => {
    const clock = manualClock()
    const stack = createStack({ plugins: [ipv4(), tcp()] as const, clock })
    await stack.addNic(loopback(), { addresses: ['127.0.0.1/8'] })
    const listener = stack.tcp.listen({ port: 7, host: '127.0.0.1' })
    const client = await clock.until(stack.tcp.connect({ host: '127.0.0.1', port: 7 }))
    const server = (await clock.until(listener.accept()))!
    const [, total] = await both(clock, client.write(pattern(1_000_000), { end: true }), drain(server))
    expect(total).toBe(1_000_000)
    stack.destroy()
    await clock.settle()
    expect(leaksOf(stack)).toEqual([])
  })

  test('many connections at once', async () => {
    const { clock, a, listener, end } = await pair()
    listener.setHandler((connection) => {
      void (async () => {
        for await (const chunk of connection) await connection.write(chunk)
        await connection.close()
      })()
    })
    const echoed = await both(clock, ...Array.from({ length: 200 }, async (_, i) => {
      const client = await a.tcp.connect({ host: '10.0.0.2', port: 7 })
      await client.write(pattern(1000 + i), { end: true })
      return await drain(client)
    }))
    expect(echoed).toEqual(Array.from({ length: 200 }, (_, i) => 1000 + i))
    await end()
  })
})
