import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { goodputPlot, goodputTable, queuePlot, queueTable, summaryOf, timeSequencePlot, traceTable, windowPlot, type SimulationResult } from '@stack/simulation'
import { isPassed, runScenario, type ScenarioRun } from './run.ts'
import type { Scenario } from './scenario.ts'

/** Bytes of a capture: about half a million packets' headers. */
const CAPTURE_LIMIT = 100e6

/** Runs a scenario and writes plots, tables, figures and packets to a folder. */
export async function runAndWrite(scenario: Scenario, seed: number, folder: string): Promise<ScenarioRun> {
  mkdirSync(folder, { recursive: true })
  const capture = openSync(join(folder, 'packets.pcapng'), 'w')
  let left = CAPTURE_LIMIT
  const run = await runScenario(scenario, seed, (block) => {
    left -= block.length
    if (left > 0) writeSync(capture, block)
  })
  closeSync(capture)
  if (left <= 0) console.log(`packets.pcapng ends after ${CAPTURE_LIMIT / 1e6} MB`)
  writeResult(run, scenario, folder)
  return run
}

function writeResult(run: ScenarioRun, scenario: Scenario, folder: string): void {
  const { net, trial, outcome, error } = run
  // The simulation is its own result.
  const result = net as unknown as SimulationResult
  const save = (name: string, text: string): void => writeFileSync(join(folder, name), text)
  save('figures.json', `${JSON.stringify({
    scenario: scenario.name, description: scenario.description, passed: isPassed(run), error: error?.message ?? null,
    claims: trial.claims, ...summaryOf(result),
  }, null, 2)}\n`)
  if (net.flows.length > 0) {
    save('goodput.svg', goodputPlot(net.flows))
    saveLines(join(folder, 'goodput.csv'), goodputTable(net.flows))
  }
  if (outcome !== null) {
    save('queue.svg', queuePlot(outcome.bottleneck.there))
    saveLines(join(folder, 'queue.csv'), queueTable(outcome.bottleneck.there))
  }
  for (const [i, flow] of net.flows.entries()) {
    if (flow.kind !== 'tcp' || flow.trace.length === 0) continue
    save(`sequence-${i + 1}.svg`, timeSequencePlot(flow))
    save(`window-${i + 1}.svg`, windowPlot(flow))
    saveLines(join(folder, `trace-${i + 1}.csv`), traceTable(flow.trace))
  }
}

/** Half a gigabyte of lines is no string. */
function saveLines(path: string, lines: Iterable<string>): void {
  const file = openSync(path, 'w')
  let part = ''
  for (const line of lines) {
    part += `${line}\n`
    if (part.length < 1 << 20) continue
    writeSync(file, part)
    part = ''
  }
  writeSync(file, part)
  closeSync(file)
}
