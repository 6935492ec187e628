/**
 * TCP for @stack.
 *
 * @packageDocumentation
 */
export type * from './api.ts'

