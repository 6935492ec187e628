/** Kinds of IPv4 addresses by their bits alone (RFC 6890); all take int32 words. */

/** "This host on this network" (RFC 1122 §3.2.1.3 (a), (b)): 0/8. */
export function isThisNetwork(word: number): boolean {
  return word >>> 24 === 0
}

/** 127/8: must not appear outside a host. */
export function isLoopback(word: number): boolean {
  return word >>> 24 === 127
}

/** 169.254/16 (RFC 3927): must not leave its link. */
export function isLinkLocal(word: number): boolean {
  return word >>> 16 === 0xa9fe
}

/** 224/4 */
export function isMulticast(word: number): boolean {
  return word >>> 28 === 0xe
}

/** 240/4, with 255.255.255.255 in it. */
export function isReserved(word: number): boolean {
  return word >>> 28 === 0xf
}

/** 255.255.255.255, as int32. */
export const LIMITED_BROADCAST = -1

/** 224.0.0.1, which every host is in (RFC 1112 §4), as int32. */
export const ALL_HOSTS: number = 0xe0000001 | 0
