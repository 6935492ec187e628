import { arp } from '../packets/arp.ts'
import { PEER } from '../packets/addresses.ts'
import { ethernet } from '../packets/ethernet.ts'
import { icmpv6, ICMPV6_TYPES } from '../packets/icmpv6.ts'
import { ipv6 } from '../packets/ipv6.ts'
import { packet } from '../packets/packet.ts'
import type { ParsedPacket } from '../packets/parse.ts'

/** The answer of a host that owns `addresses` to an ARP request or a neighbour solicitation; null = it is none, or for somebody else. */
export function resolutionAnswer({ ethernet: frame, arp: request, ipv6: network, icmpv6: message }: ParsedPacket, addresses: readonly string[]): Uint8Array | null {
  if (frame === null) return null
  if (request?.operation === 1 && addresses.includes(request.target)) {
    return packet(ethernet({ destination: frame.source }), arp({ operation: 'reply', sender: request.target, targetLink: request.senderLink, target: request.sender }))
  }
  const { target } = message ?? { target: null }
  if (message?.type !== ICMPV6_TYPES['neighbor-solicitation'] || target === null || !addresses.includes(target) || network?.source === '::') return null
  return packet(
    ethernet({ destination: frame.source }),
    ipv6({ source: target, destination: network!.source, hopLimit: 255 }),
    icmpv6({ type: 'neighbor-advertisement', target, solicited: true, override: true, options: [{ kind: 'targetLinkAddress', address: PEER.link }] }),
  )
}

/** Packets that a stack sends of its own: address resolution, group reports, router solicitation. */
export function isHousekeeping({ arp: request, ipv4, icmpv6: message }: ParsedPacket): boolean {
  if (request !== null || ipv4?.protocol === 2) return true
  if (message === null) return false
  const { type } = message
  return (type >= ICMPV6_TYPES['listener-query'] && type <= ICMPV6_TYPES['neighbor-advertisement']) || type === ICMPV6_TYPES['listener-report-v2']
}
