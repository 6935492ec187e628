import fc from 'fast-check'
import type { Case, KeptCase } from './case.ts'
import type { Coverage } from './coverage.ts'
import { compare, COMPARISONS } from './differential.ts'
import { reduce } from './reduce.ts'
import { runCase } from './run.ts'
import { TARGETS } from './targets.ts'
import { Memories } from './variant.ts'

/** Looks at one case; returns what is wrong. */
export type Judge = (kase: Case, coverage?: Coverage) => Promise<readonly string[]>

export interface Finding {
  readonly seed: number
  readonly kept: KeptCase
}

export interface RoundOptions {
  readonly seed: number
  readonly runs: number
  readonly coverage?: Coverage
  /** ms that shrinking may take. Default 60,000. */
  readonly limit?: number
  /** Called before each case: a watchdog hears that things go on. */
  readonly onCase?: () => void
}

const memories = new Memories()

/** Names of everything that can be fuzzed: the targets, and the comparisons. */
export const NAMES: readonly string[] = [...TARGETS.map(({ name }) => name), ...COMPARISONS.map(({ name }) => name)]

/** How a name judges cases. */
export function judgeOf(name: string): Judge {
  const comparison = COMPARISONS.find((one) => one.name === name)
  if (comparison !== undefined) return (kase) => compare(kase, comparison, memories)
  return async (kase, coverage) => (await runCase(kase, memories, coverage === undefined ? {} : { coverage })).problems
}

/** The same for the same trouble: steps, numbers and bytes differ from case to case. */
export function kindOfTrouble(problem: string): string {
  return problem.split('\n', 2).join(' ').replace(/^step \d+: /, '').replace(/[0-9a-f]{8,}|\d+/g, '#')
}

/** Runs `runs` cases of a name. Returns the smallest case that fails, or null. */
export async function round(name: string, { seed, runs, coverage, limit = 60_000, onCase }: RoundOptions): Promise<Finding | null> {
  const judge = judgeOf(name)
  // Comparisons take what uses everything.
  const { cases } = TARGETS.find((one) => one.name === name) ?? TARGETS.at(-1)!
  const details = await fc.check(fc.asyncProperty(cases, async (kase) => {
    onCase?.()
    const problems = await judge(kase, coverage)
    if (problems.length > 0) throw new Error(problems.join('\n'))
  }), { seed: seed | 0, numRuns: runs, interruptAfterTimeLimit: limit, markInterruptAsFailure: false })
  if (!details.failed) return null
  const [first] = details.counterexample!
  const kindOf = (problems: readonly string[]): string => kindOfTrouble(problems[0] ?? '')
  const kind = kindOf(await judge(first))
  const kase = await reduce(first, async (smaller) => kind !== '' && kindOf(await judge(smaller)) === kind)
  return { seed, kept: { target: name, found: (await judge(kase)).join('\n'), ...kase } }
}
