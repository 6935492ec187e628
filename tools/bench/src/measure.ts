/** One figure to take. */
export interface Scenario {
  readonly name: string
  readonly unit: string
  /** Less is better; else more is. */
  readonly isCost?: boolean
  /** Does the work once and answers its rate, or its cost. */
  run(): Promise<number>
  /** The same work by somebody else, or without what the scenario is about, by name. */
  readonly peers?: Readonly<Record<string, () => Promise<number>>>
}

/** What `--json` prints per scenario. */
export interface Result {
  readonly name: string
  readonly unit: string
  readonly median: number
  readonly min: number
  readonly max: number
  readonly runs: number
  readonly node: string
  readonly peers: Record<string, number>
}

/** Warms up once, then alternates between the scenario and its peers, so that a noisy machine is noisy for all. */
export async function measure(scenario: Scenario, runs: number): Promise<Result> {
  const peers = Object.entries(scenario.peers ?? {})
  const own: number[] = []
  const theirs = peers.map((): number[] => [])
  for (let run = -1; run < runs; run++) {
    const rate = await scenario.run()
    if (run >= 0) own.push(rate)
    for (const [i, [, peer]] of peers.entries()) {
      const other = await peer()
      if (run >= 0) theirs[i]!.push(other)
    }
  }
  return {
    name: scenario.name,
    unit: scenario.unit,
    median: median(own),
    min: Math.min(...own),
    max: Math.max(...own),
    runs,
    node: process.version,
    peers: Object.fromEntries(peers.map(([name], i) => [name, median(theirs[i]!)])),
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Runs `work` and answers `amount` per second of it. */
export async function rate(amount: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return (amount / (performance.now() - start)) * 1000
}

/** Runs `work` and answers the ns of CPU time that each of `amount` took. */
export async function cpuTime(amount: number, work: () => Promise<void> | void): Promise<number> {
  const start = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(start)
  return ((user + system) * 1000) / amount
}
