import { concat, viewOf } from './bytes.ts'
import { transportChecksum } from './checksum.ts'
import { checkSum, has, type Cursor, type Layer, type NextLayer } from './layer.ts'
import { buildTcpOptions, parseTcpOptions, type TcpOption } from './tcp-options.ts'

/** A TCP header (RFC 9293 §3.1). Numbers as on the wire, unsigned; the window is not scaled. */
export interface TcpHeader {
  readonly layer: 'tcp'
  readonly sourcePort: number
  readonly destinationPort: number
  readonly seq: number
  readonly ack: number
  /** Bytes, a multiple of 4. */
  readonly headerLength: number
  /** The three bits behind the data offset that have no name yet. */
  readonly reserved: number
  /** Letters of SFRPAUECN, in this order: SYN, FIN, RST, PSH, ACK, URG, ECE, CWR, AE. */
  readonly flags: string
  readonly window: number
  readonly checksum: number
  readonly urgentPointer: number
  readonly options: readonly TcpOption[]
  // The usual options once more, by name; null when absent.
  readonly mss: number | null
  readonly windowScale: number | null
  readonly sackPermitted: boolean
  readonly sack: readonly (readonly [left: number, right: number])[] | null
  readonly timestamps: { readonly value: number; readonly echo: number } | null
}

/**
 * What {@link tcp} takes. Options that are given by name go first, in the order MSS, SACK permitted, timestamps, window
 * scale, SACK, aligned with NOPs as usual; `options` follow as they are. A header length or checksum that is given is written as it is.
 */
export interface TcpFields extends Partial<Omit<TcpHeader, 'layer' | 'reserved'>> {
  readonly reserved?: number
}

const LETTERS: readonly (readonly [string, number])[] = [
  ['S', 2], ['F', 1], ['R', 4], ['P', 8], ['A', 16], ['U', 32], ['E', 64], ['C', 128], ['N', 256],
]

/**
 * The bits of flag letters.
 *
 * @throws Error for a letter that is none of SFRPAUECN
 */
export function tcpFlagBits(letters: string): number {
  let bits = 0
  for (const letter of letters) {
    const pair = LETTERS.find(([name]) => name === letter)
    if (pair === undefined) throw new Error(`'${letter}' is not a TCP flag; the letters are ${LETTERS.map(([name]) => name).join('')}.`)
    bits |= pair[1]
  }
  return bits
}

/** The letters of flag bits, in the order SFRPAUECN. */
export function tcpFlagLetters(bits: number): string {
  return LETTERS.filter(([, bit]) => (bits & bit) !== 0).map(([letter]) => letter).join('')
}

/** A TCP header; by default an ACK from port 5000 (the peer) to port 7000 (the stack) with a window of 65,535. */
export function tcp(fields: TcpFields = {}): Layer {
  return {
    layer: 'tcp',
    ipProtocol: 6,
    build(body, { addresses }) {
      const options = buildTcpOptions([...namedOptions(fields), ...(fields.options ?? [])])
      const bytes = concat([new Uint8Array(20), options, body])
      const view = viewOf(bytes)
      const flags = tcpFlagBits(fields.flags ?? 'A')
      view.setUint16(0, fields.sourcePort ?? 5000)
      view.setUint16(2, fields.destinationPort ?? 7000)
      view.setUint32(4, fields.seq ?? 0)
      view.setUint32(8, fields.ack ?? 0)
      const headerLength = fields.headerLength ?? 20 + options.length
      if (headerLength > 60) throw new Error(`tcp: ${String(headerLength - 20)} bytes of options do not fit; 40 do.`)
      bytes[12] = ((headerLength >> 2) << 4) | ((fields.reserved ?? 0) << 1) | (flags >> 8)
      bytes[13] = flags & 255
      view.setUint16(14, fields.window ?? 65_535)
      view.setUint16(18, fields.urgentPointer ?? 0)
      view.setUint16(16, fields.checksum ?? (addresses === null ? 0 : transportChecksum(bytes, addresses, 6)))
      return bytes
    },
  }
}

function namedOptions({ mss = null, sackPermitted = false, timestamps = null, windowScale = null, sack = null }: TcpFields): TcpOption[] {
  const nop = { kind: 'nop' } as const
  const options: TcpOption[] = []
  if (mss !== null) options.push({ kind: 'mss', value: mss })
  if (sackPermitted) {
    if (timestamps === null) options.push(nop, nop)
    options.push({ kind: 'sackPermitted' })
  } else if (timestamps !== null) options.push(nop, nop)
  if (timestamps !== null) options.push({ kind: 'timestamps', ...timestamps })
  if (windowScale !== null) options.push(nop, { kind: 'windowScale', shift: windowScale })
  if (sack !== null) options.push(nop, nop, { kind: 'sack', blocks: sack })
  return options
}

export function parseTcp(cursor: Cursor): [TcpHeader | null, NextLayer] {
  // A quotation has 8 bytes at least: ports and sequence number (RFC 792).
  if (!has(cursor, cursor.isQuote ? 8 : 20, 'tcp')) return [null, null]
  const { at, problems, addresses } = cursor
  const there = cursor.end - at
  const bytes = there >= 20 ? cursor.bytes.subarray(at, cursor.end) : concat([cursor.bytes.subarray(at, cursor.end), new Uint8Array(20 - there)])
  const view = viewOf(bytes)
  const headerLength = (bytes[12]! >> 4) * 4
  const isSound = headerLength >= 20 && headerLength <= there
  if (!isSound && !cursor.isQuote) problems.push(`tcp: header length ${String(headerLength)}, ${String(there)} bytes are there`)
  const checksum = view.getUint16(16)
  if (!cursor.isFragment && addresses !== null) checkSum(cursor, 'tcp', checksum, transportChecksum(bytes, addresses, 6))
  const options = isSound ? parseTcpOptions(bytes.subarray(20, headerLength), problems) : []
  const find = <K extends TcpOption['kind']>(kind: K): Extract<TcpOption, { kind: K }> | undefined =>
    options.find((option): option is Extract<TcpOption, { kind: K }> => option.kind === kind)
  const timestamps = find('timestamps')
  cursor.at += isSound ? headerLength : Math.min(20, there)
  return [{
    layer: 'tcp', headerLength, checksum, options,
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    seq: view.getUint32(4),
    ack: view.getUint32(8),
    reserved: (bytes[12]! >> 1) & 7,
    flags: tcpFlagLetters(((bytes[12]! & 1) << 8) | bytes[13]!),
    window: view.getUint16(14),
    urgentPointer: view.getUint16(18),
    mss: find('mss')?.value ?? null,
    windowScale: find('windowScale')?.shift ?? null,
    sackPermitted: find('sackPermitted') !== undefined,
    sack: find('sack')?.blocks ?? null,
    timestamps: timestamps === undefined ? null : { value: timestamps.value, echo: timestamps.echo },
  }, null]
}
