import type { TcpTraceEvent } from '@stack/tcp'

/** Mark in the codes of a segment whose text was sent before. */
const AGAIN = 0x8000
const KINDS = ['send', 'receive', 'timeout'] as const
const REASONS = ['', 'new', 'fast-retransmit', 'timeout-retransmit', 'mtu-retransmit', 'tail-probe', 'mtu-probe', 'window-probe', 'keep-alive', 'ack', 'syn', 'fin', 'reset', 'fast-open-retransmit'] as const
const STATES = [
  'closed', 'listen', 'syn-sent', 'syn-received', 'established', 'fin-wait-1', 'fin-wait-2', 'close-wait', 'closing', 'last-ack', 'time-wait',
] as const

/** One event of a {@link Trace}: what TCP tells, with `time` in seconds since the start of the simulation. */
export interface TraceRow extends TcpTraceEvent {
  /** In our own stream: `seq` of what is sent, `ack` of what is received, counted on beyond 2³². */
  readonly position: number
}

/** What one end of a connection sent, received and thought, in order of time: kept in columns, because there are millions. */
export interface Trace {
  readonly length: number
  /** Events that came when `traceLimit` was reached. */
  readonly dropped: number
  /** Seconds since the start. */
  time(index: number): number
  position(index: number): number
  segmentLength(index: number): number
  window(index: number): number
  cwnd(index: number): number
  ssthresh(index: number): number
  /** Bytes a second; 0 = not paced. */
  pacingRate(index: number): number
  /** Of the congestion control; '' = it has none. */
  phase(index: number): string
  /** ms; 0 = none yet. */
  srtt(index: number): number
  inFlight(index: number): number
  /** Bytes that the send buffer may hold. */
  sendBuffer(index: number): number
  /** Bytes that the receive buffer may hold. */
  receiveBuffer(index: number): number
  isSend(index: number): boolean
  isReceive(index: number): boolean
  /** Text that was sent before, for whatever reason: repairs, tail probes, probes of a window. */
  isRetransmission(index: number): boolean
  row(index: number): TraceRow
  rows(): Iterable<TraceRow>
}

const DOUBLES = ['time', 'position', 'window', 'cwnd', 'ssthresh', 'pacingRate', 'srtt', 'rto'] as const
const WORDS = ['seq', 'ack', 'length', 'inFlight', 'sendBuffer', 'receiveBuffer', 'ports', 'phases'] as const
/** kind, reason, state, and flags in the upper half. */
type Column = (typeof DOUBLES)[number] | (typeof WORDS)[number] | 'codes'

/** Writes down what the trace hook of a connection tells. */
export class TraceRecorder implements Trace {
  length = 0
  dropped = 0
  private room = 1024
  private readonly limit: number
  private readonly origin: () => number
  private readonly doubles: Record<(typeof DOUBLES)[number], Float64Array>
  private readonly words: Record<(typeof WORDS)[number] | 'codes', Uint32Array>
  /** The phases that were seen, by number. */
  private readonly phases: string[] = []
  private last = 0
  /** How far text was sent. */
  private edge = 0

  constructor(limit: number, origin: () => number) {
    this.limit = limit
    this.origin = origin
    this.doubles = mapColumns(DOUBLES, () => new Float64Array(this.room))
    this.words = mapColumns([...WORDS, 'codes'], () => new Uint32Array(this.room))
  }

  readonly record = (event: TcpTraceEvent): void => {
    if (this.length >= this.limit) {
      this.dropped++
      return
    }
    if (this.length === this.room) this.grow()
    const { doubles, words, length: i } = this
    const own = event.kind === 'send' ? event.seq : event.ack
    // A timeout, and a segment without ACK, say nothing of where we are.
    if (event.kind === 'send' || (event.flags & 0x10) !== 0) this.last += (own - this.last) | 0
    doubles.time[i] = (event.time - this.origin()) / 1000
    doubles.position[i] = this.last
    doubles.window[i] = event.window
    doubles.cwnd[i] = event.cwnd
    doubles.ssthresh[i] = event.ssthresh
    doubles.pacingRate[i] = event.pacingRate
    doubles.srtt[i] = event.srtt
    doubles.rto[i] = event.rto
    words.seq[i] = event.seq
    words.ack[i] = event.ack
    words.length[i] = event.length
    words.inFlight[i] = event.inFlight
    words.phases[i] = this.numberOf(event.phase)
    words.sendBuffer[i] = event.sendBuffer
    words.receiveBuffer[i] = event.receiveBuffer
    words.ports[i] = (event.localPort << 16) | event.remotePort
    const isAgain = event.kind === 'send' && event.length > 0 && this.last < this.edge
    if (event.kind === 'send') this.edge = Math.max(this.edge, this.last + event.length)
    words.codes[i] = KINDS.indexOf(event.kind) | (REASONS.indexOf(event.reason) << 4) | (STATES.indexOf(event.state) << 8) | (event.flags << 16) | (isAgain ? AGAIN : 0)
    this.length++
  }

  time(index: number): number {
    return this.doubles.time[index]!
  }

  position(index: number): number {
    return this.doubles.position[index]!
  }

  segmentLength(index: number): number {
    return this.words.length[index]!
  }

  window(index: number): number {
    return this.doubles.window[index]!
  }

  cwnd(index: number): number {
    return this.doubles.cwnd[index]!
  }

  ssthresh(index: number): number {
    return this.doubles.ssthresh[index]!
  }

  pacingRate(index: number): number {
    return this.doubles.pacingRate[index]!
  }

  phase(index: number): string {
    return this.phases[this.words.phases[index]!]!
  }

  srtt(index: number): number {
    return this.doubles.srtt[index]!
  }

  inFlight(index: number): number {
    return this.words.inFlight[index]!
  }

  sendBuffer(index: number): number {
    return this.words.sendBuffer[index]!
  }

  receiveBuffer(index: number): number {
    return this.words.receiveBuffer[index]!
  }

  isSend(index: number): boolean {
    return (this.words.codes[index]! & 15) === 0
  }

  isReceive(index: number): boolean {
    return (this.words.codes[index]! & 15) === 1
  }

  isRetransmission(index: number): boolean {
    return (this.words.codes[index]! & AGAIN) !== 0
  }

  row(index: number): TraceRow {
    const { doubles, words } = this
    const codes = words.codes[index]!
    return {
      time: doubles.time[index]!,
      kind: KINDS[codes & 15]!,
      reason: this.reason(index),
      flags: codes >>> 16,
      seq: words.seq[index]!,
      ack: words.ack[index]!,
      length: words.length[index]!,
      window: doubles.window[index]!,
      cwnd: doubles.cwnd[index]!,
      ssthresh: doubles.ssthresh[index]!,
      pacingRate: doubles.pacingRate[index]!,
      phase: this.phase(index),
      srtt: doubles.srtt[index]!,
      rto: doubles.rto[index]!,
      inFlight: words.inFlight[index]!,
      sendBuffer: words.sendBuffer[index]!,
      receiveBuffer: words.receiveBuffer[index]!,
      state: STATES[(codes >>> 8) & 15]!,
      localPort: words.ports[index]! >>> 16,
      remotePort: words.ports[index]! & 0xffff,
      position: doubles.position[index]!,
    }
  }

  *rows(): Generator<TraceRow> {
    for (let i = 0; i < this.length; i++) yield this.row(i)
  }

  private numberOf(phase: string): number {
    const known = this.phases.indexOf(phase)
    return known >= 0 ? known : this.phases.push(phase) - 1
  }

  private reason(index: number): TraceRow['reason'] {
    return REASONS[(this.words.codes[index]! >>> 4) & 15]!
  }

  private grow(): void {
    this.room *= 2
    for (const column of DOUBLES) {
      const larger = new Float64Array(this.room)
      larger.set(this.doubles[column])
      this.doubles[column] = larger
    }
    for (const column of [...WORDS, 'codes'] as const) {
      const larger = new Uint32Array(this.room)
      larger.set(this.words[column])
      this.words[column] = larger
    }
  }
}

function mapColumns<K extends Column, A>(names: readonly K[], make: () => A): Record<K, A> {
  return Object.fromEntries(names.map((name) => [name, make()])) as Record<K, A>
}
