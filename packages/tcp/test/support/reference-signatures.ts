import { createCipheriv, createHash, createHmac } from 'node:crypto'
import { concat, ipv4, ipv6, packet, tcp, type ParsedPacket, type TcpOption } from '@stack/testing'

// Signatures as the RFCs have them, over whole IP packets, written down a second time.

export const md5Hash = (message: Uint8Array): Uint8Array => createHash('md5').update(message).digest()
export const hmacSha1 = (key: Uint8Array, message: Uint8Array): Uint8Array => createHmac('sha1', key).update(message).digest()

const u16 = (value: number): Uint8Array => Uint8Array.of((value >> 8) & 255, value & 255)
const u32 = (value: number): Uint8Array => concat([u16(value >>> 16), u16(value)])

/** AES-128-CMAC (RFC 4493). */
export function aesCmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  const encrypt = (block: Uint8Array): Uint8Array => createCipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(block)
  const double = (block: Uint8Array): Uint8Array =>
    Uint8Array.from(block, (byte, i) => ((byte << 1) & 255) | ((block[i + 1] ?? 0) >> 7) | 0).map((byte, i) => (i === 15 && (block[0]! & 128) !== 0 ? byte ^ 0x87 : byte))
  const first = double(encrypt(new Uint8Array(16)))
  const blocks = Math.max(1, Math.ceil(message.length / 16))
  const isWhole = message.length > 0 && message.length % 16 === 0
  const padded = new Uint8Array(16 * blocks)
  padded.set(message)
  if (!isWhole) padded[message.length] = 0x80
  const mask = isWhole ? first : double(first)
  let state: Uint8Array = new Uint8Array(16)
  for (let at = 0; at < padded.length; at += 16) {
    const isLast = at + 16 === padded.length
    state = encrypt(state.map((byte, i) => byte ^ padded[at + i]! ^ (isLast ? mask[i]! : 0)))
  }
  return state
}

interface Parts {
  readonly source: Uint8Array
  readonly destination: Uint8Array
  /** The TCP segment. */
  readonly segment: Uint8Array
  readonly headerLength: number
  readonly isSix: boolean
}

function partsOf(bytes: Uint8Array): Parts {
  const isSix = bytes[0]! >> 4 === 6
  const start = isSix ? 40 : (bytes[0]! & 15) * 4
  const segment = bytes.slice(start)
  const [source, destination] = isSix ? [bytes.slice(8, 24), bytes.slice(24, 40)] : [bytes.slice(12, 16), bytes.slice(16, 20)]
  segment[16] = segment[17] = 0
  return { source, destination, segment, headerLength: (segment[12]! >> 4) * 4, isSix }
}

function pseudoHeader({ source, destination, segment, isSix }: Parts): Uint8Array {
  return concat([source, destination, isSix ? concat([u32(segment.length), u32(6)]) : concat([Uint8Array.of(0, 6), u16(segment.length)])])
}

/** RFC 2385 §2. */
export function md5Digest(bytes: Uint8Array, key: string): Uint8Array {
  const parts = partsOf(bytes)
  return md5Hash(concat([pseudoHeader(parts), parts.segment.slice(0, 20), parts.segment.slice(parts.headerLength), new TextEncoder().encode(key)]))
}

/** Where an option begins in the IP packet, -1 = nowhere. */
export function optionAt(bytes: Uint8Array, kind: number): number {
  const { segment, headerLength } = partsOf(bytes)
  const start = bytes.length - segment.length
  for (let at = 20; at < headerLength && segment[at] !== 0; at += segment[at] === 1 ? 1 : segment[at + 1]!) if (segment[at] === kind) return start + at
  return -1
}

export interface AoReference {
  readonly secret: string
  readonly isns: readonly [source: number, destination: number]
  readonly extension?: number
  readonly coverOptions?: boolean
}

/** RFC 5925 §5, RFC 5926 §3.1.1.1 and §3.2.1: HMAC-SHA-1-96 of a packet that has the option. */
export function aoMac(bytes: Uint8Array, { secret, isns, extension = 0 }: AoReference): Uint8Array {
  const parts = partsOf(bytes)
  const { segment } = parts
  const context = concat([parts.source, parts.destination, segment.slice(0, 4), u32(isns[0]), u32(isns[1])])
  const traffic = hmacSha1(new TextEncoder().encode(secret), concat([Uint8Array.of(1), new TextEncoder().encode('TCP-AO'), context, u16(160)]))
  const at = optionAt(bytes, 29) - (bytes.length - segment.length)
  segment.fill(0, at + 4, at + segment[at + 1]!)
  return hmacSha1(traffic, concat([u32(extension), pseudoHeader(parts), segment])).slice(0, 12)
}

/** The same packet with further options in front. */
export function withOptions(parsed: ParsedPacket, options: readonly TcpOption[]): Uint8Array {
  const header = parsed.tcp!
  const { source, destination } = parsed.ipv4 ?? parsed.ipv6!
  return packet(
    parsed.ipv4 === null ? ipv6({ source, destination }) : ipv4({ source, destination }),
    tcp({
      sourcePort: header.sourcePort, destinationPort: header.destinationPort, seq: header.seq, ack: header.ack, flags: header.flags,
      window: header.window, urgentPointer: header.urgentPointer, options: [...options, ...header.options],
    }),
    parsed.payload,
  )
}
