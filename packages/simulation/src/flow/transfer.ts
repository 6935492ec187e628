import { checkOptions, isStackError, type OptionSchema } from '@stack/core'
import type { Connection, ConnectionInfo, ConnectionOptions, Listener } from '@stack/tcp'
import type { FlowContext } from './context.ts'
import { Deliveries, type Interval } from './deliveries.ts'
import { rttSamples, type RttSample } from './rtt.ts'
import { TraceRecorder, type Trace } from './trace.ts'
import type { Node } from '../topology/node.ts'

/** Options of a TCP transfer. Without `bytes` and `seconds` it goes on until the simulation ends. */
export interface TransferOptions {
  /** Default: from the nodes, `'a→b'`, with a number from the second on. */
  readonly name?: string
  /** Bytes to send; then the connection is closed. */
  readonly bytes?: number
  /** Seconds during which the application writes; then the connection is closed. */
  readonly seconds?: number
  /** Seconds since the start of the simulation at which it connects. Default 0. */
  readonly start?: number
  /** Default `'ipv4'`. */
  readonly family?: 'ipv4' | 'ipv6'
  /** Options of both ends. */
  readonly tcp?: ConnectionOptions
  /** What is different at the receiving end. */
  readonly receiver?: ConnectionOptions
  /** Keep what the sender's TCP did. Default true. */
  readonly trace?: boolean
  /** Events kept of it; more are counted. Default 5,000,000. */
  readonly traceLimit?: number
  /** Seconds of each of the `intervals`, whole milliseconds. Default 0.1. */
  readonly interval?: number
}

/** Data on its way from one application to another; after {@link Simulation.run}, what became of it. */
export interface Flow {
  readonly name: string
  readonly kind: 'tcp' | 'udp'
  readonly from: Node
  readonly to: Node
  /** Seconds at which it starts. */
  readonly start: number
  /** Bytes that the receiving application has. */
  readonly bytes: number
  /** Mean bits a second that the receiving application got in [from, until), seconds. Default: from its start until it finished, or now. */
  goodput(from?: number, until?: number): number
  /** Goodput over time. */
  readonly intervals: readonly Interval[]
}

/** A TCP connection that carries data one way. */
export interface Transfer extends Flow {
  readonly kind: 'tcp'
  /** Seconds at which the connection was open; null = not yet. */
  readonly openedAt: number | null
  /** Seconds at which the last byte was delivered and the end was seen; null = not yet. */
  readonly finishedAt: number | null
  /** Why it failed: an error code. */
  readonly error: string | null
  /** The sender's figures, once open. */
  readonly info: ConnectionInfo | null
  readonly retransmits: number
  readonly timeouts: number
  /** What the sender's TCP did; empty with `trace: false`. */
  readonly trace: Trace
  /** The round trips that the trace shows. */
  readonly roundTrips: readonly RttSample[]
}

const SCHEMA: OptionSchema<TransferOptions> = {
  name: { type: 'string' },
  bytes: { type: 'number', integer: true, min: 1 },
  seconds: { type: 'number', min: 0 },
  start: { type: 'number', min: 0 },
  family: { type: 'string', oneOf: ['ipv4', 'ipv6'] },
  tcp: { type: 'object' },
  receiver: { type: 'object' },
  trace: { type: 'boolean' },
  traceLimit: { type: 'number', integer: true, min: 1 },
  interval: { type: 'number', min: 0.001 },
}
const WRITE_SIZE = 65_536
const DEFAULT_TRACE_LIMIT = 5_000_000

/** Both applications of a transfer. They live in callbacks: a promise for each read would cost more than TCP. */
export class TcpTransfer implements Transfer {
  readonly kind = 'tcp'
  readonly name: string
  readonly from: Node
  readonly to: Node
  readonly start: number
  readonly trace: TraceRecorder
  openedAt: number | null = null
  finishedAt: number | null = null
  error: string | null = null
  private readonly context: FlowContext
  private readonly options: TransferOptions
  private readonly port: number
  private readonly deliveries: Deliveries
  private connection: Connection | null = null
  private left: number
  private readonly block = new Uint8Array(WRITE_SIZE)
  private readonly scratch = new Uint8Array(WRITE_SIZE)

  constructor(context: FlowContext, name: string, from: Node, to: Node, port: number, options: TransferOptions) {
    checkOptions('transfer()', options, SCHEMA)
    this.context = context
    this.name = options.name ?? name
    this.from = from
    this.to = to
    this.port = port
    this.options = options
    this.start = options.start ?? 0
    this.left = options.bytes ?? Infinity
    this.deliveries = new Deliveries(options.interval ?? 0.1)
    this.trace = new TraceRecorder(options.trace === false ? 0 : (options.traceLimit ?? DEFAULT_TRACE_LIMIT), () => context.origin)
  }

  get bytes(): number {
    return this.deliveries.bytes
  }

  get info(): ConnectionInfo | null {
    return this.connection?.info() ?? null
  }

  get retransmits(): number {
    return this.info?.retransmits ?? 0
  }

  get timeouts(): number {
    return this.info?.timeouts ?? 0
  }

  get intervals(): readonly Interval[] {
    return this.deliveries.intervals(this.context.now)
  }

  get roundTrips(): readonly RttSample[] {
    return rttSamples(this.trace)
  }

  goodput(from: number = this.start, until: number = this.finishedAt ?? this.context.now): number {
    return this.deliveries.rate(from, until)
  }

  /** Connects; resolves when it is open, or failed. */
  async open(): Promise<void> {
    const { tcp, receiver, seconds, family = 'ipv4', trace = true } = this.options
    let listener: Listener | undefined
    try {
      listener = this.to.stack.tcp.listen({ ...tcp, ...receiver, port: this.port })
      listener.setHandler((connection) => this.accepted(connection, listener!))
      this.connection = await this.from.stack.tcp.connect({
        ...tcp, host: this.to[family], port: this.port, ...(trace ? { trace: this.trace.record } : {}),
      })
    } catch (error) {
      void listener?.close()
      this.failed(error)
      return
    }
    this.openedAt = this.context.now
    this.connection.setHandler({
      writable: () => this.fill(),
      closed: (error) => this.failed(error),
    })
    if (seconds !== undefined) this.context.at(this.start + seconds, () => this.end())
    this.fill()
  }

  private fill(): void {
    const { connection, block } = this
    while (this.left > 0) {
      const taken = connection!.tryWrite(this.left < block.length ? block.subarray(0, this.left) : block)
      this.left -= taken
      if (taken < block.length && this.left > 0) return
    }
    this.end()
  }

  private end(): void {
    this.left = 0
    if (this.error === null) this.connection?.shutdown('write')
  }

  private accepted(connection: Connection, listener: Listener): void {
    void listener.close()
    connection.setHandler({
      readable: () => this.drain(connection),
      closed: (error) => this.failed(error),
    })
  }

  private drain(connection: Connection): void {
    const { now } = this.context
    for (;;) {
      const count = connection.tryRead(this.scratch)
      if (count === undefined) return
      if (count === null) break
      this.deliveries.add(now, count)
    }
    this.finishedAt ??= now
    void connection.close()
  }

  private failed(error: unknown): void {
    if (error === null || this.context.isDestroyed) return
    this.error ??= isStackError(error) ? error.code : error instanceof Error ? error.message : 'unknown'
  }
}
