import { has, hex, type Reader } from './reader.ts'

const FLAGS: readonly (readonly [number, string])[] = [
  [0x02, 'S'], [0x01, 'F'], [0x04, 'R'], [0x08, 'P'], [0x10, '.'], [0x20, 'U'], [0x40, 'E'], [0x80, 'W'],
]
const ACK = 0x10
const URG = 0x20

/** RFC 9293 §3.1, with absolute sequence numbers. */
export function describeTcp(reader: Reader, at: number, length: number): string {
  const { view } = reader
  if (!has(reader, at, 20)) return 'tcp [truncated]'
  const header = (view.getUint8(at + 12) >> 4) * 4
  if (header < 20 || header > length) return `tcp [bad header length ${header}]`
  const bits = view.getUint8(at + 13)
  const payload = length - header
  const seq = view.getUint32(at + 4)
  const parts = [`Flags [${flagsText(bits)}]`, `seq ${payload > 0 ? `${seq}:${(seq + payload) >>> 0}` : seq}`]
  if ((bits & ACK) !== 0) parts.push(`ack ${view.getUint32(at + 8)}`)
  parts.push(`win ${view.getUint16(at + 14)}`)
  if ((bits & URG) !== 0) parts.push(`urg ${view.getUint16(at + 18)}`)
  if (header > 20) parts.push(`options [${optionsText(reader, at + 20, at + header)}]`)
  parts.push(`length ${payload}`)
  return parts.join(', ')
}

function flagsText(bits: number): string {
  const text = FLAGS.map(([bit, letter]) => ((bits & bit) === 0 ? '' : letter)).join('')
  return text === '' ? 'none' : text
}

function optionsText(reader: Reader, from: number, to: number): string {
  const { view } = reader
  const texts: string[] = []
  for (let at = from; at < to; ) {
    if (!has(reader, at, 1)) return [...texts, 'truncated'].join(',')
    const kind = view.getUint8(at)
    if (kind === 0) return [...texts, 'eol'].join(',')
    if (kind === 1) {
      texts.push('nop')
      at++
      continue
    }
    const length = has(reader, at, 2) ? view.getUint8(at + 1) : 0
    if (length < 2 || at + length > to || !has(reader, at, length)) return [...texts, `bad option ${kind}`].join(',')
    texts.push(optionText(reader, at, kind, length))
    at += length
  }
  return texts.join(',')
}

function optionText({ view }: Reader, at: number, kind: number, length: number): string {
  if (kind === 2 && length === 4) return `mss ${view.getUint16(at + 2)}`
  if (kind === 3 && length === 3) return `wscale ${view.getUint8(at + 2)}`
  if (kind === 4 && length === 2) return 'sackOK'
  if (kind === 5 && length % 8 === 2) {
    const blocks = Array.from({ length: (length - 2) / 8 }, (_, i) => `{${view.getUint32(at + 2 + 8 * i)}:${view.getUint32(at + 6 + 8 * i)}}`)
    return `sack ${blocks.length} ${blocks.join('')}`
  }
  if (kind === 8 && length === 10) return `TS val ${view.getUint32(at + 2)} ecr ${view.getUint32(at + 6)}`
  if (kind === 34) return length === 2 ? 'tfo cookiereq' : `tfo cookie of ${length - 2} bytes`
  return `option ${hex(kind, 2)} of ${length} bytes`
}
