import { describe, expect, test } from 'vitest'
import { ARP_LENGTH, arpMessage, ArpOperation, parseArp, writeArp } from '../src/wire.ts'

// Who has 10.0.0.2, tell 10.0.0.1: as RFC 826 lays it out for Ethernet and IPv4.
const REQUEST = [0, 1, 8, 0, 6, 4, 0, 1, 2, 3, 4, 5, 6, 7, 10, 0, 0, 1, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 10, 0, 0, 2]

/** The bytes at 5, among others. */
function within(bytes: readonly number[]): DataView {
  return new DataView(Uint8Array.of(0xee, 0xee, 0xee, 0xee, 0xee, ...bytes, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee).buffer)
}

function request() {
  const message = arpMessage()
  expect(parseArp(within(REQUEST), 5, ARP_LENGTH, message)).toBe(true)
  return message
}

describe('the wire format', () => {
  test('is read field by field, wherever it stands', () => {
    expect(request()).toEqual({
      operation: ArpOperation.Request, senderHardware: Uint8Array.of(2, 3, 4, 5, 6, 7), sender: 0x0a000001,
      targetHardware: Uint8Array.of(0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5), target: 0x0a000002,
    })
  })

  test('is written as it was read, and nothing beside it', () => {
    const view = within(Array.from({ length: ARP_LENGTH }, () => 0xff))
    expect(writeArp(view, 5, request())).toBe(5 + ARP_LENGTH)
    expect(view).toEqual(within(REQUEST))
  })

  test('of 27 bytes nothing is read, whatever stands behind them', () => {
    expect(parseArp(within(REQUEST), 5, ARP_LENGTH - 1, arpMessage())).toBe(false)
  })

  test.each([
    ['hardware', 0, 6], ['hardware, high byte', 0, 0x0100], ['protocol', 2, 0x86dd], ['lengths of addresses', 4, 0x0804], ['operation 0', 6, 0], ['operation 3', 6, 3],
  ])('another %s is not read', (_, at, value) => {
    const view = within(REQUEST)
    view.setUint16(5 + at, value)
    expect(parseArp(view, 5, ARP_LENGTH, arpMessage())).toBe(false)
  })
})
