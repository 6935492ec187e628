import { formatIpv6, parseIpv6, payloadLength, readAddress, writeAddress, writeIpv6Header } from '../../src/wire.ts'

/** Bytes from numbers, text and other bytes. */
export function bytesOf(...parts: readonly (number | string | Uint8Array | readonly number[])[]): Uint8Array {
  const encoder = new TextEncoder()
  return Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...(typeof part === 'string' ? encoder.encode(part) : part)])))
}

export function addressBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16)
  writeAddress(new DataView(bytes.buffer), 0, parseIpv6(text)!)
  return bytes
}

function mac(text: string): Uint8Array {
  return Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16))
}

/** An IPv6 packet. `length` lies about the payload. */
export function ip(
  source: string,
  destination: string,
  next: number,
  payload: Uint8Array,
  { hops = 64, tos = 0, length = payload.length }: { readonly hops?: number; readonly tos?: number; readonly length?: number } = {},
): Uint8Array {
  const packet = new Uint8Array(40 + payload.length)
  const view = new DataView(packet.buffer)
  writeIpv6Header(view, 0, tos, 0, length, next, hops)
  packet.set(addressBytes(source), 8)
  packet.set(addressBytes(destination), 24)
  packet.set(payload, 40)
  return packet
}

/** The checksum of an upper-layer packet by the book: RFC 8200 §8.1, RFC 1071. */
export function checksum(source: string, destination: string, next: number, payload: Uint8Array): number {
  const all = bytesOf(addressBytes(source), addressBytes(destination), [0, 0, payload.length >> 8, payload.length & 255, 0, 0, 0, next], payload, [0])
  let sum = 0
  for (let i = 0; i + 1 < all.length; i += 2) sum += (all[i]! << 8) | all[i + 1]!
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** An ICMPv6 message with its checksum. */
export function message(source: string, destination: string, type: number, code: number, body: Uint8Array): Uint8Array {
  const bytes = bytesOf(type, code, 0, 0, body)
  const sum = checksum(source, destination, 58, bytes)
  bytes[2] = sum >> 8
  bytes[3] = sum & 255
  return bytes
}

/** An IPv6 packet with an ICMPv6 message. */
export function icmp(source: string, destination: string, type: number, code: number, body: Uint8Array, options: { readonly hops?: number; readonly tos?: number } = {}): Uint8Array {
  return ip(source, destination, 58, message(source, destination, type, code, body), options)
}

/** An echo request, identifier 7, sequence 1. */
export function ping(source: string, destination: string, data: string, options: { readonly hops?: number; readonly tos?: number } = {}): Uint8Array {
  return icmp(source, destination, 128, 0, bytesOf([0, 7, 0, 1], data), options)
}

interface Solicitation {
  readonly hops?: number
  readonly sourceLink?: string
  readonly nonce?: readonly number[]
}

export function solicitation(source: string, destination: string, target: string, { hops = 255, sourceLink, nonce }: Solicitation = {}): Uint8Array {
  const options = bytesOf(sourceLink === undefined ? [] : [1, 1, ...mac(sourceLink)], nonce === undefined ? [] : [14, 1, ...nonce])
  return icmp(source, destination, 135, 0, bytesOf([0, 0, 0, 0], addressBytes(target), options), { hops })
}

interface Advertisement {
  readonly hops?: number
  /** Letters of R, S, O. */
  readonly flags?: string
  readonly targetLink?: string
}

export function advertisement(source: string, destination: string, target: string, { hops = 255, flags = '', targetLink }: Advertisement = {}): Uint8Array {
  const bits = (flags.includes('R') ? 0x80 : 0) | (flags.includes('S') ? 0x40 : 0) | (flags.includes('O') ? 0x20 : 0)
  const options = targetLink === undefined ? [] : [2, 1, ...mac(targetLink)]
  return icmp(source, destination, 136, 0, bytesOf([bits, 0, 0, 0], addressBytes(target), options), { hops })
}

/** The fragments of an upper-layer packet, `size` bytes of data in each. */
export function fragments(source: string, destination: string, next: number, payload: Uint8Array, size: number, id = 1): Uint8Array[] {
  const list: Uint8Array[] = []
  for (let at = 0; at < payload.length; at += size) {
    const more = at + size < payload.length
    list.push(ip(source, destination, 44, bytesOf(fragmentHeader(next, at, more, id), payload.subarray(at, at + size))))
  }
  return list
}

export function fragmentHeader(next: number, offset: number, more: boolean, id = 1): number[] {
  return [next, 0, offset >> 8, (offset & 0xf8) | (more ? 1 : 0), id >>> 24, (id >>> 16) & 255, (id >>> 8) & 255, id & 255]
}

export function ethernet(destination: string, source: string, packet: Uint8Array): Uint8Array {
  return bytesOf(mac(destination), mac(source), [0x86, 0xdd], packet)
}

/** One line about a packet: what a trace would show. */
export function show(packet: Uint8Array): string {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length)
  const source = formatIpv6(readAddress(view, 8))
  const destination = formatIpv6(readAddress(view, 24))
  const hops = packet[7] === 64 ? '' : ` hop ${packet[7]!}`
  const wrong = payloadLength(view, 0) === packet.length - 40 ? '' : ' WRONG-LENGTH'
  return `${source} > ${destination}${hops}${wrong}: ${showNext(packet[6]!, packet.subarray(40), source, destination)}`
}

function showNext(next: number, body: Uint8Array, source: string, destination: string): string {
  if (next === 44) {
    const offset = ((body[2]! << 8) | body[3]!) & 0xfff8
    return `fragment ${offset}+${body.length - 8}${(body[3]! & 1) !== 0 ? ' more' : ' last'} of next ${body[0]!}`
  }
  if (next === 0 || next === 60) return `${next === 0 ? 'hop-by-hop' : 'destination'}(${body[1]!}) ${showNext(body[0]!, body.subarray((body[1]! + 1) * 8), source, destination)}`
  if (next !== 58) return `next ${next}, ${body.length} bytes`
  const wrong = checksum(source, destination, 58, body) === 0 ? '' : ' BAD-CHECKSUM'
  return showMessage(body) + wrong
}

function showMessage(body: Uint8Array): string {
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  const code = body[1]!
  const word = body.length >= 8 ? view.getUint32(4) : 0
  switch (body[0]) {
    case 1:
      return `unreachable code ${code}, quotes ${body.length - 8}`
    case 2:
      return `too big ${word}, quotes ${body.length - 8}`
    case 3:
      return `time exceeded code ${code}`
    case 4:
      return `parameter problem code ${code} at ${word}`
    case 128:
    case 129:
      return `echo ${body[0] === 128 ? 'request' : 'reply'} ${view.getUint16(4)}/${view.getUint16(6)} ${new TextDecoder().decode(body.subarray(8))}`
    case 135:
      return `who has ${formatIpv6(readAddress(view, 8))}?${showOptions(body)}`
    case 136: {
      const flags = `${(body[4]! & 0x80) !== 0 ? 'R' : ''}${(body[4]! & 0x40) !== 0 ? 'S' : ''}${(body[4]! & 0x20) !== 0 ? 'O' : ''}`
      return `${formatIpv6(readAddress(view, 8))} is here, ${flags}${showOptions(body)}`
    }
    default:
      return `type ${body[0]!}`
  }
}

function showOptions(body: Uint8Array): string {
  let text = ''
  for (let at = 24; at < body.length; at += body[at + 1]! * 8) {
    if (body[at] === 14) text += ' nonce'
    else text += ` ${body[at] === 1 ? 'from' : 'at'} ${[...body.subarray(at + 2, at + 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`
  }
  return text
}
