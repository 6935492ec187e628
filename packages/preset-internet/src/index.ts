/**
 * The usual six protocols of @stack in one list: IPv4, IPv6, ARP, TCP, UDP and ICMP.
 *
 * @packageDocumentation
 */
export {}
