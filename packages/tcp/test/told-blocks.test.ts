import { expect, test } from 'vitest'
import { ToldBlocks } from '../src/told-blocks.ts'

test('a block is known as far as the ACK before told it', () => {
  const told = new ToldBlocks()
  expect(told.upTo(100)).toBe(100)
  told.add(100, 200)
  told.add(300, 400)
  // Not while the ACK is looked at.
  expect(told.upTo(100)).toBe(100)
  told.turn()
  expect([100, 150, 300].map((left) => told.upTo(left))).toEqual([200, 150, 400])
  told.add(300, 500)
  told.turn()
  expect([100, 300].map((left) => told.upTo(left))).toEqual([100, 500])
})

test('nothing is known when records changed meanwhile', () => {
  const told = new ToldBlocks()
  told.add(-100, 100)
  told.turn()
  told.forget()
  expect(told.upTo(-100)).toBe(-100)
  told.turn()
  expect(told.upTo(-100)).toBe(-100)
})
