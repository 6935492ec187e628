import { seededRandom } from '@stack/core'
import { createAckSample } from '../../src/congestion.ts'
import type { Random } from '@stack/core'
import type { AckSample, CongestionAlgorithm, CongestionControl } from '../../src/congestion.ts'

/** One congestion control without a connection: what is acknowledged, and when, is the test's. */
export class ControlBench {
  readonly sender: { mss: number; smoothedRtt: number; random: Random }
  readonly control: CongestionControl
  /** ms */
  now = 1000
  /** ms */
  rtt: number
  limited = true
  private una = 0
  private readonly sample: AckSample = createAckSample()

  constructor(algorithm: CongestionAlgorithm, { mss = 1000, rtt = 100 }: { readonly mss?: number; readonly rtt?: number } = {}) {
    this.sender = { mss, smoothedRtt: rtt * 1000, random: seededRandom(1) }
    this.rtt = rtt
    this.control = algorithm.create(this.sender)
  }

  /** Window in segments. */
  get segments(): number {
    return this.control.cwnd / this.sender.mss
  }

  /** One ACK of `acked` bytes with a window in flight. */
  ack(acked: number = this.sender.mss): void {
    const { sample, control } = this
    this.una = (this.una + acked) | 0
    sample.acked = sample.delivered = acked
    sample.flight = control.cwnd
    sample.una = this.una
    sample.nxt = (this.una + control.cwnd - acked) | 0
    sample.rtt = sample.smoothedRtt = sample.minimumRtt = this.rtt * 1000
    sample.now = this.now
    sample.limited = this.limited
    control.onAck(sample)
  }

  /** A full window, segment by segment, evenly over a round trip. */
  roundTrip(): void {
    const acks = Math.max(1, Math.floor(this.segments))
    for (let i = 0; i < acks; i++) {
      this.now += this.rtt / acks
      this.ack()
    }
  }

  /** Loss of a full window, repaired with PRR: the sender then takes the threshold. */
  lose(flight: number = this.control.cwnd): void {
    this.control.onLoss(flight)
    this.now += this.rtt
    this.control.cwnd = this.control.ssthresh
  }

  /** Sets the window in segments, as if it had grown so far without loss. */
  place(segments: number): void {
    this.control.cwnd = segments * this.sender.mss
  }
}
