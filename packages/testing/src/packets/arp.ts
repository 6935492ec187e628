import { ipv4Bytes, ipv4Text, linkBytes, linkText, PEER, STACK } from './addresses.ts'
import { concat, viewOf } from './bytes.ts'
import { has, type Cursor, type Layer, type NextLayer } from './layer.ts'

/** An ARP packet for IPv4 over Ethernet (RFC 826). */
export interface ArpHeader {
  readonly layer: 'arp'
  /** 1 request, 2 reply. */
  readonly operation: number
  readonly senderLink: string
  readonly sender: string
  readonly targetLink: string
  readonly target: string
  readonly hardwareType: number
  readonly protocolType: number
  readonly hardwareLength: number
  readonly protocolLength: number
}

/** What {@link arp} takes. */
export interface ArpFields extends Partial<Omit<ArpHeader, 'layer' | 'operation'>> {
  readonly operation?: number | 'request' | 'reply'
}

const LENGTH = 28

/** An ARP packet; by default the peer (10.0.0.2) asks for the stack (10.0.0.1). */
export function arp(fields: ArpFields = {}): Layer {
  return {
    layer: 'arp',
    etherType: 0x0806,
    build(body) {
      const bytes = new Uint8Array(LENGTH)
      const view = viewOf(bytes)
      const { operation = 'request' } = fields
      view.setUint16(0, fields.hardwareType ?? 1)
      view.setUint16(2, fields.protocolType ?? 0x0800)
      bytes[4] = fields.hardwareLength ?? 6
      bytes[5] = fields.protocolLength ?? 4
      view.setUint16(6, operation === 'request' ? 1 : operation === 'reply' ? 2 : operation)
      const toldTarget = operation === 'reply' ? STACK.link : '00:00:00:00:00:00'
      bytes.set(linkBytes(fields.senderLink ?? PEER.link), 8)
      bytes.set(ipv4Bytes(fields.sender ?? PEER.ipv4), 14)
      bytes.set(linkBytes(fields.targetLink ?? toldTarget), 18)
      bytes.set(ipv4Bytes(fields.target ?? STACK.ipv4), 24)
      return concat([bytes, body])
    },
  }
}

export function parseArp(cursor: Cursor): [ArpHeader | null, NextLayer] {
  if (!has(cursor, LENGTH, 'arp')) return [null, null]
  const { bytes, view, at } = cursor
  cursor.at += LENGTH
  return [{
    layer: 'arp',
    operation: view.getUint16(at + 6),
    senderLink: linkText(bytes.subarray(at + 8, at + 14)),
    sender: ipv4Text(bytes.subarray(at + 14, at + 18)),
    targetLink: linkText(bytes.subarray(at + 18, at + 24)),
    target: ipv4Text(bytes.subarray(at + 24, at + 28)),
    hardwareType: view.getUint16(at),
    protocolType: view.getUint16(at + 2),
    hardwareLength: bytes[at + 4]!,
    protocolLength: bytes[at + 5]!,
  }, null]
}
