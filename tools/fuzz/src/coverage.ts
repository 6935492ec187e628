import { TCP_STATES } from '@stack/testing'

/** What runs touched: a fuzzer that stays at the door finds nothing. */
export class Coverage {
  cases = 0
  frames = 0
  sent = 0
  /** State of the connection when a segment for it came, with its flags: how often. */
  readonly arrivals = new Map<string, number>()
  private readonly touched = new Set<string>()
  private readonly known = new Set<string>()

  arrival(state: string, flags: string): void {
    const key = `${state} ${flags}`
    this.arrivals.set(key, (this.arrivals.get(key) ?? 0) + 1)
  }

  counters(groups: Readonly<Record<string, Readonly<Record<string, number>>>>): void {
    for (const [group, counters] of Object.entries(groups)) {
      for (const [name, value] of Object.entries(counters)) {
        const key = `${group}.${name}`
        this.known.add(key)
        if (value > 0) this.touched.add(key)
      }
    }
  }

  get statesReached(): readonly string[] {
    return TCP_STATES.filter((state) => [...this.arrivals.keys()].some((key) => key.startsWith(`${state} `)))
  }

  get countersTouched(): readonly string[] {
    return [...this.touched].sort()
  }

  get countersUntouched(): readonly string[] {
    return [...this.known].filter((key) => !this.touched.has(key)).sort()
  }

  /** Lines for people. */
  report(): string {
    const perState = TCP_STATES.map((state) => {
      const count = [...this.arrivals].reduce((sum, [key, n]) => sum + (key.startsWith(`${state} `) ? n : 0), 0)
      const kinds = [...this.arrivals.keys()].filter((key) => key.startsWith(`${state} `)).length
      return `${state} ${count} (${kinds} flag sets)`
    })
    const untouched = this.countersUntouched
    return [
      `${this.cases} cases, ${this.frames} frames in, ${this.sent} packets out`,
      `TCP states when a segment came: ${perState.join(', ')}`,
      `counters touched: ${this.countersTouched.length} of ${this.known.size}${untouched.length === 0 ? '' : `; not: ${untouched.join(' ')}`}`,
    ].join('\n')
  }
}
