/**
 * TCP MD5 signatures (RFC 2385), for BGP peers and their like. The hash is the application's: this package has none.
 *
 * @example
 * ```ts
 * import { createHash } from 'node:crypto'
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { tcp } from '@stack/tcp'
 * import { md5 } from '@stack/tcp/md5'
 *
 * const authentication = md5({
 *   hash: (message) => createHash('md5').update(message).digest(),
 *   keys: [{ peer: '192.0.2.0/24', key: 'secret' }],
 * })
 * const stack = createStack({ plugins: [ipv4(), tcp()] })
 * stack.tcp.listen({ port: 179, authentication })
 * authentication.setKeys([{ peer: '192.0.2.0/24', key: ['newer', 'secret'] }])
 * stack.destroy()
 * ```
 *
 * @packageDocumentation
 */
import type { Packet } from '@stack/buffer'
import { checkOptions, StackError } from '@stack/core'
import type { Address, OptionSchema } from '@stack/core'
import type { AuthenticatedFlow, Authentication, SegmentAuthenticator, SignatureFault } from './authentication/contract.ts'
import { agrees, findOption, insertOption, Message } from './authentication/message.ts'
import { KeyRing, PEER_SCHEMA, secretBytes } from './authentication/peers.ts'
import type { PeerPattern } from './authentication/peers.ts'

export type { AuthenticatedFlow, Authentication, SegmentAuthenticator, SignatureFault } from './authentication/contract.ts'
export type { PeerPattern } from './authentication/peers.ts'

const KIND = 19
const OPTION_LENGTH = 18
const DIGEST_LENGTH = 16
/** With the two NOPs that align it. */
const PADDED_LENGTH = 20
/** NOP, NOP, kind, length. */
const OPTION_HEAD = 0x0101_0000 | (KIND << 8) | OPTION_LENGTH
const MIN_HEADER = 20
/** Keys of one peer: each is a hash over every forged segment. */
const MOST_SECRETS = 4

/** A key of {@link md5}. */
export interface Md5Key extends PeerPattern {
  /**
   * The secret, text as UTF-8. Of several, four at most, the first signs and all are believed (RFC 4808 §3): this is how keys
   * change while connections live.
   */
  readonly key: Uint8Array | string | readonly (Uint8Array | string)[]
}

/** Options of {@link md5}. */
export interface Md5Options {
  /** MD5 (RFC 1321) of `message`, 16 bytes. Called for every segment; `message` is only good during the call. */
  readonly hash: (message: Uint8Array) => Uint8Array
  /** The first that fits a connection is used. Without one for its peer a connection is not signed. Default none; 65,536 at most. */
  readonly keys?: readonly Md5Key[]
  /** What becomes of signed segments from a peer without a key: `'drop'` as Linux does, or `'accept'` as if they were not signed. Default `'drop'`. */
  readonly unexpected?: 'drop' | 'accept'
}

/** What {@link md5} makes: an `authentication` for connections, listeners and whole stacks. */
export interface Md5Authentication extends Authentication {
  /**
   * Other keys in place of all there were, for open connections too. A connection whose peer has none any more keeps the one it
   * had: it is never unsigned in its middle.
   *
   * @throws StackError `ERR_STACK_INVALID_OPTION`, `ERR_STACK_INVALID_ADDRESS`
   */
  setKeys(keys: readonly Md5Key[]): void
}

const MD5_SCHEMA: OptionSchema<Md5Options> = { hash: { type: 'function' }, keys: { type: 'any' }, unexpected: { type: 'string', oneOf: ['drop', 'accept'] } }
const KEY_SCHEMA: OptionSchema<Md5Key> = { ...PEER_SCHEMA, key: { type: 'any' } }

interface Entry extends PeerPattern {
  readonly secrets: readonly Uint8Array[]
}

/**
 * Signs segments with MD5 (RFC 2385).
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION`
 */
export function md5(options: Md5Options): Md5Authentication {
  checkOptions('md5()', options, MD5_SCHEMA)
  if ((options.hash as unknown) === undefined) throw new StackError('ERR_STACK_INVALID_OPTION', "md5(): option 'hash' is missing.")
  return new Md5(options)
}

function readKeys(keys: unknown): Entry[] {
  if (!Array.isArray(keys)) throw new StackError('ERR_STACK_INVALID_OPTION', "md5(): option 'keys' must be an array.")
  return (keys as Md5Key[]).map((given) => {
    checkOptions('md5(): keys', given, KEY_SCHEMA)
    const { key, ...pattern } = given
    const secrets = Array.isArray(key) ? (key as readonly unknown[]) : [key]
    if (secrets.length === 0 || secrets.length > MOST_SECRETS) {
      throw new StackError('ERR_STACK_INVALID_OPTION', `md5(): option 'key' must be one key or an array of 1 to ${MOST_SECRETS}.`)
    }
    return { ...pattern, secrets: secrets.map((secret) => secretBytes('md5()', secret)) }
  })
}

class Md5 implements Md5Authentication {
  readonly keys = new KeyRing<Entry>('md5()')
  readonly message = new Message()
  readonly hash: Md5Options['hash']
  readonly dropsUnexpected: boolean

  constructor({ hash, keys = [], unexpected = 'drop' }: Md5Options) {
    this.hash = hash
    this.dropsUnexpected = unexpected === 'drop'
    this.setKeys(keys)
  }

  setKeys(keys: readonly Md5Key[]): void {
    this.keys.set(readKeys(keys))
  }

  prepare(parseAddress: (text: string) => Address): void {
    this.keys.prepare(parseAddress)
  }

  forFlow(flow: AuthenticatedFlow): SegmentAuthenticator {
    return new Md5Authenticator(this, flow)
  }
}

class Md5Authenticator implements SegmentAuthenticator {
  reserved = 0
  private readonly owner: Md5
  private readonly flow: AuthenticatedFlow
  private version = -1
  private known: readonly Uint8Array[] = []

  constructor(owner: Md5, { localAddress, localPort, remoteAddress, remotePort }: AuthenticatedFlow) {
    this.owner = owner
    // A copy: the flow may be a connection that does not live as long.
    this.flow = { localAddress, localPort, remoteAddress, remotePort }
  }

  get optionLength(): number {
    return this.secrets.length === 0 ? 0 : PADDED_LENGTH
  }

  opened(): void {}

  sign(packet: Packet, headerLength: number): void {
    const at = insertOption(packet, headerLength)
    const { localAddress, remoteAddress } = this.flow
    packet.view.setInt32(at, OPTION_HEAD)
    const digest = this.digest(packet, localAddress, remoteAddress, this.secrets[0]!)
    for (let i = 0; i < DIGEST_LENGTH; i++) packet.bytes[at + 4 + i] = digest[i]!
  }

  verify(packet: Packet): SignatureFault | null {
    const { secrets, owner } = this
    const at = findOption(packet, KIND)
    if (secrets.length === 0) return at >= 0 && owner.dropsUnexpected ? 'dropUnexpectedSignature' : null
    if (at < 0) return 'dropNoSignature'
    if (packet.view.getUint8(at + 1) !== OPTION_LENGTH) return 'dropBadSignature'
    const { localAddress, remoteAddress } = this.flow
    for (const secret of secrets) {
      if (agrees(packet, at + 2, this.digest(packet, remoteAddress, localAddress, secret), DIGEST_LENGTH)) return null
    }
    return 'dropBadSignature'
  }

  /** RFC 2385 says nothing of ICMP. */
  ignores(): boolean {
    return false
  }

  /** RFC 2385 §2: pseudo-header, header without options, text, key. */
  private digest(packet: Packet, source: Address, destination: Address, secret: Uint8Array): Uint8Array {
    const { transportHeader, transportHeaderLength } = packet
    const length = packet.end - transportHeader + packet.payloadLength
    const message = this.owner.message.begin(2 * MIN_HEADER + MIN_HEADER + length + secret.length)
    message.putPseudoHeader(source, destination, length).putHeader(packet, transportHeader)
    message.putText(packet, transportHeader + transportHeaderLength).putBytes(secret, 0, secret.length)
    return this.owner.hash(message.done())
  }

  private get secrets(): readonly Uint8Array[] {
    const { keys } = this.owner
    if (this.version !== keys.version) {
      this.version = keys.version
      this.known = keys.first(this.flow)?.secrets ?? this.known
    }
    return this.known
  }
}
