import type { ScriptEvent } from '../language/ast.ts'
import type { Failure } from '../report/result.ts'

/** An event that did not go as the script says: ends the run. */
export class Mismatch extends Error {
  /** One line. */
  readonly reason: string
  readonly failure: Failure
  readonly kind: 'packet' | 'syscall' | 'other'

  constructor(kind: Mismatch['kind'], event: ScriptEvent, reason: string, expected: string, got: string, differences: readonly string[]) {
    super(reason)
    this.kind = kind
    this.reason = reason
    this.failure = { at: event.at, event: event.text, expected, got, differences }
  }
}
