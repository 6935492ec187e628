/**
 * TCP for @stack.
 *
 * @packageDocumentation
 */
export {}
