import { createPacketMemory, type PacketPool, type PacketPoolOptions } from '@stack/buffer'
import { netem } from '@stack/link-netem'
import { pipe } from '@stack/link-pipe'
import { leaksOf, manualClock, type ManualClock } from '@stack/testing'
import { describe, expect, it } from 'vitest'
import { fullStack, LEFT, RIGHT, type FullStack } from './support/world.ts'

/** Packets and chunks that each stack may hold; STACK_TEST_SLOTS=48 adds one more run. */
const SLOTS = [Infinity, 1000, 64, ...(process.env['STACK_TEST_SLOTS'] === undefined ? [] : [Number(process.env['STACK_TEST_SLOTS'])])]
const LOSSY = 'a wire that loses, swaps and doubles'

const WIRES = {
  'a bare wire': () => pipe({ latency: 2 }),
  'Ethernet': () => pipe({ framing: 'ethernet', latency: 2 }),
  [LOSSY]: () => {
    const [left, right] = pipe({ latency: 2 })
    const trouble = { loss: 0.02, reorder: 0.05, duplicate: 0.02, delay: 1, jitter: 1, seed: 7 } as const
    return [netem(left, trouble), netem(right, { ...trouble, seed: 8 })] as const
  },
} as const

interface World {
  readonly clock: ManualClock
  readonly left: FullStack
  readonly right: FullStack
  readonly end: () => void
}

/** Two stacks on a wire, each with slots or bytes of its own. */
async function world(wire: keyof typeof WIRES, limit: number | PacketPoolOptions, seed = 1): Promise<World> {
  const clock = manualClock()
  const options = typeof limit === 'object' ? limit : limit === Infinity ? null : { slots: limit }
  const memory = (): PacketPool | undefined => (options === null ? undefined : createPacketMemory({ size: 32 << 20 }).pool(options))
  const left = fullStack({ clock, name: 'left', memory: memory(), seed })
  const right = fullStack({ clock, name: 'right', memory: memory(), seed: seed + 100 })
  const [a, b] = WIRES[wire]()
  await left.addNic(a, { addresses: LEFT, skipDuplicateDetection: true })
  await right.addNic(b, { addresses: RIGHT, skipDuplicateDetection: true })
  return {
    clock, left, right,
    end() {
      left.destroy()
      right.destroy()
      expect([...leaksOf(left), ...leaksOf(right)]).toEqual([])
    },
  }
}

/** Bytes that tell their place. */
function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255)
}

/** Half a megabyte each way at once over one connection, and everything given back. */
async function carryBothWays({ clock, left, right, end }: World, host: string): Promise<void> {
  const data = pattern(1 << 19)
  const listener = right.tcp.listen({ port: 80 })
  const connecting = left.tcp.connect({ host, port: 80 })
  const client = await clock.until(connecting)
  const server = (await clock.until(listener.accept()))!
  const carry = async (from: typeof client, to: typeof client): Promise<Uint8Array> => {
    const written = from.write(data, { end: true })
    const received = new Uint8Array(data.length)
    let length = 0
    for await (const chunk of to) {
      received.set(chunk, length)
      length += chunk.length
    }
    await written
    return received.subarray(0, length)
  }
  const [there, back] = await clock.until(Promise.all([carry(client, server), carry(server, client)]), 3_600_000)
  expect(Buffer.compare(there, data)).toBe(0)
  expect(Buffer.compare(back, data)).toBe(0)
  await clock.until(Promise.all([client.close(), server.close()]))
  end()
}

const KiB = 1024
describe.each([{ quota: 128 * KiB }, { quota: 192 * KiB }, { quota: 256 * KiB }, { slots: 64 }, { slots: 48 }])('with %o, most of which can wait for a retransmission', (limit) => {
  it.each(['10.0.0.2', 'fd00::2'])('TCP carries half a megabyte each way at once to %s', async (host) => {
    for (let seed = 1; seed <= 5; seed++) await carryBothWays(await world(LOSSY, limit, seed), host)
  })
})

describe.each(SLOTS)('with %d slots', (slots) => {
  describe.each(Object.keys(WIRES) as (keyof typeof WIRES)[])('over %s', (wire) => {
    describe.each(['10.0.0.2', 'fd00::2'])('to %s', (host) => {
      it('TCP carries half a megabyte each way at once', async () => {
        await carryBothWays(await world(wire, slots), host)
      })

      it('many connections at once', async () => {
        const { clock, left, right, end } = await world(wire, slots)
        const listener = right.tcp.listen({ port: 80 })
        listener.setHandler((connection) => {
          const echo = async (): Promise<void> => {
            for await (const chunk of connection) await connection.write(chunk)
            await connection.close()
          }
          echo().catch(() => undefined)
        })
        const request = async (i: number): Promise<boolean> => {
          const connection = await left.tcp.connect({ host, port: 80 })
          const data = pattern(2000 + i)
          await connection.write(data, { end: true })
          const parts: Uint8Array[] = []
          for await (const chunk of connection) parts.push(chunk)
          await connection.close()
          return Buffer.compare(Buffer.concat(parts), data) === 0
        }
        const results = await clock.until(Promise.all(Array.from({ length: 40 }, (_, i) => request(i))), 3_600_000)
        expect(results).toEqual(Array.from({ length: 40 }, () => true))
        end()
      })

      it('UDP datagrams arrive whole or not at all, and senders hear of room', async () => {
        const { clock, left, right, end } = await world(wire, slots)
        // A datagram of 9,000 bytes sits in a slot of 68 KiB.
        const server = right.udp.bind({ port: 7, receiveBuffer: 4 << 20 })
        const sizes = [0, 1, 100, 1472, 1473, 4000, 9000]
        const datagrams = sizes.map(pattern)
        let received = 0
        let wrong = 0
        server.setHandler({
          datagram(data) {
            received++
            const whole = datagrams[sizes.indexOf(data.length)]
            if (whole === undefined || Buffer.compare(data, whole) !== 0) wrong++
          },
        })
        const client = left.udp.connect({ host, port: 7 })
        let sent = 0
        let wanted = 0
        const pump = (): void => {
          while (sent < wanted && client.send(datagrams[sent % datagrams.length]!)) sent++
        }
        client.setHandler({ writable: pump })
        // The next hop becomes known first: what waits for it is bounded.
        client.send(datagrams[0]!)
        await clock.advance(1000)
        for (let round = 0; round < 100; round++) {
          wanted += 20
          pump()
          await clock.advance(10)
        }
        await clock.advance(10_000)
        expect(sent).toBe(2000)
        expect(wrong).toBe(0)
        if (wire === LOSSY || slots < 100) expect(received).toBeGreaterThan(200)
        else expect(received).toBe(2001)
        end()
      })
    })
  })
})
