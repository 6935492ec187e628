/**
 * Packet capture around any link, as pcapng or text, for @stack.
 *
 * @packageDocumentation
 */
export {}
