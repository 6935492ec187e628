import type { TimerWheel } from '@stack/core'
import { describe, expect, test } from 'vitest'
import { ConnectionTimers } from '../src/timers.ts'

// The deadlines of a connection over one timer of a wheel, which may be late: the host that stood still tells nothing of the network.

type Name = 'retransmit' | 'delayedAck' | 'keepAlive' | 'deadline' | 'retry' | 'cork' | 'reorder' | 'probe' | 'pace'
const NAMES: readonly Name[] = ['retransmit', 'delayedAck', 'keepAlive', 'deadline', 'retry', 'cork', 'reorder', 'probe', 'pace']

/** Timers over a wheel with one timer, which the test lets ring. */
function rig() {
  const log: string[] = []
  let armedAt = Infinity
  let made = 0
  let callback: (now: number) => void = () => undefined
  const wheel: TimerWheel = {
    armed: 0,
    create(ring) {
      callback = ring
      made++
      return {
        get armed() {
          return armedAt !== Infinity
        },
        get deadline() {
          return armedAt
        },
        arm: (deadline) => (armedAt = deadline),
        armAfter: () => undefined,
        cancel: () => (armedAt = Infinity),
      }
    },
  }
  let at = 0
  const note = (name: Name) => (): void => {
    log.push(`${name} ${String(at)}`)
  }
  const timers = new ConnectionTimers(wheel, {
    onRetransmitTimer: note('retransmit'), onStall: () => undefined, onDelayedAckTimer: note('delayedAck'), onKeepAliveTimer: note('keepAlive'), onDeadlineTimer: note('deadline'),
    onRetryTimer: note('retry'), onCorkTimer: note('cork'), onReorderTimer: note('reorder'), onProbeTimer: note('probe'), onPaceTimer: note('pace'),
  })
  return {
    timers, log,
    get armedAt() {
      return armedAt
    },
    get made() {
      return made
    },
    set(name: Name, deadline: number): void {
      timers[name] = deadline
      timers.schedule(deadline)
    },
    ring(now: number): void {
      at = now
      armedAt = Infinity
      callback(now)
    },
  }
}

describe('the timers of a connection', () => {
  test.each(NAMES)('%s fires at its time, once, and nothing else does', (name) => {
    const wheel = rig()
    wheel.set(name, 100)
    for (const other of NAMES) if (other !== name) wheel.set(other, 1000)
    expect(wheel.armedAt).toBe(100)
    wheel.ring(99)
    expect(wheel.log).toEqual([])
    expect(wheel.armedAt).toBe(100)
    wheel.ring(100)
    expect(wheel.log).toEqual([`${name} 100`])
    expect(wheel.timers[name]).toBe(Infinity)
    expect(wheel.armedAt).toBe(1000)
  })

  test('one timer of the wheel serves them all: the nearest deadline counts, one that moves later leaves it alone', () => {
    const wheel = rig()
    wheel.set('keepAlive', 500)
    wheel.set('retransmit', 200)
    wheel.set('delayedAck', 300)
    expect([wheel.made, wheel.armedAt]).toEqual([1, 200])
    wheel.set('retransmit', 400)
    expect(wheel.armedAt).toBe(200)
    wheel.ring(200)
    expect([wheel.log, wheel.armedAt]).toEqual([[], 300])
    for (const now of [300, 400, 500]) wheel.ring(now)
    expect(wheel.log).toEqual(['delayedAck 300', 'retransmit 400', 'keepAlive 500'])
  })

  test('who has no deadline holds no timer: none before the first, a new one behind the last', () => {
    const wheel = rig()
    wheel.set('retransmit', Infinity)
    expect([wheel.made, wheel.armedAt]).toEqual([0, Infinity])
    wheel.set('retransmit', 100)
    wheel.ring(100)
    expect(wheel.armedAt).toBe(Infinity)
    wheel.set('retransmit', 200)
    expect([wheel.made, wheel.armedAt]).toEqual([2, 200])
  })

  test('cancelled, nothing fires', () => {
    const wheel = rig()
    for (const name of NAMES) wheel.set(name, 100)
    wheel.timers.cancel()
    expect(wheel.armedAt).toBe(Infinity)
    wheel.ring(1000)
    expect(wheel.log).toEqual([])
  })

  test.each(['retransmit', 'reorder', 'probe'] as const)('%s, more than 20 ms late: ACKs get 10 ms to come out of the link first', (name) => {
    const wheel = rig()
    wheel.set(name, 100)
    wheel.ring(121)
    expect(wheel.log).toEqual([])
    expect(wheel.armedAt).toBe(131)
    wheel.ring(131)
    expect(wheel.log).toEqual([`${name} 131`])
    // 20 ms are no pause, and a later one is another.
    wheel.set(name, 200)
    wheel.ring(220)
    expect(wheel.log.at(-1)).toBe(`${name} 220`)
    wheel.set(name, 300)
    wheel.ring(321)
    expect(wheel.armedAt).toBe(331)
  })

  test('a retransmission gets the grace once: it comes, however late the host is', () => {
    const wheel = rig()
    wheel.set('retransmit', 100)
    wheel.ring(900)
    wheel.ring(2000)
    expect(wheel.log).toEqual(['retransmit 2000'])
  })

  test('each pause of the host has its own grace, when ACKs came behind the one before', () => {
    const wheel = rig()
    wheel.set('retransmit', 100)
    wheel.ring(900)
    expect(wheel.armedAt).toBe(910)
    wheel.set('retransmit', 1100)
    wheel.ring(910)
    wheel.ring(1900)
    expect(wheel.log).toEqual([])
    expect(wheel.armedAt).toBe(1910)
    wheel.ring(1910)
    expect(wheel.log).toEqual(['retransmit 1910'])
  })
})
