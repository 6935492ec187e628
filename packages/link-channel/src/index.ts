/**
 * A link whose packets the program injects and takes out by hand, for @stack.
 *
 * @packageDocumentation
 */
export {}
