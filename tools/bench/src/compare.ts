import type { Result, Scenario } from './measure.ts'

/** Part by which a median may be worse before it counts: runs of one commit differ by as much on a machine that does little else. */
const NOISE = 0.15

/**
 * What got slower since `before`, a line each. A median that is worse by more than the noise counts when the runs do not
 * overlap: each of now is worse than each of then.
 */
export function slower(before: readonly Result[], now: readonly Result[], scenarios: readonly Scenario[]): string[] {
  const lines: string[] = []
  for (const result of now) {
    const old = before.find(({ name }) => name === result.name)
    if (old === undefined) continue
    const isCost = scenarios.find(({ name }) => name === result.name)?.isCost === true
    const ratio = isCost ? old.median / result.median : result.median / old.median
    const isApart = isCost ? result.min > old.max : result.max < old.min
    if (ratio < 1 - NOISE && isApart) lines.push(`${result.name}: ${old.median.toPrecision(4)} → ${result.median.toPrecision(4)} ${result.unit} (×${ratio.toFixed(2)})`)
  }
  return lines
}
