/**
 * IPv4 with ICMPv4 and IGMP for @stack.
 *
 * @packageDocumentation
 */
export {}
