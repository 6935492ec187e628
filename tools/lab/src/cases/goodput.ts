import type { LabCase } from '../case.ts'
import { transfer, type Who } from '../relay.ts'
import { requireDevice } from '../requirements.ts'

/** Bytes, without loss and with. */
const SIZES = [8_000_000, 2_000_000] as const
/** Of what the kernel does with the same algorithm through the same relay. */
const AIM = 0.9
/** Runs of each, in turns; their median counts. One shows that it works, five are a measurement: STACK_LAB_RUNS=5. */
const RUNS = Number(process.env['STACK_LAB_RUNS'] ?? 1)
const ALGORITHMS = ['cubic', 'reno', 'bbr']

interface Pair {
  readonly name: string
  readonly sender: Who
  readonly receiver: Who
  /** Bytes a second. */
  readonly figures: number[]
}

/**
 * The speed of our TCP beside the kernel's, as a sender to a kernel and as a receiver from one. Told, and not a reason to fail: a
 * busy machine is slow.
 */
export const goodputCases: readonly LabCase[] = [0, 0.01].flatMap((loss) =>
  ALGORITHMS.map((algorithm) => ({
    name: `goodput with ${algorithm}, ${String(loss * 100)} % loss`,
    limit: 60_000 * Math.max(1, RUNS),
    run: (signal: AbortSignal) => compare(algorithm, loss, signal),
  })),
)

async function compare(algorithm: string, loss: number, signal: AbortSignal): Promise<void> {
  requireDevice('socat')
  const pairs: Pair[] = [
    { name: 'kernel to kernel', sender: 'kernel', receiver: 'kernel', figures: [] },
    { name: 'we receive', sender: 'kernel', receiver: 'stack', figures: [] },
    { name: 'we send', sender: 'stack', receiver: 'kernel', figures: [] },
  ]
  for (let run = 0; run < RUNS; run++) {
    for (const { sender, receiver, figures } of pairs) figures.push(await transfer({ sender, receiver, algorithm, size: SIZES[loss === 0 ? 0 : 1], loss }, signal))
  }
  const base = median(pairs[0]!.figures)
  for (const { name, figures } of pairs) {
    const rate = median(figures)
    const share = rate / base
    console.log(`        ${name}: ${((rate * 8) / 1e6).toFixed(1)} Mbit/s${figures === pairs[0]!.figures ? '' : `, ${share.toFixed(2)} of the kernel's${share < AIM ? ', below the aim of 0.9' : ''}`}`)
  }
}

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[figures.length >> 1]!
}
