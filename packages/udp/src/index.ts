/**
 * UDP for @stack.
 *
 * @packageDocumentation
 */
export {}
