/**
 * Two links joined back to back in memory, for @stack.
 *
 * @packageDocumentation
 */
export {}
