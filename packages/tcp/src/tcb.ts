import type { PacketCredit } from '@stack/buffer'
import { addressSum } from '@stack/core'
import type { Address, ErrorCode, Failure, Milliseconds, Random, Route, TransportError, TurnTaker } from '@stack/core'
import type { SegmentAuthenticator } from './authentication/contract.ts'
import type { Chrono } from './chrono.ts'
import type { CongestionControl, CongestionSender } from './congestion.ts'
import type { TcpContext } from './context.ts'
import type { DeliveryRate } from './delivery-rate.ts'
import type { Ecn } from './ecn.ts'
import type { FastOpen } from './fast-open.ts'
import type { Flow } from './flow.ts'
import { INITIAL_BUFFER } from './options.ts'
import type { Settings } from './options.ts'
import type { MtuSearch } from './mtu-search.ts'
import type { OutOfOrderQueue } from './out-of-order.ts'
import { pacerFor } from './pacer.ts'
import type { Pacer } from './pacer.ts'
import type { Latecomers } from './paws.ts'
import type { RecordMarks } from './record-marks.ts'
import type { SackBlocks } from './sack-blocks.ts'
import type { ReceiveTuner } from './receive-buffer.ts'
import { ReceiveQueue } from './receive-queue.ts'
import type { Rack } from './rack.ts'
import type { Repair } from './repair.ts'
import { RttEstimator } from './rto.ts'
import { Scoreboard } from './scoreboard.ts'
import type { LossListener, RingPool } from './scoreboard.ts'
import { SendQueue } from './send-queue.ts'
import { after } from './sequence.ts'
import { isLegalTransition, State } from './state.ts'
import type { ConnectionTimers } from './timers.ts'
import type { Validation } from './validation.ts'
import type { UrgentReceiver, UrgentSender } from './urgent.ts'
import type { UserTimeout } from './user-timeout.ts'

/** Why data is being sent again. */
export const Recovery = { None: 0, Fast: 1, Timeout: 2 } as const
export type Recovery = (typeof Recovery)[keyof typeof Recovery]

/** When something was, whole ms: a small integer for the first weeks of a clock, where a fraction would take a box of 16 bytes for each field. */
type Moment = Milliseconds

/** Send sequence variables (RFC 9293 §3.3.1) and what the sender keeps beside them. Sequence numbers are int32. */
export class SendState {
  /** SND.UNA: oldest unacknowledged. */
  una = 0
  /** SND.NXT: next to be sent; never goes back. */
  nxt = 0
  /** SND.WND, scaled. */
  wnd = 0
  /** Sequence and acknowledgment numbers of the last window update. */
  wl1 = 0
  wl2 = 0
  /** Largest window the peer ever offered (RFC 9293 §3.8.6.2.1). */
  maxWindow = 0
  /** Shift of the peer's window fields. */
  scale = 0
  iss = 0
  /** Text bytes of a full segment: Eff.snd.MSS of RFC 9293 §3.7.1 without our options. */
  mss = 536
  /** Generation of the routes that `mss` was computed from; `route` may be newer, because ACKs and timers ask for it too. */
  mssGeneration = 0
  /** The peer's MSS option, or the default. */
  peerMss = 536
  readonly queue: SendQueue = new SendQueue()
  /** Bytes that may wait in `queue` by now (send-buffer.ts). */
  buffer: number = INITIAL_BUFFER
  /** A FIN follows the last byte of the queue. */
  finQueued = false
  /** Whoever wrote last said that more follows. */
  more = false
  /** Behind the last segment that was not full. */
  smallEnd = 0
  /** Where segments have to end; null = nowhere. */
  records: RecordMarks | null = null
  /** Until urgent text is acknowledged. */
  urgent: UrgentSender | null = null

  // --- recovery (recovery.ts) ---
  recovery: Recovery = Recovery.None
  /** SND.NXT when recovery began: `recover` of RFC 6582. */
  recover = 0
  /** What is out, and what became of it. */
  readonly board: Scoreboard
  /** Segments sent, for the order among them. */
  order = 0
  /** Made when the first SACK comes. */
  rack: Rack | null = null
  /** Made when something first seems lost. */
  repair: Repair | null = null
  /** Made when the first data comes. */
  rate: DeliveryRate | null = null
  chrono: Chrono | null = null
  /** While something paces the connection. */
  pacer: Pacer | null = null
  /** SND.NXT when cwnd last held data back: acknowledgments below it may grow cwnd (RFC 7661). */
  limitedUntil = 0
  /** Made when an acknowledgment first comes while cwnd is not used up. */
  validation: Validation | null = null
  /** Retransmission timeouts, probes or SYNs in a row without an answer. */
  attempts = 0
  /** Probing a closed window (RFC 9293 §3.8.6.1). */
  persisting = false
  /** When the oldest unacknowledged byte was sent, or the last progress. */
  unackedSince: Moment = 0
  /** When SND.UNA last moved. */
  ackedAt: Moment = 0

  // --- the round trip of our SYN (RFC 6298 §3) ---
  timing = false
  timedSequence = 0
  /** int32 µs. */
  timedAt = 0
  /** When data last left (RFC 5681 §4.1). */
  lastSent: Moment = 0

  bytesSent = 0
  bytesAcked = 0
  segments = 0
  dataSegments = 0
  retransmits = 0

  constructor(rings: RingPool) {
    this.board = new Scoreboard(rings)
  }
}

/** Receive sequence variables (RFC 9293 §3.3.1) and what the receiver keeps beside them. */
export class ReceiveState {
  /** RCV.NXT: next expected. */
  nxt = 0
  /** Right edge that was advertised: RCV.NXT + RCV.WND. Never goes back. */
  edge = 0
  /** Shift of our window fields. */
  scale = 0
  /** Window scaling is offered, then agreed (RFC 7323 §2.2). */
  scaling = true
  irs = 0
  /** MSS that we announced. */
  mss = 536
  /** Largest segment seen: what "full-sized" means for delayed ACKs. */
  largest = 1
  /** RCV.NXT as last acknowledged: Last.ACK.sent of RFC 7323. */
  acked = 0
  readonly queue: ReceiveQueue = new ReceiveQueue()
  /** Bytes that may wait in `queue` by now (receive-buffer.ts). */
  buffer: number = INITIAL_BUFFER
  /** The buffer has shrunk, and more is promised than there is room for. */
  isShrinking = false
  /** Made when text comes and the buffer may grow. */
  tuner: ReceiveTuner | null = null
  outOfOrder: OutOfOrderQueue | null = null
  /** SACK is offered, then agreed (RFC 2018 §2). */
  sackPermitted = true
  /** What the next ACKs tell of text beyond the gap; made when there first is some. */
  sack: SackBlocks | null = null
  /** The peer's FIN was seen at `finSequence`, perhaps beyond a gap. */
  finSeen = false
  finSequence = 0
  /** Everything up to the FIN was received. */
  finished = false
  /** An ACK is to leave at the end of the batch. */
  ackNow = false
  /** Full segments still to be acknowledged at once; -1 = the application answers (quick-ack.ts). */
  quickAcks = 0
  /** The application reads no more: text is acknowledged and thrown away. */
  discard = false
  /** Until urgent text is read. */
  urgent: UrgentReceiver | null = null

  // --- timestamps (RFC 7323) ---
  /** Offered, then agreed. */
  timestamps = true
  tsRecent = 0
  /** When `tsRecent` was taken. */
  tsRecentAt: Moment = 0
  /** After a gap was filled, while something may still be late. */
  latecomers: Latecomers | null = null
  /** Added to our clock. */
  tsOffset = 0

  bytes = 0
  /** Bytes of text, in order or not, modulo 2³². */
  arrived = 0
  segments = 0
  dataSegments = 0
  /** When text last came in. */
  lastText: Moment = 0
  /** When anything last came in. */
  lastHeard: Moment = 0
  keepAliveProbes = 0

  // --- challenge ACKs (RFC 5961 §7) ---
  challengeWindow: Milliseconds = 0
  challenges = 0
}

/** What a connection tells the application's side. All of it is noted only; user code runs when it is woken. */
export interface ConnectionUser {
  onEstablished(): void
  onReadable(): void
  /** Urgent text is announced, or more of it. */
  onUrgent(): void
  onWritable(): void
  /** Last call. `code` null after an orderly end. */
  onClosed(code: Failure): void
  /** There is room in the send buffer: copy in what writers wait with. */
  refill(): void
  /** A writer waits for room in the send buffer. */
  readonly isWaiting: boolean
  /** A handler is called at the end of this turn. */
  readonly isAboutToHear: boolean
  /** A read waits for what comes. */
  readonly isAwaited: boolean
}

/** Before any clock began, by more than anything is waited for. */
const LONG_AGO: Moment = -86_400_000

/** A transmission control block: everything the protocol knows of one connection. Behaviour is in the modules beside. */
export abstract class Tcb implements Flow, PacketCredit, CongestionSender, LossListener, TurnTaker {
  readonly context: TcpContext
  readonly localAddress: Address
  readonly localPort: number
  readonly remoteAddress: Address
  readonly remotePort: number
  readonly nicId: number
  readonly addressSum: number
  anySource = false
  route: Route | null = null
  authenticator: SegmentAuthenticator | null = null
  settings: Settings
  state: State = State.Closed
  dirty = false
  patient = false
  readonly snd: SendState
  readonly rcv: ReceiveState = new ReceiveState()
  readonly rtt: RttEstimator = new RttEstimator()
  /** Made when first asked for, and again when the handshake says what a segment is; a connection that sends nothing has none. */
  congestion: CongestionControl | null = null
  abstract readonly timers: ConnectionTimers
  user: ConnectionUser | null = null
  /** Bytes below TCP that have not come back. */
  below = 0
  /** `snd.bytesSent` when others have their turn (turn.ts). What a connection sends first, or after a silence, need not wait. */
  turnEnd: number = INITIAL_BUFFER
  /** Output stopped because of `below`. */
  isBlocked = false
  /** The application called `close()`: nobody will read or write. */
  isOrphan = false
  wasEstablished = false
  /** Of connections that opened, or were opened, with Fast Open (RFC 7413). */
  fastOpen: FastOpen | null = null
  /** The last thing that went wrong without ending the connection (RFC 9293 §3.9.2.2). */
  softError: ErrorCode | null = null
  /** Null = no ECN: neither asked for nor agreed to. */
  ecn: Ecn | null = null
  /** The last control message about it: why it ended, perhaps. */
  reported: TransportError | null = null
  /** While the path's MTU is searched for, or was. */
  mtuSearch: MtuSearch | null = null
  /** When the option is on, and there is something to tell or to keep of it. */
  userTimeout: UserTimeout | null = null
  /** When the neighbour was last told to be reachable. */
  confirmedAt: Moment = LONG_AGO

  constructor(context: TcpContext, local: Address, localPort: number, remote: Address, remotePort: number, nicId: number, settings: Settings) {
    this.context = context
    this.snd = new SendState(context.rings)
    this.localAddress = local
    this.localPort = localPort
    this.remoteAddress = remote
    this.remotePort = remotePort
    this.nicId = nicId
    this.addressSum = addressSum(local) + addressSum(remote)
    this.settings = settings
  }

  get cc(): CongestionControl {
    return this.congestion ?? this.startControl()
  }

  get ttl(): number {
    return this.settings.ttl
  }

  get tos(): number {
    return this.settings.tos
  }

  get mss(): number {
    return this.snd.mss
  }

  get smoothedRtt(): number {
    return this.rtt.smoothed
  }

  get random(): Random {
    return this.context.host.random
  }

  private startControl(): CongestionControl {
    const { context, settings, snd } = this
    const control = context.algorithms.get(settings.congestionControl)!.create(this)
    this.congestion = control
    snd.board.keepStamps(control.onDelivered !== undefined)
    snd.board.listener = control.onSegmentLost === undefined ? null : this
    snd.pacer = pacerFor(control, settings, null)
    return control
  }

  /** The control of the settings takes over, with window and threshold as they are; loss that is being repaired stays known. */
  changeControl(): void {
    const { congestion, snd } = this
    if (congestion === null) return
    const control = this.startControl()
    control.cwnd = congestion.cwnd
    control.ssthresh = congestion.ssthresh
    if (control.onDelivered !== undefined && snd.repair !== null) snd.repair.prr = null
  }

  segmentLost(i: number): void {
    const { snd, context } = this
    if (snd.rate === null) return
    snd.rate.describeLost(snd.board, i, context.lostSegment)
    this.cc.onSegmentLost!(context.lostSegment)
  }

  takeTurn(bytes: number): void {
    this.turnEnd = this.snd.bytesSent + bytes
  }

  abstract flushOutput(): void
  /** The handshake is over. */
  abstract opened(): void
  abstract returned(bytes: number): void
  /** The connection is over for the demultiplexer and its timers; `code` null after an orderly end. */
  abstract finish(code: Failure): void
}

/** Bytes sent and not acknowledged, FIN and SYN included. */
export function flightSize(tcb: Tcb): number {
  return (tcb.snd.nxt - tcb.snd.una) | 0
}

/** Bytes believed to be in the network (RFC 6675 §4). */
export function pipe(tcb: Tcb): number {
  const { board, repair } = tcb.snd
  return Math.max(0, flightSize(tcb) - board.sackedBytes - board.lostBytes - (repair === null ? 0 : repair.dupBytes))
}

/** Milliseconds of our timestamp clock (RFC 7323 §4.1). */
export function timestampNow(tcb: Tcb): number {
  return (Math.floor(tcb.context.host.scheduler.now) + tcb.rcv.tsOffset) | 0
}

/** Moves along an arrow of the state diagram. */
export function setState(tcb: Tcb, next: State): void {
  if (!isLegalTransition(tcb.state, next)) tcb.context.counters.illegalTransitions++
  tcb.state = next
}

/** Is our FIN sent? */
export function isFinSent(tcb: Tcb): boolean {
  const { snd } = tcb
  return snd.finQueued && after(snd.nxt, snd.queue.end)
}

/** Is our FIN acknowledged? */
export function isFinAcked(tcb: Tcb): boolean {
  const { snd } = tcb
  return snd.finQueued && after(snd.una, snd.queue.end)
}
