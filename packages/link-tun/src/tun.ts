import { StackError, type Framing, type LinkCapabilities, type LinkEndpoint, type NetworkDispatcher, type PacketBatch, type Pollable, type Random } from '@stack/core'
import type { Packet } from '@stack/buffer'
import { Arenas } from './arenas.ts'
import { closeDevice, openDevice } from './device.ts'
import { loadLinux } from './linux.ts'
import { checkTunOptions, type TunOptions } from './options.ts'
import { DROPPED, Receiver } from './receiver.ts'
import { EAGAIN, EINTR, EIO, type TunSystem, type Watch } from './system.ts'
import { Transmitter } from './transmitter.ts'
import { VNET_HEADER } from './virtio.ts'

/** Counters of a {@link TunLink}; they only grow. What reached the NIC is in the NIC's counters. */
export interface TunStatistics {
  /** Received, but there was no packet memory. */
  readonly rxDropNoMemory: number
  /** Received and larger than the MTU that the device had when it was opened. */
  readonly rxDropTooLarge: number
  /** Received with a virtio-net header that lies: offsets beyond the packet, or segments of no size. */
  readonly rxDropBadOffload: number
  /** TUN: neither IPv4 nor IPv6. */
  readonly rxDropUnknownProtocol: number
  /** Sent while the device was down on the kernel's side. */
  readonly txDropDown: number
  /** Sent, and refused by the kernel as malformed or for want of memory. */
  readonly txDropRefused: number
}

/** The link that {@link tun} makes. */
export interface TunLink extends LinkEndpoint {
  readonly kind: 'tun' | 'tap'
  /** Name of the device; as the kernel gave it once the link is open. */
  readonly name: string
  readonly statistics: TunStatistics
  /** Opens the device; `addNic` does it unless it has been done. */
  open(signal?: AbortSignal): Promise<void>
}

/**
 * Makes a link over a TUN or TAP device of Linux. The stack is at the one end of the device, the kernel at the other:
 * give the kernel's end an address with `ip addr add` and set it up with `ip link set up`.
 *
 * It does not keep the process alive; the stack does, while it has something open.
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION`. `open` (and so `addNic`) rejects with `ERR_STACK_NOT_SUPPORTED` (not
 * Linux, or koffi does not load), `ENODEV` (no /dev/net/tun), `EACCES` (no right), `ERR_STACK_BUSY` (somebody else has the
 * device open), `EINVAL` (the kernel refused: a device of another mode, an MTU out of its range) or `ERR_STACK_CLOSED`
 */
export function tun(options: TunOptions = {}): TunLink {
  return createTun(options, loadLinux)
}

/** `tun` on system calls of the caller's choice. */
export function createTun(options: TunOptions, load: () => Promise<TunSystem>): TunLink {
  checkTunOptions(options)
  return new Tun(options, load)
}

const ETHERNET_HEADER = 14
const DEFAULT_MTU = 1500
/** Largest super-packet: what an IPv4 header can say. */
const GSO_MAX_SIZE = 65_535
/** Bytes of a batch, at most: super-packets are as large as many packets, and all of them are held until somebody reads. */
const MAX_BATCH = 1 << 20

class Tun implements TunLink, Pollable {
  readonly apiVersion = 1
  readonly kind: 'tun' | 'tap'
  queued = false
  name: string
  mtu: number
  readonly framing: Framing
  /** With offloads from `open` on, if the device has them. */
  capabilities: LinkCapabilities
  readonly maxHeaderLength: number
  linkAddress: Uint8Array | null
  readonly arpHardwareType: number
  readonly gsoMaxSize = GSO_MAX_SIZE
  readonly statistics = {
    rxDropNoMemory: 0, rxDropTooLarge: 0, rxDropBadOffload: 0, rxDropUnknownProtocol: 0, txDropDown: 0, txDropRefused: 0,
  }
  readonly closed: Promise<void>
  readonly #options: TunOptions
  readonly #load: () => Promise<TunSystem>
  #opening: Promise<void> | null = null
  #system: TunSystem | null = null
  #fd = -1
  #receiver: Receiver | null = null
  #transmitter: Transmitter | null = null
  #watch: Watch | null = null
  #dispatcher: NetworkDispatcher | null = null
  #isBlocked = false
  #isClosed = false
  #resolveClosed!: () => void

  constructor(options: TunOptions, load: () => Promise<TunSystem>) {
    this.#options = options
    this.#load = load
    this.kind = options.mode ?? 'tun'
    const ethernet = this.kind === 'tap'
    this.name = options.name ?? ''
    this.mtu = options.mtu ?? DEFAULT_MTU
    this.framing = ethernet ? 'ethernet' : 'ip'
    this.capabilities = { resolutionRequired: ethernet }
    // The virtio-net header goes in front of the packet, so that one call writes both. Whether there is one, `open` says.
    this.maxHeaderLength = (ethernet ? ETHERNET_HEADER : 0) + (options.offload === false ? 0 : VNET_HEADER)
    this.linkAddress = options.linkAddress ?? null
    this.arpHardwareType = ethernet ? 1 : 0xffff
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  get isAttached(): boolean {
    return this.#dispatcher !== null
  }

  open(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
    // After a failure the user may have put right what was wrong.
    return (this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = null
      throw error
    }))
  }

  attach(dispatcher: NetworkDispatcher | null): void {
    this.#dispatcher = dispatcher
    this.#isBlocked = false
    if (dispatcher !== null && this.kind === 'tap') this.linkAddress ??= randomLinkAddress(dispatcher.host.random)
    this.#watch?.set(dispatcher !== null, false)
  }

  /** A batch of received packets, from the scheduler. */
  poll(budget: number): number {
    const dispatcher = this.#dispatcher
    const receiver = this.#receiver
    if (dispatcher === null || receiver === null) return 0
    const { memory } = dispatcher.host
    let count = 0
    // What is left keeps the device readable, so that the watch comes back: after who reads what came has had a turn.
    for (let bytes = 0; count < budget && bytes < MAX_BATCH; count++) {
      const packet = receiver.next(memory)
      if (typeof packet !== 'number') {
        bytes += packet.length
        dispatcher.deliverNetworkPacket(receiver.protocol, packet)
        // That may have removed the NIC.
        if (this.#dispatcher !== dispatcher) {
          receiver.rest()
          return count + 1
        }
      } else if (packet !== DROPPED && packet !== -EINTR) {
        if (packet !== -EAGAIN) this.#lose(dispatcher, -packet)
        break
      }
    }
    receiver.rest()
    if (count > 0) dispatcher.flush()
    return count
  }

  writePackets(batch: PacketBatch): number {
    let taken = 0
    while (taken < batch.length && this.#write(batch[taken]!)) taken++
    return taken
  }

  writeRawPacket(packet: Packet): boolean {
    if (this.#write(packet)) return true
    packet.release()
    return false
  }

  setLinkAddress(address: Uint8Array): void {
    this.linkAddress = address
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.attach(null)
    this.#watch?.close()
    this.#watch = null
    if (this.#fd >= 0) closeDevice(this.#system!, this.#fd)
    this.#fd = -1
    this.#system = null
    this.#receiver = null
    this.#transmitter = null
    this.#resolveClosed()
  }

  async #open(): Promise<void> {
    if (!this.#isClosed) {
      const system = await this.#load()
      // It may have been closed meanwhile.
      if (!(this.#isClosed as boolean)) {
        const { fd, name, mtu, hasVnetHeader, udpGso } = openDevice(system, this.#options)
        const ethernet = this.kind === 'tap'
        const arenas = new Arenas(system)
        this.#system = system
        this.#fd = fd
        this.#receiver = new Receiver(system, arenas, { fd, mtu, hasVnetHeader, ethernet, counters: this.statistics })
        this.#transmitter = new Transmitter(system, arenas, fd, hasVnetHeader ? VNET_HEADER : 0, ethernet ? ETHERNET_HEADER : 0)
        if (hasVnetHeader) {
          this.capabilities = {
            ...this.capabilities, txChecksumOffload: true, rxChecksumOffload: true, hardwareGso: true, udpGso, scatterGather: true,
          }
        }
        this.name = name
        this.mtu = mtu
        this.#watch = system.watch(fd, this.#onReady)
        return
      }
    }
    throw new StackError('ERR_STACK_CLOSED', 'tun: the link is closed. Make a new one.', { syscall: 'open' })
  }

  readonly #onReady = (): void => {
    const dispatcher = this.#dispatcher
    if (dispatcher === null) return
    dispatcher.host.scheduler.pollLink(this)
    if (this.#isBlocked) {
      this.#isBlocked = false
      this.#watch?.set(true, false)
      dispatcher.writable()
    }
    dispatcher.host.scheduler.run()
  }

  /** Sends and releases a packet. False = the device takes no more now: the packet stays the caller's. */
  #write(packet: Packet): boolean {
    const transmitter = this.#transmitter
    if (transmitter !== null) {
      let written: number
      do written = transmitter.write(packet)
      while (written === -EINTR)
      if (written === -EAGAIN) {
        this.#isBlocked = true
        this.#watch?.set(this.#dispatcher !== null, true)
        return false
      }
      if (written === -EIO) this.statistics.txDropDown++
      else if (written < 0) this.statistics.txDropRefused++
    }
    packet.release()
    return true
  }

  /** The device is gone: removed, or its namespace was. */
  #lose(dispatcher: NetworkDispatcher, errno: number): void {
    this.#watch?.set(false, false)
    dispatcher.host.log.warn(`${this.kind}: the device ${this.name} can no longer be read (errno ${errno}); was it removed? Its NIC is without carrier now.`)
    dispatcher.setCarrier(false)
  }
}

/** Unicast and locally administered (IEEE 802 §8.4): the second lowest bit of the first byte set, the lowest not. */
function randomLinkAddress(random: Random): Uint8Array {
  const high = random.uint32()
  const low = random.uint32()
  return Uint8Array.of((high & 0xfc) | 2, (high >>> 8) & 0xff, (high >>> 16) & 0xff, low & 0xff, (low >>> 8) & 0xff, (low >>> 16) & 0xff)
}
