import type { EcnKind, EcnPolicy } from './api.ts'
import type { AccurateEcn } from './accurate-ecn.ts'
import type { HalfOpenEcn } from './ecn-handshake.ts'

/** The ECN field of the IP header (RFC 3168 §5). */
export const Codepoint = { NotEct: 0, Ect1: 1, Ect0: 2, Ce: 3 } as const

/**
 * Marks brought cwnd down for what is out, as loss would have: one reduction for one window (RFC 3168 §6.1.2). Where marks
 * count for less than loss, loss counts all the same (RFC 8257 §3.5).
 */
export function isReducedAlready(ecn: Ecn): boolean {
  return ecn.isReducing && !ecn.isExact
}

/** What one connection knows of ECN. Made when our SYN asks for it, or the peer's does. */
export class Ecn {
  readonly policy: Required<EcnPolicy>
  /** What the handshake agreed to. */
  kind: EcnKind = 'none'
  /** Nothing speaks against sending ECT. */
  isPathGood = true
  /** Some packet came that was capable of ECN. */
  isSeen = false
  /** Packets that came marked. */
  received = 0
  /** What the peer says came marked, packets. */
  marked = 0
  /** Times that cwnd came down for it. */
  reductions = 0
  /** With accurate feedback. */
  accurate: AccurateEcn | null = null

  // --- the receiver's side of classic ECN (RFC 3168 §6.1.3) ---
  /** Segments leave with ECE. */
  echo = false
  /** ECE says what came last, and not what came since CWR (RFC 8257 §3.2). */
  isExact = false

  // --- the sender's side ---
  /** The next new text leaves with CWR (RFC 3168 §6.1.2). */
  cwrDue = false
  /** What we answered the peer's SYN with, until something is heard of it. */
  answered: HalfOpenEcn | null = null
  /** cwnd is on its way down: marks and losses of what was out when it began are no further reason. */
  isReducing = false
  /** SND.NXT when that began. */
  reducedUntil = 0

  constructor(policy: Required<EcnPolicy>) {
    this.policy = policy
  }

  /** May new text leave as ECT? */
  get isCapable(): boolean {
    return this.kind !== 'none' && this.isPathGood
  }

  /** cwnd came down because of loss: the peer is told (RFC 3168 §6.1.2), and marks of that window say nothing new. */
  lost(): void {
    this.cwrDue = true
    this.isReducing = false
  }
}
