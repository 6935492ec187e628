/**
 * packetdrill scripts against @stack, in virtual time.
 *
 * @packageDocumentation
 */
export type * from './language/ast.ts'
