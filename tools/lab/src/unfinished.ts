import { readFileSync } from 'node:fs'

const FILE_HEADER = 24
const RECORD_HEADER = 16
const CAPTURED_LENGTH = 8
const LINK_TYPE = 20
const ETHERNET = 1
const ETHERNET_HEADER = 14

/** IP protocols by where their checksum is. ICMP sums no pseudo-header. */
const CHECKSUMS: Readonly<Record<number, number>> = { 1: 2, 6: 16, 17: 6, 58: 2 }
const ICMP = 1
/** IPv6 extension headers that begin with the next header and a length: Hop-by-Hop, Routing, Destination Options. */
const EXTENSIONS = [0, 43, 60]

/**
 * Numbers of the frames in a capture of tcpdump whose transport checksum is still to be finished: as a sender leaves it to a
 * device that does so, its field holds the sum of the pseudo-header. tshark takes those for bad.
 */
export function unfinishedFrames(file: string): Set<number> {
  const bytes = readFileSync(file)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const linkHeader = view.getUint32(LINK_TYPE, true) === ETHERNET ? ETHERNET_HEADER : 0
  const frames = new Set<number>()
  for (let at = FILE_HEADER, number = 1; at + RECORD_HEADER <= bytes.length; number++) {
    const length = view.getUint32(at + CAPTURED_LENGTH, true)
    at += RECORD_HEADER
    if (isUnfinished(bytes.subarray(at + linkHeader, at + length))) frames.add(number)
    at += length
  }
  return frames
}

function isUnfinished(packet: Buffer): boolean {
  const version = (packet[0] ?? 0) >> 4
  if (version === 4 && packet.length >= 20) {
    const header = (packet[0]! & 15) * 4
    return isPseudoHeaderSum(packet.subarray(header, packet.readUInt16BE(2)), packet[9]!, packet.subarray(12, 20))
  }
  if (version !== 6 || packet.length < 40) return false
  let protocol = packet[6]!
  let at = 40
  while (EXTENSIONS.includes(protocol) && at + 2 <= packet.length) {
    protocol = packet[at]!
    at += (packet[at + 1]! + 1) * 8
  }
  return isPseudoHeaderSum(packet.subarray(at, 40 + packet.readUInt16BE(4)), protocol, packet.subarray(8, 40))
}

function isPseudoHeaderSum(segment: Buffer, protocol: number, addresses: Buffer): boolean {
  const field = CHECKSUMS[protocol]
  if (field === undefined || segment.length < field + 2) return false
  let sum = protocol === ICMP ? 0 : protocol + segment.length
  for (let i = 0; protocol !== ICMP && i < addresses.length; i += 2) sum += addresses.readUInt16BE(i)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return segment.readUInt16BE(field) === sum
}
