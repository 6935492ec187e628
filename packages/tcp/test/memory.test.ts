import { createPacketMemory } from '@stack/buffer'
import { createStack } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { loopback } from '@stack/link-loopback'
import { leaksOf, manualClock } from '@stack/testing'
import { expect, test } from 'vitest'
import { tcp } from '../src/index.ts'
import { deterministic, pattern } from './support/peer.ts'

test('with little packet memory writes wait, nothing is lost, nothing throws', async () => {
  const clock = manualClock()
  const memory = createPacketMemory({ size: 2 << 20 }).pool({ quota: 600_000 })
  const stack = createStack({ plugins: [ipv4(), tcp()] as const, clock, memory, secureRandom: deterministic() })
  await stack.addNic(loopback({ mtu: 1500 }), { addresses: ['127.0.0.1/8'] })
  const listener = stack.tcp.listen({ port: 7 })
  const work = Array.from({ length: 6 }, async (_, i) => {
    const client = await stack.tcp.connect({ host: '127.0.0.1', port: 7 })
    await client.write(pattern(200_000, i), { end: true })
  })
  let total = 0
  const reading = (async () => {
    const readers: Promise<void>[] = []
    for (let i = 0; i < 6; i++) {
      const server = (await listener.accept())!
      readers.push((async () => {
        for await (const chunk of server) total += chunk.length
      })())
    }
    await Promise.all(readers)
  })()
  await clock.until(Promise.all([...work, reading]), 3_600_000)
  expect(total).toBe(1_200_000)
  expect(memory.statistics.refused).toBeGreaterThan(0)
  stack.destroy()
  await clock.settle()
  expect(leaksOf(stack)).toEqual([])
})

test('idle connections hold no packet memory and no armed timer', async () => {
  const clock = manualClock()
  const stack = createStack({ plugins: [ipv4(), tcp()] as const, clock, secureRandom: deterministic() })
  await stack.addNic(loopback(), { addresses: ['127.0.0.1/8'] })
  const listener = stack.tcp.listen({ port: 7 })
  const open = []
  for (let i = 0; i < 50; i++) {
    open.push(await clock.until(stack.tcp.connect({ host: '127.0.0.1', port: 7 })))
    const server = (await clock.until(listener.accept()))!
    await open[i]!.write(pattern(100))
    await clock.settle()
    await server.readSome()
  }
  await clock.advance(10_000)
  expect(stack.memory).toMatchObject({ packets: 0, chunks: 0 })
  const armed = stack.timers.armed
  expect(armed).toBe(0)
  stack.destroy()
  await clock.settle()
})
