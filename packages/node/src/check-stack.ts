import { StackError } from '@stack/core'

/** Calls get whatever JavaScript hands in, whatever the type says. */
export function checkStack(syscall: string, stack: unknown, protocol: 'tcp' | 'udp'): void {
  if (typeof (stack as Record<string, unknown> | null | undefined)?.[protocol] === 'object') return
  throw new StackError('ERR_STACK_INVALID_ARGUMENT', `${syscall} takes a stack first, made with ${protocol}() among its plugins.`, { syscall })
}
