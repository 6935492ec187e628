/**
 * The wire format of ARP for IPv4 over Ethernet (RFC 826): field table, checked parser and writer, without stack types.
 *
 * @example
 * ```ts
 * import { arpMessage, ArpOperation, parseArp, writeArp } from '@stack/arp/wire'
 *
 * const bytes = new Uint8Array(28)
 * const view = new DataView(bytes.buffer)
 * writeArp(view, 0, { ...arpMessage(), operation: ArpOperation.Request, target: 0x0a000001 })
 * const message = arpMessage()
 * console.log(parseArp(view, 0, bytes.length, message), message.target) // true 167772161
 * ```
 *
 * @packageDocumentation
 */

/** Offsets of the fields. */
export const ARP_FIELD = {
  hardwareType: 0,
  protocolType: 2,
  lengths: 4,
  operation: 6,
  senderHardware: 8,
  sender: 14,
  targetHardware: 18,
  target: 24,
} as const

/** Bytes of a message for IPv4 over Ethernet. */
export const ARP_LENGTH = 28

/** What a message is. */
export const ArpOperation = { Request: 1, Reply: 2 } as const

const ETHERNET = 1
const IPV4 = 0x0800
/** Hardware addresses of 6 bytes, protocol addresses of 4. */
const LENGTHS = 0x0604

/** What a message says. Made once and filled by {@link parseArp}. */
export interface ArpMessage {
  /** A value of {@link ArpOperation}. */
  operation: number
  /** 6 bytes. */
  readonly senderHardware: Uint8Array
  /** int32 */
  sender: number
  /** 6 bytes; without meaning in requests. */
  readonly targetHardware: Uint8Array
  /** int32 */
  target: number
}

export function arpMessage(): ArpMessage {
  return { operation: ArpOperation.Request, senderHardware: new Uint8Array(6), sender: 0, targetHardware: new Uint8Array(6), target: 0 }
}

/** Reads a message of which `available` bytes are there; false when it is too short, or not a request or reply for IPv4 over Ethernet. */
export function parseArp(view: DataView, at: number, available: number, into: ArpMessage): boolean {
  if (available < ARP_LENGTH) return false
  if (view.getUint16(at + ARP_FIELD.hardwareType) !== ETHERNET || view.getUint16(at + ARP_FIELD.protocolType) !== IPV4) return false
  if (view.getUint16(at + ARP_FIELD.lengths) !== LENGTHS) return false
  const operation = view.getUint16(at + ARP_FIELD.operation)
  if (operation !== ArpOperation.Request && operation !== ArpOperation.Reply) return false
  into.operation = operation
  into.sender = view.getInt32(at + ARP_FIELD.sender)
  into.target = view.getInt32(at + ARP_FIELD.target)
  for (let i = 0; i < 6; i++) {
    into.senderHardware[i] = view.getUint8(at + ARP_FIELD.senderHardware + i)
    into.targetHardware[i] = view.getUint8(at + ARP_FIELD.targetHardware + i)
  }
  return true
}

/** Writes a message; returns the offset behind it. */
export function writeArp(view: DataView, at: number, message: ArpMessage): number {
  view.setUint16(at + ARP_FIELD.hardwareType, ETHERNET)
  view.setUint16(at + ARP_FIELD.protocolType, IPV4)
  view.setUint16(at + ARP_FIELD.lengths, LENGTHS)
  view.setUint16(at + ARP_FIELD.operation, message.operation)
  view.setInt32(at + ARP_FIELD.sender, message.sender)
  view.setInt32(at + ARP_FIELD.target, message.target)
  for (let i = 0; i < 6; i++) {
    view.setUint8(at + ARP_FIELD.senderHardware + i, message.senderHardware[i]!)
    view.setUint8(at + ARP_FIELD.targetHardware + i, message.targetHardware[i]!)
  }
  return at + ARP_LENGTH
}
