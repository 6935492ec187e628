import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { secureRandom, seededRandom, systemClock, type Wakeable } from '@stack/core'
import { createHostClock, type HostFunctions } from '../src/host/system-clock.ts'

interface Handle {
  readonly task: () => void
  readonly delay: number
  isRef: boolean
  ref(): void
  unref(): void
}

/** A host whose timeouts and immediates are served by hand. */
class FakeHost implements HostFunctions {
  time = 0
  timeouts: Handle[] = []
  immediates: (() => void)[] = []
  started = 0
  readonly performance = { now: () => this.time }
  readonly Date = { now: () => 1_700_000_000_000 + this.time }
  readonly setImmediate: HostFunctions['setImmediate'] = (task) => this.immediates.push(task)
  readonly MessageChannel: HostFunctions['MessageChannel']

  setTimeout(task: () => void, delay: number): unknown {
    this.started++
    const handle: Handle = {
      task,
      delay,
      isRef: true,
      ref: () => (handle.isRef = true),
      unref: () => (handle.isRef = false),
    }
    this.timeouts.push(handle)
    return handle
  }

  clearTimeout(handle: never): void {
    this.timeouts = this.timeouts.filter((other) => other !== handle)
  }

  /** Serves the only timeout that would not hold the process. */
  fire(time: number): void {
    this.time = time
    const handle = this.timeouts.find((other) => !other.isRef)!
    this.clearTimeout(handle as never)
    handle.task()
  }
}

/** A browser: numbers for handles, no immediates. */
class FakeBrowser extends FakeHost {
  readonly posted: (() => void)[] = []
  override readonly setImmediate = undefined
  override readonly MessageChannel = channel(this.posted)

  override setTimeout(task: () => void, delay: number): unknown {
    super.setTimeout(task, delay)
    return this.started
  }
}

function channel(posted: (() => void)[]): NonNullable<HostFunctions['MessageChannel']> {
  return class {
    readonly port1: { onmessage: ((event: never) => void) | null } = { onmessage: null }
    readonly port2 = { postMessage: (): void => void posted.push(() => this.port1.onmessage?.(undefined as never)) }
  }
}

describe('the alarm', () => {
  it('is one timeout, which a later deadline leaves alone', () => {
    const host = new FakeHost()
    const clock = createHostClock(host)
    const fired: number[] = []
    const timer = clock.scheduler.timers.create((now) => fired.push(now))
    timer.arm(100)
    timer.arm(300)
    expect(host.timeouts.map((handle) => handle.delay)).toEqual([100])
    host.fire(100)
    expect(fired).toEqual([])
    expect(host.timeouts.map((handle) => handle.delay)).toEqual([200])
    host.fire(300)
    expect(fired).toEqual([300])
    expect(host.timeouts).toHaveLength(0)
  })

  it('is left alone when the scheduler asks for a later one', () => {
    const host = new FakeHost()
    const clock = createHostClock(host)
    clock.setAlarm(100)
    clock.setAlarm(300)
    clock.setAlarm(Infinity)
    clock.setAlarm(200)
    expect(host.started).toBe(1)
  })

  it('moves to an earlier deadline', () => {
    const host = new FakeHost()
    const { timers } = createHostClock(host).scheduler
    timers.create(() => {}).arm(100)
    timers.create(() => {}).arm(50)
    expect(host.timeouts.map((handle) => handle.delay)).toEqual([50])
  })

  it('is never early: hosts round down, deadlines have fractions', () => {
    const host = new FakeHost()
    let fired = 0
    createHostClock(host).scheduler.timers.create(() => fired++).arm(10.25)
    expect(host.timeouts[0]!.delay).toBe(11)
    host.fire(10.2)
    expect(fired).toBe(0)
    expect(host.timeouts[0]!.delay).toBe(1)
    host.fire(10.25)
    expect(fired).toBe(1)
  })

  it('may be further away than a host can count', () => {
    const host = new FakeHost()
    let fired = 0
    const month = 30 * 86_400_000
    createHostClock(host).scheduler.timers.create(() => fired++).arm(month)
    expect(host.timeouts[0]!.delay).toBe(0x7fff_ffff)
    host.fire(0x7fff_ffff)
    expect(host.timeouts[0]!.delay).toBe(month - 0x7fff_ffff)
    host.fire(month)
    expect(fired).toBe(1)
  })

  it('does not hold the process', () => {
    const host = new FakeHost()
    createHostClock(host).scheduler.timers.create(() => {}).arm(10)
    expect(host.timeouts.map((handle) => handle.isRef)).toEqual([false])
  })
})

describe('holds', () => {
  it('are one timeout with a ref, in Node', () => {
    const host = new FakeHost()
    const { scheduler } = createHostClock(host)
    for (let i = 0; i < 3; i++) {
      scheduler.ref()
      expect(host.timeouts.map((handle) => handle.isRef)).toEqual([true])
      scheduler.unref()
      expect(host.timeouts.map((handle) => handle.isRef)).toEqual([false])
    }
    expect(host.started).toBe(1)
  })

  it('outlast the longest timeout', () => {
    const host = new FakeHost()
    const { scheduler } = createHostClock(host)
    scheduler.ref()
    const [handle] = host.timeouts.splice(0)
    handle!.task()
    expect(host.timeouts.map((other) => other.isRef)).toEqual([true])
  })

  it('are nothing in a browser', () => {
    const host = new FakeBrowser()
    createHostClock(host).scheduler.ref()
    expect(host.posted).toHaveLength(0)
  })
})

describe('macrotasks', () => {
  it('are immediates while the process is held, and else timeouts that do not hold it', () => {
    const host = new FakeHost()
    const clock = createHostClock(host)
    clock.macrotask(() => {})
    expect(host.immediates).toHaveLength(0)
    expect(host.timeouts.map(({ delay, isRef }) => [delay, isRef])).toEqual([[0, false]])
    clock.hold(true)
    clock.macrotask(() => {})
    expect(host.immediates).toHaveLength(1)
  })

  it('are messages where there are no immediates', () => {
    const host = new FakeBrowser()
    const clock = createHostClock(host)
    const seen: number[] = []
    clock.macrotask(() => seen.push(1))
    clock.macrotask(() => {
      throw new Error('boom')
    })
    clock.macrotask(() => seen.push(2))
    expect(seen).toEqual([])
    expect(() => host.posted[1]!()).not.toThrow()
    expect(() => host.posted[0]!()).toThrow('boom')
    host.posted[2]!()
    expect(seen).toEqual([1, 2])
  })
})

describe('the system clock', () => {
  it('is one for the realm', () => {
    expect(systemClock()).toBe(systemClock())
    expect((globalThis as unknown as Record<symbol, unknown>)[Symbol.for('@stack/core/clock/1')]).toBe(systemClock())
  })

  it('reads monotonic and wall time', () => {
    const clock = systemClock()
    const before = clock.now()
    expect(clock.now()).toBeGreaterThanOrEqual(before)
    expect(Math.abs(clock.wallNow() - Date.now())).toBeLessThan(1000)
  })

  it('fires timers, never early, and runs user code after the call that caused it', async () => {
    const { scheduler } = systemClock()
    scheduler.ref()
    const deadline = scheduler.now + 3.3
    const fired = await new Promise<number>((resolve) => {
      scheduler.timers.create(resolve).arm(deadline)
    })
    expect(fired).toBeGreaterThanOrEqual(deadline)

    const order: string[] = []
    await new Promise((resolve) => {
      scheduler.wake({ waking: false, wake: () => resolve(order.push('wake')) })
      scheduler.run()
      order.push('caller')
    })
    expect(order).toEqual(['caller', 'wake'])
    scheduler.unref()
  })

  it.each(['held', 'not held'])('lets the host live while handlers play ping-pong for ever (%s)', async (held) => {
    const { scheduler } = systemClock()
    if (held === 'held') scheduler.ref()
    const game = { isOver: false }
    let rounds = 0
    const player = (other: () => Wakeable): Wakeable => ({
      waking: false,
      wake: () => {
        rounds++
        // As an async handler does.
        void Promise.resolve().then(() => {
          if (game.isOver) return
          scheduler.wake(other())
          scheduler.run()
        })
      },
    })
    const ping: Wakeable = player(() => pong)
    const pong: Wakeable = player(() => ping)
    scheduler.wake(ping)
    scheduler.run()
    await new Promise((resolve) => setTimeout(resolve, 1))
    await new Promise((resolve) => setImmediate(resolve))
    game.isOver = true
    expect(rounds).toBeGreaterThan(10)
    if (held === 'held') scheduler.unref()
  })
})

describe('a Node process', () => {
  const node = (script: string): { status: number | null; stdout: string } => {
    const program = `import { systemClock } from '@stack/core'; const { scheduler } = systemClock(); ${script}`
    const flags = ['--conditions=@stack/source', '--import', 'tsx', '--input-type=module', '--eval', program]
    const { status, stdout } = spawnSync(process.execPath, flags, { cwd: import.meta.dirname, encoding: 'utf8', timeout: 20_000 })
    return { status, stdout }
  }

  it('lives while the scheduler is held, and ends with the last hold', () => {
    const held = node(`scheduler.ref()
      scheduler.timers.create(() => { console.log('fired'); scheduler.unref() }).armAfter(20)`)
    expect(held).toEqual({ status: 0, stdout: 'fired\n' })
  })

  it('is not held by timers, nor by traffic without end', () => {
    const free = node(`scheduler.timers.create(() => console.log('fired')).armAfter(5000)
      const work = { queued: false, poll(budget) { return budget } }
      scheduler.enqueue(work)`)
    expect(free).toEqual({ status: 0, stdout: '' })
  })
})

describe('secureRandom', () => {
  it('gives different words and fills any length', () => {
    const random = secureRandom()
    const words = new Set(Array.from({ length: 5000 }, () => random.uint32()))
    expect(words.size).toBeGreaterThan(4990)
    for (const word of words) expect(word).toBe(word >>> 0)
    for (const length of [0, 1, 3, 4095, 4096, 4097, 70_000]) {
      const bytes = new Uint8Array(length + 1)
      random.fill(bytes.subarray(0, length))
      expect(bytes[length]).toBe(0)
      if (length > 1000) expect(new Set(bytes).size).toBe(256)
    }
  })

  it('never hands out a byte twice, whatever is asked for in between', () => {
    const pool: number[] = []
    const original = globalThis.crypto.getRandomValues.bind(globalThis.crypto)
    let counter = 0
    globalThis.crypto.getRandomValues = ((bytes: Uint8Array) => {
      const words = new Uint32Array(bytes.buffer)
      for (let i = 0; i < words.length; i++) words[i] = ++counter * 0x01000193
      pool.push(words.length)
      return bytes
    }) as typeof globalThis.crypto.getRandomValues
    try {
      const random = secureRandom()
      const seen = new Set<number>()
      const odd = new Uint8Array(3)
      for (let i = 0; i < 3000; i++) {
        const word = random.uint32()
        expect(word).not.toBe(0)
        expect(seen.has(word)).toBe(false)
        seen.add(word)
        if (i % 7 === 0) random.fill(odd)
      }
      expect(pool.length).toBeGreaterThan(2)
    } finally {
      globalThis.crypto.getRandomValues = original
    }
  })
})

describe('seededRandom', () => {
  it('gives the same numbers for the same seed, others for another', () => {
    const numbers = (seed: number): number[] => {
      const random = seededRandom(seed)
      return Array.from({ length: 8 }, () => random.uint32())
    }
    expect(numbers(42)).toEqual(numbers(42))
    expect(numbers(42)).not.toEqual(numbers(43))
    expect(numbers(-1)).toEqual(numbers(0xffff_ffff))
  })

  it('spreads evenly over [0, 1)', () => {
    const random = seededRandom(1)
    const bins = new Array<number>(16).fill(0)
    for (let i = 0; i < 160_000; i++) bins[Math.floor(random.next() * 16)]!++
    expect(bins).toHaveLength(16)
    for (const count of bins) expect(Math.abs(count - 10_000)).toBeLessThan(400)
  })
})
