import type { Framing } from '@stack/core'

// Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian, each a Uint8Array of its own.

const SECTION_HEADER = 0x0a0d0d0a
const INTERFACE_DESCRIPTION = 1
const ENHANCED_PACKET = 6
const BYTE_ORDER_MAGIC = 0x1a2b3c4d

const OPTION_END = 0
const SHB_USERAPPL = 4
const IF_NAME = 2
const IF_TSRESOL = 9
const EPB_FLAGS = 2

/** 10⁻⁶ s: what a clock of double milliseconds since 1970 can tell apart. */
const MICROSECONDS = 6

const LINKTYPE_ETHERNET = 1
/** The packet begins with an IPv4 or IPv6 header. */
const LINKTYPE_RAW = 101

const INBOUND = 1
const OUTBOUND = 2

/** Opens a section; its length is not known. */
export function sectionHeaderBlock(application: string): Uint8Array {
  const name = new TextEncoder().encode(application)
  const block = new Block(SECTION_HEADER, 16 + optionLength(name.length) + 4)
  block.uint32(BYTE_ORDER_MAGIC)
  block.uint16(1)
  block.uint16(0)
  block.uint32(0xffffffff)
  block.uint32(0xffffffff)
  block.option(SHB_USERAPPL, name)
  return block.end()
}

/** Describes the next interface of the section; packets name it by its place, from 0. */
export function interfaceBlock(name: string, framing: Framing, snapLength: number): Uint8Array {
  const text = new TextEncoder().encode(name)
  const block = new Block(INTERFACE_DESCRIPTION, 8 + optionLength(text.length) + optionLength(1) + 4)
  block.uint16(framing === 'ethernet' ? LINKTYPE_ETHERNET : LINKTYPE_RAW)
  block.uint16(0)
  block.uint32(snapLength)
  block.option(IF_NAME, text)
  block.option(IF_TSRESOL, Uint8Array.of(MICROSECONDS))
  return block.end()
}

/**
 * One packet.
 *
 * @param micros - µs since 1970
 * @param length - of the packet before it was cut to `bytes`
 */
export function packetBlock(interfaceId: number, micros: number, direction: 'in' | 'out', bytes: Uint8Array, length: number): Uint8Array {
  const block = new Block(ENHANCED_PACKET, 20 + padded(bytes.length) + optionLength(4) + 4)
  block.uint32(interfaceId)
  block.uint32(Math.floor(micros / 0x1_0000_0000))
  block.uint32(micros % 0x1_0000_0000)
  block.uint32(bytes.length)
  block.uint32(length)
  block.bytes(bytes)
  block.option(EPB_FLAGS, Uint8Array.of(direction === 'in' ? INBOUND : OUTBOUND, 0, 0, 0))
  return block.end()
}

function padded(length: number): number {
  return (length + 3) & ~3
}

function optionLength(length: number): number {
  return 4 + padded(length)
}

/** Type and length in front, the length again behind. */
class Block {
  private readonly array: Uint8Array
  private readonly view: DataView
  private at = 0

  constructor(type: number, bodyLength: number) {
    this.array = new Uint8Array(12 + bodyLength)
    this.view = new DataView(this.array.buffer)
    this.uint32(type)
    this.uint32(this.array.length)
  }

  uint16(value: number): void {
    this.view.setUint16(this.at, value, true)
    this.at += 2
  }

  uint32(value: number): void {
    this.view.setUint32(this.at, value, true)
    this.at += 4
  }

  bytes(bytes: Uint8Array): void {
    this.array.set(bytes, this.at)
    this.at += padded(bytes.length)
  }

  option(code: number, value: Uint8Array): void {
    this.uint16(code)
    this.uint16(value.length)
    this.bytes(value)
  }

  end(): Uint8Array {
    this.uint16(OPTION_END)
    this.uint16(0)
    this.uint32(this.array.length)
    return this.array
  }
}
