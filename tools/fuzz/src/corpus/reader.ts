/** A frame of a capture file. */
export interface CapturedFrame {
  /** LINKTYPE number, see https://www.tcpdump.org/linktypes.html. */
  readonly linkType: number
  readonly bytes: Uint8Array
  /** Bytes on the wire; more than `bytes` has when the capture cut it. */
  readonly length: number
  /** ns since 1970. */
  readonly time: bigint
}

const PCAP_MICROSECONDS = 0xa1b2c3d4
const PCAP_NANOSECONDS = 0xa1b23c4d
const SECTION_HEADER = 0x0a0d0d0a
const BYTE_ORDER = 0x1a2b3c4d
const Block = { interface: 1, packet: 2, simple: 3, enhanced: 6 } as const
const TIME_RESOLUTION = 9
/** Frames above this are damage: no link has them. */
const LARGEST_FRAME = 1 << 20

/**
 * The frames of a pcap or pcapng file (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng), in either byte order. A file that
 * ends in the middle of a frame gives those before it.
 *
 * @throws Error when it is neither
 */
export function* readCapture(file: Uint8Array): Generator<CapturedFrame> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  if (file.length >= 24) {
    if (view.getUint32(0) === SECTION_HEADER) {
      yield* readPcapng(file, view)
      return
    }
    for (const isLittle of [false, true]) {
      const magic = view.getUint32(0, isLittle)
      if (magic !== PCAP_MICROSECONDS && magic !== PCAP_NANOSECONDS) continue
      yield* readPcap(file, view, isLittle, magic === PCAP_NANOSECONDS ? 1n : 1000n)
      return
    }
  }
  throw new Error('This is no pcap and no pcapng file.')
}

function* readPcap(file: Uint8Array, view: DataView, isLittle: boolean, unit: bigint): Generator<CapturedFrame> {
  // The upper bits say whether frames have a check sequence.
  const linkType = view.getUint32(20, isLittle) & 0xffff
  for (let at = 24; at + 16 <= file.length; ) {
    const captured = view.getUint32(at + 8, isLittle)
    if (captured > LARGEST_FRAME || at + 16 + captured > file.length) return
    const time = BigInt(view.getUint32(at, isLittle)) * 1_000_000_000n + BigInt(view.getUint32(at + 4, isLittle)) * unit
    yield { linkType, bytes: file.subarray(at + 16, at + 16 + captured), length: view.getUint32(at + 12, isLittle), time }
    at += 16 + captured
  }
}

interface Interface {
  readonly linkType: number
  readonly snapLength: number
  readonly resolution: number
}

function* readPcapng(file: Uint8Array, view: DataView): Generator<CapturedFrame> {
  let isLittle = true
  let interfaces: Interface[] = []
  for (let at = 0; at + 12 <= file.length; ) {
    const isSection = view.getUint32(at) === SECTION_HEADER
    if (isSection) {
      isLittle = view.getUint32(at + 8, true) === BYTE_ORDER
      if (!isLittle && view.getUint32(at + 8) !== BYTE_ORDER) return
      interfaces = []
    }
    const type = view.getUint32(at, isLittle)
    const length = view.getUint32(at + 4, isLittle)
    if (length < 12 || length % 4 !== 0 || at + length > file.length) return
    const body = { from: at + 8, to: at + length - 4 }
    if (type === Block.interface && body.to - body.from >= 8) interfaces.push(readInterface(view, body.from, body.to, isLittle))
    else {
      const frame = readPacketBlock(file, view, type, body.from, body.to, isLittle, interfaces)
      if (frame !== null) yield frame
    }
    at += length
  }
}

function readInterface(view: DataView, from: number, to: number, isLittle: boolean): Interface {
  let resolution = 6
  for (let at = from + 8; at + 4 <= to; ) {
    const code = view.getUint16(at, isLittle)
    const length = view.getUint16(at + 2, isLittle)
    if (code === 0 || at + 4 + length > to) break
    if (code === TIME_RESOLUTION && length === 1) resolution = view.getUint8(at + 4)
    at += 4 + ((length + 3) & ~3)
  }
  return { linkType: view.getUint16(from, isLittle), snapLength: view.getUint32(from + 4, isLittle), resolution }
}

function readPacketBlock(
  file: Uint8Array, view: DataView, type: number, from: number, to: number, isLittle: boolean, interfaces: readonly Interface[],
): CapturedFrame | null {
  if (type === Block.simple) {
    const [first] = interfaces
    if (first === undefined || to - from < 4) return null
    const length = view.getUint32(from, isLittle)
    const captured = Math.min(length, first.snapLength === 0 ? length : first.snapLength, to - from - 4)
    return { linkType: first.linkType, bytes: file.subarray(from + 4, from + 4 + captured), length, time: 0n }
  }
  if ((type !== Block.enhanced && type !== Block.packet) || to - from < 20) return null
  const one = interfaces[type === Block.enhanced ? view.getUint32(from, isLittle) : view.getUint16(from, isLittle)]
  const captured = view.getUint32(from + 12, isLittle)
  if (one === undefined || captured > to - from - 20) return null
  const ticks = (BigInt(view.getUint32(from + 4, isLittle)) << 32n) | BigInt(view.getUint32(from + 8, isLittle))
  const { resolution } = one
  const perSecond = (resolution & 0x80) !== 0 ? 1n << BigInt(resolution & 0x7f) : 10n ** BigInt(resolution)
  return { linkType: one.linkType, bytes: file.subarray(from + 20, from + 20 + captured), length: view.getUint32(from + 16, isLittle), time: (ticks * 1_000_000_000n) / perSecond }
}

/** Where the network header of a frame is. */
export interface NetworkPlace {
  readonly etherType: number
  readonly offset: number
}

export const LinkType = { null: 0, ethernet: 1, rawOpenBsd: 14, rawBsd: 12, raw: 101, loop: 108, cooked: 113, ipv4: 228, ipv6: 229, cooked2: 276 } as const

/** Looks behind the link header; null = a link type that is not known here, or a frame that is too short. */
export function networkOf(linkType: number, bytes: Uint8Array): NetworkPlace | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (linkType) {
    case LinkType.ethernet:
      return bytes.length < 14 ? null : behindTags(view, 12)
    case LinkType.cooked:
      return bytes.length < 16 ? null : behindTags(view, 14)
    case LinkType.cooked2:
      return bytes.length < 20 ? null : { etherType: view.getUint16(0), offset: 20 }
    // The family's number is that of the machine that captured; its version nibble tells what it is.
    case LinkType.null:
    case LinkType.loop:
      return byVersion(bytes, 4)
    case LinkType.raw:
    case LinkType.rawBsd:
    case LinkType.rawOpenBsd:
      return byVersion(bytes, 0)
    case LinkType.ipv4:
      return { etherType: 0x0800, offset: 0 }
    case LinkType.ipv6:
      return { etherType: 0x86dd, offset: 0 }
    default:
      return null
  }
}

/** Passes over VLAN tags (802.1Q, 802.1ad). */
function behindTags(view: DataView, at: number): NetworkPlace {
  let etherType = view.getUint16(at)
  let offset = at + 2
  while ((etherType === 0x8100 || etherType === 0x88a8) && offset + 4 <= view.byteLength) {
    etherType = view.getUint16(offset + 2)
    offset += 4
  }
  return { etherType, offset }
}

function byVersion(bytes: Uint8Array, offset: number): NetworkPlace | null {
  const version = (bytes[offset] ?? 0) >> 4
  return version === 4 ? { etherType: 0x0800, offset } : version === 6 ? { etherType: 0x86dd, offset } : null
}
