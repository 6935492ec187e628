import { describe, expect, it } from 'vitest'
import { createScheduler, type Clock, type Dirty, type Pollable, type Wakeable } from '@stack/core'
import { FakeClock } from './fake-clock.ts'

const log: string[] = []

function setup(): FakeClock {
  log.length = 0
  return new FakeClock()
}

/** A link with `waiting` packets. */
function link(name: string, waiting: number, onPacket?: () => void): Pollable & { waiting: number } {
  return {
    queued: false,
    waiting,
    poll(budget) {
      const count = Math.min(budget, this.waiting)
      this.waiting -= count
      log.push(`${name} ${count}`)
      for (let i = 0; i < count; i++) onPacket?.()
      return count
    },
  }
}

function endpoint(name: string, flush?: () => void): Dirty {
  return {
    dirty: false,
    flushOutput() {
      log.push(`flush ${name}`)
      flush?.()
    },
  }
}

function handler(name: string, run?: () => void): Wakeable {
  return {
    waking: false,
    wake() {
      log.push(`wake ${name}`)
      run?.()
    },
  }
}

describe('order in a turn', () => {
  it('lets what endpoints sent leave in the same round', () => {
    const { scheduler } = setup()
    const queue = link('queue', 1)
    scheduler.markDirty(endpoint('tcp', () => {
      scheduler.enqueue(queue)
      scheduler.pollLink(link('eth0', 1))
    }))
    scheduler.turn()
    expect(log).toEqual(['flush tcp', 'queue 1', 'eth0 1'])
  })

  it('is timers, links, run queue, dirty endpoints, wake-ups', () => {
    const { scheduler } = setup()
    scheduler.wake(handler('app'))
    scheduler.markDirty(endpoint('tcp'))
    scheduler.enqueue(link('loop', 1))
    scheduler.pollLink(link('eth0', 1))
    scheduler.timers.create(() => log.push('timer')).arm(0)
    scheduler.turn()
    expect(log).toEqual(['timer', 'eth0 1', 'loop 1', 'flush tcp', 'wake app'])
    expect(scheduler.isIdle).toBe(true)
  })

  it('gives links 64 packets each, round robin, and flushes once a round', () => {
    const { scheduler } = setup()
    const tcp = endpoint('tcp')
    scheduler.pollLink(link('a', 130, () => scheduler.markDirty(tcp)))
    scheduler.pollLink(link('b', 65))
    scheduler.turn()
    expect(log).toEqual(['a 64', 'b 64', 'flush tcp', 'a 64', 'b 1', 'flush tcp', 'a 2', 'flush tcp'])
  })

  it('drains the run queue before it flushes, however often packets loop', () => {
    const { scheduler } = setup()
    let hops = 3
    const loop = link('loop', 1, () => {
      if (--hops > 0) {
        loop.waiting++
        scheduler.enqueue(loop)
      }
    })
    scheduler.markDirty(endpoint('tcp'))
    scheduler.enqueue(loop)
    scheduler.turn()
    expect(log).toEqual(['loop 1', 'loop 1', 'loop 1', 'flush tcp'])
  })

  it('wakes only when everything else is drained, and drains again what user code caused', () => {
    const { scheduler } = setup()
    const more = link('more', 1)
    const tcp = endpoint('tcp', () => scheduler.pollLink(more))
    scheduler.wake(handler('first', () => scheduler.markDirty(tcp)))
    scheduler.wake(handler('second'))
    scheduler.pollLink(link('eth0', 65))
    scheduler.turn()
    expect(log).toEqual(['eth0 64', 'eth0 1', 'wake first', 'wake second', 'flush tcp', 'more 1'])
  })

  it('lets no crowd wait for more packets, and those come behind what promises say', () => {
    for (const count of [7, 8]) {
      const clock = setup()
      const { scheduler } = clock
      for (let i = 0; i < count; i++) scheduler.wake(handler('app', i === 0 ? () => clock.microtask(() => log.push('promise')) : undefined))
      scheduler.pollLink(link('eth0', 65))
      clock.runMicrotasks()
      const wakes = new Array<string>(count).fill('wake app')
      expect(log).toEqual(count < 8 ? ['eth0 64', 'eth0 1', ...wakes, 'promise'] : ['eth0 64', ...wakes, 'promise', 'eth0 1'])
      expect(scheduler.isIdle).toBe(true)
    }
  })

  it('queues everything once', () => {
    const { scheduler } = setup()
    const items = { link: link('eth0', 1), work: link('loop', 1), dirty: endpoint('tcp'), wake: handler('app') }
    for (let i = 0; i < 3; i++) {
      scheduler.pollLink(items.link)
      scheduler.enqueue(items.work)
      scheduler.markDirty(items.dirty)
      scheduler.wake(items.wake)
    }
    scheduler.turn()
    expect(log).toEqual(['eth0 1', 'loop 1', 'flush tcp', 'wake app'])
    expect([items.link.queued, items.work.queued, items.dirty.dirty, items.wake.waking]).toEqual([false, false, false, false])
  })

  it('is the order of queueing, also while queues grow', () => {
    const { scheduler } = setup()
    const late = Array.from({ length: 100 }, (_, i) => handler(String(i)))
    for (let i = 0; i < 5; i++) scheduler.wake(handler('early', () => late.splice(0, 20).forEach((item) => scheduler.wake(item))))
    scheduler.turn()
    expect(log.slice(5)).toEqual(Array.from({ length: 100 }, (_, i) => `wake ${i}`))
  })

  it('reads the clock before each link batch', () => {
    const clock = setup()
    const times: number[] = []
    clock.costOfReading = 0.25
    for (const name of ['a', 'b', 'c']) clock.scheduler.pollLink(link(name, 1, () => times.push(clock.scheduler.now)))
    clock.scheduler.turn()
    expect(times).toEqual([0.25, 0.5, 0.75])
  })

  it('does not start a turn in a turn', () => {
    const { scheduler } = setup()
    const tcp = endpoint('tcp')
    scheduler.pollLink(
      link('eth0', 1, () => {
        expect(scheduler.inTurn).toBe(true)
        expect(scheduler.isIdle).toBe(false)
        scheduler.markDirty(tcp)
        scheduler.run()
        scheduler.turn()
        expect(log).toEqual(['eth0 1'])
      }),
    )
    scheduler.turn()
    expect(log).toEqual(['eth0 1', 'flush tcp'])
    expect(scheduler.inTurn).toBe(false)
  })
})

describe('turns that calls start', () => {
  it('run at once, and user code in a microtask after them', () => {
    const clock = setup()
    const { scheduler } = clock
    scheduler.wake(handler('app'))
    scheduler.pollLink(link('eth0', 1))
    scheduler.run()
    expect(log).toEqual(['eth0 1'])
    expect(clock.microtasks).toHaveLength(1)
    clock.runMicrotasks()
    expect(log).toEqual(['eth0 1', 'wake app'])
    expect(clock.macrotasks).toHaveLength(0)
  })

  it('settle promises at their end: what runs no user code need not wait', () => {
    const clock = setup()
    const { scheduler } = clock
    const eth0 = link('eth0', 0)
    scheduler.wake(handler('app'))
    scheduler.wake({
      waking: false,
      settlesOnly: true,
      wake() {
        log.push('settle')
        eth0.waiting = 1
        scheduler.pollLink(eth0)
      },
    })
    scheduler.run()
    // What it raised belongs to the turn; user code does not.
    expect(log).toEqual(['settle', 'eth0 1'])
    clock.runMicrotasks()
    expect(log).toEqual(['settle', 'eth0 1', 'wake app'])
  })

  it('flush an endpoint without a microtask that finds nothing to do', () => {
    const clock = setup()
    const tcp = endpoint('tcp')
    clock.scheduler.flush(tcp)
    expect(log).toEqual(['flush tcp'])
    expect(tcp.dirty).toBe(false)
    expect(clock.microtasks).toHaveLength(0)
  })

  it('flush an endpoint once, when it is called within a turn', () => {
    const { scheduler } = setup()
    const tcp = endpoint('tcp')
    scheduler.pollLink(link('eth0', 2, () => {
      scheduler.flush(tcp)
    }))
    scheduler.run()
    expect(log).toEqual(['eth0 2', 'flush tcp'])
  })

  it('flush what is patient behind user code, once with what user code adds', () => {
    const { scheduler } = setup()
    const tcp = endpoint('tcp')
    const quiet = endpoint('quiet')
    scheduler.pollLink(link('eth0', 1, () => {
      scheduler.markPatient(tcp)
      scheduler.markPatient(tcp)
      scheduler.markPatient(quiet)
      scheduler.wake(handler('user', () => scheduler.flush(tcp)))
    }))
    scheduler.turn()
    expect(log).toEqual(['eth0 1', 'wake user', 'flush tcp', 'flush quiet'])
    expect(scheduler.isIdle).toBe(true)
  })

  it('do not hold back what is patient when they may not run, nor what is dirty as well', () => {
    const clock = setup()
    const { scheduler } = clock
    const tcp = endpoint('tcp')
    scheduler.pollLink(link('eth0', 1, () => {
      scheduler.markPatient(tcp)
      scheduler.wake(handler('user'))
    }))
    scheduler.run()
    expect(log).toEqual(['eth0 1', 'flush tcp'])
    clock.runMicrotasks()
    log.length = 0
    scheduler.pollLink(link('eth0', 1, () => {
      scheduler.markPatient(tcp)
      scheduler.markDirty(tcp)
      scheduler.wake(handler('user'))
    }))
    scheduler.turn()
    expect(log.slice(0, 3)).toEqual(['eth0 1', 'flush tcp', 'wake user'])
  })

  it('flush what is late in a turn of its own, behind the promises that were settled and those that their callers wait for', () => {
    const clock = setup()
    const { scheduler } = clock
    scheduler.pollLink(link('eth0', 1, () => {
      scheduler.markLate(endpoint('tcp'))
      scheduler.markLate(endpoint('other'))
      clock.microtask(() => log.push('settled'))
    }))
    scheduler.run()
    clock.microtask(() => log.push('awaited'))
    expect(log).toEqual(['eth0 1'])
    clock.runMicrotasks()
    expect(log).toEqual(['eth0 1', 'settled', 'awaited', 'flush tcp', 'flush other'])
    expect(scheduler.isIdle).toBe(true)
  })

  it('do not flush what is late once more when it left meanwhile, and again when there is more', () => {
    const clock = setup()
    const { scheduler } = clock
    const tcp = endpoint('tcp')
    const eth0 = link('eth0', 1, () => {
      scheduler.markLate(tcp)
      scheduler.markLate(tcp)
    })
    scheduler.pollLink(eth0)
    scheduler.run()
    scheduler.flush(tcp)
    clock.runMicrotasks()
    expect(log).toEqual(['eth0 1', 'flush tcp'])
    eth0.waiting = 1
    scheduler.pollLink(eth0)
    scheduler.run()
    clock.runMicrotasks()
    expect(log).toEqual(['eth0 1', 'flush tcp', 'eth0 1', 'flush tcp'])
  })

  it('flush what comes last when there is nothing else to do, and what follows the promises has been through', () => {
    const clock = setup()
    const { scheduler } = clock
    const eth0 = link('eth0', 65)
    scheduler.markLast(endpoint('last'))
    scheduler.markLast(endpoint('behind it'))
    scheduler.wake(handler('reader', () => clock.microtask(() => {
      log.push('goes on')
      scheduler.markDirty(endpoint('answer'))
    })))
    scheduler.pollLink(eth0)
    clock.runMicrotasks()
    expect(log).toEqual(['eth0 64', 'eth0 1', 'wake reader', 'goes on', 'flush answer', 'flush last', 'flush behind it'])
    expect(scheduler.isIdle).toBe(true)
  })

  it('do not begin what comes last in a call, whose caller may have more', () => {
    const clock = setup()
    const { scheduler } = clock
    scheduler.markLast(endpoint('last'))
    scheduler.flush(endpoint('call'))
    expect(log).toEqual(['flush call'])
    scheduler.flush(endpoint('the next'))
    clock.runMicrotasks()
    expect(log).toEqual(['flush call', 'flush the next', 'flush last'])
  })

  it('flush what comes last after a few macrotasks, however much there is to do', () => {
    const clock = setup()
    const { scheduler } = clock
    const busy = link('busy', Infinity)
    scheduler.pollLink(busy)
    scheduler.markLast(endpoint('last'))
    let macrotasks = 0
    for (; !log.includes('flush last') && macrotasks < 20; macrotasks++) scheduler.turn()
    expect(macrotasks).toBe(5)
  })

  it('are not needed by what is late outside a turn', () => {
    const clock = setup()
    clock.scheduler.markLate(endpoint('tcp'))
    clock.runMicrotasks()
    expect(log).toEqual(['flush tcp'])
  })

  it('are not needed by what is patient outside a turn', () => {
    const clock = setup()
    clock.scheduler.markPatient(endpoint('tcp'))
    expect(log).toEqual([])
    clock.runMicrotasks()
    expect(log).toEqual(['flush tcp'])
  })

  it('run what those wake-ups raised inside the same microtask', () => {
    const clock = setup()
    const second = handler('second')
    clock.scheduler.wake(handler('first', () => clock.scheduler.wake(second)))
    clock.scheduler.run()
    expect(log).toEqual([])
    expect(clock.runMicrotasks()).toBe(1)
    expect(log).toEqual(['wake first', 'wake second'])
  })

  it('are not needed: what is queued outside a turn gets one', () => {
    for (const queue of ['pollLink', 'enqueue', 'markDirty', 'wake'] as const) {
      const clock = setup()
      if (queue === 'pollLink' || queue === 'enqueue') clock.scheduler[queue](link('x', 1))
      else if (queue === 'markDirty') clock.scheduler.markDirty(endpoint('x'))
      else clock.scheduler.wake(handler('x'))
      expect(clock.scheduler.isIdle).toBe(false)
      expect(log).toEqual([])
      clock.runMicrotasks()
      expect(log).toHaveLength(1)
      expect(clock.scheduler.isIdle).toBe(true)
    }
  })
})

describe('the budget', () => {
  it('ends a turn after 4,096 packets with a macrotask', () => {
    const clock = setup()
    const eth0 = link('eth0', 10_000)
    clock.scheduler.pollLink(eth0)
    clock.scheduler.turn()
    expect(eth0.waiting).toBe(10_000 - 4096)
    expect(clock.macrotasks).toHaveLength(1)
    clock.runMacrotasks()
    expect(eth0.waiting).toBe(10_000 - 2 * 4096)
    clock.runMacrotasks()
    expect(eth0.waiting).toBe(0)
    expect(clock.macrotasks).toHaveLength(0)
  })

  it('ends a turn after 5 ms', () => {
    const clock = setup()
    const eth0 = link('eth0', 4000, () => (clock.time += 1 / 64))
    clock.scheduler.pollLink(eth0)
    clock.scheduler.turn()
    expect(eth0.waiting).toBe(4000 - 5 * 64)
    expect(clock.macrotasks).toHaveLength(1)
  })

  it('lets ACKs and user code have their share of every turn', () => {
    const clock = setup()
    const flood = link('flood', Infinity)
    const app = handler('app')
    const tcp = endpoint('tcp', () => clock.scheduler.wake(app))
    clock.scheduler.pollLink(flood)
    for (let i = 0; i < 3; i++) {
      clock.scheduler.markDirty(tcp)
      if (i === 0) clock.scheduler.turn()
      else clock.runMacrotasks()
    }
    expect(log.filter((entry) => entry === 'flush tcp')).toHaveLength(3)
    expect(log.filter((entry) => entry === 'wake app')).toHaveLength(3)
  })

  it('refuses further turns until the macrotask came', () => {
    const clock = setup()
    const { scheduler } = clock
    scheduler.pollLink(link('flood', 5000))
    scheduler.run()
    log.length = 0
    scheduler.run()
    scheduler.wake(handler('app'))
    clock.runMicrotasks()
    expect(log).toEqual([])
    clock.runMacrotasks()
    expect(log.at(-1)).toBe('wake app')
  })

  it('counts over turns that microtasks chain: ping-pong of handlers cannot starve the host', () => {
    const clock = setup()
    const { scheduler } = clock
    // As promise continuations do: each handler's answer is a call of its own.
    const player = (name: string, other: () => Wakeable): Wakeable =>
      handler(name, () => {
        clock.microtask(() => {
          scheduler.wake(other())
          scheduler.run()
        })
      })
    const ping: Wakeable = player('ping', () => pong)
    const pong: Wakeable = player('pong', () => ping)
    scheduler.wake(ping)
    scheduler.run()
    const microtasks = clock.runMicrotasks()
    expect(microtasks).toBeGreaterThan(1000)
    expect(clock.macrotasks).toHaveLength(1)
    log.length = 0
    clock.runMacrotasks()
    expect(log.length).toBeGreaterThan(1000)
    expect(clock.macrotasks).toHaveLength(1)
  })

  it('counts the time that chained microtasks take between turns', () => {
    const clock = setup()
    const { scheduler } = clock
    let calls = 0
    const slow: Wakeable = {
      waking: false,
      wake: () => {
        clock.microtask(() => {
          calls++
          clock.time += 1 // user code, outside any turn
          scheduler.wake(slow)
          scheduler.run()
        })
      },
    }
    scheduler.wake(slow)
    scheduler.run()
    clock.runMicrotasks()
    expect(calls).toBeLessThan(25)
    expect(clock.macrotasks).toHaveLength(1)
  })

  it('does not count idle time between unrelated calls', () => {
    const clock = setup()
    for (let i = 0; i < 10; i++) {
      clock.time += 1000
      clock.scheduler.pollLink(link('eth0', 1))
      clock.scheduler.run()
    }
    expect(log).toHaveLength(10)
    expect(clock.macrotasks).toHaveLength(0)
  })

  it('bounds links that have nothing and ask again', () => {
    const clock = setup()
    const idle: Pollable = {
      queued: false,
      poll: () => {
        clock.scheduler.pollLink(idle)
        return 0
      },
    }
    clock.scheduler.pollLink(idle)
    clock.scheduler.turn()
    expect(clock.macrotasks).toHaveLength(1)
  })

  it('bounds timers that are due again at once, and endpoints that are dirty again at once', () => {
    const clock = setup()
    const { scheduler } = clock
    let fired = 0
    const timer = scheduler.timers.create(() => {
      fired++
      timer.armAfter(0)
    })
    timer.arm(0)
    const tcp: Dirty = { dirty: false, flushOutput: () => scheduler.markDirty(tcp) }
    scheduler.markDirty(tcp)
    scheduler.turn()
    expect(fired).toBeLessThanOrEqual(4096)
    expect(fired).toBeGreaterThan(100)
    expect(clock.macrotasks).toHaveLength(1)
  })
})

describe('errors', () => {
  it('of every phase are reported, and the rest goes on', () => {
    const clock = setup()
    const { scheduler, errors } = clock
    const fail = (name: string) => (): never => {
      throw new Error(name)
    }
    scheduler.timers.create(fail('timer')).arm(0)
    scheduler.timers.create(() => log.push('timer')).arm(0)
    scheduler.pollLink(link('bad', 1, fail('link')))
    scheduler.pollLink(link('eth0', 1))
    scheduler.enqueue(link('bad', 1, fail('work')))
    scheduler.enqueue(link('loop', 1))
    scheduler.markDirty(endpoint('bad', fail('flush')))
    scheduler.markDirty(endpoint('tcp'))
    scheduler.wake(handler('bad', fail('wake')))
    scheduler.wake(handler('app'))
    scheduler.turn()
    expect(errors.map((error) => (error as Error).message)).toEqual(['timer', 'link', 'work', 'flush', 'wake'])
    expect(log.filter((entry) => !entry.includes('bad'))).toEqual(['timer', 'eth0 1', 'loop 1', 'flush tcp', 'wake app'])
    expect(scheduler.inTurn).toBe(false)
  })

  it('are thrown from a macrotask when nobody wants them, or when the reporter throws', () => {
    for (const onError of [undefined, (): never => { throw new Error('boom') }]) { // prettier-ignore
      const clock = setup()
      const scheduler = createScheduler(clock, onError)
      scheduler.wake(handler('app', () => { throw new Error('boom') })) // prettier-ignore
      scheduler.turn()
      expect(clock.macrotasks).toHaveLength(1)
      expect(() => clock.runMacrotasks()).toThrow('boom')
    }
  })
})

describe('time', () => {
  it('is read from the clock outside a turn, and stands still within a batch', () => {
    const clock = setup()
    const { scheduler } = clock
    clock.time = 3_000_000_000.5
    expect(scheduler.now).toBe(3_000_000_000.5)
    // int32 µs, wrapping
    expect(scheduler.micros).toBe(Number(BigInt.asIntN(32, 3_000_000_000_500n)))
    scheduler.pollLink(
      link('eth0', 2, () => {
        clock.time += 1
        expect(scheduler.now).toBe(3_000_000_000.5)
      }),
    )
    scheduler.turn()
  })

  it('asks the clock for one alarm, at the exact deadline of the next timer', () => {
    const clock = setup()
    const { scheduler } = clock
    const fired: number[] = []
    const late = scheduler.timers.create((now) => fired.push(now))
    const early = scheduler.timers.create((now) => fired.push(now))
    late.arm(1000.75)
    expect(clock.alarm).toBe(1000.75)
    early.arm(10.125)
    expect(clock.alarm).toBe(10.125)
    clock.advanceTo(10.124)
    expect(fired).toEqual([])
    clock.advanceTo(5000)
    expect(fired).toEqual([10.125, 1000.75])
    expect(clock.alarm).toBe(Infinity)
    expect(scheduler.nextDeadline).toBe(Infinity)
  })

  it('asks once a turn, not once a timer', () => {
    const clock = setup()
    const { scheduler } = clock
    let deadline = 1000
    scheduler.pollLink(link('eth0', 50, () => scheduler.timers.create(() => {}).arm(deadline--)))
    const before = clock.alarms
    scheduler.turn()
    expect(clock.alarms - before).toBe(1)
  })

  it('arms relative to the clock outside a turn, and to the batch inside', () => {
    const clock = setup()
    const { scheduler } = clock
    clock.time = 500
    const timer = scheduler.timers.create(() => {})
    timer.armAfter(20)
    expect(timer.deadline).toBe(520)
    scheduler.pollLink(
      link('eth0', 1, () => {
        clock.time += 7
        timer.armAfter(30)
      }),
    )
    scheduler.turn()
    expect(timer.deadline).toBe(530)
    expect(clock.alarm).toBeLessThanOrEqual(530)
    clock.advanceTo(530)
    expect(timer.armed).toBe(false)
  })

  it('sets the alarm again when the clock calls during a turn', () => {
    const clock = setup()
    const { scheduler } = clock
    const timer = scheduler.timers.create(() => log.push('fired'))
    timer.arm(100)
    scheduler.pollLink(
      link('eth0', 1, () => {
        clock.alarm = Infinity // used up
        scheduler.turn()
      }),
    )
    scheduler.turn()
    expect(clock.alarm).toBe(100)
  })
})

describe('holds', () => {
  it('are counted, and told to the clock when the first comes and the last goes', () => {
    const { scheduler, held } = setup()
    scheduler.ref()
    scheduler.ref()
    scheduler.unref()
    expect(held).toEqual([true])
    scheduler.unref()
    scheduler.unref()
    scheduler.ref()
    expect(held).toEqual([true, false, true])
  })
})

it('a scheduler needs nothing but the functions of a clock', () => {
  const functions: Omit<Clock, 'scheduler'> = new FakeClock()
  expect(createScheduler(functions).isIdle).toBe(true)
})
