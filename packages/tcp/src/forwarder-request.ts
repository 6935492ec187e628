import type { Packet } from '@stack/buffer'
import type { ErrorCode, Milliseconds } from '@stack/core'
import type { CallOptions, Connection, ConnectionOptions, Endpoint, ForwarderRequest } from './api.ts'
import type { TcpContext } from './context.ts'
import { tcpError } from './errors.ts'
import { currentRoute } from './flow.ts'
import type { Flow } from './flow.ts'
import { checkAcceptOptions } from './options.ts'
import { flowOfPacket, sendResetFor } from './reset.ts'
import { SegmentHeader } from './wire.ts'

/** Bytes of a SYN that are kept, for an ICMP error to quote: both headers with their options, as a rule. */
const QUOTED = 256

/** Whoever has the requests. */
export interface RequestKeeper {
  /** It is decided, or void; `code` says why. */
  end(request: Request, code: ErrorCode | null): void
  accept(request: Request, options: (ConnectionOptions & CallOptions) | undefined): Promise<Connection>
}

/** Why a request cannot be accepted any more. */
const GONE: Partial<Record<ErrorCode, string>> = {
  ETIMEDOUT: 'the request was not answered in time; raise the timeout of forward()',
  ECONNRESET: 'the peer took its SYN back',
  ERR_STACK_BUSY: 'the request was answered before',
  ERR_STACK_CLOSED: 'the forwarder is closed',
}

/** One SYN about which the application has to decide. */
export class Request implements ForwarderRequest {
  readonly flow: Flow
  readonly header: SegmentHeader = new SegmentHeader()
  /** Given when the tuple was in TIME-WAIT (RFC 6191). */
  readonly iss: number | null
  readonly deadline: Milliseconds
  private readonly keeper: RequestKeeper
  private readonly context: TcpContext
  private quoted: Uint8Array = new Uint8Array(0)
  private networkProtocol = 0
  private nicId = 0
  private text = 0
  /** Null = to be decided. */
  private outcome: ErrorCode | null = null

  constructor(keeper: RequestKeeper, context: TcpContext, packet: Packet, header: SegmentHeader, iss: number | null, deadline: Milliseconds) {
    this.keeper = keeper
    this.context = context
    this.flow = { ...flowOfPacket(packet), anySource: true }
    this.iss = iss
    this.deadline = deadline
    this.learn(packet, header)
  }

  /** What the SYN says. */
  learn(packet: Packet, header: SegmentHeader): void {
    Object.assign(this.header, header)
    this.text = packet.length
    this.nicId = packet.nicId
    this.networkProtocol = packet.networkProtocol
    const from = packet.networkHeader
    this.quoted = packet.bytes.slice(from, Math.min(packet.end, from + QUOTED))
  }

  get local(): Endpoint {
    return { host: this.context.host.formatAddress(this.flow.localAddress), port: this.flow.localPort }
  }

  get remote(): Endpoint {
    return { host: this.context.host.formatAddress(this.flow.remoteAddress), port: this.flow.remotePort }
  }

  get pending(): boolean {
    return this.outcome === null
  }

  /** From the forwarder: nothing can be decided any more. */
  end(code: ErrorCode | null): void {
    this.outcome = code ?? 'ERR_STACK_BUSY'
  }

  async accept(options: ConnectionOptions & CallOptions = {}): Promise<Connection> {
    // What is wrong with the call leaves the request as it is.
    checkAcceptOptions(options)
    options.signal?.throwIfAborted()
    if (this.outcome !== null) throw tcpError(this.outcome, 'accept', this.remote, GONE[this.outcome])
    return this.keeper.accept(this, options)
  }

  reject(how: 'reset' | 'drop' | 'unreachable'): void {
    if (this.outcome !== null) return
    this.keeper.end(this, null)
    if (how === 'reset') sendResetFor(this.context, this.flow, this.header, this.text)
    else if (how === 'unreachable') this.sendUnreachable()
    this.context.host.scheduler.run()
  }

  /** The network layer alone writes ICMP errors; what it needs is the packet that the error is about. */
  private sendUnreachable(): void {
    const { context, quoted } = this
    const route = currentRoute(context, this.flow)
    if (typeof route === 'string') {
      context.counters.noRoute++
      return
    }
    const packet = context.host.memory.allocateControl(0, quoted.length)
    if (packet === null) {
      context.counters.noMemory++
      return
    }
    packet.append(quoted, 0, quoted.length)
    packet.networkProtocol = this.networkProtocol
    packet.nicId = this.nicId
    if (route.endpoint.handleUnreachable === undefined) packet.release()
    else route.endpoint.handleUnreachable(packet)
  }
}
