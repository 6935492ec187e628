import { MemoryLevel } from '@stack/buffer'
import type { Milliseconds } from '@stack/core'
import { INITIAL_BUFFER } from './options.ts'
import type { Settings } from './options.ts'
import { after, before } from './sequence.ts'
import { timestampNow } from './tcb.ts'
import type { Tcb } from './tcb.ts'

/** Round trips' worth of what the application takes: a window for what it reads, and one for what is on its way meanwhile. */
const ROUNDS = 2
/** A sender in slow start sends this many times as much in the next round trip. */
const LARGEST_GROWTH = 2
/** Full segments that may wait while memory is short, and bytes that are enough for it. */
const FLOOR_SEGMENTS = 4
const FLOOR = 16_384
/** Full segments that always have room where nothing is short. */
const LEAST_SEGMENTS = 4
/** Part of the buffer, as a shift, that has to come before it matters how long that took: twice as much is needed to enlarge it. */
const LEAST_SHARE = 3
/** µs */
const NEAR = 2000
/** ms that a busy host takes at most; an echo that is older says that the path is longer after all. */
const STALL = 20
/** Part of the packet memory that one buffer may promise. */
const LARGEST_SHARE = 4

/** Where a connection begins. */
export function initialReceiveBuffer({ receiveBuffer, maxReceiveBuffer }: Settings): number {
  return receiveBuffer ?? Math.min(INITIAL_BUFFER, maxReceiveBuffer)
}

/** How large the receive buffer may become by itself, or is by choice. */
function receiveBufferLimit(tcb: Tcb): number {
  const { receiveBuffer, maxReceiveBuffer } = tcb.settings
  return receiveBuffer ?? Math.min(maxReceiveBuffer, Math.max(INITIAL_BUFFER, Math.floor(tcb.context.host.memory.quota / LARGEST_SHARE)))
}

/**
 * Bytes that may wait to be read. Short memory makes it small, so that the window falls with what arrives; from there it
 * tunes itself again, and what was set is back with the memory.
 */
export function receiveBuffer(tcb: Tcb): number {
  const { rcv, settings } = tcb
  const { level } = tcb.context.host.memory
  if (level >= MemoryLevel.High) {
    const floor = Math.min(FLOOR_SEGMENTS * rcv.mss, FLOOR)
    if (floor < rcv.buffer) {
      rcv.buffer = floor
      rcv.isShrinking = true
    }
  } else if (level === MemoryLevel.Low && settings.receiveBuffer !== null) rcv.buffer = settings.receiveBuffer
  return rcv.buffer
}

/**
 * Dynamic right-sizing (Fisk and Feng, 2001): how much the application takes in one round trip says how large the window
 * has to be. A round begins when an ACK can leave, and ends with the first segment that was sent after the peer had it.
 */
export class ReceiveTuner {
  /** What the application took in the last round, bytes. */
  taken = 0
  /** How long that was, ms. */
  rtt = 0
  /** Sequence number of what was to be read next when the round began. */
  private read: number
  private arrived: number
  private began: Milliseconds
  /** The first timestamp of ours that belongs to the round: later than that of any ACK before it. */
  private stamp: number
  /** Right edge then. */
  private edge: number
  /** The least time in which a window came, ms: a round trip at least. For peers without timestamps. */
  private windowTime = Infinity
  // What the last segment was looked at with, µs: for others of its batch the answer is the same.
  private seenAt = -1
  private seenEcho = 0

  constructor(tcb: Tcb) {
    const { rcv } = tcb
    this.read = (rcv.nxt - rcv.queue.length) | 0
    this.arrived = rcv.arrived
    this.began = tcb.context.host.scheduler.now
    this.stamp = (timestampNow(tcb) + 1) | 0
    this.edge = rcv.edge
  }

  /** Looks at the segment that just came: bytes that the buffer ought to have; 0 = the round goes on. */
  onSegment(tcb: Tcb): number {
    if (!this.isOver(tcb)) return 0
    const { rcv } = tcb
    const { now } = tcb.context.host.scheduler
    const read = (rcv.nxt - rcv.queue.length) | 0
    // What waited behind a gap is read all at once when it is filled, and came in more rounds than this.
    const taken = Math.max(0, Math.min((read - this.read) | 0, (rcv.arrived - this.arrived) | 0))
    const growth = this.taken === 0 ? 1 : Math.min(LARGEST_GROWTH, Math.max(1, taken / this.taken))
    this.taken = taken
    this.rtt = now - this.began
    this.read = read
    this.arrived = rcv.arrived
    this.began = now
    this.stamp = (timestampNow(tcb) + 1) | 0
    this.edge = rcv.edge
    return Math.ceil(ROUNDS * taken * growth)
  }

  /** Requests and answers: they are looked at once for each tick of the peer's echo, and a round is at most that much too long. */
  isSmall({ rcv, context }: Tcb): boolean {
    return rcv.timestamps && ((rcv.arrived - this.arrived) | 0) < rcv.buffer >>> LEAST_SHARE && context.incoming.timestampEcho === this.seenEcho
  }

  /** Has the like of this segment been looked at in this turn? */
  isSeen({ context }: Tcb): boolean {
    return context.host.scheduler.micros === this.seenAt && context.incoming.timestampEcho === this.seenEcho
  }

  private isOver(tcb: Tcb): boolean {
    const { rcv, context } = tcb
    const { incoming } = context
    const { now, micros } = context.host.scheduler
    const elapsed = now - this.began
    if (rcv.timestamps) {
      if (!incoming.timestamps || this.isSeen(tcb)) return false
      this.seenAt = micros
      this.seenEcho = incoming.timestampEcho
      if (isNear(tcb)) return elapsed * 1000 >= tcb.rtt.minimum
      // RFC 7323 §3.2: the echo is of the last ACK that the peer had.
      return !before(incoming.timestampEcho, this.stamp)
    }
    if (after(this.edge, rcv.nxt)) return elapsed >= this.windowTime
    this.windowTime = Math.min(this.windowTime, Math.max(1, elapsed))
    return true
  }
}

/**
 * The peer is so near that timestamps, which tick once a millisecond, say little: the shortest round trip counts. What makes
 * others longer are hosts that are at something else, and a buffer for that would only leave the processor's cache.
 */
function isNear(tcb: Tcb): boolean {
  const { rtt, context } = tcb
  return rtt.minimum > 0 && rtt.minimum < NEAR && ((timestampNow(tcb) - context.incoming.timestampEcho) | 0) <= STALL
}

/** Text came. */
export function tuneReceiveBuffer(tcb: Tcb): void {
  const { rcv } = tcb
  if (rcv.tuner?.isSmall(tcb) === true || rcv.buffer >= receiveBufferLimit(tcb)) return
  rcv.tuner ??= new ReceiveTuner(tcb)
  const bytes = Math.max(rcv.tuner.onSegment(tcb), LEAST_SEGMENTS * rcv.mss)
  if (bytes > rcv.buffer && tcb.context.host.memory.level === MemoryLevel.Low) rcv.buffer = Math.min(bytes, receiveBufferLimit(tcb))
}
