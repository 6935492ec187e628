/** The states of BBR (§5.1.1). */
export const Phase = { Startup: 0, Drain: 1, Down: 2, Cruise: 3, Refill: 4, Up: 5, ProbeRtt: 6 } as const
export type Phase = (typeof Phase)[keyof typeof Phase]

/** As traces have them. */
export const PHASE_NAMES: Readonly<Record<Phase, string>> = [
  'startup', 'drain', 'probe-bw-down', 'probe-bw-cruise', 'probe-bw-refill', 'probe-bw-up', 'probe-rtt',
] as const

/** What a state makes of the model: the rate is `pacing` times the bandwidth, the window `window` times the path (§5.6.1). */
export interface Gains {
  readonly pacing: number
  readonly window: number
}

export const GAINS: Readonly<Record<Phase, Gains>> = {
  [Phase.Startup]: { pacing: 2.77, window: 2 },
  [Phase.Drain]: { pacing: 0.5, window: 2 },
  [Phase.Down]: { pacing: 0.9, window: 2 },
  [Phase.Cruise]: { pacing: 1, window: 2 },
  [Phase.Refill]: { pacing: 1, window: 2 },
  [Phase.Up]: { pacing: 1.25, window: 2.25 },
  [Phase.ProbeRtt]: { pacing: 1, window: 0.5 },
}

/** Is it one of the states of ProbeBW? */
export function isProbingBandwidth(phase: Phase): boolean {
  return phase >= Phase.Down && phase <= Phase.Up
}

/** Does it send more than before, to see what the path takes (IsProbingBW)? */
export function isProbing(phase: Phase): boolean {
  return phase === Phase.Startup || phase === Phase.Refill || phase === Phase.Up
}
