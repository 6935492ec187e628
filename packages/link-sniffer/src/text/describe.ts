import type { Framing } from '@stack/core'
import { ipv4Text, linkText } from './address.ts'
import { describeIpv4 } from './ipv4.ts'
import { describeIpv6 } from './ipv6.ts'
import { cut, has, hex, readerOf, type Reader } from './reader.ts'

const ETHERNET_HEADER = 14
const IPV4 = 0x0800
const ARP = 0x0806
const VLAN = 0x8100
const IPV6 = 0x86dd
/** Type fields below are lengths; IEEE 802.3 §3.2.6. */
const MINIMUM_ETHERTYPE = 0x0600

/**
 * One readable line for a packet, in the manner of tcpdump. Any bytes will do: what cannot be read is said to be so, and
 * nothing is thrown.
 *
 * @param framing - what `bytes` begin with: an Ethernet header, or an IPv4 or IPv6 one
 *
 * @example
 * ```ts
 * import { describePacket } from '@stack/link-sniffer'
 *
 * console.log(describePacket(Uint8Array.of(0x45, 0), 'ip')) // IP [truncated, 2 bytes]
 * ```
 */
export function describePacket(bytes: Uint8Array, framing: Framing): string {
  const reader = readerOf(bytes)
  return framing === 'ethernet' ? describeEthernet(reader) : describeNetwork(reader)
}

function describeNetwork(reader: Reader): string {
  if (reader.end === 0) return '[empty]'
  const version = reader.view.getUint8(0) >> 4
  if (version === 4) return describeIpv4(reader, 0)
  if (version === 6) return describeIpv6(reader, 0)
  return `unknown IP version ${version}, length ${reader.end}`
}

function describeEthernet(reader: Reader): string {
  const { view, end } = reader
  if (!has(reader, 0, ETHERNET_HEADER)) return `Ethernet [truncated, ${end} bytes]`
  let type = view.getUint16(12)
  let at = ETHERNET_HEADER
  let prefix = ''
  // IEEE 802.1Q: the tag stands before the type; more than two of them nobody uses.
  for (let tags = 0; type === VLAN && tags < 2 && has(reader, at, 4); tags++) {
    prefix += `vlan ${view.getUint16(at) & 0xfff}, `
    type = view.getUint16(at + 2)
    at += 4
  }
  const addresses = `${linkText(reader, 6)} > ${linkText(reader, 0)}`
  if (type < MINIMUM_ETHERTYPE) return `${prefix}${addresses}, 802.3, length ${type}`
  switch (type) {
    case IPV4: return prefix + describeIpv4(reader, at)
    case IPV6: return prefix + describeIpv6(reader, at)
    case ARP: return prefix + describeArp(cut(reader, at + 28), at)
    default: return `${prefix}${addresses}, ethertype ${hex(type, 4)}, length ${end}`
  }
}

/** RFC 826, for IPv4 over Ethernet. */
function describeArp(reader: Reader, at: number): string {
  const { view, end } = reader
  if (!has(reader, at, 28)) return `ARP [truncated, ${end - at} bytes]`
  if (view.getUint32(at) !== 0x00010800 || view.getUint16(at + 4) !== 0x0604) {
    return `ARP, hardware type ${view.getUint16(at)}, protocol type ${hex(view.getUint16(at + 2), 4)}`
  }
  const sender = ipv4Text(reader, at + 14)
  const target = ipv4Text(reader, at + 24)
  const operation = view.getUint16(at + 6)
  if (operation === 2) return `ARP, Reply ${sender} is-at ${linkText(reader, at + 8)}`
  if (operation !== 1) return `ARP, operation ${operation}`
  if (sender === target) return `ARP, Announcement ${sender} is-at ${linkText(reader, at + 8)}`
  return sender === '0.0.0.0' ? `ARP, Probe ${target}` : `ARP, Request who-has ${target} tell ${sender}`
}
