/**
 * One link shared by several, chosen per packet, for @stack.
 *
 * @packageDocumentation
 */
export {}
