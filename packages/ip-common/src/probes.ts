import type { Milliseconds, Random, TimerWheel } from '@stack/core'

/** When probes are sent (RFC 5227 §1.1, RFC 4862 §5.1). */
export interface ProbeSchedule {
  /** Probes to send; 0 = none, the run is done at once (in a turn). */
  readonly count: number
  /** The first probe waits a random time up to this, ms. */
  readonly maximumDelay: Milliseconds
  /** Random time between probes, ms. Equal bounds = exact. */
  readonly minimumInterval: Milliseconds
  readonly maximumInterval: Milliseconds
  /** Silence behind the last probe that means success, ms. */
  readonly finalWait: Milliseconds
}

/** One run through a schedule. */
export interface ProbeRun {
  readonly isRunning: boolean
  /** Starts from the beginning. `delay` is added before the first probe (back-off after conflicts). */
  start(delay?: Milliseconds): void
  cancel(): void
}

/** `probe` is called with 1, 2 … for each probe, then `done` once unless the run was cancelled. */
export function createProbeRun(
  host: { readonly timers: TimerWheel; readonly random: Random },
  schedule: ProbeSchedule,
  probe: (number: number) => void,
  done: () => void,
): ProbeRun {
  let sent = 0
  const timer = host.timers.create(() => {
    if (sent >= schedule.count) {
      done()
      return
    }
    sent++
    // Armed first: a probe that finds a conflict at once (looped, synchronous) may cancel the run.
    timer.armAfter(
      sent >= schedule.count
        ? schedule.finalWait
        : schedule.minimumInterval + host.random.next() * (schedule.maximumInterval - schedule.minimumInterval),
    )
    probe(sent)
  })
  return {
    get isRunning() {
      return timer.armed
    },
    start(delay = 0) {
      sent = 0
      timer.armAfter(delay + (schedule.count > 0 ? host.random.next() * schedule.maximumDelay : 0))
    },
    cancel() {
      timer.cancel()
    },
  }
}
