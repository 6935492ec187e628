import { describe, expect, it } from 'vitest'
import { createEvents, type EventHub } from '../src/stack/event-hub.ts'
import { FakeClock } from './fake-clock.ts'

interface Bench {
  readonly events: EventHub
  readonly errors: unknown[]
  readonly clock: FakeClock
  readonly seen: string[]
  /** Emits `routes-changed` with this generation. */
  emit(generation: number): void
  listen(name: string, then?: (generation: number) => void, signal?: AbortSignal): () => void
}

function bench(): Bench {
  const clock = new FakeClock()
  const errors: unknown[] = []
  const seen: string[] = []
  const events = createEvents(clock.scheduler, (error) => errors.push(error))
  return {
    events,
    errors,
    clock,
    seen,
    emit: (generation) => events.emit('routes-changed', { generation }),
    listen: (name, then, signal) =>
      events.on(
        'routes-changed',
        ({ generation }) => {
          seen.push(`${name} ${generation}`)
          then?.(generation)
        },
        signal === undefined ? {} : { signal },
      ),
  }
}

describe('events', () => {
  it('are delivered at the end of a turn, in order', () => {
    const b = bench()
    b.listen('a')
    b.listen('b')
    b.events.on('nic-up', ({ name }) => b.seen.push(name))
    b.emit(1)
    b.events.emit('nic-up', { nicId: 1, name: 'tun0' })
    b.emit(2)
    expect(b.seen).toEqual([])
    b.clock.runMicrotasks()
    expect(b.seen).toEqual(['a 1', 'b 1', 'tun0', 'a 2', 'b 2'])
  })

  it('go only to those who listened when it happened', () => {
    const b = bench()
    b.emit(1)
    b.listen('first')
    b.emit(2)
    b.listen('second')
    b.clock.runMicrotasks()
    expect(b.seen).toEqual(['first 2'])
  })

  it('know whether anybody listens', () => {
    const b = bench()
    expect(b.events.has('routes-changed')).toBe(false)
    const remove = b.listen('a')
    expect(b.events.has('routes-changed')).toBe(true)
    expect(b.events.has('nic-up')).toBe(false)
    remove()
    expect(b.events.has('routes-changed')).toBe(false)
    b.emit(1)
    expect(b.clock.scheduler.isIdle).toBe(true)
  })

  it('survive a listener that throws', () => {
    const b = bench()
    b.listen('bad', () => {
      throw new Error('boom')
    })
    b.listen('good')
    b.emit(1)
    b.clock.runMicrotasks()
    expect(b.seen).toEqual(['bad 1', 'good 1'])
    expect(b.errors).toHaveLength(1)
    expect(b.clock.errors).toHaveLength(0)
  })

  it('survive removals and additions during delivery', () => {
    const b = bench()
    const removeFirst = b.listen('first', () => {
      removeFirst()
      removeSecond()
      b.listen('new')
    })
    const removeSecond = b.listen('second')
    b.listen('third')
    b.emit(1)
    b.clock.runMicrotasks()
    b.emit(2)
    b.clock.runMicrotasks()
    expect(b.seen).toEqual(['first 1', 'third 1', 'third 2', 'new 2'])
  })

  it('that a listener causes come with the next wake-up', () => {
    const b = bench()
    b.listen('a', (generation) => {
      if (generation < 3) b.emit(generation + 1)
    })
    b.emit(1)
    b.clock.runMicrotasks()
    expect(b.seen).toEqual(['a 1', 'a 2', 'a 3'])
  })

  it('stop with the signal', () => {
    const b = bench()
    const controller = new AbortController()
    b.listen('a', undefined, controller.signal)
    b.listen('b')
    b.listen('too late', undefined, AbortSignal.abort())
    b.emit(1)
    controller.abort()
    b.clock.runMicrotasks()
    expect(b.seen).toEqual(['b 1'])
  })

  it('let the same function listen twice', () => {
    const b = bench()
    let count = 0
    const listener = (): number => count++
    const remove = b.events.on('nic-up', listener)
    b.events.on('nic-up', listener)
    remove()
    remove()
    b.events.emit('nic-up', { nicId: 1, name: 'tun0' })
    b.clock.runMicrotasks()
    expect(count).toBe(1)
  })

  it('are bounded: of more than 1,024 the oldest are dropped and counted', () => {
    const b = bench()
    b.listen('a')
    for (let i = 1; i <= 1030; i++) b.emit(i)
    b.clock.runMicrotasks()
    expect(b.seen).toHaveLength(1024)
    expect(b.seen[0]).toBe('a 7')
    expect(b.events.dropped).toBe(6)
  })

  it('end with clear', () => {
    const b = bench()
    b.listen('a')
    b.emit(1)
    b.events.clear()
    b.clock.runMicrotasks()
    expect(b.seen).toEqual([])
    expect(b.events.has('routes-changed')).toBe(false)
  })
})
