import { linkBytes, linkText, PEER, STACK } from './addresses.ts'
import { concat } from './bytes.ts'
import { has, type Cursor, type Layer, type NextLayer } from './layer.ts'

/** An Ethernet II header, with one 802.1Q tag at most. */
export interface EthernetHeader {
  readonly layer: 'ethernet'
  readonly source: string
  readonly destination: string
  /** Of what follows, behind the tag. */
  readonly type: number
  readonly vlan: { readonly id: number; readonly priority: number } | null
}

/** What {@link ethernet} takes. */
export interface EthernetFields extends Partial<Omit<EthernetHeader, 'layer'>> {
  /** Fill the frame up to 60 bytes with zeros, as devices do. Default false. */
  readonly pad?: boolean
}

const VLAN = 0x8100

/** An Ethernet header; by default from 02:00:00:00:00:02 (the peer) to 02:00:00:00:00:01 (the stack). */
export function ethernet(fields: EthernetFields = {}): Layer {
  return {
    layer: 'ethernet',
    build(body, context) {
      const { vlan = null, type = context.etherType ?? 0x88b5 } = fields
      const tag = vlan === null ? [] : [VLAN >> 8, VLAN & 255, (vlan.priority << 5) | (vlan.id >> 8), vlan.id & 255]
      const frame = concat([
        linkBytes(fields.destination ?? STACK.link), linkBytes(fields.source ?? PEER.link), Uint8Array.from(tag), Uint8Array.of(type >> 8, type & 255), body,
      ])
      return fields.pad === true && frame.length < 60 ? concat([frame, new Uint8Array(60 - frame.length)]) : frame
    },
  }
}

export function parseEthernet(cursor: Cursor): [EthernetHeader | null, NextLayer] {
  if (!has(cursor, 14, 'ethernet')) return [null, null]
  const { bytes, view, at } = cursor
  const destination = linkText(bytes.subarray(at, at + 6))
  const source = linkText(bytes.subarray(at + 6, at + 12))
  let type = view.getUint16(at + 12)
  let vlan = null
  cursor.at += 14
  if (type === VLAN && has(cursor, 4, 'vlan')) {
    const tag = view.getUint16(cursor.at)
    vlan = { id: tag & 0xfff, priority: tag >> 13 }
    type = view.getUint16(cursor.at + 2)
    cursor.at += 4
  }
  return [{ layer: 'ethernet', source, destination, type, vlan }, { etherType: type }]
}
