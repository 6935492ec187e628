import { describe, expect, test } from 'vitest'
import { readUdpHeader, UDP_HEADER_LENGTH, writeUdpHeader } from '../src/wire.ts'

describe('the wire format', () => {
  test('a header is written where it is wanted, with a zero checksum, and nothing beside it', () => {
    const bytes = new Uint8Array(18).fill(0xee)
    expect(writeUdpHeader(new DataView(bytes.buffer), 7, 0x1234, 0x5678, 0x9abc)).toBe(7 + UDP_HEADER_LENGTH)
    expect([...bytes]).toEqual([...Array<number>(7).fill(0xee), 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0, 0, 0xee, 0xee, 0xee])
  })

  test('a header is read, also from the middle of a buffer', () => {
    const bytes = Uint8Array.of(0xee, 0xee, 0x12, 0x34, 0x56, 0x78, 0, 8, 0xab, 0xcd, 0xee)
    expect(readUdpHeader(bytes.subarray(2))).toEqual({ sourcePort: 0x1234, destinationPort: 0x5678, length: 8, checksum: 0xabcd })
  })

  test('fewer than 8 bytes, and a length that cannot be true, are not read', () => {
    const header = Uint8Array.of(0, 53, 0, 53, 0, 8, 0, 0)
    expect(readUdpHeader(header.subarray(0, 7))).toBeNull()
    expect(readUdpHeader(header.with(5, 7))).toBeNull()
    expect(readUdpHeader(header)).not.toBeNull()
  })
})
