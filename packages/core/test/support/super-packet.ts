import { ChecksumState, GsoType, type Packet, type PacketPool } from '@stack/buffer'

/** What a test says of a super-packet. */
export interface SuperFields {
  readonly version?: 4 | 6
  readonly udp?: boolean
  readonly mss: number
  readonly text: number
  /** TCP flags. Default ACK. */
  readonly flags?: number
  readonly dontFragment?: boolean
  readonly id?: number
  readonly sequence?: number
  /** The text is a range of chunks of this size; 0 = contiguous. */
  readonly chunk?: number
}

const OPTIONS = [1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8]

const text = (from: number, length: number): number[] => Array.from({ length }, (_, i) => ((from + i) * 7) & 0xff)
const u16 = (n: number): number[] => [(n >> 8) & 0xff, n & 0xff]
const u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n & 0xffff)]

/** RFC 1071, byte by byte. */
function checksum(bytes: readonly number[]): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

function addressesOf(version: 4 | 6): number[] {
  const prefix = version === 4 ? [10, 0, 0] : [0xfe, 0x80, ...new Array<number>(13).fill(0)]
  return [...prefix, 1, ...prefix, 2]
}

function pseudoHeader({ version = 4, udp = false }: SuperFields, length: number): number[] {
  return [...addressesOf(version), ...u32(length), 0, 0, 0, udp ? 17 : 6]
}

/** One packet as it is on the wire. */
function wirePacket(o: SuperFields, at: number, length: number, flags: number, id: number): number[] {
  const { version = 4, udp = false, sequence = 1000, dontFragment = true } = o
  const body = text(at, length)
  const l4 = udp
    ? [...u16(5000), ...u16(6000), ...u16(8 + length), 0, 0]
    : [...u16(5000), ...u16(6000), ...u32((sequence + at) >>> 0), ...u32(77), 8 << 4, flags, ...u16(500), 0, 0, 0, 0, ...OPTIONS]
  const protocol = udp ? 17 : 6
  const addresses = addressesOf(version)
  const total = l4.length + length
  const sum = checksum([...pseudoHeader(o, total), ...l4, ...body])
  l4.splice(udp ? 6 : 16, 2, ...u16(udp && sum === 0 ? 0xffff : sum))
  let l3: number[]
  if (version === 4) {
    l3 = [0x45, 0, ...u16(20 + total), ...u16(id), dontFragment ? 0x40 : 0, 0, 64, protocol, 0, 0, ...addresses]
    l3.splice(10, 2, ...u16(checksum(l3)))
  } else {
    l3 = [0x60, 0, 0, 0, ...u16(total), protocol, 64, ...addresses]
  }
  return [...l3, ...l4, ...body]
}

/** What a sender would have sent one by one. */
export function segmentsOf(o: SuperFields): number[][] {
  const { flags = 0x10, id = 0, dontFragment = true } = o
  const result: number[][] = []
  for (let at = 0; at < o.text; at += o.mss) {
    const length = Math.min(o.mss, o.text - at)
    const isLast = at + length === o.text
    let own = flags
    if (at > 0) own &= ~0x80
    if (!isLast) own &= ~0x09
    result.push(wirePacket(o, at, length, own, dontFragment ? id : (id + result.length) & 0xffff))
  }
  return result
}

/** The super-packet, as TCP or a link would make it. */
export function superPacket(pool: PacketPool, o: SuperFields): Packet {
  const { version = 4, udp = false, flags = 0x10, id = 0, chunk = 0 } = o
  const whole = wirePacket(o, 0, o.text, flags, id)
  const l3 = version === 4 ? 20 : 40
  const headers = l3 + (udp ? 8 : 32)
  const packet = pool.allocate(0, chunk === 0 ? whole.length : headers)!
  const bytes = Uint8Array.from(whole)
  packet.append(bytes, 0, chunk === 0 ? bytes.length : headers)
  if (chunk > 0) attach(pool, packet, bytes.subarray(headers), chunk)
  // Whoever cuts it writes it anew.
  packet.view.setUint16(l3 + (udp ? 6 : 16), o.text > o.mss ? 0xdead : ~checksum(pseudoHeader(o, whole.length - l3)) & 0xffff)
  packet.networkHeader = 0
  packet.networkHeaderLength = l3
  packet.networkProtocol = version === 4 ? 0x0800 : 0x86dd
  packet.gsoType = udp ? GsoType.Udp : version === 4 ? GsoType.TcpV4 : GsoType.TcpV6
  packet.gsoMss = o.mss
  packet.gsoL3HeaderLength = l3
  packet.checksumState = ChecksumState.Partial
  packet.checksumStart = l3
  packet.checksumOffset = udp ? 6 : 16
  return packet
}

function attach(pool: PacketPool, packet: Packet, bytes: Uint8Array, size: number): void {
  const first = pool.chunk(2048)!
  let last = first
  for (let at = 0; at < bytes.length; at += size) {
    const end = Math.min(at + size, bytes.length)
    if (at > 0) {
      const next = pool.chunk(2048)!
      last.setNext(next)
      next.release()
      last = next
    }
    last.append(bytes, at, end)
  }
  packet.attachPayload(first, 0, bytes.length)
  first.release()
}
