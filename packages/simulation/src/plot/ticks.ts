/** What an axis counts; decides how its ticks read. */
export type Unit = 's' | 'ms' | 'bytes' | 'bit/s' | ''

/** A scale with ticks: from `min` to `max`, which are ticks or beyond the data. */
export interface Scale {
  readonly min: number
  readonly max: number
  readonly ticks: readonly number[]
  /** Of a tick, without unit. */
  label(value: number): string
  /** As written at the axis. */
  readonly unit: string
}

const STEPS = [1, 2, 2.5, 5, 10]
const PREFIXES = [
  { factor: 1e9, prefix: 'G' },
  { factor: 1e6, prefix: 'M' },
  { factor: 1e3, prefix: 'k' },
] as const

/** A scale over [low, high] with about `count` ticks at round values; `isTight` ends it at the data instead of at a tick. */
export function scaleOf(low: number, high: number, count: number, unit: Unit, isTight = false): Scale {
  const top = high > low ? high : low + 1
  const step = niceStep((top - low) / count)
  const min = isTight ? low : Math.floor(low / step) * step
  const max = isTight ? top : Math.ceil(top / step - 1e-9) * step
  const ticks: number[] = []
  for (let i = Math.ceil(min / step - 1e-9); i * step <= max + step * 1e-9; i++) ticks.push(i * step)
  const { factor, prefix } = prefixOf(max, unit)
  const digits = Math.max(0, -Math.floor(Math.log10(step / factor) + 1e-9))
  const decimals = isWhole((step / factor) * 10 ** digits) ? digits : digits + 1
  return { min, max, ticks, unit: unit === 'bytes' ? `${prefix}B` : `${prefix}${unit}`, label: (value) => (value / factor).toFixed(decimals) }
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = STEPS.find((candidate) => candidate * power >= rough * (1 - 1e-9)) ?? 10
  return step * power
}

function prefixOf(max: number, unit: Unit): { readonly factor: number; readonly prefix: string } {
  const isScaled = unit === 'bytes' || unit === 'bit/s'
  return (isScaled ? PREFIXES.find(({ factor }) => max >= factor) : undefined) ?? { factor: 1, prefix: '' }
}

function isWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) < 1e-6
}
