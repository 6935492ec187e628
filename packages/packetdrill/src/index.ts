/**
 * packetdrill scripts against @stack, in virtual time.
 *
 * @packageDocumentation
 */
export type * from './language/ast.ts'
export { ScriptError, Unsupported } from './language/error.ts'
export type { Source } from './language/error.ts'
export type { Failure, Family, ScriptResult, ScriptStatus } from './report/result.ts'
