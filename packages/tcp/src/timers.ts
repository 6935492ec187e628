import type { Milliseconds, Timer, TimerWheel } from '@stack/core'

/** What the timers of a connection do when they expire. */
export interface TimerActions {
  /** Retransmission, or the probe of a closed window. */
  onRetransmitTimer(now: Milliseconds): void
  /** The retransmission timer is late: the host stood still, and how long answers took says nothing of the path. */
  onStall(): void
  onDelayedAckTimer(): void
  onKeepAliveTimer(now: Milliseconds): void
  /** `close()` or `connect()` took too long. */
  onDeadlineTimer(): void
  /** Try again what the stack itself refused. */
  onRetryTimer(): void
  /** A segment waited long enough to be filled. */
  onCorkTimer(): void
  /** What arrived late enough is lost (RFC 8985 §6.2). */
  onReorderTimer(): void
  /** Time for a tail loss probe (RFC 8985 §7.2). */
  onProbeTimer(): void
  /** The next quantum may leave. */
  onPaceTimer(): void
}

/** What a field begins with that is to hold any value, not doubles only. */
const RARE = null as unknown as Milliseconds

/** ms by which a timer may be late before it is the host that stood still, and not the network. */
const STALL = 20
/** ms that ACKs then get to come out of the link first. */
const GRACE = 10

/**
 * The deadlines of one connection over one timer of the wheel: an idle connection costs one object. A deadline that
 * moves later or goes away leaves the timer alone; it fires once for nothing at most.
 */
export class ConnectionTimers {
  retransmit: Milliseconds = Infinity
  delayedAck: Milliseconds = Infinity
  keepAlive: Milliseconds = RARE
  deadline: Milliseconds = RARE
  retry: Milliseconds = RARE
  cork: Milliseconds = RARE
  reorder: Milliseconds = RARE
  probe: Milliseconds = Infinity
  pace: Milliseconds = RARE
  private readonly actions: TimerActions
  private readonly wheel: TimerWheel
  // Made when needed, given up when it has fired and nothing is left.
  private timer: Timer | null = null
  /** The deadline that a late retransmission got. */
  private graced: Milliseconds = RARE
  private isOver = false

  constructor(wheel: TimerWheel, actions: TimerActions) {
    this.wheel = wheel
    this.actions = actions
    // What rarely has a deadline shares the engine's one Infinity, instead of 16 bytes each for a double.
    this.keepAlive = this.deadline = this.retry = this.cork = this.reorder = this.pace = this.graced = Infinity
  }

  /** Call after a deadline was set. */
  schedule(deadline: Milliseconds): void {
    if (deadline === Infinity || this.isOver) return
    const timer = this.timer ?? this.start()
    if (!timer.armed || deadline < timer.deadline) timer.arm(deadline)
  }

  // Apart, because a function that makes another one makes room for it whenever it is called.
  private start(): Timer {
    this.timer = this.wheel.create((now) => {
      this.fire(now)
    })
    return this.timer
  }

  /** The connection is over: what it left waits to be read until `deadline`. */
  keep(deadline: Milliseconds): void {
    this.deadline = deadline
    const timer = this.timer ?? this.start()
    timer.arm(deadline)
  }

  /** The connection is over: nothing fires any more, nor what is still scheduled by whoever was sending when a hook ended it. */
  cancel(): void {
    this.isOver = true
    this.retransmit = this.delayedAck = this.keepAlive = this.deadline = this.retry = this.cork = this.reorder = this.probe = this.pace = Infinity
    this.timer?.cancel()
  }

  /** A turn begins with timers: after a pause of the whole program the ACKs are still in the link, and nothing is lost. */
  private fireRetransmit(now: Milliseconds): void {
    if (now - this.retransmit > STALL && this.retransmit !== this.graced) {
      this.retransmit = this.graced = now + GRACE
      this.actions.onStall()
      return
    }
    this.retransmit = Infinity
    this.actions.onRetransmitTimer(now)
  }

  private fireReorder(now: Milliseconds): void {
    if (now - this.reorder > STALL) {
      this.reorder = now + GRACE
      return
    }
    this.reorder = Infinity
    this.actions.onReorderTimer()
  }

  private fireProbe(now: Milliseconds): void {
    if (now - this.probe > STALL) {
      this.probe = now + GRACE
      return
    }
    this.probe = Infinity
    this.actions.onProbeTimer()
  }

  private fire(now: Milliseconds): void {
    if (this.deadline <= now) {
      this.deadline = Infinity
      this.actions.onDeadlineTimer()
    }
    if (this.isOver) return
    // A probe that stands in place of a timeout puts it off.
    if (this.probe <= now) this.fireProbe(now)
    if (this.retransmit <= now) this.fireRetransmit(now)
    if (this.reorder <= now) this.fireReorder(now)
    if (this.keepAlive <= now) {
      this.keepAlive = Infinity
      this.actions.onKeepAliveTimer(now)
    }
    if (this.delayedAck <= now) {
      this.delayedAck = Infinity
      this.actions.onDelayedAckTimer()
    }
    if (this.retry <= now) {
      this.retry = Infinity
      this.actions.onRetryTimer()
    }
    if (this.cork <= now) {
      this.cork = Infinity
      this.actions.onCorkTimer()
    }
    if (this.pace <= now) {
      this.pace = Infinity
      this.actions.onPaceTimer()
    }
    const next = Math.min(this.retransmit, this.delayedAck, this.keepAlive, this.deadline, this.retry, this.cork, this.reorder, this.probe, this.pace)
    // An idle connection has no timer: most have nothing to wait for, for most of their time.
    if (next === Infinity) this.timer = null
    else this.schedule(next)
  }
}
