import { describe, expect, it } from 'vitest'
import type { Packet } from '@stack/buffer'
import { drop, HookPoint, type HookContext, type Verdict } from '@stack/core'
import { createHooks, type HookChains } from '../src/hooks/hook-chains.ts'

const IPV4 = 0x0800
const never = (): never => {
  throw new Error('must not go on')
}

/** What a chain touches of a packet. */
function packet(): Packet & { released: number } {
  const self = { released: 0, release: () => self.released++ }
  return self as unknown as Packet & { released: number }
}

interface Bench {
  readonly hooks: HookChains
  readonly drops: string[]
  readonly errors: unknown[]
  readonly deferred: (() => void)[]
}

function bench(): Bench {
  const drops: string[] = []
  const errors: unknown[] = []
  const deferred: (() => void)[] = []
  const hooks = createHooks({
    onDrop: (reason) => drops.push(reason),
    defer: (task) => deferred.push(task),
    onError: (error) => errors.push(error),
  })
  return { hooks, drops, errors, deferred }
}

function run({ hooks }: Bench, point: HookPoint, item: Packet = packet()): string {
  return hooks.run(point, item, IPV4, 1, 2, never)
}

describe('a chain', () => {
  it('is empty until a hook is added, and after the last was removed', () => {
    const b = bench()
    expect(b.hooks.isEmpty).toEqual([true, true, true, true, true])
    const remove = b.hooks.add(HookPoint.Forward, () => 'accept')
    expect(b.hooks.isEmpty).toEqual([true, true, false, true, true])
    remove()
    remove()
    expect(b.hooks.isEmpty).toEqual([true, true, true, true, true])
    expect(run(b, HookPoint.Forward)).toBe('accept')
  })

  it('runs by priority, equal ones in order of registration', () => {
    const b = bench()
    const seen: string[] = []
    const note = (name: string) => (): Verdict => {
      seen.push(name)
      return 'accept'
    }
    b.hooks.add(HookPoint.Input, note('c'))
    b.hooks.add(HookPoint.Input, note('e'), { priority: 100 })
    b.hooks.add(HookPoint.Input, note('d'))
    b.hooks.add(HookPoint.Input, note('a'), { priority: -100, name: 'conntrack' })
    b.hooks.add(HookPoint.Input, note('b'), { priority: -100 })
    b.hooks.add(HookPoint.Output, never)
    expect(run(b, HookPoint.Input)).toBe('accept')
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  it('tells a hook where the packet is', () => {
    const b = bench()
    let seen: HookContext | undefined
    b.hooks.add(HookPoint.Forward, (_, context) => {
      seen = { ...context }
      return 'accept'
    })
    run(b, HookPoint.Forward)
    expect(seen).toEqual({ point: HookPoint.Forward, networkProtocol: IPV4, inputNic: 1, outputNic: 2 })
  })

  it('keeps the context of a hook that sends packets itself', () => {
    const b = bench()
    b.hooks.add(HookPoint.Output, () => 'accept')
    b.hooks.add(HookPoint.Input, (_, context) => {
      run(b, HookPoint.Output)
      expect(context.point).toBe(HookPoint.Input)
      return 'accept'
    })
    expect(run(b, HookPoint.Input)).toBe('accept')
    expect(b.errors).toEqual([])
  })

  it('may change while it runs', () => {
    const b = bench()
    const seen: string[] = []
    const remove = b.hooks.add(HookPoint.Input, () => {
      seen.push('once')
      remove()
      b.hooks.add(HookPoint.Input, () => {
        seen.push('new')
        return 'accept'
      })
      return 'accept'
    })
    run(b, HookPoint.Input)
    run(b, HookPoint.Input)
    expect(seen).toEqual(['once', 'new'])
  })
})

describe('verdicts', () => {
  it('drop: releases, counts the reason, and asks nobody else', () => {
    const b = bench()
    const item = packet()
    b.hooks.add(HookPoint.Input, () => drop('blocklist'))
    b.hooks.add(HookPoint.Input, never)
    expect(run(b, HookPoint.Input, item)).toBe('gone')
    expect(item.released).toBe(1)
    expect(b.drops).toEqual(['blocklist'])
  })

  it('reroute: is the result, after the other hooks', () => {
    const b = bench()
    let asked = false
    b.hooks.add(HookPoint.Output, () => 'reroute')
    b.hooks.add(HookPoint.Output, () => {
      asked = true
      return 'accept'
    })
    expect(run(b, HookPoint.Output)).toBe('reroute')
    expect(asked).toBe(true)
  })

  it('a hook that throws: drops the packet and is reported', () => {
    const b = bench()
    const item = packet()
    b.hooks.add(HookPoint.Input, never)
    expect(run(b, HookPoint.Input, item)).toBe('gone')
    expect(item.released).toBe(1)
    expect(b.drops).toEqual(['hookError'])
    expect(b.errors).toHaveLength(1)
  })
})

describe('a stolen packet', () => {
  /** A chain of three whose second hook steals once. */
  function theft(last: Verdict = 'accept') {
    const b = bench()
    const asked: string[] = []
    const resumed: [Packet, boolean][] = []
    const item = packet()
    let isThief = true
    b.hooks.add(HookPoint.Prerouting, () => (asked.push('first'), 'accept'))
    const removeThief = b.hooks.add(HookPoint.Prerouting, () => {
      asked.push('thief')
      if (!isThief) return 'accept'
      isThief = false
      return 'steal'
    })
    b.hooks.add(HookPoint.Prerouting, () => (asked.push('last'), last))
    const result = b.hooks.run(HookPoint.Prerouting, item, IPV4, 1, 0, (p, reroute) => resumed.push([p, reroute]))
    expect(result).toBe('gone')
    expect(item.released).toBe(0)
    asked.length = 0
    return { ...b, asked, resumed, item, removeThief }
  }

  it('goes on in a turn, behind the hook that stole it', () => {
    const t = theft()
    expect(t.hooks.reinject(t.item)).toBe(true)
    expect(t.resumed).toEqual([])
    t.deferred.forEach((task) => task())
    expect(t.asked).toEqual(['last'])
    expect(t.resumed).toEqual([[t.item, false]])
    expect(t.item.released).toBe(0)
  })

  it('tells its continuation of a new route', () => {
    const t = theft('reroute')
    t.hooks.reinject(t.item)
    t.deferred.forEach((task) => task())
    expect(t.resumed).toEqual([[t.item, true]])
  })

  it('may be dropped by a later hook', () => {
    const t = theft(drop('late'))
    t.hooks.reinject(t.item)
    t.deferred.forEach((task) => task())
    expect(t.resumed).toEqual([])
    expect(t.item.released).toBe(1)
    expect(t.drops).toEqual(['late'])
  })

  it('may be stolen again by a later hook', () => {
    const t = theft('steal')
    t.hooks.reinject(t.item)
    t.deferred.forEach((task) => task())
    expect(t.resumed).toEqual([])
    expect(t.hooks.reinject(t.item)).toBe(true)
    t.deferred[1]!()
    expect(t.resumed).toEqual([[t.item, false]])
  })

  it('goes on behind its thief when that was removed', () => {
    const t = theft()
    t.removeThief()
    t.hooks.reinject(t.item)
    t.deferred.forEach((task) => task())
    expect(t.asked).toEqual(['last'])
  })

  it('can be reinjected once; what was not stolen is released', () => {
    const t = theft()
    expect(t.hooks.reinject(t.item)).toBe(true)
    expect(t.hooks.reinject(t.item)).toBe(false)
    const stranger = packet()
    expect(t.hooks.reinject(stranger)).toBe(false)
    expect(stranger.released).toBe(1)
  })

  it('is forgotten when its object comes back as another packet', () => {
    const t = theft()
    // The thief released it, the pool handed it out again.
    t.hooks.run(HookPoint.Prerouting, t.item, IPV4, 1, 0, never)
    expect(t.hooks.reinject(t.item)).toBe(false)
  })

  it('is released at reinjection after the stack has gone', () => {
    const t = theft()
    t.hooks.clear()
    expect(t.hooks.isEmpty.every(Boolean)).toBe(true)
    expect(t.hooks.reinject(t.item)).toBe(false)
    expect(t.item.released).toBe(1)
  })
})
