import type { PacketPool } from '@stack/buffer'
import { createStack, seededRandom, type Installed, type StackBase } from '@stack/core'
import { pipe, type PipeOptions } from '@stack/link-pipe'
import { internet, type Internet, type InternetOptions } from '@stack/preset-internet'
import { raw, type RawSocketsPlugin } from '@stack/raw'
import { deterministicRandom, leaksOf, manualClock, type ManualClock } from '@stack/testing'
import { expect } from 'vitest'

/** A stack with everything that is installed. */
export type FullStack = StackBase & Installed<readonly [Internet, RawSocketsPlugin]>

export interface FullOptions {
  readonly clock: ManualClock
  readonly name?: string
  readonly memory?: PacketPool | undefined
  readonly internet?: InternetOptions
  readonly onError?: (error: unknown) => void
  /** Default: told from the name. */
  readonly seed?: number
}

/** The same stack does the same in every run: its chance has a seed. */
export function fullStack({ clock, name = 'stack', memory, internet: options, onError, seed = name.length }: FullOptions): FullStack {
  return createStack({
    plugins: [internet(options), raw()], clock, name, random: seededRandom(seed), secureRandom: deterministicRandom(seed + 1),
    ...(memory === undefined ? {} : { memory }),
    ...(onError === undefined ? {} : { onError }),
  })
}

export const LEFT = ['10.0.0.1/24', 'fd00::1/64'] as const
export const RIGHT = ['10.0.0.2/24', 'fd00::2/64'] as const

export interface Pair {
  readonly clock: ManualClock
  readonly left: FullStack
  readonly right: FullStack
  /** Destroys both and looks for leaks. */
  readonly end: () => void
}

export interface PairOptions {
  readonly link?: PipeOptions
  readonly memory?: () => PacketPool | undefined
}

/** Two stacks on a wire, in one virtual time. */
export async function pairOfStacks({ link = {}, memory = () => undefined }: PairOptions = {}): Promise<Pair> {
  const clock = manualClock()
  const left = fullStack({ clock, name: 'left', memory: memory() })
  const right = fullStack({ clock, name: 'right', memory: memory() })
  const [a, b] = pipe(link)
  await left.addNic(a, { addresses: LEFT, skipDuplicateDetection: true })
  await right.addNic(b, { addresses: RIGHT, skipDuplicateDetection: true })
  return {
    clock, left, right,
    end() {
      left.destroy()
      right.destroy()
      expect([...leaksOf(left), ...leaksOf(right)]).toEqual([])
    },
  }
}
