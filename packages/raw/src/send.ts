import type { ErrorCode, Failure } from '@stack/core'
import { StackError } from '@stack/core'

/** Counters of all raw and packet sockets, under `raw` in the stack's statistics. */
export interface RawCounters {
  received: number
  sent: number
  /** The receive buffer of a socket is full. */
  dropReceiveBufferFull: number
  /** `send` answered false. */
  dropSend: number
}

const MESSAGES: Partial<Record<ErrorCode, string>> = {
  EADDRNOTAVAIL: 'no address of this stack fits as the source',
  EAFNOSUPPORT: 'the address is not of the network protocol of the socket',
  EHOSTUNREACH: 'no route leads there',
  EINVAL: 'its header is wrong, or a link address is missing',
  EMSGSIZE: 'it is larger than the path or the link carries',
  ENETDOWN: 'the interface is down',
  ENETUNREACH: 'no route leads there',
  ENODEV: 'the interface is gone',
}

/** What `send` answers, and what it counts. */
export function settleSend(failure: Failure, counters: RawCounters, to: string): boolean {
  if (failure === null) {
    counters.sent++
    return true
  }
  if (failure !== 'ENOBUFS') {
    throw new StackError(failure, `The packet to ${to} was not sent: ${MESSAGES[failure] ?? failure}.`, { syscall: 'send', address: to })
  }
  counters.dropSend++
  return false
}

/** Called with whatever JavaScript hands in, whatever the type says. */
export function assertBytes(data: unknown): void {
  if ((data as Partial<Uint8Array> | null | undefined)?.BYTES_PER_ELEMENT === 1) return
  throw new StackError('ERR_STACK_INVALID_ARGUMENT', 'send takes a Uint8Array.', { syscall: 'send' })
}
