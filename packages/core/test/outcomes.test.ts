import { createPacketMemory, PacketList, type Packet } from '@stack/buffer'
import { describe, expect, test } from 'vitest'
import { createNeighborEntry } from '../src/neighbor/neighbor-entry.ts'
import { Outcomes, type Waiter } from '../src/neighbor/outcomes.ts'
import { mappedAddress } from '../src/address/address.ts'

const pool = createPacketMemory({ size: 1 << 20 }).pool({ slots: 64 })
const packet = (): Packet => pool.allocate(0, 100)!

function setUp(): { outcomes: Outcomes; told: Packet[]; errors: unknown[]; enqueued: () => number } {
  const told: Packet[] = []
  const errors: unknown[] = []
  let enqueued = 0
  const scheduler = { enqueue: () => { enqueued++ } }
  const host = { scheduler, onError: (error: unknown) => errors.push(error) } as unknown as Outcomes['host']
  return { outcomes: new Outcomes(host, (each) => told.push(each)), told, errors, enqueued: () => enqueued }
}

const waiter = (callback: Waiter['callback']): Waiter => ({ callback, linkAddress: null, failure: null })

describe('outcomes of a resolution', () => {
  test('a budget is for packets and callers together, and what it does not reach waits', () => {
    const { outcomes, told } = setUp()
    const answered: number[] = []
    for (let i = 0; i < 3; i++) outcomes.fail(packet())
    for (let i = 0; i < 3; i++) outcomes.settle(waiter(() => answered.push(i)), null, 'EHOSTUNREACH')
    expect(outcomes.poll(2)).toBe(2)
    expect([told.length, answered]).toEqual([2, []])
    expect(outcomes.poll(3)).toBe(3)
    expect([told.length, answered]).toEqual([3, [0, 1]])
    expect(outcomes.poll(64)).toBe(1)
    expect(answered).toEqual([0, 1, 2])
    expect(outcomes.poll(64)).toBe(0)
  })

  test('an empty list is no reason for a turn; a full one is taken over', () => {
    const { outcomes, told, enqueued } = setUp()
    const list = new PacketList()
    outcomes.failAll(list)
    expect(enqueued()).toBe(0)
    list.push(packet())
    outcomes.failAll(list)
    expect([enqueued(), list.length]).toEqual([1, 0])
    outcomes.poll(64)
    expect(told.length).toBe(1)
  })

  test('a caller that left is passed over; one that throws is reported, and those behind it are answered', () => {
    const { outcomes, errors } = setUp()
    const answers: unknown[] = []
    const address = new Uint8Array([2, 0, 0, 0, 0, 1])
    outcomes.settle(waiter(null), null, null)
    outcomes.settle(waiter(() => { throw new Error('mine') }), null, null)
    outcomes.settle(waiter((...answer) => answers.push(answer)), address, null)
    expect(outcomes.poll(64)).toBe(3)
    expect(errors).toMatchObject([{ message: 'mine' }])
    expect(answers).toEqual([[address, null]])
  })
})

describe('an entry of the neighbour table', () => {
  test('begins without a state that anybody sees', () => {
    expect(createNeighborEntry(mappedAddress(0x0a000001))).toMatchObject({ state: 'incomplete', isRouter: false, attached: false, wanted: false, inUse: false })
  })

  test.each(['incomplete', 'reachable', 'stale', 'delay', 'probe', 'static'] as const)('is seen as %s', (nud) => {
    const entry = createNeighborEntry(mappedAddress(0x0a000001))
    entry.nud = nud
    expect(entry.state).toBe(nud)
    expect(entry.inUse).toBe(nud === 'static')
  })

  test('is in use while packets or callers wait for it', () => {
    const entry = createNeighborEntry(mappedAddress(0x0a000001))
    entry.queue.push(packet())
    expect(entry.inUse).toBe(true)
    entry.queue.shift()!.release()
    entry.waiters.push(waiter(null))
    expect(entry.inUse).toBe(true)
    entry.waiters.pop()
    expect(entry.inUse).toBe(false)
  })
})
