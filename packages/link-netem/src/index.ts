/**
 * Delay, jitter, loss, reordering, duplication, corruption and rate limits around any link, for @stack.
 *
 * @packageDocumentation
 */
export {}
