import type { TcpState } from './api.ts'

/** RFC 9293 §3.3.2. LISTEN and the SYN-RECEIVED of passive opens are records of a listener, TIME-WAIT is a record too. */
export const State = {
  Closed: 0,
  Listen: 1,
  SynSent: 2,
  SynReceived: 3,
  Established: 4,
  FinWait1: 5,
  FinWait2: 6,
  CloseWait: 7,
  Closing: 8,
  LastAck: 9,
  TimeWait: 10,
} as const
export type State = (typeof State)[keyof typeof State]

/** Names by number. */
export const STATE_NAMES: readonly TcpState[] = [
  'closed', 'listen', 'syn-sent', 'syn-received', 'established', 'fin-wait-1', 'fin-wait-2',
  'close-wait', 'closing', 'last-ack', 'time-wait',
]

const to = (...states: State[]): number => states.reduce<number>((mask, state) => mask | (1 << state), 0)

/**
 * The arrows of RFC 9293 figure 5 as a mask of successors; every state may also end in CLOSED. FIN-WAIT-1 → TIME-WAIT
 * is the segment that acknowledges our FIN and carries the peer's.
 */
const ARROWS: readonly number[] = [
  /* closed       */ to(State.SynSent, State.SynReceived),
  /* listen       */ to(State.SynSent, State.SynReceived),
  /* syn-sent     */ to(State.SynReceived, State.Established),
  /* syn-received */ to(State.Established, State.FinWait1, State.CloseWait),
  /* established  */ to(State.FinWait1, State.CloseWait),
  /* fin-wait-1   */ to(State.FinWait2, State.Closing, State.TimeWait),
  /* fin-wait-2   */ to(State.TimeWait),
  /* close-wait   */ to(State.LastAck),
  /* closing      */ to(State.TimeWait),
  /* last-ack     */ 0,
  /* time-wait    */ 0,
]

/** Does the state diagram have this arrow? */
export function isLegalTransition(from: State, next: State): boolean {
  return next === State.Closed || (ARROWS[from]! & (1 << next)) !== 0
}

const SENDS_DATA = to(State.Established, State.CloseWait, State.FinWait1, State.Closing, State.LastAck)
const TAKES_DATA = to(State.Established, State.FinWait1, State.FinWait2)

/** May segments with data or FIN leave (RFC 9293 §3.10.2, and what was queued before CLOSE)? */
export function sendsData(state: State): boolean {
  return (SENDS_DATA & (1 << state)) !== 0
}

/** Does the receiver take text in this state (RFC 9293 §3.10.7.4, seventh step)? */
export function takesData(state: State): boolean {
  return (TAKES_DATA & (1 << state)) !== 0
}

/** A step that applications wait for: our open is answered, or the peer has ended its stream. */
export function isAwaitedStep(before: State, state: State): boolean {
  return state !== before && (state === State.CloseWait || (state === State.Established && before === State.SynSent))
}
