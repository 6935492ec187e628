import { seededRandom } from '@stack/core'
import { expect, test } from 'vitest'
import { AgeList } from '../src/age-list.ts'

class Item {
  older: Item | null = null
  newer: Item | null = null
}

test('AgeList agrees with a Set, order included, under additions and removals', () => {
  const random = seededRandom(5)
  const items = Array.from({ length: 20 }, () => new Item())
  const list = new AgeList<Item>()
  const model = new Set<Item>()
  for (let i = 0; i < 2000; i++) {
    const one = items[random.uint32() % items.length]!
    expect(list.has(one)).toBe(model.has(one))
    if (!model.has(one) && random.next() < 0.6) {
      list.add(one)
      model.add(one)
    } else {
      expect(list.delete(one)).toBe(model.delete(one))
    }
    expect(list.size).toBe(model.size)
    // By identity: the links of one lead to all others.
    expect(list.toArray().map((each) => items.indexOf(each))).toEqual([...model].map((each) => items.indexOf(each)))
  }
})
