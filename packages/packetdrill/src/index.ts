/**
 * packetdrill scripts against @stack, in virtual time.
 *
 * @packageDocumentation
 */
export * from './language/index.ts'
export type { Failure, Family, ScriptResult, ScriptStatus } from './report/result.ts'
