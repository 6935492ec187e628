import type { Packet } from '@stack/buffer'
import { createStack } from '@stack/core'
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
