import type { Packet } from '@stack/buffer'
import { createStack } from '@stack/core'
import { pipe } from '@stack/link-pipe'
import { expect, test } from 'vitest'

test('a stack of this run has 64 packet slots', () => {
  const stack = createStack({ plugins: [] })
  const { memory } = stack
  const taken: Packet[] = []
  for (let packet = memory.allocateControl(0, 100); packet !== null; packet = memory.allocateControl(0, 100)) taken.push(packet)
  expect(taken).toHaveLength(64)
  for (const packet of taken) packet.release()
  stack.destroy()
})

test('its NICs have no offloads', async () => {
  const stack = createStack({ plugins: [] })
  const nic = await stack.addNic(pipe()[0])
  expect(nic.networkInterface.gsoMaxSize).toBe(0)
  stack.destroy()
})
