import { simulation, type Simulation } from '@stack/simulation'
import type { Outcome, Scenario } from './scenario.ts'
import { Trial } from './trial.ts'

/** One scenario with one seed, done. */
export interface ScenarioRun {
  readonly net: Simulation
  readonly trial: Trial
  /** null when the run threw. */
  readonly outcome: Outcome | null
  readonly error: Error | null
  /** Wall-clock ms. */
  readonly took: number
}

/** Runs `scenario` with `seed`. A flow that fails to connect fails the claims about it; what throws is in `error`. */
export async function runScenario(scenario: Scenario, seed: number, onCapture?: (block: Uint8Array) => void): Promise<ScenarioRun> {
  const net = simulation({ seed, ...(onCapture === undefined ? {} : { onCapture }) })
  const trial = new Trial()
  const start = performance.now()
  let outcome: Outcome | null = null
  let error: Error | null = null
  try {
    outcome = await scenario.run(net, trial)
  } catch (caught) {
    error = caught instanceof Error ? caught : new Error(String(caught))
  }
  net.destroy()
  return { net, trial, outcome, error, took: performance.now() - start }
}

/** Every claim holds, nothing threw, and no connection failed. */
export function isPassed({ net, trial, error }: ScenarioRun): boolean {
  return error === null && trial.holds && net.flows.every((flow) => flow.kind !== 'tcp' || flow.error === null)
}
