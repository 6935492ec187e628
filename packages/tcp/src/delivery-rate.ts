import type { AckEvent } from './ack-event.ts'
import type { LostSegment, RateSample } from './congestion.ts'
import { Mark } from './scoreboard.ts'
import type { Scoreboard } from './scoreboard.ts'
import { after, before } from './sequence.ts'
import { pipe, Recovery } from './tcb.ts'
import type { Tcb } from './tcb.ts'

/** What was known when a segment left: P.delivered and so on. */
const Stamp = { Delivered: 0, DeliveredAt: 1, FirstSent: 2, Lost: 3, /** Twice the bytes in flight, and 1 when it was limited. */ Flight: 4 } as const

/** µs from one measured segment to the next, where one in a round trip does: in the shortest ones it would cost more than it tells. */
const INTERVAL = 1000

/**
 * How fast data arrives (draft-ietf-ccwg-bbr-06 §4.1): every segment takes along what was known when it left, and its
 * acknowledgment tells what arrived since then, and in what time. For controls that do not care one segment in a round trip
 * does. Made when the first data comes. Times are int32 µs.
 */
export class DeliveryRate {
  /** C.delivered: bytes known to have arrived. */
  delivered = 0
  /** Bytes a second of the last sample, or of a larger one that the application limited; 0 = none yet. */
  rate = 0
  isRateLimited = false
  /** C.app_limited: samples are marked until more than this has arrived; 0 = they are not. */
  private limitedUntil = 0
  /** C.delivered_time. */
  private deliveredAt = 0
  /** C.first_send_time: when the segment left that is newest of what arrived. */
  private firstSent = 0
  // Its place among everything sent.
  private newest = 0
  // What the sample of this acknowledgment lasts.
  private interval = 0
  private lostBefore = 0
  /** Where not every segment has a stamp: one is out. */
  private isTiming = false
  /** When the last one left. */
  private timedAt = -INTERVAL
  /** Words of one. Not a typed array: that is three objects, and slow to make. */
  private readonly stamp: number[] = [0, 0, 0, 0, 0]

  get isAppLimited(): boolean {
    return this.limitedUntil !== 0
  }

  /** The sender has nothing to send, with `flight` bytes in the network (§4.1.2.4). */
  limit(flight: number): void {
    this.limitedUntil = Math.max(this.delivered + flight, 1)
  }

  /** Something leaves at `now`, and nothing is in flight (§4.1.2.2). */
  restart(now: number): void {
    this.firstSent = this.deliveredAt = now
  }

  /** Is what leaves at `now` to be measured? All of it for a control that follows the rate, else one segment in a round trip. */
  isDue(board: Scoreboard, now: number): boolean {
    return board.hasStamps || (!this.isTiming && (now - this.timedAt) >>> 0 >= INTERVAL)
  }

  /** §4.1.2.2: record `i` leaves; `flight` bytes are in the network with it. */
  sent(board: Scoreboard, i: number, flight: number): void {
    const { stamp } = this
    stamp[Stamp.Delivered] = this.delivered
    stamp[Stamp.DeliveredAt] = this.deliveredAt
    stamp[Stamp.FirstSent] = this.firstSent
    stamp[Stamp.Lost] = board.lostTotal
    // Never 0.
    stamp[Stamp.Flight] = (flight << 1) | (this.limitedUntil !== 0 ? 1 : 0)
    if (board.hasStamps) {
      board.setStamp(i, stamp)
      return
    }
    board.markTimed(i)
    this.timedAt = board.sent(i)
    this.isTiming = true
  }

  /** §4.1.2.3, UpdateRateSample: record `i` arrived, says the acknowledgment that came at `now`; the newest of them counts. */
  arrived(board: Scoreboard, i: number, now: number, isTimeless: boolean, sample: RateSample): void {
    const { stamp } = this
    if (board.hasStamps) board.getStamp(i, stamp)
    else if ((board.marks(i) & Mark.Timed) === 0) return
    this.isTiming = false
    const flight = stamp[Stamp.Flight]!
    const order = board.order(i)
    if (flight === 0 || (sample.priorDelivered >= 0 && !after(order, this.newest))) return
    const sent = board.sent(i)
    this.newest = order
    sample.priorDelivered = this.delivered - ((this.delivered - stamp[Stamp.Delivered]!) | 0)
    sample.isAppLimited = (flight & 1) !== 0
    sample.sentFlight = flight >>> 1
    // §5.5.7.1: the one that was sent last has waited the least.
    sample.rtt = isTimeless ? 0 : Math.max(1, (now - sent) | 0)
    this.lostBefore = stamp[Stamp.Lost]!
    this.interval = Math.max((sent - stamp[Stamp.FirstSent]!) | 0, (now - stamp[Stamp.DeliveredAt]!) | 0)
    this.firstSent = sent
  }

  /** All records of an acknowledgment were told. */
  counted(event: AckEvent): void {
    if (event.delivered === 0) return
    this.delivered += event.delivered
    this.deliveredAt = event.arrival
    // The gap has left the path.
    if (this.delivered > this.limitedUntil) this.limitedUntil = 0
  }

  /** §4.1.2.3, GenerateRateSample: when what is lost is known. */
  complete(board: Scoreboard, minimumRtt: number, sample: RateSample): void {
    sample.deliveredTotal = this.delivered
    sample.rate = sample.delivered = sample.lost = 0
    if (sample.priorDelivered < 0) return
    sample.delivered = this.delivered - sample.priorDelivered
    sample.lost = (board.lostTotal - this.lostBefore) | 0
    // The answer to the original of what was sent again comes too early to be one.
    if (this.interval === 0 || this.interval < minimumRtt) return
    sample.rate = (sample.delivered * 1e6) / this.interval
    if (sample.isAppLimited && sample.rate < this.rate) return
    this.rate = sample.rate
    this.isRateLimited = sample.isAppLimited
  }

  /** What is to be told of record `i`, which is held lost. */
  describeLost(board: Scoreboard, i: number, segment: LostSegment): void {
    const { stamp } = this
    board.getStamp(i, stamp)
    const flight = stamp[Stamp.Flight]!
    segment.start = board.start(i)
    segment.end = board.end(i)
    segment.deliveredTotal = this.delivered
    segment.lost = flight === 0 ? 0 : (board.lostTotal - stamp[Stamp.Lost]!) | 0
    segment.sentFlight = flight >>> 1
    segment.isAppLimited = (flight & 1) !== 0
  }
}

/**
 * §4.1.2.4: to be called before more is written, before an acknowledgment is looked at, and before a timer sends anything. Is
 * there a gap, because nothing was there to be sent?
 */
export function checkAppLimited(tcb: Tcb): void {
  const { snd } = tcb
  if (before(snd.nxt, snd.queue.end) || tcb.below > 0 || snd.board.lostBytes > 0) return
  const flight = pipe(tcb)
  if (flight < tcb.cc.cwnd) (snd.rate ??= new DeliveryRate()).limit(flight)
}

/** Before the records of an acknowledgment are looked at. */
export function beginSample(tcb: Tcb): void {
  checkAppLimited(tcb)
  tcb.context.rateSample.priorDelivered = -1
}

/** A control that follows the rate hears of the acknowledgment; `isWindowLimited`: cwnd held back what it answers. */
export function sampleRate(tcb: Tcb, event: AckEvent, isWindowLimited: boolean): void {
  const { rate, board } = tcb.snd
  if (rate === null) return
  const { snd, rtt, cc, context } = tcb
  const sample = context.rateSample
  rate.complete(board, rtt.minimum, sample)
  if (cc.onDelivered === undefined) return
  sample.now = context.host.scheduler.now
  sample.acked = event.delivered
  sample.flight = pipe(tcb)
  if (sample.priorDelivered < 0) sample.rtt = 0
  sample.minimumRtt = rtt.minimum
  sample.isWindowLimited = isWindowLimited
  sample.isRecovering = snd.recovery !== Recovery.None
  sample.hasSack = tcb.rcv.sackPermitted
  cc.onDelivered(sample)
  if (cc.isHoldingBack === true) rate.limit(sample.flight)
}
