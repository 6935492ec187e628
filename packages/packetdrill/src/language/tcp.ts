import type { OptionSpec, Ports, TcpSpec } from './ast.ts'
import type { Cursor } from './cursor.ts'
import type { PacketContext } from './packet-context.ts'

const FLAGS = /[A-Za-z.0-9-]+(?=\s)/y
const HEX = /(?:0[xX])?(?:[0-9a-fA-F]{2})+(?![0-9a-zA-Z_])/y
const MPTCP = /(?:mp|dss|add_addr|remove_addr|rm_addr|trun)\w*/y
const LARGEST = 0xffffffff

/** `FLAGS seq:end(len) [ack N] [win N] [urg N] [<options>]` */
export function parseTcp(context: PacketContext, ports: Ports | null): TcpSpec {
  const { cursor } = context
  const { flags, ace } = parseFlags(context)
  const anySequence = cursor.peek(/\.\.\./y) !== null
  const range = anySequence ? parseOpenSequence(context) : parseSequence(context)
  const literalSequence = cursor.takeText('!')
  let ack: number | null = null
  let literalAck = false
  let window: number | null = null
  let urgent: number | null = null
  if (cursor.takeKeyword('ack')) {
    ack = context.integer('ack', LARGEST)
    literalAck = cursor.takeText('!')
  }
  if (cursor.takeKeyword('win') && !cursor.takeText('...')) window = context.integer('win', LARGEST)
  if (cursor.takeKeyword('urg')) urgent = context.integer('urg', 0xffff)
  const options = parseOptions(context)
  return { kind: 'tcp', ports, flags, ace, ...range, ...(anySequence ? { anySequence } : {}), literalSequence, ack, literalAck, window, urgent, options }
}

/** `S`, `P.`, `-`, `.5`, `P5.`: a digit is the ACE field of Accurate ECN (RFC 9768). */
function parseFlags(context: PacketContext): { readonly flags: string; readonly ace: number | null } {
  const cursor: Cursor = context.cursor
  const start = cursor.offset
  const text = cursor.take(FLAGS)
  if (text === null) cursor.fail(`expected the flags of a TCP segment (letters of SFRPEWAU, \`.\`, or \`-\`), not ${cursor.here()}`)
  if (text === '-') return { flags: '', ace: null }
  let flags = ''
  let ace: number | null = null
  for (let i = 0; i < text.length; i++) {
    const letter = text[i]!
    if (/[0-7]/.test(letter) && ace === null) ace = Number(letter)
    else if (!/[SFRPEWAU.]/.test(letter)) cursor.fail(`\`${letter}\` is no TCP flag: they are S F R P E W A U, \`.\` for ACK, \`-\` for none, a digit 0–7 for ACE`, start + i)
    else if (flags.includes(letter)) cursor.fail(`the flag ${letter} stands twice`, start + i)
    else flags += letter
  }
  return { flags, ace }
}

/** `seq:end(len)` */
export function parseSequence(context: PacketContext): { readonly sequence: number; readonly end: number; readonly length: number } {
  const { cursor } = context
  const start = cursor.offset
  const sequence = context.integer('the first sequence number (seq:end(len))', LARGEST)
  cursor.expect(':', 'between the sequence numbers (seq:end(len))')
  const end = context.integer('the sequence number behind the data (seq:end(len))', LARGEST)
  cursor.expect('(', 'ahead of the length (seq:end(len))')
  const length = context.integer('the length (seq:end(len))', LARGEST)
  cursor.expect(')', 'behind the length (seq:end(len))')
  if (context.foreign === null && (end - sequence) >>> 0 !== length) {
    cursor.fail(`${sequence}:${end} is ${(end - sequence) >>> 0} bytes, not ${length}`, start)
  }
  return { sequence, end, length }
}

/** `...(len)`: whatever number; that of our SYN, mostly. */
function parseOpenSequence(context: PacketContext): { readonly sequence: number; readonly end: number; readonly length: number } {
  const { cursor } = context
  cursor.expect('...', 'for any sequence number')
  cursor.expect('(', 'ahead of the length (...(len))')
  const length = context.integer('the length (...(len))', LARGEST)
  cursor.expect(')', 'behind the length (...(len))')
  return { sequence: 0, end: length, length }
}

/** `<mss 1460,nop,…>`, `<...>` for any, `<>` or nothing for none. */
function parseOptions(context: PacketContext): TcpSpec['options'] {
  const { cursor } = context
  if (!cursor.takeText('<')) return null
  if (cursor.takeText('...')) {
    cursor.expect('>', 'behind `...`: it stands for all options')
    return 'any'
  }
  const options: OptionSpec[] = []
  if (cursor.takeText('>')) return options
  for (;;) {
    const option = parseOption(context)
    if (option !== null) options.push(option)
    if (cursor.takeText('>')) return options
    if (!cursor.takeText(',')) cursor.fail(`expected \`,\` or \`>\` behind a TCP option, not ${cursor.here()}`)
  }
}

/** Null: an option that this stack has no notion of; the context says so. */
function parseOption(context: PacketContext): OptionSpec | null {
  const { cursor } = context
  const start = cursor.offset
  if (cursor.take(MPTCP) !== null) {
    context.foreign ??= 'MPTCP'
    cursor.take(/(?:\[[^\]\n]*\]|[^,>[\n])*/y)
    return null
  }
  const name = cursor.takeWord()
  switch (name) {
    case 'nop':
    case 'eol':
    case 'sackOK':
      return { kind: name }
    case 'mss':
      return { kind: 'mss', value: context.integer('mss', 0xffff) }
    case 'wscale':
      return { kind: 'wscale', value: context.integer('wscale', 0xff) }
    case 'sack':
      return { kind: 'sack', blocks: parseBlocks(context) }
    case 'TS':
      return parseTimestamp(context)
    case 'FO':
    case 'FOEXP':
      return { kind: name === 'FO' ? 'fastOpen' : 'fastOpenExperimental', ...parseCookie(context) }
    case 'md5':
      return parseDigest(context)
    case 'ECN':
      return parseAccurateEcn(context)
    case 'option': {
      const number = context.integer('option', 0xff)
      return { kind: 'other', number, bytes: bytes(cursor.take(HEX) ?? '') }
    }
    default:
      return cursor.fail(`expected a TCP option (nop, eol, mss, wscale, sackOK, sack, TS, FO, FOEXP, md5, ECN, option), not ${quote(context, start)}`, start)
  }
}

function quote(context: PacketContext, start: number): string {
  const text = context.cursor.textFrom(start)
  return text === '' ? context.cursor.here() : `\`${text}\``
}

/** `1:1001 2001:3001` */
function parseBlocks(context: PacketContext): { readonly start: number; readonly end: number }[] {
  const { cursor } = context
  const blocks: { readonly start: number; readonly end: number }[] = []
  while (cursor.peek(/[\dA-Z]/y) !== null) {
    const start = context.integer('the start of a sack block', LARGEST)
    cursor.expect(':', 'between the ends of a sack block')
    blocks.push({ start, end: context.integer('the end of a sack block', LARGEST) })
  }
  return blocks
}

/** `val 100 ecr 0` */
function parseTimestamp(context: PacketContext): OptionSpec {
  const { cursor } = context
  const value = (name: string): number | null => {
    if (!cursor.takeKeyword(name)) cursor.fail(`expected \`${name}\` (TS val N ecr N), not ${cursor.here()}`)
    return cursor.takeText('...') ? null : context.integer(name, LARGEST)
  }
  return { kind: 'timestamp', value: value('val'), echo: value('ecr') }
}

/** Hexadecimal digits, a name, `...`, or nothing: a request for a cookie. */
function parseCookie(context: PacketContext): { readonly cookie: Uint8Array | null; readonly symbol: string | null } {
  const cursor: Cursor = context.cursor
  if (cursor.takeText('...')) return { cookie: null, symbol: null }
  const hex = cursor.take(HEX)
  if (hex !== null) return { cookie: bytes(hex), symbol: null }
  const start = cursor.offset
  const symbol = cursor.takeWord()
  if (symbol === null && cursor.peek(/[,>]/y) === null) cursor.fail(`a cookie is an even number of hexadecimal digits, a name, or \`...\`, not ${cursor.here()}`, start)
  if (symbol === null) return { cookie: new Uint8Array(0), symbol: null }
  const value = cursor.valueOf(symbol)
  if (value === null) return { cookie: null, symbol }
  if (!/^(?:0[xX])?(?:[0-9a-fA-F]{2})*$/.test(value)) cursor.fail(`${symbol} is defined as ${value}, and a cookie is an even number of hexadecimal digits`, start)
  return { cookie: bytes(value), symbol: null }
}

/** Hexadecimal digits, `valid`, `invalid` or `...`. */
function parseDigest(context: PacketContext): OptionSpec {
  const { cursor } = context
  if (cursor.takeKeyword('valid')) return { kind: 'md5', digest: null, valid: true }
  if (cursor.takeKeyword('invalid')) return { kind: 'md5', digest: null, valid: false }
  if (cursor.takeText('...')) return { kind: 'md5', digest: null, valid: null }
  const hex = cursor.take(HEX)
  return { kind: 'md5', digest: hex === null ? null : bytes(hex), valid: null }
}

/** `e0b 1 ceb 0 e1b 1` in any order; a counter may be missing. */
function parseAccurateEcn(context: PacketContext): OptionSpec {
  const { cursor } = context
  const counters: { readonly name: 'e0b' | 'ceb' | 'e1b'; readonly value: number }[] = []
  for (;;) {
    const name = cursor.take(/(?:e0b|ceb|e1b)\b/y) as 'e0b' | 'ceb' | 'e1b' | null
    if (name === null) return { kind: 'accurateEcn', counters }
    counters.push({ name, value: context.integer(name, 0xffffff) })
  }
}

function bytes(hex: string): Uint8Array {
  const digits = hex.replace(/^0[xX]/, '')
  const result = new Uint8Array(digits.length / 2)
  for (let i = 0; i < result.length; i++) result[i] = parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  return result
}
