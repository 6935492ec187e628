/**
 * IPv6 with ICMPv6, neighbour discovery, SLAAC and MLD for @stack.
 *
 * @packageDocumentation
 */
export {}
