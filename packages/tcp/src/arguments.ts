// Calls get whatever JavaScript hands in, whatever the types say.
import type { StackError } from '@stack/core'
import type { Endpoint } from './api.ts'
import { tcpError } from './errors.ts'

/** Of any realm. */
export function isBytes(given: unknown): given is Uint8Array {
  return (given as Partial<Uint8Array> | null | undefined)?.BYTES_PER_ELEMENT === 1
}

/** Why `given` cannot be written; null = it can. */
export function writeProblem(given: unknown, remote: Endpoint): StackError | null {
  if (Array.isArray(given) && given.every(isBytes)) return null
  return tcpError('ERR_STACK_INVALID_ARGUMENT', 'write', remote, 'only a Uint8Array can be written, or an array of them by `write`; encode text with TextEncoder')
}

/** Why nothing can be read into `into`. */
export function readProblem(into: unknown, syscall: string): Error {
  if (isBytes(into)) return new TypeError(`${syscall}: \`into\` has no room; pass an array of at least one byte.`)
  return tcpError('ERR_STACK_INVALID_ARGUMENT', syscall, undefined, 'takes a Uint8Array to read into; `readSome` makes one')
}

/** Checks how much `readSome` and `discard` are to take. */
export function checkMax(max: unknown, least: number, syscall: string): void {
  if (typeof max === 'number' && max >= least) return
  throw tcpError('ERR_STACK_INVALID_ARGUMENT', syscall, undefined, `\`max\` must be a number of at least ${least}, not ${String(max)}`)
}

/** Checks what `shutdown` is to close. */
export function checkWay(how: unknown): void {
  if (how === 'write' || how === 'read' || how === 'both') return
  throw tcpError('ERR_STACK_INVALID_ARGUMENT', 'shutdown', undefined, `takes 'write', 'read' or 'both', not ${String(how)}`)
}
