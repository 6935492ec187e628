import { PacketFlag } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import type { AddressTable } from '@stack/core'
import { isMulticastWord } from '../address/scope.ts'

/** Addresses that no packet may have. */
export const Martian = { None: 0, Source: 1, Destination: 2, Mapped: 3 } as const
/** One of the values of {@link Martian}. */
export type Martian = (typeof Martian)[keyof typeof Martian]

/** @param isInternal - it never left this host: interface-local addresses are fine */
export function martianOf(p: Packet, isInternal: boolean): Martian {
  // RFC 4291 §2.7: a group never sends.
  if (isMulticastWord(p.sourceA)) return Martian.Source
  // RFC 4942 §2.2: mapped addresses stand for IPv4 inside a host; on the wire they walk past IPv4 filters.
  if ((p.sourceC === 0xffff && p.sourceA === 0 && p.sourceB === 0) || (p.destinationC === 0xffff && p.destinationA === 0 && p.destinationB === 0)) {
    return Martian.Mapped
  }
  // RFC 4291 §2.5.2: nobody is reached by "::".
  const toZeros = p.destinationA === 0 && p.destinationB === 0 && p.destinationC === 0
  if (toZeros && p.destinationD === 0) return Martian.Destination
  if (isInternal) return Martian.None
  // RFC 4291 §2.5.3: ::1 is never on a link.
  if (toZeros && p.destinationD === 1) return Martian.Destination
  if (p.sourceD === 1 && p.sourceA === 0 && p.sourceB === 0 && p.sourceC === 0) return Martian.Source
  // RFC 4291 §2.7: scope 0 is reserved, scope 1 does not leave a node.
  return isMulticastWord(p.destinationA) && ((p.destinationA >>> 16) & 0xf) <= 1 ? Martian.Destination : Martian.None
}

/** From outside, in our name: only duplicate detection has a use for it (RFC 4862 §5.4). `hasLoopback` = the link is the loopback. */
export function isImpostor(p: Packet, addresses: AddressTable, hasLoopback: boolean): boolean {
  return (p.flags & PacketFlag.Looped) === 0 && !hasLoopback && addresses.isLocal(p.sourceA, p.sourceB, p.sourceC, p.sourceD)
}
