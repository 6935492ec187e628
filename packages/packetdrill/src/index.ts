/**
 * packetdrill scripts against @stack, in virtual time.
 *
 * @packageDocumentation
 */
export * from './language/index.ts'
export * from './code/index.ts'
export type * from './posix/posix.ts'
export * from './report/index.ts'
export * from './suite.ts'
