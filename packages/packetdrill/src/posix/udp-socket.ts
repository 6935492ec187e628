import { StackError } from '@stack/core'
import type { Datagram, Udp, UdpSocket, UdpSocketOptions } from '@stack/udp'
import { errnoOf } from './errors.ts'
import { Ready, type OpenFile, type Operation, type ReadOutcome, type ReadRequest, type WriteRequest } from './file.ts'
import { fail, ok, type Outcome } from './pending-call.ts'
import type { SocketAddress } from './structs.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** What UDP sockets of a script share. */
export interface UdpContext {
  readonly udp: Udp
  readonly changed: () => void
}

/** A datagram socket; the stack's is made by the first call that needs a port. */
export class UdpFile implements OpenFile {
  readonly kind = 'udp'
  readonly domain: number
  isNonBlocking: boolean
  edges = 0
  receiveTimeout: number = Infinity
  sendTimeout: number = Infinity
  settings: Mutable<UdpSocketOptions> = {}
  readonly remembered: Map<string, number> = new Map<string, number>()
  socket: UdpSocket | null = null
  private readonly context: UdpContext
  private bound: SocketAddress | null = null
  private error: StackError | null = null
  private isReadShut = false
  private isWriteShut = false

  constructor(context: UdpContext, domain: number, isNonBlocking: boolean) {
    this.context = context
    this.domain = domain
    this.isNonBlocking = isNonBlocking
  }

  bind(address: SocketAddress): Outcome {
    if (this.bound !== null) return fail('EINVAL')
    return this.guard(() => {
      this.socketOf(address)
      this.bound = address
      return ok()
    })
  }

  /** Null = AF_UNSPEC: to nobody any more. */
  connect(address: SocketAddress | null): Outcome {
    return this.guard(() => {
      if (address === null && this.socket === null) return ok()
      this.socketOf(null).reconnect(address)
      return ok()
    })
  }

  configure(options: UdpSocketOptions): Outcome {
    return this.guard(() => {
      this.socket?.configure(options)
      Object.assign(this.settings, options)
      return ok()
    })
  }

  read(request: ReadRequest): { readonly attempt: (isLate: boolean) => ReadOutcome | null; readonly patience: number } {
    const isNonBlocking = this.isNonBlocking || request.dontWait
    return {
      attempt: (isLate) => {
        const error = this.takeError()
        if (error !== null) return fail(error)
        const received = request.peek ? this.socket?.peek() : this.socket?.tryReceive()
        if (received !== undefined) return delivered(received, request)
        if (this.isReadShut) return ok(0)
        return isNonBlocking || isLate ? fail('EAGAIN') : null
      },
      patience: this.receiveTimeout,
    }
  }

  write(request: WriteRequest): Operation {
    const isNonBlocking = this.isNonBlocking || request.dontWait
    return {
      attempt: (isLate) => {
        if (this.isWriteShut) return fail('EPIPE')
        const error = this.takeError()
        if (error !== null) return fail(error)
        if (request.to === null && (this.socket?.remote ?? null) === null) return fail('EDESTADDRREQ')
        return this.guard(() => {
          const data = new Uint8Array(request.length)
          const isSent = this.socketOf(null).send(data, request.to ?? undefined)
          return isSent ? ok(request.length) : isNonBlocking || isLate ? fail('EAGAIN') : null
        })
      },
      patience: this.sendTimeout,
    }
  }

  shutdown(how: 'read' | 'write' | 'both'): Outcome {
    if ((this.socket?.remote ?? null) === null) return fail('ENOTCONN')
    if (how !== 'write') this.isReadShut = true
    if (how !== 'read') this.isWriteShut = true
    this.context.changed()
    return ok()
  }

  takeError(): string | null {
    const error = this.error ?? this.socket?.takeError() ?? null
    this.error = null
    return error === null ? null : errnoOf(error)
  }

  poll(): number {
    let mask = this.isReadShut && this.isWriteShut ? Ready.Hup : 0
    // What was taken out to look at it is told by the next call.
    this.error ??= this.socket?.takeError() ?? null
    if (this.error !== null) mask |= Ready.Err
    if (this.isReadShut) mask |= Ready.In | Ready.ReadHup
    if (this.socket?.peek() !== undefined) mask |= Ready.In
    return mask | Ready.Out
  }

  close(): Operation {
    this.abort()
    return { attempt: () => ok() }
  }

  abort(): void {
    this.socket?.close()
    this.socket = null
  }

  private socketOf(address: SocketAddress | null): UdpSocket {
    if (this.socket === null) {
      this.socket = this.context.udp.bind({ ...this.settings, ...address })
      const changed = (): void => {
        this.edges++
        this.context.changed()
      }
      this.socket.setHandler({ readable: changed, writable: changed })
    }
    return this.socket
  }

  private guard<T>(call: () => T): T | Outcome {
    try {
      return call()
    } catch (error) {
      if (!(error instanceof StackError)) throw error
      return fail(errnoOf(error))
    }
  }
}

function delivered(received: Datagram, request: ReadRequest): ReadOutcome {
  const { length } = received.data
  const isTruncated = length > request.length
  // MSG_TRUNC asks for the true length.
  return { value: isTruncated && !request.truncate ? request.length : length, isTruncated }
}
