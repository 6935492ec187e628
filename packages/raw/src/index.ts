/**
 * Raw and packet sockets for @stack.
 *
 * @packageDocumentation
 */
export {}
