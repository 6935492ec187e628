import { addressBits, prefixContains, StackError } from '@stack/core'
import type { Address, OptionSchema, Prefix } from '@stack/core'
import type { AuthenticatedFlow } from './contract.ts'

/** Whose connections a key is for. What is left out is any. */
export interface PeerPattern {
  /** Address of the peer, or `address/length`. */
  readonly peer?: string
  /** Port of the peer, 1–65,535. */
  readonly peerPort?: number
  /** Port on this side, 1–65,535. */
  readonly localPort?: number
}

/** Rules of {@link PeerPattern}. */
export const PEER_SCHEMA: OptionSchema<PeerPattern> = {
  peer: { type: 'string' },
  peerPort: { type: 'number', integer: true, min: 1, max: 65_535 },
  localPort: { type: 'number', integer: true, min: 1, max: 65_535 },
}

/** Keys that one list holds. */
const MOST_KEYS = 65_536

type Parse = (text: string) => Address

/** Keys with the peers that they are for, in the order given. */
export class KeyRing<K extends PeerPattern> {
  /** Counts the changes. */
  version = 0
  private readonly what: string
  private keys: readonly K[] = []
  private prefixes: readonly (Prefix | null)[] = []
  private parse: Parse | null = null

  /** @param what - whose keys, for messages */
  constructor(what: string) {
    this.what = what
  }

  /** From here on addresses can be read. */
  prepare(parse: Parse): void {
    if (this.parse === null) this.prefixes = this.read(this.keys, parse)
    this.parse = parse
  }

  /** In place of all that there were. */
  set(keys: readonly K[]): void {
    if (keys.length > MOST_KEYS) throw this.invalid(`has more than ${MOST_KEYS} keys`)
    const prefixes = this.parse === null ? [] : this.read(keys, this.parse)
    this.keys = [...keys]
    this.prefixes = prefixes
    this.version++
  }

  /** The first key for a flow. */
  first(flow: AuthenticatedFlow): K | null {
    return this.keys.find((key, i) => this.matches(key, i, flow)) ?? null
  }

  /** All of them, in order. */
  all(flow: AuthenticatedFlow): readonly K[] {
    return this.keys.filter((key, i) => this.matches(key, i, flow))
  }

  private matches(key: K, i: number, flow: AuthenticatedFlow): boolean {
    if (key.peerPort !== undefined && key.peerPort !== flow.remotePort) return false
    if (key.localPort !== undefined && key.localPort !== flow.localPort) return false
    const prefix = this.prefixes[i] ?? null
    if (prefix === null) return key.peer === undefined
    const { zone } = prefix.address
    return prefixContains(prefix, flow.remoteAddress) && (zone === 0 || flow.remoteAddress.zone === 0 || zone === flow.remoteAddress.zone)
  }

  private read(keys: readonly K[], parse: Parse): (Prefix | null)[] {
    return keys.map(({ peer }) => (peer === undefined ? null : this.prefix(peer, parse)))
  }

  private prefix(text: string, parse: Parse): Prefix {
    const slash = text.lastIndexOf('/')
    const address = parse(slash < 0 ? text : text.slice(0, slash))
    const bits = addressBits(address)
    if (slash < 0) return { address, length: bits }
    const digits = text.slice(slash + 1)
    const length = Number(digits)
    if (!/^\d{1,3}$/.test(digits) || length > bits) throw this.invalid(`has the peer '${text}', whose prefix length must be 0 to ${bits}`)
    return { address, length }
  }

  private invalid(problem: string): StackError {
    return new StackError('ERR_STACK_INVALID_OPTION', `${this.what}: option 'keys' ${problem}.`)
  }
}

/** A key as bytes: text as UTF-8. */
export function secretBytes(what: string, secret: unknown): Uint8Array {
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret instanceof Uint8Array ? new Uint8Array(secret) : null
  if (bytes === null || bytes.length === 0) throw new StackError('ERR_STACK_INVALID_OPTION', `${what}: a key must be a Uint8Array or a string of at least one byte.`)
  return bytes
}
