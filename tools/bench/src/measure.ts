/** What one run measured. */
export interface Figure {
  /** In the unit of the scenario. */
  readonly value: number
  /** µs of CPU time of the whole process, the kernel's on its behalf included, for each MB, round trip or whatever is counted. */
  readonly cpu?: number
}

type Work = () => Promise<Figure>

/** One figure to take. */
export interface Scenario {
  readonly name: string
  readonly unit: string
  /** Less is better; else more is. */
  readonly isCost?: boolean
  /** Why this machine cannot run it; null = it can. */
  readonly whyNot?: () => string | null
  /** Does the work once and answers its rate, or its cost. */
  readonly run: Work
  /** The same work by somebody else, or without what the scenario is about, by name. */
  readonly peers?: Readonly<Record<string, Work>>
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
  /** Median µs of CPU time for each of what is counted; not there when the figure is a cost. */
  readonly cpu?: number
  readonly peers: Record<string, number>
  readonly peersCpu?: Record<string, number>
}

/**
 * Warms up once, then alternates between the scenario and its peers, so that a noisy machine is noisy for all. A peer that
 * fails is left out, and says so.
 */
export async function measure({ name, unit, run, peers = {} }: Scenario, runs: number): Promise<Result> {
  const own: Figure[] = []
  const theirs = new Map(Object.keys(peers).map((peer): [string, Figure[]] => [peer, []]))
  for (let turn = -1; turn < runs; turn++) {
    const figure = await run()
    if (turn >= 0) own.push(figure)
    for (const [peer, figures] of theirs) {
      try {
        const other = await peers[peer]!()
        if (turn >= 0) figures.push(other)
      } catch (error) {
        console.error(`${name}: without ${peer}: ${error instanceof Error ? error.message : String(error)}`)
        theirs.delete(peer)
      }
    }
  }
  const values = own.map(({ value }) => value)
  const cpu = medianCpu(own)
  const peersCpu = [...theirs].map(([peer, figures]) => [peer, medianCpu(figures)] as const).filter(([, each]) => each !== undefined)
  return {
    name,
    unit,
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    runs,
    node: process.version,
    ...(cpu === undefined ? {} : { cpu }),
    peers: Object.fromEntries([...theirs].map(([peer, figures]) => [peer, median(figures.map(({ value }) => value))])),
    ...(peersCpu.length === 0 ? {} : { peersCpu: Object.fromEntries(peersCpu) as Record<string, number> }),
  }
}

function medianCpu(figures: readonly Figure[]): number | undefined {
  const values = figures.flatMap(({ cpu }) => cpu ?? [])
  return values.length === 0 ? undefined : median(values)
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Runs `work` and answers `amount` per second of it. */
export async function rate(amount: number, work: () => Promise<void>): Promise<Figure> {
  const start = performance.now()
  const before = process.cpuUsage()
  await work()
  const value = (amount / (performance.now() - start)) * 1000
  const { user, system } = process.cpuUsage(before)
  return { value, cpu: (user + system) / amount }
}

/** Runs `work` and answers the ns of CPU time that each of `amount` took. */
export async function cpuTime(amount: number, work: () => Promise<void> | void): Promise<Figure> {
  const start = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(start)
  return { value: ((user + system) * 1000) / amount }
}
