import { packet } from '@stack/testing'

/** Offsets from the start of a TCP header. */
export const TCP = { sourcePort: 0, destinationPort: 2, sequence: 4, acknowledgment: 8, flags: 12, window: 14, options: 20 } as const

const ETHERNET = 14

/** A packet of an attacker: built once, then changed field by field. Its checksums stay right (RFC 1624), so that it is not dropped at the door. */
export interface Forgery {
  readonly bytes: Uint8Array
  /** Sets the last 32 bits of the source address, in IPv4 all of it. */
  from(word: number): Forgery
  /** Changes 16 bits of the IPv4 header. */
  network16(at: number, value: number): Forgery
  /** Changes 16 or 32 bits of the transport header, or behind it. */
  set16(at: number, value: number): Forgery
  set32(at: number, value: number): Forgery
}

/** Takes what `packet()` takes, or bytes: IPv4 or IPv6 with TCP, UDP or ICMP in it, with or without an Ethernet header. */
export function forgery(...parts: Parameters<typeof packet>): Forgery {
  const bytes = packet(...parts)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const network = bytes[0]! >> 4 === 4 || bytes[0]! >> 4 === 6 ? 0 : ETHERNET
  const isIpv4 = bytes[network]! >> 4 === 4
  const protocol = bytes[network + (isIpv4 ? 9 : 6)]!
  const transport = network + (isIpv4 ? 4 * (bytes[network]! & 15) : 40)
  const checksum = transport + (protocol === 6 ? 16 : protocol === 17 ? 6 : 2)
  const hasPseudoHeader = protocol === 6 || protocol === 17 || protocol === 58
  const isWhole = protocol !== 44 && !(isIpv4 && (view.getUint16(network + 6) & 0x3fff) !== 0)
  const sourceAt = network + (isIpv4 ? 12 : 20)

  function patch(at: number, value: number, inNetwork: boolean, inTransport: boolean): void {
    const old = view.getUint16(at)
    view.setUint16(at, value)
    if (inNetwork) mend(network + 10, old, value)
    if (inTransport) mend(checksum, old, value)
  }

  function mend(at: number, old: number, value: number): void {
    let sum = (~view.getUint16(at) & 0xffff) + (~old & 0xffff) + (value & 0xffff)
    sum = (sum & 0xffff) + (sum >>> 16)
    view.setUint16(at, ~(sum + (sum >>> 16)))
  }

  const made: Forgery = {
    bytes,
    from(word) {
      patch(sourceAt, word >>> 16, isIpv4, isWhole && hasPseudoHeader)
      patch(sourceAt + 2, word & 0xffff, isIpv4, isWhole && hasPseudoHeader)
      return made
    },
    network16(at, value) {
      patch(network + at, value, isIpv4, false)
      return made
    },
    set16(at, value) {
      patch(transport + at, value, false, isWhole)
      return made
    },
    set32(at, value) {
      patch(transport + at, value >>> 16, false, isWhole)
      patch(transport + at + 2, value & 0xffff, false, isWhole)
      return made
    },
  }
  return made
}
