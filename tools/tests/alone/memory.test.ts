import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createStack, type Timer } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { pipe } from '@stack/link-pipe'
import { tcp, type Connection } from '@stack/tcp'
import { manualClock, type ManualClock } from '@stack/testing'
import { expect, test } from 'vitest'

/** Bytes of text in a full segment of an MTU of 1,500, with timestamps. */
const SEGMENT = 1448
/** Packets between two looks at the heap. */
const ROUND = 100_000

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

async function bytesInUse(): Promise<number> {
  // Finalizers of one collection make garbage for the next.
  for (let i = 0; i < 3; i++) {
    gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + external + arrayBuffers
}

async function pair(clock: ManualClock) {
  const [left, right] = pipe()
  const client = createStack({ plugins: [ipv4(), tcp()], clock })
  const server = createStack({ plugins: [ipv4(), tcp()], clock })
  await client.addNic(left, { addresses: ['10.0.0.1/24'] })
  await server.addNic(right, { addresses: ['10.0.0.2/24'] })
  const listener = server.tcp.listen({ port: 7 })
  return {
    open: async (): Promise<[Connection, Connection]> => {
      const one = await clock.until(client.tcp.connect({ host: '10.0.0.2', port: 7 }))
      return [one, listener.tryAccept()!]
    },
    end: () => {
      client.destroy()
      server.destroy()
    },
  }
}

test('an end of an idle connection takes less than 2 KiB', async () => {
  const clock = manualClock()
  const { open, end } = await pair(clock)
  const ends: Connection[] = []
  // What the first ones make once: compiled code, tables.
  for (let i = 0; i < 2000; i++) ends.push(...(await open()))
  const before = await bytesInUse()
  const first = ends.length
  for (let i = 0; i < 10_000; i++) ends.push(...(await open()))
  // The timers of the handshakes.
  await clock.advance(5000)
  const each = ((await bytesInUse()) - before) / (ends.length - first)
  end()
  expect(each).toBeLessThan(2048)
})

test('a timer that has fired keeps none of those that fired with it', async () => {
  const clock = manualClock()
  const stack = createStack({ plugins: [], clock })
  const start = (): Timer => {
    const timer = stack.timers.create(() => undefined)
    timer.armAfter(10_000)
    return timer
  }
  const kept = [start()]
  const beside = new WeakRef(start())
  kept.push(start())
  await clock.advance(20_000)
  await bytesInUse()
  expect(kept.map((timer) => timer.armed)).toEqual([false, false])
  expect(beside.deref()).toBeUndefined()
  stack.destroy()
})

test('packets leave nothing on the heap', async () => {
  const clock = manualClock()
  const { open, end } = await pair(clock)
  const [one, other] = await open()
  const data = new Uint8Array(64 * 1024)
  const into = new Uint8Array(64 * 1024)
  let got = 0
  let wanted = 0
  other.setHandler({
    readable: () => {
      for (let count = other.tryRead(into); typeof count === 'number'; count = other.tryRead(into)) got += count
    },
  })
  const push = (): void => {
    while (wanted > 0) {
      const count = one.tryWrite(data)
      if (count === 0) return
      wanted -= count
    }
  }
  one.setHandler({ writable: push })
  const move = (packets: number): void => {
    got = 0
    wanted = packets * SEGMENT
    const all = wanted
    push()
    while (got < all) clock.advanceSync(1)
  }
  // Slots are made when they are first taken, and code is compiled: that ends, and what packets left would not.
  let least = Infinity
  for (let round = 0; round < 5; round++) {
    const before = await bytesInUse()
    move(ROUND)
    least = Math.min(least, ((await bytesInUse()) - before) / ROUND)
  }
  end()
  // The smallest object takes 16.
  expect(least).toBeLessThan(8)
}, 120_000)
