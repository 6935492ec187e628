import { arp, ethernet, icmpv6, ipv6, packet, type ParsedPacket } from '@stack/testing'
import { ADDRESSES, LINK_ADDRESSES, PEER } from './addresses.ts'

const SOLICITATION = 135

/** The peer's answer to an ARP request or neighbour solicitation for one of its addresses; null = it is none. */
export function answerTo({ ethernet: frame, arp: request, ipv6: network, icmpv6: message }: ParsedPacket): Uint8Array | null {
  if (frame === null) return null
  const link = LINK_ADDRESSES[PEER]
  if (request?.operation === 1 && request.target === ADDRESSES.ipv4[PEER] && request.sender !== '0.0.0.0') {
    return packet(ethernet({ destination: frame.source }), arp({ operation: 'reply', sender: request.target, senderLink: link, targetLink: request.senderLink, target: request.sender }))
  }
  if (message?.type !== SOLICITATION || message.target !== ADDRESSES.ipv6[PEER] || network === null || network.source === '::') return null
  return packet(
    ethernet({ destination: frame.source }),
    ipv6({ source: message.target, destination: network.source, hopLimit: 255 }),
    icmpv6({ type: 'neighbor-advertisement', target: message.target, solicited: true, override: true, options: [{ kind: 'targetLinkAddress', address: link }] }),
  )
}
