import { ipv6Bytes, ipv6Text, linkBytes, linkText } from './addresses.ts'
import { concat, viewOf } from './bytes.ts'

/** An option of a neighbour discovery message (RFC 4861 §4.6, RFC 8106 §5.1, RFC 3971 §5.3.2). Lifetimes in s. */
export type NdpOption =
  | { readonly kind: 'sourceLinkAddress' | 'targetLinkAddress'; readonly address: string }
  | {
    readonly kind: 'prefixInformation'
    readonly prefix: string
    readonly prefixLength: number
    readonly onLink: boolean
    readonly autonomous: boolean
    readonly validLifetime: number
    readonly preferredLifetime: number
  }
  | { readonly kind: 'redirectedHeader'; readonly packet: Uint8Array }
  | { readonly kind: 'mtu'; readonly value: number }
  | { readonly kind: 'nonce'; readonly value: Uint8Array }
  | { readonly kind: 'recursiveDnsServers'; readonly lifetime: number; readonly servers: readonly string[] }
  /** `length` lies about the length, in units of 8 bytes. */
  | { readonly kind: 'unknown'; readonly number: number; readonly data: Uint8Array; readonly length?: number }

const NUMBER = { sourceLinkAddress: 1, targetLinkAddress: 2, prefixInformation: 3, redirectedHeader: 4, mtu: 5, nonce: 14, recursiveDnsServers: 25 } as const

export function buildNdpOptions(options: readonly NdpOption[]): Uint8Array {
  return concat(options.map(buildOne))
}

function buildOne(option: NdpOption): Uint8Array {
  switch (option.kind) {
    case 'sourceLinkAddress':
    case 'targetLinkAddress':
      return padded(NUMBER[option.kind], linkBytes(option.address))
    case 'prefixInformation': {
      const data = new Uint8Array(30)
      const view = viewOf(data)
      data[0] = option.prefixLength
      data[1] = (option.onLink ? 0x80 : 0) | (option.autonomous ? 0x40 : 0)
      view.setUint32(2, option.validLifetime)
      view.setUint32(6, option.preferredLifetime)
      data.set(ipv6Bytes(option.prefix), 14)
      return padded(NUMBER.prefixInformation, data)
    }
    case 'redirectedHeader':
      return padded(NUMBER.redirectedHeader, concat([new Uint8Array(6), option.packet]))
    case 'mtu':
      return padded(NUMBER.mtu, concat([new Uint8Array(2), word(option.value)]))
    case 'nonce':
      return padded(NUMBER.nonce, option.value)
    case 'recursiveDnsServers':
      return padded(NUMBER.recursiveDnsServers, concat([new Uint8Array(2), word(option.lifetime), ...option.servers.map(ipv6Bytes)]))
    case 'unknown':
      return padded(option.number, option.data, option.length)
  }
}

function padded(number: number, data: Uint8Array, length?: number): Uint8Array {
  const bytes = new Uint8Array((data.length + 9) & ~7)
  bytes[0] = number
  bytes[1] = length ?? bytes.length / 8
  bytes.set(data, 2)
  return bytes
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  viewOf(bytes).setUint32(0, value)
  return bytes
}

/** Reads options up to the first that lies, which is a problem. */
export function parseNdpOptions(bytes: Uint8Array, problems: string[]): NdpOption[] {
  const options: NdpOption[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = (bytes[at + 1] ?? 0) * 8
    if (length === 0 || at + length > bytes.length) {
      problems.push(`icmpv6: option ${String(bytes[at])} has the length ${String(length)}`)
      break
    }
    options.push(parseOne(bytes[at]!, bytes.slice(at + 2, at + length)))
    at += length
  }
  return options
}

function parseOne(number: number, data: Uint8Array): NdpOption {
  const view = viewOf(data)
  const size = data.length
  switch (number) {
    case NUMBER.sourceLinkAddress:
    case NUMBER.targetLinkAddress:
      if (size === 6) return { kind: number === 1 ? 'sourceLinkAddress' : 'targetLinkAddress', address: linkText(data) }
      break
    case NUMBER.prefixInformation:
      if (size === 30) {
        return {
          kind: 'prefixInformation',
          prefix: ipv6Text(data.subarray(14)),
          prefixLength: data[0]!,
          onLink: (data[1]! & 0x80) !== 0,
          autonomous: (data[1]! & 0x40) !== 0,
          validLifetime: view.getUint32(2),
          preferredLifetime: view.getUint32(6),
        }
      }
      break
    case NUMBER.redirectedHeader:
      return { kind: 'redirectedHeader', packet: data.slice(6) }
    case NUMBER.mtu:
      if (size === 6) return { kind: 'mtu', value: view.getUint32(2) }
      break
    case NUMBER.nonce:
      return { kind: 'nonce', value: data }
    case NUMBER.recursiveDnsServers:
      if (size % 16 === 6) {
        const servers = Array.from({ length: (size - 6) / 16 }, (_, i) => ipv6Text(data.subarray(6 + 16 * i, 22 + 16 * i)))
        return { kind: 'recursiveDnsServers', lifetime: view.getUint32(2), servers }
      }
  }
  return { kind: 'unknown', number, data }
}
