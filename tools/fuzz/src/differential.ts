import type { Case } from './case.ts'
import { runCase, type Outcome } from './run.ts'
import { INBOX_OF_ONE, LINK_OF_ONE, NO_SIMD, PLAIN, TINY, type Memories, type Variant } from './variant.ts'

/** Two ways to run a case, and in what they have to agree. */
export interface Comparison {
  readonly name: string
  readonly variant: Variant
  /** What differs though it must not; null = nothing. */
  readonly differs: (plain: Outcome, other: Outcome) => string | null
}

/** The same packets, to the bit and at the same step. */
function exact(plain: Outcome, other: Outcome, steps = Infinity): string | null {
  for (let step = 0; step < Math.min(Math.max(plain.out.length, other.out.length), steps); step++) {
    const [a, b] = [plain.out[step] ?? [], other.out[step] ?? []]
    const index = a.findIndex((packet, i) => packet !== b[i])
    if (index < 0 && a.length === b.length) continue
    const at = index < 0 ? a.length : index
    return `step ${step}, packet ${at}: ${a[at] ?? 'nothing'} became ${b[at] ?? 'nothing'}`
  }
  return null
}

/**
 * ACKs wait for the end of a batch, and so does output: with other batches a connection sends other segments. What its
 * application has read, and where it ends, is the same; and so is the number of packets that are no TCP.
 */
function ofTheSameMeaning(plain: Outcome, other: Outcome): string | null {
  const others = ({ out }: Outcome): string => out.map((packets) => packets.filter((packet) => !isTcp(packet)).length).join(' ')
  if (others(plain) !== others(other)) return `packets that are no TCP: ${others(plain)} became ${others(other)}`
  const [a, b] = [JSON.stringify(plain.end), JSON.stringify(other.end)]
  return a === b ? null : `the connection: ${a} became ${b}`
}

function isTcp(hex: string): boolean {
  const at = ['0800', '86dd'].includes(hex.slice(24, 28)) && hex.startsWith('02') ? 28 : 0
  return hex[at] === '4' ? hex.slice(at + 18, at + 20) === '06' : hex.slice(at + 12, at + 14) === '06'
}

export const COMPARISONS: readonly Comparison[] = [
  { name: 'simd', variant: NO_SIMD, differs: exact },
  { name: 'link-batch', variant: LINK_OF_ONE, differs: exact },
  { name: 'inbox', variant: INBOX_OF_ONE, differs: ofTheSameMeaning },
  // As long as memory is not short the same packets go out; then windows close and packets are dropped, and the rules hold.
  { name: 'memory', variant: TINY, differs: (plain, other) => exact(plain, other, other.shortOfMemory) },
]

/** Runs a case both ways. Returns what is wrong, empty when nothing is. */
export async function compare(kase: Case, comparison: Comparison, memories: Memories): Promise<readonly string[]> {
  const plain = await runCase(kase, memories, { variant: PLAIN })
  const other = await runCase(kase, memories, { variant: comparison.variant })
  if (plain.problems.length > 0) return plain.problems
  if (other.problems.length > 0) return other.problems.map((problem) => `${comparison.variant.name}: ${problem}`)
  const difference = comparison.differs(plain, other)
  return difference === null ? [] : [`${comparison.variant.name}: ${difference}`]
}
