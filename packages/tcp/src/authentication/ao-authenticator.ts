import type { Packet } from '@stack/buffer'
import { isMapped } from '@stack/core'
import type { Address, TransportError } from '@stack/core'
import { Field, Flag, MIN_HEADER_LENGTH } from '../wire.ts'
import { trafficKey } from './ao-keys.ts'
import type { MasterKey } from './ao-keys.ts'
import type { AuthenticatedFlow, SegmentAuthenticator, SignatureFault } from './contract.ts'
import { agrees, findOption, insertOption } from './message.ts'
import type { Message } from './message.ts'
import type { KeyRing } from './peers.ts'
import { SequenceExtension } from './sequence-extension.ts'

const KIND = 29
const MD5_KIND = 19
/** Kind, length, KeyID, RNextKeyID. */
const HEAD_LENGTH = 4
const NOP = 1
/** Bytes signed beside the segment at most: sequence number extension and pseudo-header. */
const EXTRA = 44

/** What the connections of one `ao()` share. */
export interface AoShared {
  readonly keys: KeyRing<MasterKey>
  readonly message: Message
  readonly ignoresIcmp: boolean
}

/** Traffic keys of one master key in a connection. */
interface TrafficKeys {
  readonly send: Uint8Array
  readonly receive: Uint8Array
}

/** One connection under RFC 5925. Without keys it only refuses signatures. */
export class AoAuthenticator implements SegmentAuthenticator {
  reserved = 0
  private readonly shared: AoShared
  private readonly flow: AuthenticatedFlow
  /** In order of preference: the first is what we want the peer to sign with. */
  private keys: readonly MasterKey[]
  private version: number
  /** What we sign with: the peer decides by its RNextKeyID (RFC 5925 §6.1). */
  private current: MasterKey | null
  private readonly traffic = new Map<MasterKey, TrafficKeys>()
  private iss = 0
  private irs = 0
  private readonly sent = new SequenceExtension()
  private readonly received = new SequenceExtension()

  constructor(shared: AoShared, { localAddress, localPort, remoteAddress, remotePort }: AuthenticatedFlow, keys: readonly MasterKey[]) {
    this.shared = shared
    // A copy: the flow may be a connection that does not live as long.
    this.flow = { localAddress, localPort, remoteAddress, remotePort }
    this.keys = keys
    this.version = shared.keys.version
    this.current = keys[0] ?? null
  }

  get optionLength(): number {
    this.refresh()
    return this.current === null ? 0 : paddedLength(this.current)
  }

  opened(iss: number, irs: number): void {
    this.iss = iss
    this.irs = irs
    this.traffic.clear()
    this.sent.begin(iss)
    this.received.begin(irs)
  }

  sign(packet: Packet, headerLength: number): void {
    const at = insertOption(packet, headerLength)
    const { bytes, view, transportHeader } = packet
    const key = this.current!
    const sequence = view.getInt32(transportHeader + Field.Sequence)
    const isSyn = isFirst(packet)
    if (isSyn) this.iss = sequence
    else this.sent.advance(sequence)
    bytes[at] = KIND
    bytes[at + 1] = HEAD_LENGTH + key.macLength
    bytes[at + 2] = key.sendId
    bytes[at + 3] = this.keys[0]!.receiveId
    bytes.fill(NOP, at + HEAD_LENGTH + key.macLength, at + paddedLength(key))
    const { localAddress, localPort, remoteAddress, remotePort } = this.flow
    const traffic = isSyn
      ? trafficKey(this.shared.message, key, localAddress, localPort, remoteAddress, remotePort, sequence, 0)
      : this.trafficOf(key).send
    const extension = isSyn ? 0 : this.sent.of(sequence)
    const mac = this.mac(packet, at, key, traffic, localAddress, remoteAddress, extension)
    for (let i = 0; i < key.macLength; i++) bytes[at + HEAD_LENGTH + i] = mac[i]!
  }

  verify(packet: Packet): SignatureFault | null {
    this.refresh()
    const { view, transportHeader } = packet
    const at = findOption(packet, KIND)
    if (this.current === null) return at < 0 ? null : 'dropUnexpectedSignature'
    if (at < 0) return 'dropNoSignature'
    // RFC 5925 §2.2: both kinds of signatures in one segment are none.
    if (findOption(packet, MD5_KIND) >= 0) return 'dropBadSignature'
    const size = view.getUint8(at + 1)
    const keyId = size < HEAD_LENGTH ? -1 : view.getUint8(at + 2)
    const key = this.keys.find(({ receiveId }) => receiveId === keyId)
    if (key === undefined || size !== HEAD_LENGTH + key.macLength) return 'dropBadSignature'
    const sequence = view.getInt32(transportHeader + Field.Sequence)
    const flags = view.getUint8(transportHeader + Field.Flags)
    const isSyn = isFirst(packet)
    const traffic = this.receiveKey(key, flags, sequence)
    const extension = (flags & Flag.Syn) !== 0 ? 0 : this.received.of(sequence)
    const { localAddress, remoteAddress } = this.flow
    const mac = this.mac(packet, at, key, traffic, remoteAddress, localAddress, extension)
    if (!agrees(packet, at + HEAD_LENGTH, mac, key.macLength)) return 'dropBadSignature'
    if (!isSyn) this.received.advance(sequence)
    this.follow(view.getUint8(at + 3))
    return null
  }

  /** RFC 5925 §7.8: hard errors, and IPv4's "fragmentation needed", which is one of them there. */
  ignores({ kind }: TransportError): boolean {
    if (!this.shared.ignoresIcmp || this.current === null) return false
    const isIpv4 = isMapped(this.flow.remoteAddress)
    return kind === 'portUnreachable' || (isIpv4 ? kind === 'protocolUnreachable' || kind === 'packetTooBig' : kind === 'prohibited')
  }

  /** RFC 5925 §5.2, §7.5: a SYN names its own sequence number, a SYN-ACK too while we have not seen it; else those of the handshake. */
  private receiveKey(key: MasterKey, flags: number, sequence: number): Uint8Array {
    const { localAddress, localPort, remoteAddress, remotePort } = this.flow
    if ((flags & Flag.Syn) === 0 || ((flags & Flag.Ack) !== 0 && sequence === this.irs)) return this.trafficOf(key).receive
    const destination = (flags & Flag.Ack) === 0 ? 0 : this.iss
    return trafficKey(this.shared.message, key, remoteAddress, remotePort, localAddress, localPort, sequence, destination)
  }

  private trafficOf(key: MasterKey): TrafficKeys {
    const known = this.traffic.get(key)
    if (known !== undefined) return known
    const { localAddress, localPort, remoteAddress, remotePort } = this.flow
    const { message } = this.shared
    const keys = {
      send: trafficKey(message, key, localAddress, localPort, remoteAddress, remotePort, this.iss, this.irs),
      receive: trafficKey(message, key, remoteAddress, remotePort, localAddress, localPort, this.irs, this.iss),
    }
    this.traffic.set(key, keys)
    return keys
  }

  /** RFC 5925 §5.1: extension, pseudo-header, header, text; the MAC itself as zeros. */
  private mac(packet: Packet, at: number, key: MasterKey, traffic: Uint8Array, source: Address, destination: Address, extension: number): Uint8Array {
    const { transportHeader, transportHeaderLength, bytes } = packet
    const length = packet.end - transportHeader + packet.payloadLength
    const behind = transportHeader + transportHeaderLength
    const message = this.shared.message.begin(EXTRA + length)
    message.put32(extension).putPseudoHeader(source, destination, length).putHeader(packet, transportHeader)
    if (key.coverOptions) message.putBytes(bytes, transportHeader + MIN_HEADER_LENGTH, at)
    message.putBytes(bytes, at, at + HEAD_LENGTH).putZeros(key.macLength)
    if (key.coverOptions) message.putBytes(bytes, at + HEAD_LENGTH + key.macLength, behind)
    message.putText(packet, behind)
    return key.algorithm.mac(traffic, message.done())
  }

  /** The peer is ready for the key that it names (RFC 5925 §7.5.2). */
  private follow(nextId: number): void {
    if (this.current?.sendId === nextId) return
    this.current = this.keys.find(({ sendId }) => sendId === nextId) ?? this.current
  }

  /** The keys changed. Those in use stay until there are others: a connection is never unsigned in its middle. */
  private refresh(): void {
    const { keys } = this.shared
    if (this.version === keys.version) return
    this.version = keys.version
    if (this.current === null) return
    const found = keys.all(this.flow)
    if (found.length === 0) return
    const { sendId } = this.current
    this.keys = found
    this.current = found.find((key) => key.sendId === sendId) ?? found[0]!
    this.traffic.clear()
  }
}

function paddedLength({ macLength }: MasterKey): number {
  return (HEAD_LENGTH + macLength + 3) & ~3
}

/** A SYN without ACK: signed with keys of its own (RFC 5925 §5.2). */
function isFirst({ view, transportHeader }: Packet): boolean {
  return (view.getUint8(transportHeader + Field.Flags) & (Flag.Syn | Flag.Ack)) === Flag.Syn
}
