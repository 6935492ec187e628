/**
 * The TCP Authentication Option (RFC 5925, 5926). The MAC is the application's: this package has none.
 *
 * @example
 * ```ts
 * import { createHmac } from 'node:crypto'
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { tcp } from '@stack/tcp'
 * import { ao, hmac } from '@stack/tcp/ao'
 *
 * const algorithm = hmac((key, message) => createHmac('sha1', key).update(message).digest())
 * const old = { peer: '192.0.2.1', sendId: 1, receiveId: 1, secret: 'secret', algorithm }
 * const authentication = ao({ keys: [old] })
 * const stack = createStack({ plugins: [ipv4(), tcp()] })
 * stack.tcp.listen({ port: 179, authentication })
 * // Later, at both ends: the new key is asked for, and once the peer has it too it is used.
 * authentication.setKeys([{ ...old, sendId: 2, receiveId: 2, secret: 'newer' }, old])
 * stack.destroy()
 * ```
 *
 * @packageDocumentation
 */
import { checkOptions } from '@stack/core'
import type { Address, OptionSchema } from '@stack/core'
import { AoAuthenticator } from './authentication/ao-authenticator.ts'
import { readKeys } from './authentication/ao-keys.ts'
import type { AoKey, MasterKey } from './authentication/ao-keys.ts'
import type { AuthenticatedFlow, Authentication, SegmentAuthenticator } from './authentication/contract.ts'
import { Message } from './authentication/message.ts'
import { KeyRing } from './authentication/peers.ts'

export { aes128Cmac, hmac } from './authentication/ao-algorithms.ts'
export type { AoAlgorithm, Mac } from './authentication/ao-algorithms.ts'
export type { AoKey } from './authentication/ao-keys.ts'
export type { AuthenticatedFlow, Authentication, SegmentAuthenticator, SignatureFault } from './authentication/contract.ts'
export type { PeerPattern } from './authentication/peers.ts'

/** Options of {@link ao}. */
export interface AoOptions {
  /**
   * Master key tuples. Of those that fit a connection the first is the one that the peer is asked to sign with, and that a
   * connection opens with; all are believed. A peer with keys must sign. Default none; 65,536 at most.
   */
  readonly keys?: readonly AoKey[]
  /**
   * What becomes of connections whose peer signs though there is no key for it: `'accept'` as if they were not signed, which
   * RFC 5925 §7.3 asks for, or `'drop'` as Linux does. Default `'accept'`.
   */
  readonly unexpected?: 'drop' | 'accept'
  /** Do ICMP's hard errors, and "fragmentation needed" of IPv4, mean anything to a signed connection that is synchronized? Default `'ignore'` (RFC 5925 §7.8). */
  readonly icmp?: 'ignore' | 'accept'
}

/** What {@link ao} makes: an `authentication` for connections, listeners and whole stacks. */
export interface AoAuthentication extends Authentication {
  /**
   * Other keys in place of all there were, for open connections too (RFC 5925 §6.1): put the new one in front of the old one,
   * and leave the old one out once no segment is signed with it. A connection whose peer has none any more keeps those it had.
   *
   * @throws StackError `ERR_STACK_INVALID_OPTION`, `ERR_STACK_INVALID_ADDRESS`
   */
  setKeys(keys: readonly AoKey[]): void
}

const AO_SCHEMA: OptionSchema<AoOptions> = {
  keys: { type: 'any' },
  unexpected: { type: 'string', oneOf: ['drop', 'accept'] },
  icmp: { type: 'string', oneOf: ['ignore', 'accept'] },
}

/**
 * Signs segments with the TCP Authentication Option (RFC 5925).
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION`
 */
export function ao(options: AoOptions = {}): AoAuthentication {
  checkOptions('ao()', options, AO_SCHEMA)
  return new Ao(options)
}

class Ao implements AoAuthentication {
  readonly keys = new KeyRing<MasterKey>('ao()')
  readonly message = new Message()
  readonly ignoresIcmp: boolean
  private readonly dropsUnexpected: boolean

  constructor({ keys = [], unexpected = 'accept', icmp = 'ignore' }: AoOptions) {
    this.ignoresIcmp = icmp === 'ignore'
    this.dropsUnexpected = unexpected === 'drop'
    this.setKeys(keys)
  }

  setKeys(keys: readonly AoKey[]): void {
    this.keys.set(readKeys(keys))
  }

  prepare(parseAddress: (text: string) => Address): void {
    this.keys.prepare(parseAddress)
  }

  forFlow(flow: AuthenticatedFlow): SegmentAuthenticator | null {
    const keys = this.keys.all(flow)
    return keys.length === 0 && !this.dropsUnexpected ? null : new AoAuthenticator(this, flow, keys)
  }
}
