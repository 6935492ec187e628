import { timeSequencePlot, windowPlot, type Transfer } from '@stack/simulation'
import { runScenario } from './run.ts'
import { scenarios } from './scenarios/index.ts'

/** A plot that is kept in docs/simulation: what a scenario drew with seed 1. */
interface KeptPlot {
  readonly file: string
  readonly scenario: string
  readonly draw: (flow: Transfer) => string
}

const KEPT: readonly KeptPlot[] = [
  {
    file: 'single-loss.svg', scenario: 'single-loss',
    draw: (flow) => timeSequencePlot(flow, { title: 'One lost segment, and its repair', from: 0.2, until: 0.32, height: 420 }),
  },
  {
    file: 'sawtooth.svg', scenario: 'bulk-10m',
    draw: (flow) => windowPlot(flow, { title: 'Reno on 10 Mbit/s × 40 ms, queue 1 BDP', until: 20, height: 420 }),
  },
]

/** The plots of docs/simulation by file name, as the code draws them now. */
export async function keptPlots(): Promise<Map<string, string>> {
  const drawn = new Map<string, string>()
  for (const { file, scenario, draw } of KEPT) {
    const { net, error } = await runScenario(scenarios.find(({ name }) => name === scenario)!, 1)
    if (error !== null) throw error
    drawn.set(file, draw(net.flows[0] as Transfer))
  }
  return drawn
}
