import type { StackError } from '@stack/core'

/** What the codes of the stack's own misuse are to a POSIX program; those of the network have their POSIX names already. */
const OWN: Readonly<Record<string, string>> = {
  ERR_STACK_CLOSED: 'ENOTCONN',
  ERR_STACK_LIMIT: 'ENFILE',
  ERR_STACK_INVALID_OPTION: 'EINVAL',
  ERR_STACK_INVALID_ARGUMENT: 'EINVAL',
  ERR_STACK_INVALID_ADDRESS: 'EINVAL',
  ERR_STACK_NOT_SUPPORTED: 'EOPNOTSUPP',
  ERR_STACK_BUSY: 'EBUSY',
}

/** The errno of an error of the stack. */
export function errnoOf(error: StackError): string {
  return error.code.startsWith('ERR_STACK_') ? (OWN[error.code] ?? 'EIO') : error.code
}
