import type { Packet } from '@stack/buffer'
import { address, addressSum } from '@stack/core'
import type { Address, Milliseconds, Timer, TransportHost } from '@stack/core'
import type { SegmentAuthenticator } from './authentication/contract.ts'
import { isAuthentic } from './authentication/seam.ts'
import type { TcpContext } from './context.ts'
import type { TcpCounters } from './counters.ts'
import type { Flow } from './flow.ts'
import { beginSegment, sendSegment } from './segment.ts'
import { after } from './sequence.ts'
import type { Tcb } from './tcb.ts'
import { TupleIndex } from './tuple-index.ts'
import { receiveWindow } from './window.ts'
import { Flag } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

// Words of a record.
const Word = {
  SndNxt: 0,
  RcvNxt: 1,
  /** Window field, 16 bits, and above it {@link Bit}. */
  Window: 2,
  TsRecent: 3,
  TsOffset: 4,
  /** Neighbours in order of age, -1 = none. */
  Older: 5,
  Newer: 6,
} as const
/** One more than there are, so that a record lies in one line of the processor's cache. */
const RECORD_WORDS = 8
const Bit = { Timestamps: 0x10000, AnySource: 0x20000 } as const
const FIRST_RECORDS = 64

/** ms between two answers of one table to segments that deserve a challenge ACK, at most 100 a second. */
const CHALLENGE_INTERVAL = 10

/** What a segment for a record means. */
export type TimeWaitVerdict = 'none' | 'handled' | 'reuse'

export interface TimeWaitOptions {
  readonly host: Pick<TransportHost, 'timers' | 'scheduler' | 'secureRandom'>
  readonly counters: TcpCounters
  /** Records at most; the oldest is evicted. */
  readonly limit: number
  /** 2 MSL, ms. */
  readonly duration: Milliseconds
}

/**
 * Connections in TIME-WAIT as records in typed arrays (RFC 9293 §3.6.1): they answer what still comes, keep the tuple
 * from strangers' segments, and make way for a new SYN that is provably newer (RFC 6191).
 */
export class TimeWaitTable {
  private readonly options: TimeWaitOptions
  /** Its slots are the records. */
  private readonly index: TupleIndex
  private words: Int32Array = new Int32Array(FIRST_RECORDS * RECORD_WORDS)
  private deadlines: Float64Array = new Float64Array(FIRST_RECORDS)
  /** Of the records whose connections were signed. */
  private readonly authenticators = new Map<number, SegmentAuthenticator>()
  private oldest = -1
  private newest = -1
  private zoned = 0
  private readonly timer: Timer
  private answeredAt: Milliseconds = -Infinity

  constructor(options: TimeWaitOptions) {
    this.options = options
    this.index = new TupleIndex(options.host.secureRandom)
    this.timer = options.host.timers.create((now) => this.expire(now))
  }

  get size(): number {
    return this.index.size
  }

  /** A connection that closed first: its TCB goes, this stays. */
  add(tcb: Tcb): void {
    this.index.keyOfTuple(tcb.localAddress, tcb.localPort, tcb.remoteAddress, tcb.remotePort, tcb.nicId)
    const known = this.index.find()
    if (known >= 0) this.remove(known)
    if (this.size >= this.options.limit) {
      this.options.counters.timeWaitEvicted++
      this.remove(this.oldest)
    }
    const record = this.index.add()
    if (record === this.deadlines.length) this.grow()
    const at = record * RECORD_WORDS
    const { words } = this
    words[at + Word.SndNxt] = tcb.snd.nxt
    words[at + Word.RcvNxt] = tcb.rcv.nxt
    words[at + Word.Window] = Math.min(0xffff, receiveWindow(tcb) >>> tcb.rcv.scale) | (tcb.rcv.timestamps ? Bit.Timestamps : 0) | (tcb.anySource ? Bit.AnySource : 0)
    words[at + Word.TsRecent] = tcb.rcv.tsRecent
    words[at + Word.TsOffset] = tcb.rcv.tsOffset
    if (tcb.authenticator !== null) this.authenticators.set(record, tcb.authenticator)
    if (tcb.nicId !== 0) this.zoned++
    this.append(record)
    this.options.counters.timeWait++
  }

  /** Is the tuple waiting? A port that is cannot be used for a new connection from here. */
  has(local: Address, localPort: number, remote: Address, remotePort: number, zone: number): boolean {
    this.index.keyOfTuple(local, localPort, remote, remotePort, zone)
    return this.index.find() >= 0
  }

  /**
   * A segment for which no connection exists. `reuse` means that a SYN may open the tuple anew: the record is gone, and
   * `reuseIss` is beyond what the old connection sent.
   *
   * @param canReuse - is anybody listening?
   */
  handle(context: TcpContext, header: SegmentHeader, packet: Packet, canReuse: boolean): TimeWaitVerdict {
    if (this.size === 0) return 'none'
    const record = this.find(packet)
    if (record < 0) return 'none'
    const authenticator = this.authenticatorOf(record)
    if (authenticator !== null && !isAuthentic(context, authenticator, packet)) return 'handled'
    return this.segmentArrives(context, record, header, packet, canReuse)
  }

  /** See {@link handle}: Linux's choice, well beyond anything in flight. */
  reuseIss = 0

  clear(): void {
    while (this.oldest >= 0) this.remove(this.oldest)
    this.timer.cancel()
  }

  private find(packet: Packet): number {
    if (this.zoned > 0) {
      this.index.keyOfPacket(packet, packet.nicId)
      const record = this.index.find()
      if (record >= 0) return record
    }
    this.index.keyOfPacket(packet, 0)
    return this.index.find()
  }

  /** RFC 9293 §3.10.7.4 for TIME-WAIT. */
  private segmentArrives(context: TcpContext, record: number, header: SegmentHeader, packet: Packet, canReuse: boolean): TimeWaitVerdict {
    const at = record * RECORD_WORDS
    const { words } = this
    const rcvNxt = words[at + Word.RcvNxt]!
    const { flags } = header
    if ((flags & Flag.Rst) !== 0) {
      // RFC 1337 §3: an old segment, and the reset that answers our ACK of it, must not end the wait. Its number is a good one.
      context.counters.dropBadReset++
      return 'handled'
    }
    if ((flags & (Flag.Syn | Flag.Ack)) === Flag.Syn) {
      if (canReuse && this.isNewer(at, header)) {
        this.reuseIss = (words[at + Word.SndNxt]! + 65_537) | 0
        context.counters.timeWaitReused++
        this.remove(record)
        return 'reuse'
      }
      this.answer(context, at, true)
      return 'handled'
    }
    if ((flags & Flag.Syn) !== 0) {
      // RFC 5961 §4.2: a challenge, whatever else it carries.
      this.answer(context, at, true)
      return 'handled'
    }
    const length = packet.length + ((flags & Flag.Fin) !== 0 ? 1 : 0)
    if ((flags & Flag.Ack) === 0 && header.sequence === rcvNxt) {
      context.counters.dropNoAck++
      return 'handled'
    }
    if (length === 0) {
      // An old ACK needs no answer; one for another sequence number gets one, within limits.
      if (header.sequence !== rcvNxt) this.answer(context, at, true)
      return 'handled'
    }
    this.answer(context, at, false)
    // The peer's FIN again: our ACK was lost. Restart 2 MSL.
    if ((flags & Flag.Fin) !== 0 && ((header.sequence + length) | 0) === rcvNxt) {
      this.unlink(record)
      this.append(record)
    }
    return 'handled'
  }

  /** RFC 6191 §2: a later timestamp, or without timestamps a sequence number beyond all that was received. */
  private isNewer(at: number, header: SegmentHeader): boolean {
    const { words } = this
    const hadTimestamps = (words[at + Word.Window]! & Bit.Timestamps) !== 0
    if (hadTimestamps && header.timestamps) {
      const step = (header.timestampValue - words[at + Word.TsRecent]!) | 0
      if (step !== 0) return step > 0
    }
    return after(header.sequence, words[at + Word.RcvNxt]!)
  }

  private answer(context: TcpContext, at: number, isLimited: boolean): void {
    const { words } = this
    const { now } = context.host.scheduler
    if (isLimited) {
      if (now - this.answeredAt < CHALLENGE_INTERVAL) return
      this.answeredAt = now
      context.counters.challengeAcks++
    }
    const flow = this.flowOf(at / RECORD_WORDS)
    const out = beginSegment(context, flow, Flag.Ack, words[at + Word.SndNxt]!, words[at + Word.RcvNxt]!)
    out.window = words[at + Word.Window]! & 0xffff
    if ((words[at + Word.Window]! & Bit.Timestamps) !== 0) {
      out.timestamps = true
      out.timestampValue = (Math.floor(now) + words[at + Word.TsOffset]!) | 0
      out.timestampEcho = words[at + Word.TsRecent]!
    }
    sendSegment(context, flow)
  }

  private flowOf(record: number): Flow {
    const { index } = this
    const localAddress = this.addressAt(record, 0)
    const remoteAddress = this.addressAt(record, 4)
    return {
      localAddress, remoteAddress,
      localPort: index.ports(record) >>> 16,
      remotePort: index.ports(record) & 0xffff,
      nicId: index.zone(record),
      addressSum: addressSum(localAddress) + addressSum(remoteAddress),
      route: null, authenticator: this.authenticatorOf(record), ttl: 0, tos: 0,
      anySource: (this.words[record * RECORD_WORDS + Word.Window]! & Bit.AnySource) !== 0,
    }
  }

  private addressAt(record: number, word: number): Address {
    const { index } = this
    return address(index.addressWord(record, word), index.addressWord(record, word + 1), index.addressWord(record, word + 2), index.addressWord(record, word + 3))
  }

  private authenticatorOf(record: number): SegmentAuthenticator | null {
    return this.authenticators.size === 0 ? null : (this.authenticators.get(record) ?? null)
  }

  // --- records ---

  private grow(): void {
    const words = new Int32Array(2 * this.words.length)
    words.set(this.words)
    this.words = words
    const deadlines = new Float64Array(2 * this.deadlines.length)
    deadlines.set(this.deadlines)
    this.deadlines = deadlines
  }

  private remove(record: number): void {
    if (this.index.zone(record) !== 0) this.zoned--
    this.index.remove(record)
    this.unlink(record)
    if (this.authenticators.size > 0) this.authenticators.delete(record)
    this.options.counters.timeWait--
  }

  /** The newest record: the duration is the same for all, so the list is in order of deadlines. */
  private append(record: number): void {
    const at = record * RECORD_WORDS
    this.deadlines[record] = this.options.host.scheduler.now + this.options.duration
    this.words[at + Word.Older] = this.newest
    this.words[at + Word.Newer] = -1
    if (this.newest >= 0) this.words[this.newest * RECORD_WORDS + Word.Newer] = record
    else this.oldest = record
    this.newest = record
    if (!this.timer.armed) this.timer.arm(this.deadlines[this.oldest]!)
  }

  private unlink(record: number): void {
    const at = record * RECORD_WORDS
    const older = this.words[at + Word.Older]!
    const newer = this.words[at + Word.Newer]!
    if (older >= 0) this.words[older * RECORD_WORDS + Word.Newer] = newer
    else this.oldest = newer
    if (newer >= 0) this.words[newer * RECORD_WORDS + Word.Older] = older
    else this.newest = older
  }

  private expire(now: Milliseconds): void {
    while (this.oldest >= 0 && this.deadlines[this.oldest]! <= now) this.remove(this.oldest)
    if (this.oldest >= 0) this.timer.arm(this.deadlines[this.oldest]!)
  }
}
