import type { AckSample, CongestionAlgorithm } from './congestion.ts'
import { Reno } from './reno.ts'

/** Weight of one window in the estimate (RFC 8257 §3.3: g). */
const GAIN = 1 / 16

/** Data Center TCP (RFC 8257): Reno that comes down by as much of its window as was marked. */
class Dctcp extends Reno {
  override readonly name: string = 'dctcp'
  /** DCTCP.Alpha: the part of the bytes that is marked, estimated. Begins with the worst. */
  private alpha = 1
  /** DCTCP.BytesAcked and DCTCP.BytesMarked. */
  private bytes = 0
  private marked = 0
  /** DCTCP.WindowEnd. */
  private end = 0
  private hasEnd = false

  /** RFC 8257 §3.3, steps 1 to 9. */
  onMarks({ delivered, marked, una, nxt }: AckSample): void {
    this.bytes += delivered
    this.marked += marked
    if (this.hasEnd && ((una - this.end) | 0) <= 0) return
    if (this.hasEnd && this.bytes > 0) this.alpha += GAIN * (Math.min(1, this.marked / this.bytes) - this.alpha)
    this.hasEnd = true
    this.end = nxt
    this.bytes = this.marked = 0
  }

  /** RFC 8257 §3.3: cwnd * (1 - Alpha / 2). */
  override onCongestion(): void {
    this.ssthresh = Math.max(Math.floor(this.cwnd * (1 - this.alpha / 2)), 2 * this.sender.mss)
    this.cwnd = this.ssthresh
    this.acked = 0
  }
}

/**
 * DCTCP (RFC 8257), for networks under one hand whose queues mark early: it shares with Reno and CUBIC badly. It asks for
 * ECN whatever the option `ecn` says, and echoes marks exactly.
 *
 * @returns an algorithm for the option `congestionControls` of `tcp()`
 *
 * @example
 * ```ts
 * import { dctcp, tcp } from '@stack/tcp'
 *
 * tcp({ congestionControls: [dctcp()], congestionControl: 'dctcp' })
 * ```
 */
export function dctcp(): CongestionAlgorithm {
  return { name: 'dctcp', needsEcn: true, create: (sender) => new Dctcp(sender) }
}
