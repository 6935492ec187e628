import { parsePacket, type PeerLink } from '@stack/testing'
import { aoMac, md5Digest, optionAt, withOptions } from './reference-signatures.ts'

const NOP = { kind: 'nop' } as const

/** What a peer does with the signatures of its segments. */
type Manner = 'good' | 'wrong' | 'none'

/** A peer that signs: what it sends is signed on the way, what the stack sends is verified with the reference. */
abstract class SigningLink implements PeerLink {
  readonly framing: PeerLink['framing']
  manner: Manner = 'good'
  /** Is a segment without signature an error? */
  isStrict = true
  /** What the stack sent, signed or not, newest last. */
  readonly sent: Uint8Array[] = []
  private readonly link: PeerLink

  constructor(link: PeerLink) {
    this.link = link
    this.framing = link.framing
  }

  inject(bytes: Uint8Array): boolean {
    return this.link.inject(this.manner === 'none' || parsePacket(bytes).tcp === null ? bytes : this.sign(bytes))
  }

  tryRead(): Uint8Array | null {
    const bytes = this.link.tryRead()
    if (bytes === null || parsePacket(bytes).tcp === null) return bytes
    this.sent.push(bytes)
    if (this.isStrict) this.verify(bytes)
    return bytes
  }

  protected abstract sign(bytes: Uint8Array): Uint8Array
  protected abstract verify(bytes: Uint8Array): void
}

export class Md5Link extends SigningLink {
  /** What the peer signs with, and what the stack must sign with. */
  key = 'secret'
  stackKey: string | null = null

  protected override sign(bytes: Uint8Array): Uint8Array {
    const parsed = parsePacket(bytes)
    // The digest says nothing of itself, but the header's length is in it.
    const blank = withOptions(parsed, [NOP, NOP, { kind: 'md5', digest: new Uint8Array(16) }])
    const digest = md5Digest(blank, this.manner === 'wrong' ? 'wrong' : this.key)
    return withOptions(parsed, [NOP, NOP, { kind: 'md5', digest }])
  }

  protected override verify(bytes: Uint8Array): void {
    const at = optionAt(bytes, 19)
    if (at < 0) throw new Error('the stack sent a segment without signature')
    if (Buffer.compare(bytes.slice(at + 2, at + 18), md5Digest(bytes, this.stackKey ?? this.key)) !== 0) throw new Error('the signature of the stack is wrong')
  }
}

interface AoIds {
  readonly keyId: number
  readonly nextId: number
  readonly secret: string
}

export class AoLink extends SigningLink {
  /** How the peer signs. */
  own: AoIds = { keyId: 2, nextId: 1, secret: 'secret' }
  /** How the stack must sign. */
  stack: AoIds = { keyId: 1, nextId: 2, secret: 'secret' }
  /** The two ISNs. */
  numbers: { readonly iss: number; readonly irs: number } = { iss: 0, irs: 0 }
  /** Rounds of the sequence numbers. */
  peerExtension = 0
  stackExtension = 0

  protected override sign(bytes: Uint8Array): Uint8Array {
    const parsed = parsePacket(bytes)
    const { keyId, nextId, secret } = this.own
    const { iss, irs } = this.numbers
    const option = (mac: Uint8Array): Uint8Array =>
      withOptions(parsed, [{ kind: 'unknown', number: 29, data: Uint8Array.of(keyId, nextId, ...mac) }])
    const isns = parsed.tcp!.flags === 'S' ? ([parsed.tcp!.seq, 0] as const) : ([irs, iss] as const)
    const mac = aoMac(option(new Uint8Array(12)), { secret: this.manner === 'wrong' ? 'wrong' : secret, isns, extension: this.peerExtension })
    return option(mac)
  }

  protected override verify(bytes: Uint8Array): void {
    const { flags, seq } = parsePacket(bytes).tcp!
    const { iss, irs } = this.numbers
    const at = optionAt(bytes, 29)
    if (at < 0) throw new Error('the stack sent a segment without signature')
    const ids = [bytes[at + 1], bytes[at + 2], bytes[at + 3]]
    const wanted = [16, this.stack.keyId, this.stack.nextId]
    if (ids.join() !== wanted.join()) throw new Error(`the option of the stack has length and ids ${ids.join()}, not ${wanted.join()}`)
    // A SYN or SYN-ACK tells the ISN that belongs in it.
    const own = flags.includes('S') ? seq : iss
    const mac = aoMac(bytes, { secret: this.stack.secret, isns: flags === 'S' ? [seq, 0] : [own, irs], extension: this.stackExtension })
    if (Buffer.compare(bytes.slice(at + 4, at + 16), mac) !== 0) throw new Error('the MAC of the stack is wrong')
  }
}
