import type { Packet } from '@stack/buffer'
import type { Milliseconds, SecureRandom, Timer, TimerWheel } from '@stack/core'
import { AgeList } from './age-list.ts'
import type { TcpCounters } from './counters.ts'
import type { HalfOpenEcn } from './ecn-handshake.ts'
import type { Flow } from './flow.ts'
import { INITIAL_RTO } from './rto.ts'
import { TupleIndex } from './tuple-index.ts'

/** A half-open connection: SYN-RECEIVED after a passive open, without a TCB (RFC 9293 §3.10.7.2). */
export interface HalfOpen extends Flow {
  irs: number
  iss: number
  /** MSS we announce. */
  readonly mss: number
  peerMss: number
  /** -1 = not offered. */
  peerScale: number
  readonly timestamps: boolean
  sackPermitted: boolean
  /** The peer's user timeout option, s; 0 = none. */
  readonly userTimeout: number
  tsRecent: number
  readonly tsOffset: number
  /** Null = the SYN asked for no ECN, or gets none. */
  ecn: HalfOpenEcn | null
  /** When the SYN-ACK last left, int32 µs. */
  sentAt: number
  retries: number
  deadline: Milliseconds
  /** Challenge ACKs sent. */
  challenges: number
  /** The final ACK came, without text, and text is waited for. */
  acked: boolean
  /** What the timestamp of the SYN-ACK says beside the time; -1 = it has no cookie. */
  cookieBits: number
}

/** How long half-open connections are waited for. */
export interface SynPatience {
  /** Retransmissions of a SYN-ACK: 5 are 1 + 2 + … + 32 s. */
  readonly retries: number
  /** Timeouts that pass before a handshake without text is taken for complete; 0 = it is at once. */
  readonly deferrals: number
  /** Longest wait for the answer to a SYN-ACK, ms. */
  readonly longest: Milliseconds
}

interface Entry {
  readonly record: HalfOpen
  readonly slot: number
  older: Entry | null
  newer: Entry | null
}

interface Level {
  /** ms until the next retransmission. */
  readonly wait: Milliseconds
  /** By deadline, too. */
  readonly entries: AgeList<Entry>
}

/**
 * The half-open connections of one listener. Those with as many retransmissions have the same timeout, so one list a
 * level is in order of deadlines, and one timer serves all.
 */
export class SynQueue {
  private readonly index: TupleIndex
  /** By the slots of the index. */
  private readonly entries: (Entry | null)[] = []
  private readonly levels: Level[] = []
  private readonly timer: Timer
  private readonly counters: Pick<TcpCounters, 'halfOpen' | 'synExpired'>
  private readonly patience: SynPatience
  private readonly retransmit: (record: HalfOpen) => void

  /** @param retransmit - sends the SYN-ACK again */
  constructor(
    timers: TimerWheel, random: SecureRandom, counters: Pick<TcpCounters, 'halfOpen' | 'synExpired'>, patience: SynPatience,
    retransmit: (record: HalfOpen) => void,
  ) {
    this.counters = counters
    this.index = new TupleIndex(random)
    this.patience = patience
    this.retransmit = retransmit
    for (let i = 0; i <= Math.max(patience.retries, patience.deferrals); i++) {
      this.levels.push({ wait: Math.min(INITIAL_RTO * 2 ** i, patience.longest), entries: new AgeList() })
    }
    this.timer = timers.create((now) => this.fire(now))
  }

  get size(): number {
    return this.index.size
  }

  find(packet: Packet, zone: number): HalfOpen | null {
    if (this.index.size === 0) return null
    this.index.keyOfPacket(packet, zone)
    const slot = this.index.find()
    return slot < 0 ? null : this.entries[slot]!.record
  }

  /** `record.retries` is 0 and its SYN-ACK has just left. */
  add(record: HalfOpen, now: Milliseconds): void {
    this.keyOf(record)
    const slot = this.index.add()
    const entry: Entry = { record, slot, older: null, newer: null }
    this.entries[slot] = entry
    this.counters.halfOpen++
    this.wait(entry, now)
  }

  remove(record: HalfOpen): void {
    this.keyOf(record)
    const slot = this.index.find()
    if (slot < 0) return
    this.drop(this.entries[slot]!)
  }

  /** Makes room: of those with the most retransmissions the first goes. */
  removeOldest(): void {
    for (let retries = this.levels.length - 1; retries >= 0; retries--) {
      const { oldest } = this.levels[retries]!.entries
      if (oldest === null) continue
      this.drop(oldest)
      return
    }
  }

  clear(): void {
    this.counters.halfOpen -= this.size
    for (const { entries } of this.levels) entries.clear()
    this.index.clear()
    this.entries.length = 0
    this.timer.cancel()
  }

  private keyOf(record: HalfOpen): void {
    this.index.keyOfTuple(record.localAddress, record.localPort, record.remoteAddress, record.remotePort, record.nicId)
  }

  private drop(entry: Entry): void {
    this.index.remove(entry.slot)
    this.counters.halfOpen--
    this.levels[entry.record.retries]!.entries.delete(entry)
    this.entries[entry.slot] = null
  }

  private wait(entry: Entry, now: Milliseconds): void {
    const { record } = entry
    const level = this.levels[record.retries]!
    record.deadline = now + level.wait
    level.entries.add(entry)
    if (!this.timer.armed || record.deadline < this.timer.deadline) this.timer.arm(record.deadline)
  }

  private fire(now: Milliseconds): void {
    // From the last level on, so that nobody is looked at twice.
    for (let retries = this.levels.length - 1; retries >= 0; retries--) {
      const { entries } = this.levels[retries]!
      for (let entry = entries.oldest; entry !== null && entry.record.deadline <= now; entry = entries.oldest) this.late(entry, now)
    }
    let earliest = Infinity
    for (const { entries } of this.levels) if (entries.oldest !== null) earliest = Math.min(earliest, entries.oldest.record.deadline)
    if (earliest !== Infinity) this.timer.arm(earliest)
  }

  private late(entry: Entry, now: Milliseconds): void {
    const { record } = entry
    const { retries, deferrals } = this.patience
    if (record.retries >= retries && !(record.acked && record.retries < deferrals)) {
      this.drop(entry)
      this.counters.synExpired++
      return
    }
    // Who has answered is not asked again before the end of its time: that is its last chance to complete without text.
    const isDue = !record.acked || record.retries >= deferrals - 1
    this.levels[record.retries]!.entries.delete(entry)
    record.retries++
    this.wait(entry, now)
    if (isDue) this.retransmit(record)
  }
}
