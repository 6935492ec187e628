import { describe, expect, test } from 'vitest'
import { isIcmpError } from '../src/wire/icmp.ts'
import {
  copyFragmentOptions, copyReplyOptions, formatIpv4Address, inspectOptions, ipv4Header, optionsFound, parseIpv4Address, parseIpv4Header, stampOptions, writeIpv4Header,
} from '../src/wire.ts'

function viewOf(...bytes: number[]): DataView {
  return new DataView(Uint8Array.from(bytes).buffer)
}

describe('dotted quads', () => {
  test.each(['0.0.0.0', '10.0.0.1', '255.255.255.255', '192.168.100.20'])('%s there and back', (text) => {
    expect(formatIpv4Address(parseIpv4Address(text)!)).toBe(text)
  })

  test.each([
    '', '1', '1.2.3', '1.2.3.4.5', '256.0.0.1', '1.2.3.256', '010.0.0.1', '1.2.3.04', '0x1.2.3.4', '1..2.3', '.1.2.3', '1.2.3.', ' 1.2.3.4', '1.2.3.4 ', '1.2.3.-4', '1e1.2.3.4',
    '1.2.3.4/24', '1.2.3.4%1', '١.2.3.4', '::1', '00.0.0.0', '1.2.3.4444444444',
  ])('"%s" is refused', (text) => {
    expect(parseIpv4Address(text)).toBeNull()
  })
})

describe('header', () => {
  const bytes = [0x46, 0xb8, 0, 32, 0x12, 0x34, 0x20, 0x02, 63, 17, 0xab, 0xcd, 10, 0, 0, 1, 192, 168, 0, 2, 148, 4, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]

  test('is read field by field', () => {
    const header = ipv4Header()
    expect(parseIpv4Header(viewOf(...bytes), 0, bytes.length, header)).toBeNull()
    expect(header).toEqual({
      headerLength: 24, tos: 0xb8, totalLength: 32, id: 0x1234, dontFragment: false, moreFragments: true, fragmentOffset: 16, ttl: 63, protocol: 17, checksum: 0xabcd,
      source: 0x0a000001, destination: 0xc0a80002 | 0,
    })
  })

  test('is written as it was read', () => {
    const header = ipv4Header()
    parseIpv4Header(viewOf(...bytes), 0, bytes.length, header)
    const view = new DataView(new ArrayBuffer(20))
    expect(writeIpv4Header(view, 0, header)).toBe(20)
    expect([...new Uint8Array(view.buffer)]).toEqual(bytes.slice(0, 20))
  })

  test.each([
    ['truncated', [0x45, 0, 0, 20], 4],
    ['version', [0x65, ...bytes.slice(1)], 32],
    ['headerLength', [0x44, ...bytes.slice(1)], 32],
    ['headerLength', [0x4f, ...bytes.slice(1)], 32],
    ['totalLength', [0x46, 0, 0, 23, ...bytes.slice(4)], 32],
    ['truncated', [0x46, 0, 0, 33, ...bytes.slice(4)], 32],
  ] as const)('%s is told', (fault, given, available) => {
    expect(parseIpv4Header(viewOf(...given), 0, available, ipv4Header())).toBe(fault)
  })

  test('any 60 bytes and any length give an answer and never read outside', () => {
    let state = 1
    const random = (): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 8
    const header = ipv4Header()
    const found = optionsFound()
    const target = new Uint8Array(40)
    for (let i = 0; i < 20_000; i++) {
      const length = random() % 61
      const view = viewOf(...Array.from({ length }, () => random() & (random() % 3 === 0 ? 0xff : 0x97)))
      if (length > 0) view.setUint8(0, 0x40 | (view.getUint8(0) & 0xf))
      const fault = parseIpv4Header(view, 0, length, header)
      if (fault === null || (fault === 'truncated' && length >= 20)) {
        const wrong = inspectOptions(view, 20, header.headerLength, found)
        expect(wrong === -1 || (wrong >= 20 && wrong < header.headerLength)).toBe(true)
        if (wrong === -1) {
          expect(copyFragmentOptions(view, 20, header.headerLength, target) & 3).toBe(0)
          expect(copyReplyOptions(view, 20, header.headerLength, target) & 3).toBe(0)
          stampOptions(view, 20, header.headerLength, 1, 2)
          expect(inspectOptions(view, 20, header.headerLength, found)).toBe(-1)
        }
      }
    }
  })
})

describe('options', () => {
  const inspect = (...bytes: number[]): { at: number; found: ReturnType<typeof optionsFound> } => {
    const found = optionsFound()
    return { at: inspectOptions(viewOf(...bytes), 0, bytes.length, found), found }
  }

  test('what is in order is found', () => {
    expect(inspect(1, 148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0)).toEqual({ at: -1, found: { sourceRoute: false, routerAlert: true, recording: true } })
    expect(inspect(131, 7, 4, 1, 2, 3, 4, 0).found.sourceRoute).toBe(true)
    expect(inspect(137, 7, 4, 1, 2, 3, 4, 0).found.sourceRoute).toBe(true)
    expect(inspect(0, 131, 7, 4).found.sourceRoute).toBe(false)
  })

  test.each([
    ['length below 2', [7, 1, 4, 0], 1],
    ['length behind the end', [7, 9, 4, 0], 1],
    ['no length', [1, 1, 1, 7], 3],
    ['record route pointer too small', [7, 7, 3, 0, 0, 0, 0, 0], 2],
    ['record route pointer not aligned', [7, 7, 5, 0, 0, 0, 0, 0], 2],
    ['timestamp pointer too small', [68, 8, 4, 0, 0, 0, 0, 0], 2],
    ['timestamp without flags', [68, 3, 5, 0], 1],
    ['timestamp flag unknown', [68, 8, 5, 2, 0, 0, 0, 0], 3],
    ['router alert of another length', [148, 3, 0, 0], 1],
  ])('%s: the pointer is right', (_, bytes, at) => {
    expect(inspect(...bytes).at).toBe(at)
  })

  function stamp(bytes: number[]): number[] {
    const view = viewOf(...bytes)
    stampOptions(view, 0, bytes.length, 0x0a000002, 0x01020304)
    return [...new Uint8Array(view.buffer)]
  }

  test('record route: own address is entered while there is room', () => {
    expect(stamp([7, 7, 4, 0, 0, 0, 0, 0])).toEqual([7, 7, 8, 10, 0, 0, 2, 0])
    expect(stamp([7, 7, 8, 1, 1, 1, 1, 0])).toEqual([7, 7, 8, 1, 1, 1, 1, 0])
  })

  test('timestamp: time, address and time, prespecified address, overflow', () => {
    expect(stamp([68, 8, 5, 0, 0, 0, 0, 0])).toEqual([68, 8, 9, 0, 1, 2, 3, 4])
    expect(stamp([68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0])).toEqual([68, 12, 13, 1, 10, 0, 0, 2, 1, 2, 3, 4])
    expect(stamp([68, 12, 5, 3, 10, 0, 0, 2, 0, 0, 0, 0])).toEqual([68, 12, 13, 3, 10, 0, 0, 2, 1, 2, 3, 4])
    expect(stamp([68, 12, 5, 3, 10, 0, 0, 9, 0, 0, 0, 0])).toEqual([68, 12, 5, 3, 10, 0, 0, 9, 0, 0, 0, 0])
    expect(stamp([68, 8, 9, 0x10, 1, 1, 1, 1])).toEqual([68, 8, 9, 0x20, 1, 1, 1, 1])
    expect(stamp([68, 8, 9, 0xf0, 1, 1, 1, 1])).toEqual([68, 8, 9, 0xf0, 1, 1, 1, 1])
  })

  test('fragments after the first carry options with the copied bit only', () => {
    const target = new Uint8Array(40)
    const bytes = [7, 7, 4, 0, 0, 0, 0, 1, 148, 4, 0, 0]
    expect(copyFragmentOptions(viewOf(...bytes), 0, bytes.length, target)).toBe(4)
    expect([...target.slice(0, 4)]).toEqual([148, 4, 0, 0])
  })

  test('an echo reply carries record route and timestamp only', () => {
    const target = new Uint8Array(40).fill(9)
    const bytes = [148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 1, 130, 3, 0, 0]
    expect(copyReplyOptions(viewOf(...bytes), 0, bytes.length, target)).toBe(8)
    expect([...target.slice(0, 8)]).toEqual([7, 7, 4, 0, 0, 0, 0, 0])
  })

  test('errors are messages about other packets, and never answered (RFC 1122 §3.2.2)', () => {
    const errors = Array.from({ length: 256 }, (_, type) => type).filter(isIcmpError)
    expect(errors).toEqual([3, 4, 5, 11, 12])
  })
})
