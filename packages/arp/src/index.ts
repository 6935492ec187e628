/**
 * ARP for @stack.
 *
 * @packageDocumentation
 */
export {}
