import type { OptionSpec } from '../language/ast.ts'
import { PROTOCOL, type LivePacket } from './live.ts'
import { md5 } from './md5.ts'

/** The digest of a segment (RFC 2385 §2): pseudo-header, header without options and checksum, text, secret. */
export function segmentDigest(segment: Uint8Array, source: Uint8Array, destination: Uint8Array, secret: string): Uint8Array {
  const header = segment.slice(0, 20)
  header[16] = header[17] = 0
  const { length } = segment
  const words = [length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255]
  const rest = source.length === 16 ? [...words, 0, 0, 0, PROTOCOL.tcp] : [0, PROTOCOL.tcp, words[2]!, words[3]!]
  const text = segment.subarray((segment[12]! >> 4) * 4)
  return md5(Uint8Array.from([...source, ...destination, ...rest, ...header, ...text, ...new TextEncoder().encode(secret)]))
}

/** The digest that a packet of the wire should have. */
export function packetDigest({ bytes, version, source, destination }: LivePacket, secret: string): Uint8Array {
  return segmentDigest(bytes.subarray(version === 6 ? 40 : 4 * (bytes[0]! & 15)), source, destination, secret)
}

/** Digests that the script leaves to the secret: `md5 valid` and `md5 invalid`. */
export function withDigests(options: readonly OptionSpec[], digest: () => Uint8Array): readonly OptionSpec[] {
  return options.map((option) => {
    if (option.kind !== 'md5' || option.valid === null) return option
    return { ...option, digest: option.valid ? digest() : digest().map((byte) => ~byte) }
  })
}
