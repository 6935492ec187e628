import { describe, expect, test } from 'vitest'
import { isStackError } from '@stack/core'
import { pipe } from '@stack/link-pipe'
import { netem } from '../src/index.ts'
import { bench } from './support.ts'

describe('delay', () => {
  test('holds every packet for the same time', async () => {
    const b = bench({ delay: 30 })
    b.near.send(...b.numbered(2))
    await b.clock.advance(10)
    b.near.send(...b.numbered(1, 100, 2))
    await b.clock.advance(100)

    expect(b.numbers(b.far)).toEqual([0, 1, 2])
    expect(b.times(b.far)).toEqual([30, 30, 40])
    expect(b.leftovers()).toEqual({ packets: 0, timers: 0 })
  })

  test('is for the direction that was asked for', async () => {
    const b = bench({ delay: 30, direction: 'in' })
    b.near.send(...b.numbered(1))
    b.far.send(...b.numbered(1))
    await b.clock.advance(100)

    expect(b.times(b.far)).toEqual([0])
    expect(b.times(b.near)).toEqual([30])
    expect(b.near.flushes).toBeGreaterThan(0)
  })

  test('both ways', async () => {
    const b = bench({ delay: 30, direction: 'both' })
    b.near.send(...b.numbered(1))
    b.far.send(...b.numbered(1))
    await b.clock.advance(100)

    expect(b.times(b.far)).toEqual([30])
    expect(b.times(b.near)).toEqual([30])
  })

  test('hands in what came with its protocol', async () => {
    const b = bench({ delay: 5, direction: 'in' })
    b.far.send([0x60, 0, 0, 0])
    await b.clock.advance(10)

    expect(b.near.received.map(({ protocol }) => protocol)).toEqual([0x86dd])
  })
})

describe('jitter', () => {
  test('spreads the delay and keeps the order', async () => {
    const b = bench({ delay: 50, jitter: 40, seed: 7 })
    for (let i = 0; i < 200; i++) {
      b.near.send(...b.numbered(1, 100, i))
      await b.clock.advance(1)
    }
    await b.clock.advance(200)

    expect(b.numbers(b.far)).toEqual(Array.from({ length: 200 }, (_, i) => i))
    const delays = b.times(b.far).map((at, i) => at - i)
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(10)
    expect(Math.max(...delays)).toBeLessThanOrEqual(90)
    expect(new Set(delays.map(Math.round)).size).toBeGreaterThan(10)
  })

  test('never makes the delay negative', async () => {
    const b = bench({ jitter: 100, seed: 3 })
    b.near.send(...b.numbered(50))
    await b.clock.advance(200)

    expect(b.times(b.far).every((at) => at >= 0 && at <= 100)).toBe(true)
  })
})

describe('loss', () => {
  test('drops about that part, and the counters add up', async () => {
    const b = bench({ loss: 0.25, seed: 1 })
    for (let i = 0; i < 40; i++) {
      b.near.send(...b.numbered(25))
      await b.clock.advance(1)
    }

    const { out } = b.link.statistics
    expect(out.packets).toBe(1000)
    expect(out.bytes).toBe(100_000)
    expect(out.lost + out.delivered).toBe(1000)
    expect(out.lost).toBeGreaterThan(200)
    expect(out.lost).toBeLessThan(300)
    expect(b.far.received).toHaveLength(out.delivered)
    expect(b.leftovers().packets).toBe(0)
  })

  test('0 and 1 are exact', async () => {
    const none = bench({ loss: 0, seed: 1 })
    none.near.send(...none.numbered(100))
    await none.clock.advance(1)
    expect(none.far.received).toHaveLength(100)

    const all = bench({ loss: 1, seed: 1 })
    all.near.send(...all.numbered(100))
    await all.clock.advance(1)
    expect(all.far.received).toHaveLength(0)
    expect(all.near.memory.packets).toBe(0)
  })
})

describe('seed', () => {
  const run = async (seed: number): Promise<string> => {
    const b = bench({ delay: 20, jitter: 10, loss: 0.1, duplicate: 0.1, reorder: 0.1, corrupt: 0.1, direction: 'both', seed })
    for (let i = 0; i < 100; i++) {
      b.near.send(...b.numbered(1, 60, i))
      b.far.send(...b.numbered(1, 60, i))
      await b.clock.advance(1)
    }
    await b.clock.advance(100)
    return JSON.stringify([b.near.receivedHex, b.times(b.near), b.far.receivedHex, b.times(b.far)])
  }

  test('the same one gives the same packets at the same times', async () => {
    expect(await run(42)).toBe(await run(42))
    expect(await run(42)).not.toBe(await run(43))
  })

  test('traffic one way does not change what happens the other way', async () => {
    const lostOf = async (busy: boolean): Promise<number[]> => {
      const b = bench({ loss: 0.5, direction: 'both', seed: 9 })
      for (let i = 0; i < 50; i++) {
        if (busy) b.far.send(...b.numbered(1))
        b.near.send(...b.numbered(1, 100, i))
        await b.clock.advance(1)
      }
      return b.numbers(b.far)
    }

    expect(await lostOf(true)).toEqual(await lostOf(false))
  })
})

describe('reorder', () => {
  test('lets packets overtake', async () => {
    const b = bench({ delay: 20, reorder: 0.2, seed: 5 })
    for (let i = 0; i < 100; i++) {
      b.near.send(...b.numbered(1, 100, i))
      await b.clock.advance(1)
    }
    await b.clock.advance(100)

    const numbers = b.numbers(b.far)
    expect([...numbers].sort((x, y) => x - y)).toEqual(Array.from({ length: 100 }, (_, i) => i))
    expect(numbers).not.toEqual([...numbers].sort((x, y) => x - y))
    expect(b.link.statistics.out.reordered).toBeGreaterThan(5)
    expect(b.leftovers()).toEqual({ packets: 0, timers: 0 })
  })

  test('a packet that overtook goes at once', async () => {
    const b = bench({ delay: 20 })
    b.near.send(...b.numbered(3))
    b.link.configure({ reorder: 1 })
    b.near.send(...b.numbered(1, 100, 3))
    await b.clock.advance(100)

    expect(b.numbers(b.far)).toEqual([3, 0, 1, 2])
    expect(b.times(b.far)).toEqual([0, 20, 20, 20])
  })

  test('without anything that waits it is refused', () => {
    const [left] = pipe()
    expect(() => netem(left, { reorder: 0.1 })).toThrow(/needs a delay or a rate/)
    const link = netem(left, { reorder: 0.1, delay: 1 })
    expect(() => link.configure({ delay: 0 })).toThrow(/needs a delay or a rate/)
    expect(link.settings.delay).toBe(1)
  })
})

describe('duplicate', () => {
  test('sends packets twice, one after the other', async () => {
    const b = bench({ duplicate: 1 })
    b.near.send(...b.numbered(3))
    await b.clock.advance(1)

    expect(b.numbers(b.far)).toEqual([0, 0, 1, 1, 2, 2])
    expect(b.link.statistics.out).toMatchObject({ packets: 3, duplicated: 3, delivered: 6 })
    expect(b.leftovers().packets).toBe(0)
  })
})

describe('rate', () => {
  test('sends one packet after the other, then the delay', async () => {
    // 125 bytes are 1,000 bits: 1 ms each at 1 Mbit/s.
    const b = bench({ rate: 1_000_000, delay: 10 })
    b.near.send(...b.numbered(4, 125))
    await b.clock.advance(100)

    expect(b.times(b.far)).toEqual([11, 12, 13, 14])
  })

  test('an idle wire saves up nothing', async () => {
    const b = bench({ rate: 1_000_000 })
    b.near.send(...b.numbered(1, 125))
    await b.clock.advance(50)
    b.near.send(...b.numbered(2, 125, 1))
    await b.clock.advance(50)

    expect(b.times(b.far)).toEqual([1, 51, 52])
  })
})

describe('limit', () => {
  test('drops what does not fit, newest first', async () => {
    const b = bench({ delay: 10, limit: 3 })
    b.near.send(...b.numbered(5))
    expect(b.link.pending.out).toBe(3)
    await b.clock.advance(100)

    expect(b.numbers(b.far)).toEqual([0, 1, 2])
    expect(b.link.statistics.out.droppedQueueFull).toBe(2)
    expect(b.leftovers().packets).toBe(0)
  })

  test('is 1,000 by default', () => {
    const b = bench({ delay: 10 })
    b.near.send(...b.numbered(1010, 20))
    expect(b.link.pending.out).toBe(1000)
    expect(b.leftovers().packets).toBe(0)
  })
})

describe('back-pressure of the inner link', () => {
  test('packets that are due wait, and the sender is told when they have gone', async () => {
    const b = bench({ loss: 0 }, { limit: 4 })
    expect(b.near.send(...b.numbered(6))).toBe(6)
    expect(b.link.pending.out).toBe(2)
    expect(b.near.send(...b.numbered(1, 100, 6))).toBe(0)
    expect(b.near.writables).toBe(0)
    await b.clock.advance(1)

    expect(b.numbers(b.far)).toEqual([0, 1, 2, 3, 4, 5])
    expect(b.near.writables).toBeGreaterThan(0)
    expect(b.near.send(...b.numbered(1, 100, 6))).toBe(1)
    await b.clock.advance(1)
    expect(b.numbers(b.far)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(b.leftovers()).toEqual({ packets: 0, timers: 0 })
  })

  test('delayed packets too keep their order', async () => {
    const b = bench({ delay: 5 }, { limit: 2 })
    b.near.send(...b.numbered(9))
    await b.clock.advance(20)

    expect(b.numbers(b.far)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(b.link.statistics.out.delivered).toBe(9)
  })
})

describe('at run time', () => {
  test('an outage swallows both directions and what is under way arrives', async () => {
    const b = bench({ delay: 10 })
    b.near.send(...b.numbered(1))
    b.link.down()
    expect(b.link.isDown).toBe(true)
    b.near.send(...b.numbered(1, 100, 1))
    b.far.send(...b.numbered(1, 100, 2))
    await b.clock.advance(50)
    b.link.down(false)
    b.near.send(...b.numbered(1, 100, 3))
    b.far.send(...b.numbered(1, 100, 4))
    await b.clock.advance(50)

    expect(b.numbers(b.far)).toEqual([0, 3])
    expect(b.numbers(b.near)).toEqual([4])
    expect(b.link.statistics.out.droppedDown).toBe(1)
    expect(b.link.statistics.in.droppedDown).toBe(1)
    expect(b.near.carrier).toBe(true)
    expect(b.leftovers().packets).toBe(0)
  })

  test('configure is for the packets that come', async () => {
    const b = bench({ delay: 10 })
    b.near.send(...b.numbered(1))
    b.link.configure({ delay: 30 })
    b.near.send(...b.numbered(1, 100, 1))
    b.link.configure({ delay: 0 })
    b.near.send(...b.numbered(1, 100, 2))
    await b.clock.advance(100)

    expect(b.numbers(b.far)).toEqual([0, 1, 2])
    expect(b.times(b.far)).toEqual([10, 30, 30])
    expect(b.link.settings).toMatchObject({ delay: 0, limit: 1000 })
  })

  test.each([{ loss: 2 }, { loss: -0.1 }, { loss: NaN }, { delay: -1 }, { rate: 0 }, { limit: 0 }, { limit: 1.5 }, { lose: 1 }, { seed: 1 }])('%o is refused', (changes) => {
    const { link } = bench({})
    let error: unknown
    try {
      link.configure(changes)
    } catch (thrown) {
      error = thrown
    }
    expect(isStackError(error) && error.code).toBe('ERR_STACK_INVALID_OPTION')
  })
})

describe('life', () => {
  test('closing releases what is held and cancels timers', async () => {
    const b = bench({ delay: 1000, direction: 'both' })
    b.near.send(...b.numbered(10))
    b.far.send(...b.numbered(10))
    await b.clock.settle()
    expect(b.link.pending).toEqual({ out: 10, in: 10 })

    expect(b.leftovers()).toEqual({ packets: 0, timers: 0 })
    expect(b.link.pending).toEqual({ out: 0, in: 0 })
  })

  test('a detached link delivers nothing, and can be attached again', async () => {
    const b = bench({ delay: 10, direction: 'both' })
    b.near.send(...b.numbered(1))
    b.far.send(...b.numbered(1))
    await b.clock.settle()
    b.near.detach()
    expect(b.link.isAttached).toBe(false)
    await b.clock.advance(50)
    expect(b.far.received).toHaveLength(0)
    expect(b.near.received).toHaveLength(0)

    b.near.attach(b.link)
    b.near.send(...b.numbered(1, 100, 5))
    await b.clock.advance(50)
    expect(b.numbers(b.far)).toEqual([5])
  })

  test('a write without a NIC is released', () => {
    const b = bench({ delay: 10 })
    const packet = b.near.packet([0x45])
    b.near.detach()
    expect(b.link.writePackets([packet])).toBe(1)
    expect(b.near.memory.packets).toBe(0)
  })

  test('a NIC that goes during a delivery gets nothing more', async () => {
    const b = bench({ delay: 10, direction: 'in' })
    b.far.send(...b.numbered(5))
    const deliver = b.near.deliverNetworkPacket.bind(b.near)
    b.near.deliverNetworkPacket = (protocol, packet) => {
      deliver(protocol, packet)
      b.near.detach()
    }
    await b.clock.advance(50)

    expect(b.numbers(b.near)).toEqual([0])
    expect(b.leftovers()).toEqual({ packets: 0, timers: 0 })
  })
})

describe('around a netem', () => {
  test('the two directions differ', async () => {
    const b = bench({ delay: 10 })
    const outer = netem(b.link, { delay: 100, direction: 'in' })
    b.near.attach(outer)
    b.near.send(...b.numbered(1))
    b.far.send(...b.numbered(1))
    await b.clock.advance(200)

    expect(b.times(b.far)).toEqual([10])
    expect(b.times(b.near)).toEqual([100])
  })
})
