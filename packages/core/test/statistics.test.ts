import { expect, it } from 'vitest'
import { createStatistics } from '../src/stack/statistics.ts'

it('sums what is registered under one path', () => {
  const statistics = createStatistics()
  const one = { received: 1, dropTooShort: 0 }
  const two = { received: 10, sent: 5 }
  statistics.register('ipv4', one)
  statistics.register('ipv4', two)
  one.received++
  expect(statistics.snapshot()).toEqual({ ipv4: { received: 12, dropTooShort: 0, sent: 5 } })
})

it('keeps what was counted when its owner goes, once', () => {
  const statistics = createStatistics()
  const counters = { segmentsIn: 3 }
  const remove = statistics.register('tcp', counters)
  remove()
  remove()
  counters.segmentsIn = 100
  expect(statistics.snapshot()['tcp']).toEqual({ segmentsIn: 3 })
  statistics.register('tcp', { segmentsIn: 4 })
  expect(statistics.snapshot()['tcp']).toEqual({ segmentsIn: 7 })
})

it('counts an object twice when it is registered twice', () => {
  const statistics = createStatistics()
  const counters = { x: 1 }
  const remove = statistics.register('a', counters)
  statistics.register('b', counters)
  remove()
  expect(statistics.snapshot()).toEqual({ a: { x: 1 }, b: { x: 1 } })
})

it('totals sum counters of one name over all paths', () => {
  const statistics = createStatistics()
  statistics.register('nic1', { dropNoMemory: 1, rxPackets: 7 })
  statistics.register('nic2', { dropNoMemory: 2 })
  const remove = statistics.register('tcp', { dropNoMemory: 4 })
  remove()
  expect(statistics.totals()).toEqual({ dropNoMemory: 7, rxPackets: 7 })
})

it('takes numbers only, and any name', () => {
  const statistics = createStatistics()
  statistics.register('__proto__', { constructor: 2, name: 'eth0', list: [1] })
  expect(statistics.totals()).toEqual({ constructor: 2 })
  expect(Object.keys(statistics.snapshot())).toEqual(['__proto__'])
})

it('gives snapshots that do not move', () => {
  const statistics = createStatistics()
  const counters = { x: 1 }
  statistics.register('a', counters)
  const before = statistics.snapshot()
  counters.x = 2
  expect(before).toEqual({ a: { x: 1 } })
})
