/**
 * ICMP echo sockets for @stack.
 *
 * @packageDocumentation
 */
export type * from './api.ts'

