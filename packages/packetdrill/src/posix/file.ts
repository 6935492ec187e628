import type { Attempt, Outcome } from './pending-call.ts'

/** Bits of {@link OpenFile.poll}: those of poll(2), which are the same for all systems. */
export const Ready = { In: 1, Pri: 2, Out: 4, Err: 8, Hup: 0x10, Invalid: 0x20, ReadHup: 0x2000 } as const

/** How a call reads. */
export interface ReadRequest {
  readonly length: number
  readonly peek: boolean
  /** Throw away what does not fit, or all of it on a stream. */
  readonly truncate: boolean
  readonly waitAll: boolean
  readonly dontWait: boolean
}

/** What was read; `isTruncated` = a datagram did not fit. */
export type ReadOutcome = Outcome & { readonly isTruncated?: boolean }

/** How a call writes. */
export interface WriteRequest {
  readonly length: number
  readonly more: boolean
  readonly endOfRecord: boolean
  readonly urgent: boolean
  readonly dontWait: boolean
  /** MSG_FASTOPEN: it opens the connection, too. */
  readonly fastOpen?: boolean
  /** MSG_ZEROCOPY: the error queue tells when the bytes are done with. */
  readonly zeroCopy?: boolean
  readonly to: { readonly host: string; readonly port: number } | null
}

/** What a call does: tries that may block, or an answer. `patience` = ms, Infinity unless a timeout was set. */
export interface Operation {
  readonly attempt: Attempt
  readonly patience?: number
}

/** What a file descriptor stands for. */
export interface OpenFile {
  readonly kind: 'tcp' | 'udp' | 'epoll' | 'zeros'
  isNonBlocking: boolean
  /** Bits of {@link Ready} that hold now. */
  poll(): number
  /** Counts what could make an edge: new data, new room, an end. */
  readonly edges: number
  close(): Operation
  /** The end of the process: at once. */
  abort(): void
}

export function now(outcome: Outcome): Operation {
  return { attempt: () => outcome }
}
