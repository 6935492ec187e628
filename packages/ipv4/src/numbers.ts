/** EtherType of IPv4. */
export const IPV4_PROTOCOL = 0x0800

/** IP protocol number of ICMPv4. */
export const ICMP_PROTOCOL = 1
