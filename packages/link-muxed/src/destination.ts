import type { Packet } from '@stack/buffer'
import type { Framing } from '@stack/core'

/** A destination as four int32 words; IPv4 is IPv4-mapped, a link address is in the last two. */
export interface Destination {
  a: number
  b: number
  c: number
  d: number
}

/** What {@link readDestination} finds. */
export const Kind = { Malformed: 0, One: 1, Group: 2 } as const
export type Kind = (typeof Kind)[keyof typeof Kind]

const IPV4_HEADER = 20
const IPV4_DESTINATION = 16
const IPV6_HEADER = 40
const IPV6_DESTINATION = 24
const ETHERNET_HEADER = 14
const IPV4_MAPPED = 0xffff

/** Reads where a packet goes into `into`: the link destination of a frame, or the address in the network header. */
export function readDestination(packet: Packet, framing: Framing, into: Destination): Kind {
  const { bytes, view, start } = packet
  const length = packet.end - start
  if (framing === 'ethernet') {
    if (length < ETHERNET_HEADER) return Kind.Malformed
    set(into, 0, 0, view.getUint16(start), view.getInt32(start + 2))
    return (bytes[start]! & 1) !== 0 ? Kind.Group : Kind.One
  }
  const version = length === 0 ? 0 : bytes[start]! >> 4
  if (version === 4 && length >= IPV4_HEADER) {
    const address = view.getInt32(start + IPV4_DESTINATION)
    set(into, 0, 0, IPV4_MAPPED, address)
    // Class D, and the limited broadcast address: RFC 1112 §4, RFC 919 §7.
    return address >>> 28 === 14 || address === -1 ? Kind.Group : Kind.One
  }
  if (version === 6 && length >= IPV6_HEADER) {
    const at = start + IPV6_DESTINATION
    set(into, view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8), view.getInt32(at + 12))
    // RFC 4291 §2.7.
    return bytes[at] === 0xff ? Kind.Group : Kind.One
  }
  return Kind.Malformed
}

/** Reads an address given by a user: 4 or 16 bytes, a link address of 6, or an IPv4 address as a number. Null = none of them. */
export function parseDestination(destination: Uint8Array | number): Destination | null {
  const into = { a: 0, b: 0, c: 0, d: 0 }
  if (typeof destination === 'number') {
    if (!Number.isInteger(destination) || destination < -0x8000_0000 || destination > 0xffff_ffff) return null
    return set(into, 0, 0, IPV4_MAPPED, destination | 0)
  }
  const view = new DataView(destination.buffer, destination.byteOffset, destination.length)
  switch (destination.length) {
    case 4: return set(into, 0, 0, IPV4_MAPPED, view.getInt32(0))
    case 6: return set(into, 0, 0, view.getUint16(0), view.getInt32(2))
    case 16: return set(into, view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12))
    default: return null
  }
}

export function same(x: Destination, y: Destination): boolean {
  return x.d === y.d && x.c === y.c && x.b === y.b && x.a === y.a
}

function set(into: Destination, a: number, b: number, c: number, d: number): Destination {
  into.a = a
  into.b = b
  into.c = c
  into.d = d
  return into
}
