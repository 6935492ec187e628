/**
 * What the IPv4 and IPv6 packages of @stack share: reassembly, fragmenting, groups, ICMP policy.
 *
 * @packageDocumentation
 */
export {}
