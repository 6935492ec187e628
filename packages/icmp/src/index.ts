/**
 * ICMP echo sockets for @stack.
 *
 * @packageDocumentation
 */
export {}
