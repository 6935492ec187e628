import type { Milliseconds } from '@stack/core'
import { initialWindow } from './congestion.ts'
import type { AckSample } from './congestion.ts'
import { before } from './sequence.ts'
import type { Tcb } from './tcb.ts'

/** How long a window that is not used is kept before it is halved, ms (RFC 7661 §4.4.3). */
const NON_VALIDATED_PERIOD = 300_000
/** What was used in this time counts: round trips, and ms at least (RFC 7661 §4.2). */
const SAMPLING_ROUNDS = 3
const LEAST_SAMPLING = 1000
/** Nothing was measured yet: the window counts as validated. */
const UNDEFINED = -1

/**
 * Congestion window validation (RFC 7661): how much of cwnd the application uses, while it does not use all of it. Made when
 * it first does not.
 */
export class Validation {
  /** Most bytes that were acknowledged in one round trip of late: pipeACK. */
  private pipeAck: number = UNDEFINED
  /** The same of the sampling period before this one, and where this one ends. */
  private last: number = UNDEFINED
  private periodEnd: Milliseconds = 0
  // The round trip being measured: until this is acknowledged.
  private hasRound = false
  private roundEnd = 0
  private acked = 0
  private largestFlight = 0
  /** Since when cwnd is not used, ms; Infinity = it is. */
  private unusedSince: Milliseconds = Infinity
  /** max(pipeACK, LossFlightSize) of a recovery that began without validation; 0 = there is none. */
  private lossBasis = 0
  private resentBefore = 0

  /** More than half of cwnd was in flight in this round trip. */
  isHalfUsed(cwnd: number): boolean {
    return 2 * this.largestFlight > cwnd
  }

  /** Half of cwnd was used, or nothing is known (RFC 7661 §4.3). */
  isValidated(cwnd: number): boolean {
    const used = Math.max(this.pipeAck, this.last)
    return used === UNDEFINED || used >= cwnd >>> 1
  }

  /** All of cwnd was in flight, and is acknowledged. */
  used(): void {
    this.pipeAck = this.last = UNDEFINED
    this.hasRound = false
    this.unusedSince = Infinity
  }

  /** Something was acknowledged, outside of recovery. */
  onAck(tcb: Tcb, { acked, flight, una, nxt, now, smoothedRtt }: AckSample): void {
    if (now >= this.periodEnd) {
      this.last = this.pipeAck
      this.pipeAck = UNDEFINED
      this.periodEnd = now + Math.max((SAMPLING_ROUNDS * smoothedRtt) / 1000, LEAST_SAMPLING)
    }
    if (!this.hasRound || !before((una - acked) | 0, this.roundEnd)) {
      if (this.hasRound) this.pipeAck = Math.max(this.pipeAck, this.acked)
      this.hasRound = true
      this.acked = this.largestFlight = 0
      this.roundEnd = nxt
    }
    this.acked += acked
    this.largestFlight = Math.max(this.largestFlight, flight)
    if (this.isValidated(tcb.cc.cwnd)) this.unusedSince = Infinity
    else if (this.unusedSince === Infinity) this.unusedSince = now
    else if (now - this.unusedSince >= NON_VALIDATED_PERIOD) {
      adjust(tcb)
      this.unusedSince = now
    }
  }

  /** Loss with `flight` bytes out: what was used is what counts (RFC 7661 §4.4.1). */
  onLoss(tcb: Tcb, flight: number): number {
    const { cc, snd } = tcb
    this.lossBasis = 0
    if (this.isValidated(cc.cwnd)) return flight
    this.lossBasis = Math.min(cc.cwnd, Math.max(this.pipeAck, this.last, flight))
    this.resentBefore = snd.repair?.bytesRetransmitted ?? 0
    cc.cwnd = this.lossBasis
    return this.lossBasis
  }

  /** Recovery is over: what had to be sent again was more than the path carries (RFC 7661 §4.4.1). */
  onRecovered({ cc, snd }: Tcb): void {
    if (this.lossBasis > 0) {
      const resent = Math.min(this.lossBasis, (snd.repair?.bytesRetransmitted ?? 0) - this.resentBefore)
      cc.ssthresh = Math.max(Math.floor((cc.ssthresh * (this.lossBasis - resent)) / this.lossBasis), 2 * snd.mss)
    }
    this.lossBasis = 0
    this.used()
  }

  /** When cwnd was last used, if nothing was sent since `lastSent`. */
  unused(lastSent: Milliseconds): Milliseconds {
    return Math.min(this.unusedSince, lastSent)
  }
}

/** Nothing was sent for a while and cwnd is kept all the same: halved for every five minutes (RFC 7661 §4.4.3). */
export function keepThroughIdle(tcb: Tcb): void {
  const { snd, context } = tcb
  const since = snd.validation?.unused(snd.lastSent) ?? snd.lastSent
  let periods = Math.floor((context.host.scheduler.now - since) / NON_VALIDATED_PERIOD)
  for (; periods > 0 && tcb.cc.cwnd > initialWindow(snd.mss); periods--) adjust(tcb)
}

/** RFC 7661 §4.4.3. */
function adjust({ cc, snd }: Tcb): void {
  cc.ssthresh = Math.max(cc.ssthresh, (cc.cwnd >>> 2) * 3)
  cc.cwnd = Math.max(cc.cwnd >>> 1, Math.min(cc.cwnd, initialWindow(snd.mss)))
}
