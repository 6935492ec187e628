import { createPacketMemory } from '@stack/buffer'
import type { Packet, PacketPool } from '@stack/buffer'
import type { Milliseconds, Scheduler, SecureRandom, Timer, TimerWheel } from '@stack/core'

/** A clock that a test turns by hand, with the timers on it. */
export class TestTime implements TimerWheel {
  now: Milliseconds = 1000
  readonly #timers: { timer: { armed: boolean; deadline: number }; fire: (now: number) => void }[] = []

  get armed(): number {
    return this.#timers.filter((entry) => entry.timer.armed).length
  }

  get scheduler(): Scheduler {
    return this as unknown as Scheduler
  }

  create(fire: (now: Milliseconds) => void): Timer {
    const timer = {
      armed: false,
      deadline: 0,
      arm: (deadline: number) => {
        timer.armed = true
        timer.deadline = deadline
      },
      armAfter: (delay: number) => timer.arm(this.now + delay),
      cancel: () => {
        timer.armed = false
      },
    }
    this.#timers.push({ timer, fire })
    return timer
  }

  advance(by: Milliseconds): void {
    const end = this.now + by
    for (;;) {
      const due = this.#timers.filter((entry) => entry.timer.armed && entry.timer.deadline <= end)
      due.sort((x, y) => x.timer.deadline - y.timer.deadline)
      const next = due[0]
      if (next === undefined) break
      this.now = Math.max(this.now, next.timer.deadline)
      next.timer.armed = false
      next.fire(this.now)
    }
    this.now = end
  }
}

/** A small generator with a seed; good enough to spread test cases. */
export function seeded(seed: number): SecureRandom & { next(): number } {
  let state = seed >>> 0
  const uint32 = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state ^ (state >>> 15)) >>> 0
  }
  return {
    uint32,
    next: () => uint32() / 2 ** 32,
    fill: (bytes) => {
      for (let i = 0; i < bytes.length; i++) bytes[i] = uint32()
    },
  }
}

export function testPool(quota?: number): PacketPool {
  return createPacketMemory({ size: 16 << 20, simd: false }).pool(quota === undefined ? {} : { quota })
}

/** The payload of every test datagram: byte n is n mod 251. */
export function pattern(length: number, from = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (from + i) % 251)
}

export function contents(packet: Packet, from = packet.start): Uint8Array {
  return packet.bytes.slice(from, packet.end)
}
