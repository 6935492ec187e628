/**
 * Ethernet framing and VLAN tags over a link that carries frames, for @stack.
 *
 * @packageDocumentation
 */
export {}
