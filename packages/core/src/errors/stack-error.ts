import type { ErrorCode } from './codes.ts'

const BRAND = Symbol.for('@stack/core/error')

/** What a {@link StackError} may say beside its code and message. */
export interface StackErrorDetails {
  /** The operation that failed: `connect`, `read`, `addNic` … */
  readonly syscall?: string
  readonly address?: string
  readonly port?: number
  readonly cause?: unknown
}

/**
 * The error of the API edge: a stable `code`, a message that says what is wrong and what to do, and where known the
 * operation, address and port. Has no private members, so that errors of two copies of this package are alike.
 */
export class StackError extends Error {
  override readonly name: string = 'StackError'
  readonly code: ErrorCode
  declare readonly syscall?: string
  declare readonly address?: string
  declare readonly port?: number

  constructor(code: ErrorCode, message: string, details: StackErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    if (details.syscall !== undefined) this.syscall = details.syscall
    if (details.address !== undefined) this.address = details.address
    if (details.port !== undefined) this.port = details.port
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/** True for a {@link StackError} of any copy of this package. */
export function isStackError(error: unknown): error is StackError {
  return typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[BRAND] === true
}
