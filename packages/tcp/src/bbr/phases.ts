/** The states of BBR (§5.1.1). */
export const Phase = { Startup: 0, Drain: 1, Down: 2, Cruise: 3, Refill: 4, Up: 5, ProbeRtt: 6 } as const
export type Phase = (typeof Phase)[keyof typeof Phase]

/** As traces have them. */
export const PHASE_NAMES: Readonly<Record<Phase, string>> = [
  'startup', 'drain', 'probe-bw-down', 'probe-bw-cruise', 'probe-bw-refill', 'probe-bw-up', 'probe-rtt',
] as const

/** What a state makes of the model: the rate is `pacingGain` times the bandwidth, the window `windowGain` times the path (§5.6.1). */
export interface Gains {
  readonly pacingGain: number
  readonly windowGain: number
}

export const PHASES: Readonly<Record<Phase, Gains>> = {
  [Phase.Startup]: { pacingGain: 2.77, windowGain: 2 },
  [Phase.Drain]: { pacingGain: 0.5, windowGain: 2 },
  [Phase.Down]: { pacingGain: 0.9, windowGain: 2 },
  [Phase.Cruise]: { pacingGain: 1, windowGain: 2 },
  [Phase.Refill]: { pacingGain: 1, windowGain: 2 },
  [Phase.Up]: { pacingGain: 1.25, windowGain: 2.25 },
  [Phase.ProbeRtt]: { pacingGain: 1, windowGain: 0.5 },
}

/** Is it one of the states of ProbeBW? */
export function isProbingBandwidth(phase: Phase): boolean {
  return phase >= Phase.Down && phase <= Phase.Up
}

/** Does it send more than before, to see what the path takes (IsProbingBW)? */
export function isProbing(phase: Phase): boolean {
  return phase === Phase.Startup || phase === Phase.Refill || phase === Phase.Up
}
