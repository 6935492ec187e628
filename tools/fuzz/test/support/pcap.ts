/** How a pcap file is written. */
export interface PcapFormat {
  readonly isLittle: boolean
  readonly isNano: boolean
  readonly linkType: number
}

/** A pcap file of these frames, a millisecond apart. */
export function pcapFile(frames: readonly Uint8Array[], { isLittle, isNano, linkType }: PcapFormat): Uint8Array {
  const file = new Uint8Array(24 + frames.reduce((sum, frame) => sum + 16 + frame.length, 0))
  const view = new DataView(file.buffer)
  view.setUint32(0, isNano ? 0xa1b23c4d : 0xa1b2c3d4, isLittle)
  view.setUint16(4, 2, isLittle)
  view.setUint16(6, 4, isLittle)
  view.setUint32(16, 262_144, isLittle)
  view.setUint32(20, linkType, isLittle)
  let at = 24
  frames.forEach((frame, i) => {
    view.setUint32(at, 1_700_000_000, isLittle)
    view.setUint32(at + 4, i * (isNano ? 1_000_000 : 1000), isLittle)
    view.setUint32(at + 8, frame.length, isLittle)
    view.setUint32(at + 12, frame.length, isLittle)
    file.set(frame, at + 16)
    at += 16 + frame.length
  })
  return file
}

/** A pcapng file: section, one interface, enhanced packets, and the last frame as a simple one. */
export function pcapngFile(frames: readonly Uint8Array[], { isLittle, isNano, linkType }: PcapFormat): Uint8Array {
  const section = block(0x0a0d0d0a, isLittle, 16, (view) => {
    view.setUint32(0, 0x1a2b3c4d, isLittle)
    view.setUint16(4, 1, isLittle)
    view.setBigInt64(8, -1n, isLittle)
  })
  const link = block(1, isLittle, 20, (view) => {
    view.setUint16(0, linkType, isLittle)
    view.setUint16(8, 9, isLittle)
    view.setUint16(10, 1, isLittle)
    view.setUint8(12, isNano ? 9 : 6)
  })
  const packets = frames.map((frame, i) => (i === frames.length - 1
    ? block(3, isLittle, 4 + frame.length, (view, bytes) => {
      view.setUint32(0, frame.length, isLittle)
      bytes.set(frame, 4)
    })
    : block(6, isLittle, 20 + frame.length, (view, bytes) => {
      const ticks = (1_700_000_000n * 1000n + BigInt(i)) * (isNano ? 1_000_000n : 1000n)
      view.setUint32(4, Number(ticks >> 32n), isLittle)
      view.setUint32(8, Number(ticks & 0xffffffffn), isLittle)
      view.setUint32(12, frame.length, isLittle)
      view.setUint32(16, frame.length, isLittle)
      bytes.set(frame, 20)
    })))
  return Uint8Array.from([section, link, ...packets].flatMap((part) => [...part]))
}

function block(type: number, isLittle: boolean, length: number, fill: (view: DataView, bytes: Uint8Array) => void): Uint8Array {
  const padded = (length + 3) & ~3
  const bytes = new Uint8Array(padded + 12)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, type, isLittle)
  view.setUint32(4, bytes.length, isLittle)
  view.setUint32(bytes.length - 4, bytes.length, isLittle)
  fill(new DataView(bytes.buffer, 8, padded), bytes.subarray(8, 8 + padded))
  return bytes
}
