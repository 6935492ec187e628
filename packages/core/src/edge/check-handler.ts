import { StackError } from '../errors/stack-error.ts'

/**
 * Checks what a user gives to be called: a wrong one would never be, and nobody would hear of it. For authors of sockets and links.
 *
 * @param what - the call that it was given to, for the message: `'setHandler'`
 * @param type - `'function'`, or `'object'` for one that has several
 * @throws StackError `ERR_STACK_INVALID_ARGUMENT`
 *
 * @example
 * ```ts
 * import { checkHandler } from '@stack/core'
 *
 * function onPacket(handler: ((bytes: Uint8Array) => void) | null): void {
 *   if (handler !== null) checkHandler('onPacket', handler, 'function')
 * }
 * onPacket(null)
 * ```
 */
export function checkHandler(what: string, handler: unknown, type: 'function' | 'object'): void {
  if (typeof handler === type && handler !== null) return
  const wanted = type === 'function' ? 'a function' : 'an object with functions'
  throw new StackError('ERR_STACK_INVALID_ARGUMENT', `${what} takes ${wanted}, received ${handler === null ? 'null' : `a value of type ${typeof handler}`}.`, { syscall: what })
}
