import { createStack, fifo } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { pipe } from '@stack/link-pipe'
import { leaksOf, manualClock } from '@stack/testing'
import { expect, test } from 'vitest'
import { tcp } from '../src/index.ts'
import { deterministic, pattern } from './support/peer.ts'

test('connections that find the queue of the NIC full wait for room, and drop hardly anything', async () => {
  const clock = manualClock()
  const client = createStack({ plugins: [ipv4(), tcp()], clock, secureRandom: deterministic() })
  const server = createStack({ plugins: [ipv4(), tcp()], clock, secureRandom: deterministic() })
  const [left, right] = pipe({ limit: 4, latency: 1 })
  await client.addNic(left, { addresses: ['10.0.0.1/24'], qdisc: fifo({ limit: 8 }) })
  await server.addNic(right, { addresses: ['10.0.0.2/24'] })
  const listener = server.tcp.listen({ port: 7 })
  const connections = 20
  const bytes = 30_000
  let total = 0
  const reading: Promise<void>[] = []
  for (let i = 0; i < connections; i++) {
    const one = await clock.until(client.tcp.connect({ host: '10.0.0.2', port: 7 }))
    const other = (await clock.until(listener.accept()))!
    void one.write(pattern(bytes, i), { end: true })
    reading.push((async () => {
      for await (const chunk of other) total += chunk.length
    })())
  }
  const begun = clock.now()
  await clock.until(Promise.all(reading))
  expect(total).toBe(connections * bytes)
  const sent = client.statistics().totals
  const packets = Math.ceil((connections * bytes) / 1448)
  // One refusal for each time that the queue was found full, not one for each connection and 10 ms.
  expect(sent['dropQueueFull']).toBeLessThan(packets / 2)
  // Four packets a millisecond is what the pipe takes.
  expect(clock.now() - begun).toBeLessThan(packets)
  client.destroy()
  server.destroy()
  await clock.settle()
  expect([...leaksOf(client), ...leaksOf(server)]).toEqual([])
})
