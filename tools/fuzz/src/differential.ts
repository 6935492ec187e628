import type { Case, Frame } from './case.ts'
import { runCase, type Outcome } from './run.ts'
import { INBOX_OF_ONE, LINK_OF_ONE, NO_GRO, NO_GSO, NO_SIMD, PLAIN, TINY, type Memories, type Variant } from './variant.ts'

/** Two ways to run a case, and in what they have to agree. */
export interface Comparison {
  readonly name: string
  readonly variant: Variant
  /** What differs though it must not; null = nothing. */
  readonly differs: (plain: Outcome, other: Outcome, kase: Case) => string | null
}

/** The same packets, to the bit and at the same step, before step `steps`. */
function sameUntil(steps: number, plain: Outcome, other: Outcome): string | null {
  for (let step = 0; step < Math.min(Math.max(plain.out.length, other.out.length), steps); step++) {
    const [a, b] = [plain.out[step] ?? [], other.out[step] ?? []]
    const index = a.findIndex((packet, i) => packet !== b[i])
    if (index < 0 && a.length === b.length) continue
    const at = index < 0 ? a.length : index
    return `step ${step}, packet ${at}: ${a[at] ?? 'nothing'} became ${b[at] ?? 'nothing'}`
  }
  return null
}

/** The first step whose batch has segments and something else, which does not wait for them: neighbours, errors, fragments. Infinity = none. */
function firstMixed({ steps }: Case): number {
  const index = steps.findIndex((step) => 'frames' in step && step.frames.some(isHeld) && !step.frames.every(isHeld))
  return index < 0 ? Infinity : index
}

function isHeld({ is, net }: Frame): boolean {
  return is === 'tcp' && net.fragments === undefined && net.protocol === undefined && net.extensions === undefined
}

function exact(plain: Outcome, other: Outcome): string | null {
  return sameUntil(Infinity, plain, other)
}

function sorted(outcome: Outcome): Outcome {
  return { ...outcome, out: outcome.out.map((packets) => [...packets].sort()) }
}

/**
 * ACKs wait for the end of a batch, and so do output and wake-ups: with other batches a connection sends other segments, and a read
 * takes more or less at once. Where it ends, what it has received, and the number of packets that are no TCP are the same. Not
 * comparable is what a reset cut off: whoever reads had it before or not (RFC 9293 §3.10.7.4 flushes the queues). Nor what follows,
 * from the first batch on, an ACK of what was not sent yet or text beyond the window: frame by frame it was sent, or the window moved. Nor
 * what follows input that differs because it quotes what was sent.
 */
function ofTheSameMeaning(plain: Outcome, other: Outcome): string | null {
  const steps = Math.min(plain.ahead, other.ahead, firstOtherInput(plain, other))
  const others = ({ out, framing }: Outcome): string => out.slice(0, steps).map((packets) => packets.filter((packet) => !isTcp(packet, framing)).length).join(' ')
  if (others(plain) !== others(other)) return `packets that are no TCP: ${others(plain)} became ${others(other)}`
  if (steps < Infinity) return null
  const [a, b] = [endOf(plain), endOf(other)]
  return a === b ? null : `the connection: ${a} became ${b}`
}

/** Infinity = all that came in was the same. */
function firstOtherInput({ heard }: Outcome, other: Outcome): number {
  const index = heard.findIndex((hash, step) => hash !== other.heard[step])
  return index < 0 ? Infinity : index
}

function endOf({ end }: Outcome): string {
  return JSON.stringify(end?.state === 'closed' ? { state: end.state } : end)
}

function isTcp(hex: string, framing: Outcome['framing']): boolean {
  const type = framing === 'ethernet' ? hex.slice(24, 28) : hex.startsWith('4') ? '0800' : '86dd'
  const at = framing === 'ethernet' ? 28 : 0
  return type === '0800' ? hex.slice(at + 18, at + 20) === '06' : type === '86dd' && hex.slice(at + 12, at + 14) === '06'
}

export const COMPARISONS: readonly Comparison[] = [
  { name: 'simd', variant: NO_SIMD, differs: exact },
  { name: 'link-batch', variant: LINK_OF_ONE, differs: exact },
  { name: 'gso', variant: NO_GSO, differs: exact },
  // Segments wait for the end of the batch, those of a flow together: what they are answered with comes in another order.
  { name: 'gro', variant: NO_GRO, differs: (plain, other, kase) => sameUntil(firstMixed(kase), sorted(plain), sorted(other)) },
  { name: 'inbox', variant: INBOX_OF_ONE, differs: ofTheSameMeaning },
  // As long as memory is not short the same packets go out; then windows close and packets are dropped, and the rules hold.
  { name: 'memory', variant: TINY, differs: (plain, other) => sameUntil(other.shortOfMemory, plain, other) },
]

/** Runs a case both ways. Returns what is wrong, empty when nothing is. */
export async function compare(kase: Case, comparison: Comparison, memories: Memories): Promise<readonly string[]> {
  const plain = await runCase(kase, memories, { variant: PLAIN })
  const other = await runCase(kase, memories, { variant: comparison.variant })
  if (plain.problems.length > 0) return plain.problems
  if (other.problems.length > 0) return other.problems.map((problem) => `${comparison.variant.name}: ${problem}`)
  const difference = comparison.differs(plain, other, kase)
  return difference === null ? [] : [`${comparison.variant.name}: ${difference}`]
}
