import { isStackError } from '@stack/core'

/** Something went wrong that the user can do something about: the message says what. */
export class CommandFailure extends Error {
  override readonly name: string = 'CommandFailure'
}

/** An error as one line for people. */
export function explain(error: unknown): string {
  if (isStackError(error)) return `${error.message} (${error.code})`
  return error instanceof Error ? error.message : String(error)
}
