import { afterEach, describe, expect, it, vi } from 'vitest'
import { measure, type Figure } from '../src/measure.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** Figures one after the other. */
function figures(...values: readonly number[]): () => Promise<Figure> {
  let next = 0
  return () => {
    const value = values[next++]!
    return Promise.resolve({ value, cpu: value / 10 })
  }
}

describe('measure', () => {
  it('leaves out the first run, and gives medians and the spread', async () => {
    const result = await measure({ name: 'row', unit: '/s', run: figures(1000, 10, 30, 20), peers: { other: figures(1000, 5, 7, 6) } }, 3)
    expect(result).toEqual({
      name: 'row', unit: '/s', median: 20, min: 10, max: 30, runs: 3, node: process.version, cpu: 2, peers: { other: 6 }, peersCpu: { other: 0.6 },
    })
  })

  it('alternates with the peers', async () => {
    const order: string[] = []
    const work = (name: string) => (): Promise<Figure> => {
      order.push(name)
      return Promise.resolve({ value: 1 })
    }
    await measure({ name: 'row', unit: '/s', run: work('ours'), peers: { theirs: work('theirs') } }, 2)
    expect(order).toEqual(['ours', 'theirs', 'ours', 'theirs', 'ours', 'theirs'])
  })

  it('goes on without a peer that fails, and says so', async () => {
    const said = vi.spyOn(console, 'error').mockReturnValue(undefined)
    const fails = (): Promise<Figure> => Promise.reject(new Error('not today'))
    const result = await measure({ name: 'row', unit: '/s', run: figures(1, 2), peers: { fails, works: figures(1, 4) } }, 1)
    expect(result.peers).toEqual({ works: 4 })
    expect(said.mock.calls).toEqual([['row: without fails: not today']])
  })
})
