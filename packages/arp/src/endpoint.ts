import { BROADCAST_LINK_ADDRESS } from '@stack/core'
import type { Packet } from '@stack/buffer'
import type {
  Address, AddressTable, DuplicateAddressDetector, Failure, LinkAddressResolver, LinkCapabilities, NetworkEndpoint, NetworkHeaderParams, NetworkInterface, Route,
} from '@stack/core'
import { mappedAddress } from '@stack/core'
import { createConflictDetector } from './conflicts.ts'
import type { ConflictDetector } from './conflicts.ts'
import { arpCounters } from './counters.ts'
import type { ArpCounters } from './counters.ts'
import type { ArpSettings } from './options.ts'
import { ARP_LENGTH, arpMessage, ArpOperation, parseArp, writeArp } from './wire.ts'
import type { ArpMessage } from './wire.ts'

/** EtherType of ARP. */
export const ARP_PROTOCOL = 0x0806
const IPV4_PROTOCOL = 0x0800
const ETHERNET = 1

/** A message that nobody asked for changes what is known and proves nothing. */
const UNSOLICITED = { solicited: false, override: true, isRouter: false }
const SOLICITED = { solicited: true, override: true, isRouter: false }

/** ARP on one NIC: resolves IPv4 addresses, answers for own ones, and guards them (RFC 826, RFC 5227). */
export class ArpEndpoint implements NetworkEndpoint, LinkAddressResolver, DuplicateAddressDetector {
  readonly nic: NetworkInterface
  readonly nicId: number
  readonly protocolNumber: number = ARP_PROTOCOL
  readonly linkAddressProtocol: number = IPV4_PROTOCOL
  readonly duplicateDetectionProtocol: number = IPV4_PROTOCOL
  readonly defaultTtl: number = 0
  readonly statistics: ArpCounters = arpCounters()
  isEnabled = false
  readonly #own: AddressTable
  readonly #conflicts: ConflictDetector
  readonly #received: ArpMessage = arpMessage()
  readonly #written: ArpMessage = arpMessage()
  readonly #closed: (endpoint: ArpEndpoint) => void

  constructor(nic: NetworkInterface, settings: ArpSettings, closed: (endpoint: ArpEndpoint) => void) {
    this.nic = nic
    this.nicId = nic.id
    this.#own = nic.addressTable(IPV4_PROTOCOL)
    this.#closed = closed
    // A link without Ethernet addresses has nobody to ask.
    this.#conflicts = createConflictDetector({
      host: nic.host,
      addresses: this.#own,
      counters: this.statistics,
      probe: settings.probe && this.#speaksArp,
      announce: settings.announce && this.#speaksArp,
      sendProbe: (address) => {
        // RFC 5227 §2.1.1: the sender is 0.0.0.0, so that nobody learns from it.
        if (this.#send(ArpOperation.Request, 0, null, address.d, BROADCAST_LINK_ADDRESS) === null) this.statistics.probesSent++
      },
      sendAnnouncement: (address) => {
        if (this.#send(ArpOperation.Request, address.d, null, address.d, BROADCAST_LINK_ADDRESS) === null) this.statistics.announcementsSent++
      },
    })
  }

  get #speaksArp(): boolean {
    return this.nic.arpHardwareType === ETHERNET && this.nic.linkAddress?.length === 6
  }

  get mtu(): number {
    return this.nic.mtu
  }

  get capabilities(): LinkCapabilities {
    return this.nic.capabilities
  }

  get maxHeaderLength(): number {
    return this.nic.linkHeaderLength + ARP_LENGTH
  }

  enable(): void {
    this.isEnabled = true
  }

  disable(): void {
    this.isEnabled = false
    this.#conflicts.stop()
  }

  close(): void {
    this.disable()
    this.#closed(this)
  }

  /** Nothing travels over ARP. */
  writePacket(_route: Route, _params: NetworkHeaderParams, packet: Packet): Failure {
    packet.release()
    return 'ERR_STACK_NOT_SUPPORTED'
  }

  writeHeaderIncludedPacket(_route: Route, packet: Packet): Failure {
    packet.release()
    return 'ERR_STACK_NOT_SUPPORTED'
  }

  // --- resolving ---

  linkAddressRequest(address: Address, local: Address | null, linkAddress: Uint8Array | null): Failure {
    const source = local ?? this.#own.selectSource(address)
    if (source === null) return 'EADDRNOTAVAIL'
    const failure = this.#send(ArpOperation.Request, source.d, null, address.d, linkAddress ?? BROADCAST_LINK_ADDRESS)
    if (failure === null) this.statistics.requestsSent++
    return failure
  }

  resolveStaticAddress(address: Address): Uint8Array | null {
    const word = address.d
    if (word === -1 || this.#own.isSubnetBroadcast(word)) return BROADCAST_LINK_ADDRESS
    // RFC 1112 §6.4: the low 23 bits of the group.
    if (word >>> 28 === 0xe) return Uint8Array.of(0x01, 0x00, 0x5e, (word >>> 16) & 0x7f, (word >>> 8) & 0xff, word & 0xff)
    return null
  }

  // --- guarding own addresses ---

  checkDuplicate(address: Address): void {
    this.#conflicts.check(address)
  }

  cancelDuplicateCheck(address: Address): void {
    this.#conflicts.cancel(address)
  }

  addressAssigned(address: Address): void {
    this.#conflicts.assigned(address)
  }

  addressRemoved(address: Address): void {
    this.#conflicts.removed(address)
  }

  // --- receiving ---

  /** RFC 826 "Packet Reception". */
  handlePacket(packet: Packet): void {
    const counters = this.statistics
    const message = this.#received
    counters.received++
    if (!this.isEnabled || !this.#speaksArp) counters.dropDisabled++
    else if (!parseArp(packet.view, packet.start, packet.end - packet.start, message) || !isCredible(message)) counters.dropMalformed++
    else if (sameAddress(message.senderHardware, this.nic.linkAddress!)) counters.dropReflected++
    else this.#handle(message)
    packet.release()
  }

  #handle(message: ArpMessage): void {
    const counters = this.statistics
    const { sender, target, senderHardware } = message
    const isRequest = message.operation === ArpOperation.Request
    if (isRequest) counters.requestsReceived++
    else counters.repliesReceived++
    // A probe asks whether anybody has the address: of a range nobody does.
    const isForUs = this.#own.isLocal(0, 0, 0xffff, target) || (isRequest && sender !== 0 && this.#own.claims(mappedAddress(target)))
    if (sender === 0) {
      // A probe: nothing to learn, but it is answered when the address is taken (RFC 5227 §2.1.1).
      if (isRequest && !this.#conflicts.probedBy(target, senderHardware) && isForUs) this.#reply(message)
      return
    }
    if (this.#conflicts.claimedBy(sender, senderHardware)) return
    const neighbors = this.nic.neighborTable(IPV4_PROTOCOL)
    const address = mappedAddress(sender)
    // The table keeps what it is given.
    const linkAddress = senderHardware.slice()
    if (sender === target) {
      counters.gratuitousReceived++
      neighbors?.handleUnsolicited(address, linkAddress)
    } else if (!isForUs) {
      // RFC 826: whoever is in the table already is brought up to date.
      neighbors?.handleConfirmation(address, linkAddress, UNSOLICITED)
    } else if (isRequest) {
      neighbors?.handleProbe(address, linkAddress)
      this.#reply(message)
    } else {
      neighbors?.handleConfirmation(address, linkAddress, SOLICITED)
    }
  }

  #reply(request: ArpMessage): void {
    const own = request.target
    const to = request.senderHardware.slice()
    if (this.#send(ArpOperation.Reply, own, to, request.sender, to) === null) this.statistics.repliesSent++
  }

  #send(operation: number, sender: number, targetHardware: Uint8Array | null, target: number, linkAddress: Uint8Array): Failure {
    const { nic, statistics: counters } = this
    if (!this.#speaksArp) return 'ERR_STACK_NOT_SUPPORTED'
    const packet = nic.host.memory.allocateControl(this.maxHeaderLength, 0)
    if (packet === null) {
      counters.dropNoMemory++
      return 'ENOBUFS'
    }
    const message = this.#written
    message.operation = operation
    message.senderHardware.set(nic.linkAddress!)
    message.sender = sender
    if (targetHardware === null) message.targetHardware.fill(0)
    else message.targetHardware.set(targetHardware)
    message.target = target
    writeArp(packet.view, packet.pushNetworkHeader(ARP_LENGTH), message)
    counters.sent++
    // RFC 3927 §2.5: messages of a link-local sender are always broadcast, so that conflicts are seen.
    return nic.writePacketTo(sender >>> 16 === 0xa9fe ? BROADCAST_LINK_ADDRESS : linkAddress, ARP_PROTOCOL, packet)
  }
}

/** A host's addresses, not those of a group or of nobody in particular. */
function isCredible(message: ArpMessage): boolean {
  const { sender, senderHardware } = message
  if ((senderHardware[0]! & 1) !== 0 || sender >>> 28 >= 0xe || sender >>> 24 === 127) return false
  return sender === 0 || sender >>> 24 !== 0
}

function sameAddress(x: Uint8Array, y: Uint8Array): boolean {
  for (let i = 0; i < 6; i++) if (x[i] !== y[i]) return false
  return true
}
