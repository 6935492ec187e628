import type { Simulation, Wire } from '@stack/simulation'
import type { Trial } from './trial.ts'

/** A simulated network with figures that must hold, for each of its seeds. */
export interface Scenario {
  readonly name: string
  /** What it shows, in a sentence. */
  readonly description: string
  /** Default: 1 to 5. */
  readonly seeds?: readonly number[]
  /** Why it fails today: a scenario that passes all the same fails the run. */
  readonly expectFail?: string
  /** A short one, for `npm test`. */
  readonly isQuick?: boolean
  /** Builds, runs, and asserts through `trial`. */
  readonly run: (net: Simulation, trial: Trial) => Promise<Outcome>
}

/** What is drawn and written of a run beside its flows. */
export interface Outcome {
  readonly bottleneck: Wire
}

/** Seeds of a scenario that names none. */
export const SEEDS: readonly number[] = [1, 2, 3, 4, 5]

/** For a path without chance: a seed changes nothing there but sequence numbers and ports. */
export const ONE_SEED: readonly number[] = [1]
