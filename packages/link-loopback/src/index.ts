/**
 * A link that hands every packet back to its own stack, for @stack.
 *
 * @packageDocumentation
 */
export {}
