import { goodputPlot, queuePlot, timeSequencePlot, windowPlot, type Transfer } from '@stack/simulation'
import { runScenario, type ScenarioRun } from './run.ts'
import { scenarios } from './scenarios/index.ts'

/** A plot that is kept in docs/simulation: what a scenario drew with seed 1. */
interface KeptPlot {
  readonly file: string
  readonly scenario: string
  readonly draw: (run: ScenarioRun) => string
}

const HEIGHT = 420

const flowOf = ({ net }: ScenarioRun): Transfer => net.flows[0] as Transfer

/** Goodput of all flows. */
function goodput(scenario: string, title: string, options: { readonly from?: number; readonly until?: number } = {}): KeptPlot {
  return { file: `${scenario}.svg`, scenario, draw: ({ net }) => goodputPlot(net.flows, { title, height: HEIGHT, ...options }) }
}

const KEPT: readonly KeptPlot[] = [
  {
    file: 'single-loss.svg', scenario: 'single-loss',
    draw: (run) => timeSequencePlot(flowOf(run), { title: 'One lost segment, and its repair', from: 0.2, until: 0.32, height: HEIGHT }),
  },
  {
    file: 'sawtooth.svg', scenario: 'bulk-10m',
    draw: (run) => windowPlot(flowOf(run), { title: 'Reno on 10 Mbit/s × 40 ms, queue 1 BDP', until: 20, height: HEIGHT }),
  },
  goodput('cubic-100m-40ms', 'CUBIC on 100 Mbit/s × 40 ms'),
  goodput('fast-and-long', 'CUBIC on 1 Gbit/s × 100 ms, buffers that tune themselves'),
  goodput('cubic-loss-1pct', 'CUBIC with 1 % of the packets lost, 100 Mbit/s × 20 ms'),
  goodput('bbr-loss-1pct', 'BBR with 1 % of the packets lost, 100 Mbit/s × 20 ms'),
  goodput('reordering-3pct', '3 % of the packets a quarter to half a round trip late'),
  goodput('two-cubic', 'Two CUBIC flows, two seconds apart'),
  goodput('reno-beside-cubic', 'Reno beside CUBIC, 20 Mbit/s × 20 ms'),
  goodput('outage-30s', 'An outage of 30 seconds'),
  {
    file: 'bbr-queue.svg', scenario: 'bbr-queue',
    draw: (run) => queuePlot(run.outcome!.bottleneck.there, { title: 'BBR: what waits in a queue of 4 BDP', height: HEIGHT, until: 10 }),
  },
]

/** The plots of one scenario's run with seed 1 by file name, as the code draws them now. */
export function plotsOf(scenario: string, run: ScenarioRun): Map<string, string> {
  return new Map(KEPT.filter((plot) => plot.scenario === scenario).map(({ file, draw }) => [file, draw(run)]))
}

/** All plots of docs/simulation, or those of some scenarios. */
export async function keptPlots(isWanted: (scenario: string) => boolean = () => true): Promise<Map<string, string>> {
  const drawn = new Map<string, string>()
  for (const scenario of new Set(KEPT.map((plot) => plot.scenario))) {
    if (!isWanted(scenario)) continue
    const run = await runScenario(scenarios.find(({ name }) => name === scenario)!, 1)
    if (run.error !== null) throw run.error
    for (const [file, svg] of plotsOf(scenario, run)) drawn.set(file, svg)
  }
  return drawn
}
