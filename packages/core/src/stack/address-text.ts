import { addressBits, isMapped, type Address, type Prefix } from '../address/address.ts'
import { StackError } from '../errors/stack-error.ts'
import type { NetworkProtocol } from '../registration/network.ts'
import type { StackContext } from './context.ts'

/** What the text forms need to know of a stack. */
type TextContext = Pick<StackContext, 'protocols' | 'nics'>

/** A text read by the protocol that knows the form. */
export interface ParsedPrefix extends Prefix {
  readonly protocol: NetworkProtocol
}

/** Reads `address` or `address%zone` (RFC 4007 §11); throws `ERR_STACK_INVALID_ADDRESS`. */
export function parseAddressText(context: TextContext, text: string): Address {
  const given: unknown = text
  if (typeof given !== 'string') throw invalid(context, String(given))
  const percent = text.lastIndexOf('%')
  const bare = percent < 0 ? text : text.slice(0, percent)
  for (const protocol of context.protocols.network) {
    const address = protocol.parseAddress(bare)
    if (address === null) continue
    if (percent < 0) return address
    const device = context.nics.find(text.slice(percent + 1))
    if (device === null) {
      throw new StackError('ERR_STACK_INVALID_ADDRESS', `The zone of "${text}" is not a NIC of this stack: write a NIC's id or name behind the %.`, { address: text })
    }
    return { a: address.a, b: address.b, c: address.c, d: address.d, zone: device.id }
  }
  throw invalid(context, text)
}

/** Reads `address/length`; without a length it is the protocol's default, or for `host` all bits. */
export function parsePrefixText(context: TextContext, text: string, host = false): ParsedPrefix {
  const slash = typeof (text as unknown) === 'string' ? text.lastIndexOf('/') : -1
  const address = parseAddressText(context, slash < 0 ? text : text.slice(0, slash))
  const protocol = context.protocols.owner(address)
  if (protocol === null) throw invalid(context, text)
  if (slash < 0) return { address, length: host ? addressBits(address) : protocol.defaultPrefixLength, protocol }
  const digits = text.slice(slash + 1)
  const length = Number(digits)
  if (!/^\d{1,3}$/.test(digits) || length > addressBits(address)) {
    throw new StackError('ERR_STACK_INVALID_ADDRESS', `The prefix length of "${text}" must be a number of 0 to ${addressBits(address)}.`, { address: text })
  }
  return { address, length, protocol }
}

/** The text form, with the NIC's name as zone. */
export function formatAddressText(context: TextContext, address: Address): string {
  const protocol = context.protocols.owner(address)
  const text = protocol === null ? formatWords(address) : protocol.formatAddress(address)
  return address.zone === 0 || text.includes('%') ? text : `${text}%${context.nics.device(address.zone)?.name ?? address.zone}`
}

/** For addresses that no installed protocol owns. */
function formatWords(address: Address): string {
  const words = isMapped(address) ? [address.d] : [address.a, address.b, address.c, address.d]
  return words.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join(':')
}

function invalid(context: TextContext, text: string): StackError {
  const names = context.protocols.network.filter((protocol) => protocol.ownsAddress !== undefined).map((protocol) => protocol.name)
  const known = names.length === 0 ? 'no network protocol is installed: add one to plugins' : `write an address of ${names.join(' or ')}; names are a resolver's business`
  return new StackError('ERR_STACK_INVALID_ADDRESS', `"${text}" is not an address of this stack: ${known}.`, { address: text })
}
