import { describe, expect, test } from 'vitest'
import { Flag, Rare, SegmentHeader, headerLengthOf, parseHeader, writeHeader } from '../src/wire.ts'

/** What is read of a header with these options, in the middle of a buffer, the payload behind it. */
function withOptions(options: readonly number[], payload: readonly number[] = []): SegmentHeader {
  const bytes = new Uint8Array(3 + 20 + options.length + payload.length)
  bytes[3 + 12] = (20 + options.length) << 2
  bytes.set([...options, ...payload], 3 + 20)
  const header = new SegmentHeader()
  expect(parseHeader(new DataView(bytes.buffer), 3, bytes.length - 3, header)).toBe(true)
  return header
}

/** `header`, written and read again. */
function written(header: SegmentHeader): SegmentHeader {
  const view = new DataView(new ArrayBuffer(64))
  const read = new SegmentHeader()
  expect(parseHeader(view, 2, writeHeader(view, 2, header), read)).toBe(true)
  return read
}

/** The Fast Open option with this cookie, as kind 34 or as the experiment. */
function fastOpen(cookie: readonly number[], isExperimental = false): SegmentHeader {
  const header = new SegmentHeader()
  header.rare = Rare.FastOpen
  header.fastOpenLength = cookie.length
  header.fastOpenCookie.set(cookie)
  header.fastOpenExperimental = isExperimental
  return header
}

describe('the Fast Open option', () => {
  test.each([[0, 4], [4, 8], [6, 8], [8, 12], [16, 20]])('a cookie of %i bytes takes %i, and is read as it was written', (length, size) => {
    const cookie = Array.from({ length }, (_, at) => 0xf0 + at)
    const header = fastOpen(cookie)
    expect(headerLengthOf(header)).toBe(20 + size)
    expect(written(header)).toMatchObject({ rare: Rare.FastOpen, fastOpenLength: length, fastOpenExperimental: false, fastOpenCookie: header.fastOpenCookie, headerLength: 20 + size })
  })

  test('padding is NOPs behind it; the experiment has its magic number (RFC 6994)', () => {
    const view = new DataView(new ArrayBuffer(40))
    expect(writeHeader(view, 0, fastOpen([1, 2, 3, 4]))).toBe(28)
    expect([...new Uint8Array(view.buffer, 20, 8)]).toEqual([34, 6, 1, 2, 3, 4, 1, 1])
    expect(writeHeader(view, 0, fastOpen([1, 2, 3, 4], true))).toBe(28)
    expect([...new Uint8Array(view.buffer, 20, 8)]).toEqual([254, 8, 0xf9, 0x89, 1, 2, 3, 4])
    expect(written(fastOpen([], true))).toMatchObject({ rare: Rare.FastOpen, fastOpenLength: 0, fastOpenExperimental: true })
  })

  test('beside the user timeout, both are read', () => {
    const header = fastOpen([1, 2, 3, 4])
    header.rare |= Rare.UserTimeout
    header.userTimeout = 90
    expect(headerLengthOf(header)).toBe(32)
    expect(written(header)).toMatchObject({ rare: Rare.UserTimeout | Rare.FastOpen, userTimeout: 90, fastOpenLength: 4 })
  })

  test.each([
    ['an odd length', [34, 7, 1, 2, 3, 4, 5, 1]], ['two bytes', [34, 4, 1, 2]], ['18 bytes', [34, 20, ...Array<number>(18).fill(7)]],
    ['another experiment', [254, 6, 1, 2, 3, 4, 1, 1]], ['no room for the number of the experiment', [254, 3, 0xf9, 1]],
  ])('%s is no such option', (_what, bytes) => {
    expect(withOptions(bytes)).toMatchObject({ rare: 0, malformedOptions: false })
  })

  test('a length behind the header is a lie', () => {
    expect(withOptions([34, 18, 1, 2], [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])).toMatchObject({ rare: 0, malformedOptions: true })
  })
})

describe('wire', () => {
  test('bytes stand where RFC 9293 §3.1 has them, and nothing beside them', () => {
    const header = new SegmentHeader()
    Object.assign(header, {
      sourcePort: 0x1234, destinationPort: 0x5678, sequence: 0x01020304, acknowledgment: 0x0a0b0c0d, flags: Flag.Syn | Flag.Ack, window: 0xabcd, urgentPointer: 0x4321,
      mss: 1460, sackPermitted: true, windowScale: 7, sackBlocks: 1,
    })
    header.sackEdges.set([0x11223344, 0x55667788])
    const bytes = new Uint8Array(64).fill(0xee)
    expect(writeHeader(new DataView(bytes.buffer), 7, header)).toBe(44)
    expect(headerLengthOf(header)).toBe(44)
    expect([...bytes]).toEqual([
      ...Array<number>(7).fill(0xee), 0x12, 0x34, 0x56, 0x78, 1, 2, 3, 4, 10, 11, 12, 13, 0xb0, 0x12, 0xab, 0xcd, 0, 0, 0x43, 0x21,
      2, 4, 0x05, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7, 1, 1, 5, 10, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, ...Array<number>(13).fill(0xee),
    ])
  })

  test('a shift of 0 is written, and read', () => {
    const header = new SegmentHeader()
    header.windowScale = 0
    expect(headerLengthOf(header)).toBe(24)
    expect(written(header).windowScale).toBe(0)
  })

  test.each([1, 2, 3, 4])('%i SACK blocks are written and read', (blocks) => {
    const header = new SegmentHeader()
    header.sackBlocks = blocks
    header.sackEdges.set([100, 200, 300, -400, -500, 600, 700, 800].slice(0, 2 * blocks))
    header.headerLength = headerLengthOf(header)
    expect(header.headerLength).toBe(24 + 8 * blocks)
    expect(written(header)).toEqual(header)
  })

  test.each([
    [0, 0x0000, 0], [90, 0x005a, 90], [32_767, 0x7fff, 32_767], [32_768, 0x8223, 32_820], [10_000_000, 0xffff, 1_966_020],
  ])('a user timeout of %i s is %i on the wire: seconds, else minutes rounded up (RFC 5482 §2)', (seconds, field, told) => {
    const header = new SegmentHeader()
    header.rare = Rare.UserTimeout
    header.userTimeout = seconds
    const view = new DataView(new ArrayBuffer(64))
    expect(writeHeader(view, 0, header)).toBe(24)
    expect(headerLengthOf(header)).toBe(24)
    expect(view.getUint32(20)).toBe(0x1c040000 + field)
    expect(written(header)).toMatchObject({ rare: Rare.UserTimeout, userTimeout: told })
  })

  test.each([
    [0, [174, 2, 1, 1]], [1, [174, 5, 0, 0, 3, 1, 1, 1]], [2, [174, 8, 0, 0, 3, 0x01, 0x02, 0x03]], [3, [174, 11, 0, 0, 3, 0x01, 0x02, 0x03, 0xff, 0xff, 0xff, 1]],
  ])('an Accurate ECN option with %i counters, ECT(1) first (RFC 9768 §3.2.3)', (ecnCounters, bytes) => {
    const header = new SegmentHeader()
    Object.assign(header, { rare: Rare.AccurateEcn, ecnCounters, ect1Bytes: 3, ceBytes: 0x010203, ect0Bytes: 0xffffff })
    const view = new DataView(new ArrayBuffer(64))
    expect(writeHeader(view, 0, header)).toBe(headerLengthOf(header))
    expect([...new Uint8Array(view.buffer, 20, headerLengthOf(header) - 20)].slice(0, bytes.length)).toEqual(bytes)
    const told = (at: number, value: number): number => (ecnCounters > at ? value : -1)
    expect(written(header)).toMatchObject({
      rare: Rare.AccurateEcn, ecnCounters, ect1Bytes: told(0, 3), ceBytes: told(1, 0x010203), ect0Bytes: told(2, 0xffffff),
    })
  })

  test('an Accurate ECN option in the other order, longer than known, or with odd bytes (RFC 9768 §3.2.3.1)', () => {
    expect(withOptions([172, 8, 0, 0, 1, 0, 0, 2])).toMatchObject({ rare: Rare.AccurateEcn, ecnCounters: 2, ect0Bytes: 1, ceBytes: 2, ect1Bytes: -1 })
    expect(withOptions([172, 14, 0, 0, 1, 0, 0, 2, 0, 0, 3, 9, 9, 9, 1, 1])).toMatchObject({ ecnCounters: 3, ect0Bytes: 1, ceBytes: 2, ect1Bytes: 3 })
    expect(withOptions([174, 4, 9, 9])).toMatchObject({ ecnCounters: 0, ect0Bytes: -1, ceBytes: -1, ect1Bytes: -1 })
    expect(withOptions([174, 12, 0, 0])).toMatchObject({ rare: 0, malformedOptions: true })
  })

  test('the ninth flag lies beside the data offset, and the reserved bits are no flags [RFC9768-3.1-ae]', () => {
    const header = new SegmentHeader()
    header.flags = Flag.Ae | Flag.Syn
    const view = new DataView(new ArrayBuffer(20))
    writeHeader(view, 0, header)
    expect(view.getUint16(12)).toBe(0x5102)
    view.setUint16(12, 0x5f02)
    expect(parseHeader(view, 0, 20, header)).toBe(true)
    expect(header.flags).toBe(Flag.Ae | Flag.Syn)
  })

  test('the fields of the segment before do not show', () => {
    const header = withOptions([2, 4, 5, 0xb4, 4, 2, 3, 3, 7, 28, 4, 0, 5, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 8, 10, 0, 0, 0, 3, 0, 0, 0, 4, 5, 1, 0])
    expect(header).toMatchObject({ mss: 1460, sackPermitted: true, windowScale: 7, sackBlocks: 1, timestamps: true, rare: Rare.UserTimeout, userTimeout: 5, malformedOptions: true })
    const bare = new DataView(new ArrayBuffer(20))
    bare.setUint8(12, 0x50)
    expect(parseHeader(bare, 0, 20, header)).toBe(true)
    expect(header).toMatchObject({ mss: 0, sackPermitted: false, windowScale: -1, sackBlocks: 0, timestamps: false, rare: 0, malformedOptions: false, headerLength: 20 })
  })

  test.each([
    ['shorter than the fixed header', 0x40, 20], ['longer than what is there', 0x60, 20], ['at the end of what is there', 0x50, 19],
  ])('a data offset %s is refused', (_, dataOffset, length) => {
    const view = new DataView(new ArrayBuffer(40))
    view.setUint8(12, dataOffset)
    expect(parseHeader(view, 0, length, new SegmentHeader())).toBe(false)
  })

  test('the end of the options ends them, whatever follows; so does padding of NOPs', () => {
    expect(withOptions([0, 2, 4, 5, 0xb4, 0, 0, 0])).toMatchObject({ mss: 0, malformedOptions: false })
    expect(withOptions([2, 4, 5, 0xb4, 1, 1, 1, 1])).toMatchObject({ mss: 1460, malformedOptions: false })
  })

  test('an option may end with the header, and no byte behind it is looked at', () => {
    expect(withOptions([1, 1, 4, 2])).toMatchObject({ sackPermitted: true, malformedOptions: false })
    // The last byte is the kind of an option whose length stands in the payload.
    expect(withOptions([1, 1, 1, 4], [2, 2])).toMatchObject({ sackPermitted: false, malformedOptions: true })
    expect(withOptions([1, 1, 1, 4])).toMatchObject({ sackPermitted: false, malformedOptions: true })
    // The length reaches one byte into the payload.
    expect(withOptions([1, 2, 4, 5], [0xb4])).toMatchObject({ mss: 0, malformedOptions: true })
  })

  test('an unknown option is passed over by its length', () => {
    expect(withOptions([254, 6, 9, 9, 9, 9, 2, 4, 5, 0xb4, 1, 1])).toMatchObject({ mss: 1460, malformedOptions: false })
    expect(withOptions([254, 2, 3, 3, 5, 0, 0, 0])).toMatchObject({ windowScale: 5, malformedOptions: false })
    // As long as options that are known.
    expect(withOptions([254, 3, 9, 0])).toMatchObject({ windowScale: -1, malformedOptions: false })
    expect(withOptions([254, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1])).toMatchObject({ sackBlocks: 0, timestamps: false, malformedOptions: false })
  })

  test.each([
    ['MSS of 1 byte', [2, 3, 5, 1]], ['MSS of 4', [2, 6, 5, 5, 5, 5, 1, 1]], ['window scale of 2 bytes', [3, 4, 5, 5]], ['SACK permitted with a byte', [4, 3, 5, 1]],
    ['timestamps of 6 bytes', [8, 8, 5, 5, 5, 5, 5, 5]], ['SACK without a block', [5, 2, 1, 1]], ['SACK of a block and a half', [5, 14, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 1]],
  ])('%s: the option is passed over, the next is read', (_, option) => {
    const header = withOptions([...option, 1, 3, 3, 9])
    expect(header).toMatchObject({ mss: 0, windowScale: 9, sackPermitted: false, sackBlocks: 0, timestamps: false, malformedOptions: false })
  })

  test('timestamps are read where they stand: alone and aligned, alone and not, among others', () => {
    for (const options of [[1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8], [8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1], [1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 3, 3, 5, 1]]) {
      const header = withOptions(options)
      expect(header).toMatchObject({ timestamps: true, timestampValue: 0x01020304, timestampEcho: 0x05060708, windowScale: options.length === 16 ? 5 : -1 })
    }
  })
})
