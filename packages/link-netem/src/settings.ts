import { checkOptions, StackError, type Milliseconds, type OptionSchema } from '@stack/core'

/** How a {@link netem} link treats packets; all of it can change at run time. */
export interface NetemSettings {
  /** ms that every packet is held, 0–3,600,000. Default 0. */
  readonly delay?: Milliseconds
  /** Spread of the delay: uniform between `delay - jitter` and `delay + jitter`, never below 0. Keeps the order. Default 0. */
  readonly jitter?: Milliseconds
  /** Part of the packets that is dropped, 0–1. Default 0. */
  readonly loss?: number
  /** Part of the packets that goes at once, past those that wait, 0–1; needs `delay` or `rate`. Default 0. */
  readonly reorder?: number
  /** Part of the packets that is sent twice, 0–1. Default 0. */
  readonly duplicate?: number
  /** Part of the packets that gets one bit flipped, 0–1. While it is above 0 the link hides its offloads: checksums are real. Default 0. */
  readonly corrupt?: number
  /** Bits a second, one packet after the other, before the delay; link header counted. Default `Infinity`. */
  readonly rate?: number
  /** Packets held in one direction, those on their way (`rate` × `delay`) included; what comes on top is dropped. Default 1,000. */
  readonly limit?: number
}

/** Options of {@link netem}. */
export interface NetemOptions extends NetemSettings {
  /** The same seed makes the same decisions for the same packets. Default: drawn from the stack's random source. */
  readonly seed?: number
  /** Which packets the settings are for, as the stack sees them. Default `'out'`. For two ways that differ, put a netem around a netem. */
  readonly direction?: 'out' | 'in' | 'both'
}

export type Settings = Required<NetemSettings>

const MAX_DELAY = 3_600_000
const PART = { type: 'number', min: 0, max: 1 } as const
const TIME = { type: 'number', min: 0, max: MAX_DELAY } as const

const SETTINGS: OptionSchema<NetemSettings> = {
  delay: TIME,
  jitter: TIME,
  loss: PART,
  reorder: PART,
  duplicate: PART,
  corrupt: PART,
  rate: { type: 'number', min: 1 },
  limit: { type: 'number', integer: true, min: 1 },
}

const OPTIONS: OptionSchema<NetemOptions> = {
  ...SETTINGS,
  seed: { type: 'number', integer: true },
  direction: { type: 'string', oneOf: ['out', 'in', 'both'] },
}

const DEFAULTS: Settings = { delay: 0, jitter: 0, loss: 0, reorder: 0, duplicate: 0, corrupt: 0, rate: Infinity, limit: 1000 }

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function firstSettings(options: NetemOptions): Settings {
  checkOptions('netem()', options, OPTIONS)
  const { seed: _seed, direction: _direction, ...settings } = options
  return merge(DEFAULTS, settings)
}

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function changedSettings(settings: Settings, changes: NetemSettings): Settings {
  checkOptions('netem.configure()', changes, SETTINGS)
  return merge(settings, changes)
}

function merge(settings: Settings, changes: NetemSettings): Settings {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined)
  const merged: Settings = { ...settings, ...Object.fromEntries(given) }
  if (merged.reorder > 0 && merged.delay === 0 && merged.rate === Infinity) {
    throw new StackError('ERR_STACK_INVALID_OPTION', 'netem: option \'reorder\' needs a delay or a rate: without one no packet waits that another could overtake.')
  }
  return merged
}
