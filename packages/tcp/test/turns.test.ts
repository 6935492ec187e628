import { createPacketMemory } from '@stack/buffer'
import { createStack, seededRandom } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { pipe, type PipeOptions } from '@stack/link-pipe'
import { leaksOf, manualClock } from '@stack/testing'
import { describe, expect, test } from 'vitest'
import { tcp, type Connection } from '../src/index.ts'
import { deterministic } from './support/peer.ts'

const KIB = 1024
/** What a connection sends in one turn, and what it may have sent beyond it: the largest flight below TCP. */
const TURN = 128 * KIB
const SHORT_TURN = 16 * KIB
const BEYOND = 64 * KIB

/** Connections between two stacks on one clock: how far each is. */
async function crowd(connections: number, options: PipeOptions = {}) {
  const clock = manualClock()
  const [left, right] = pipe(options)
  const memory = createPacketMemory({ size: 128 * KIB * KIB })
  const make = (seed: number) => createStack({ plugins: [ipv4(), tcp()], clock, random: seededRandom(seed), secureRandom: deterministic(seed), memory: memory.pool() })
  const client = make(1)
  const server = make(2)
  await client.addNic(left, { addresses: ['10.0.0.1/24'] })
  await server.addNic(right, { addresses: ['10.0.0.2/24'] })
  const listener = server.tcp.listen({ port: 7 })
  const senders: Connection[] = []
  const readers: Connection[] = []
  for (let i = 0; i < connections; i++) {
    senders.push(await clock.until(client.tcp.connect({ host: '10.0.0.2', port: 7 })))
    readers.push((await clock.until(listener.accept()))!)
  }
  const got = new Array<number>(connections).fill(0)
  const bytes = new Uint8Array(16 * KIB)
  const into = new Uint8Array(16 * KIB)
  return {
    clock, senders, readers, memory,
    /** Each connection in `chosen` writes `count` bytes. */
    write: (chosen: readonly number[], count: number): void => {
      for (const i of chosen) {
        void (async () => {
          for (let sent = 0; sent < count; sent += bytes.length) await senders[i]!.write(bytes)
        })().catch(() => undefined)
      }
    },
    /** Reads `count` bytes from each in `chosen`; how far all were when the first of them had `enough`, and what was held then. */
    read: async (chosen: readonly number[], count: number, enough: number): Promise<{ got: number[]; held: number }> => {
      let answer: { got: number[]; held: number } | undefined
      await clock.until(Promise.all(chosen.map(async (i) => {
        while (got[i]! < count) {
          got[i]! += (await readers[i]!.read(into)) ?? 0
          if (got[i]! >= enough) answer ??= { got: [...got], held: memory.statistics.bytesHeld }
        }
      })))
      return answer!
    },
    end: async (): Promise<void> => {
      client.destroy()
      server.destroy()
      await clock.settle()
      expect([...leaksOf(client), ...leaksOf(server)]).toEqual([])
    },
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

const spread = (got: readonly number[]): number => Math.max(...got) - Math.min(...got)

describe('connections that share a NIC send in turns', () => {
  test('of 1,000 none is further ahead than a turn, and little of the memory is held', async () => {
    const { memory, write, read, end } = await crowd(1000)
    write(upTo(1000), 384 * KIB)
    const { got, held } = await read(upTo(1000), 384 * KIB, 320 * KIB)
    expect(spread(got)).toBeLessThanOrEqual(TURN + BEYOND)
    expect(held).toBeLessThan(memory.size / 2)
    await end()
  })

  test('short ones while a slow link is what they wait for', async () => {
    const { write, read, end } = await crowd(50, { latency: 1, limit: 16 })
    write(upTo(50), 320 * KIB)
    const { got } = await read(upTo(50), 320 * KIB, 256 * KIB)
    expect(spread(got)).toBeLessThanOrEqual(SHORT_TURN + 2 * BEYOND)
    await end()
  })

  test('those whose peers do not read keep nobody waiting', async () => {
    const { memory, senders, write, read, end } = await crowd(300)
    const reading = [7, 77, 277]
    write(upTo(300), 1024 * KIB)
    const { got, held } = await read(reading, 1024 * KIB, 768 * KIB)
    expect(spread(reading.map((i) => got[i]!))).toBeLessThanOrEqual(TURN + BEYOND)
    expect(held).toBeLessThan(memory.size)
    expect(senders.every(({ state }) => state === 'established')).toBe(true)
    await end()
  })

  test.each([0, 256 * KIB])('a small request of who has sent %i bytes before goes before the next turns of those who send much', async (before) => {
    const { clock, senders, readers, write, read, end } = await crowd(100)
    write([99], before)
    await read([99], before, before)
    await clock.advance(10)
    write(upTo(99), 512 * KIB)
    const sent = (): number => senders.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0)
    const others = read(upTo(99).slice(1), 512 * KIB, 256 * KIB)
    let answered = 0
    // In the middle of it.
    const first = async (): Promise<void> => {
      const into = new Uint8Array(16 * KIB)
      for (let got = 0; got < 200 * KIB; ) got += (await readers[0]!.read(into))!
      const asked = sent()
      void readers[99]!.read(into).then(() => {
        answered = sent() - asked
      })
      void senders[99]!.write(new Uint8Array(10))
    }
    await clock.until(first())
    await others
    await clock.settle()
    expect(answered).toBeGreaterThan(0)
    expect(answered).toBeLessThan(16 * TURN)
    await end()
  })
})
