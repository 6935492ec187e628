import type { Counters, StatisticsRegistry } from '../registration/host.ts'

/** The registry with its readers. */
export interface Statistics extends StatisticsRegistry {
  /** Every path with the sums of what is and was registered there. */
  snapshot(): Record<string, Counters>
  /** Counters of the same name summed over all paths. */
  totals(): Counters
}

/** Makes the registry of one stack. */
export function createStatistics(): Statistics {
  return new CounterRegistry()
}

interface Branch {
  readonly live: Set<Registration>
  /** What removed registrations had counted. */
  readonly kept: Counters
}

/** One call of `register`, so that the same object may be registered twice. */
interface Registration {
  readonly counters: object
}

class CounterRegistry implements Statistics {
  readonly #branches = new Map<string, Branch>()

  register(path: string, counters: object): () => void {
    let branch = this.#branches.get(path)
    if (branch === undefined) {
      branch = { live: new Set(), kept: empty() }
      this.#branches.set(path, branch)
    }
    const { live, kept } = branch
    const registration: Registration = { counters }
    live.add(registration)
    return () => {
      if (live.delete(registration)) addInto(kept, counters)
    }
  }

  snapshot(): Record<string, Counters> {
    const result: Record<string, Counters> = Object.create(null) as Record<string, Counters>
    for (const [path, branch] of this.#branches) {
      const sum = empty()
      addInto(sum, branch.kept)
      for (const { counters } of branch.live) addInto(sum, counters)
      result[path] = sum
    }
    return result
  }

  totals(): Counters {
    const sum = empty()
    for (const counters of Object.values(this.snapshot())) addInto(sum, counters)
    return sum
  }
}

/** Without a prototype, because drop reasons that users name become keys. */
function empty(): Counters {
  return Object.create(null) as Counters
}

function addInto(sum: Counters, counters: object): void {
  for (const [name, value] of Object.entries(counters) as [string, unknown][]) {
    if (typeof value === 'number') sum[name] = (sum[name] ?? 0) + value
  }
}
