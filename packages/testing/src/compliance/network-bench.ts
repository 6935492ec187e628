import { createPacketMemory, type Packet, type PacketMemory, type PacketPool } from '@stack/buffer'
import {
  createStack, type Address, type Failure, type Framing, type NetworkEndpoint, type NetworkHeaderParams, type NetworkProtocol, type Nic, type PluginItem,
  type StackBase,
} from '@stack/core'
import { manualClock, type ManualClock } from '../manual-clock.ts'
import { fakeLink, type FakeLink } from '../stack/fake-link.ts'
import { expectThat, notApplicable } from './case.ts'
import { EXPERIMENT, numbered } from './packets.ts'
import { probe, type Delivery, type Probe } from './probe.ts'

/** One packet of a family, as its author's builder takes it. */
export interface NetworkFields {
  /** Text. */
  readonly source: string
  readonly destination: string
  /** Transport protocol number. */
  readonly protocol: number
  readonly ttl: number
  readonly payload: Uint8Array
}

/** A protocol that has addresses and carries transports: its packets as bytes, by other code than its own. */
export interface NetworkFamily {
  /** Own address with prefix length: `'10.0.0.1/24'`. */
  readonly local: string
  /** Another host of the same network, without length. */
  readonly remote: string
  /** A third one. */
  readonly other: string
  /** A multicast group. Absent: groups are not checked. */
  readonly group?: string
  build(fields: NetworkFields): Uint8Array
  /** Reads a whole packet; null for fragments and what is malformed. */
  read(bytes: Uint8Array): NetworkFields | null
}

/** A network protocol. */
export interface NetworkUnderTest {
  readonly plugin: PluginItem
  /** What it needs beside. */
  readonly others?: readonly PluginItem[]
  /** EtherType. */
  readonly number: number
  /** Absent for protocols without addresses of their own, such as ARP. */
  readonly family?: NetworkFamily
  /** Addresses of the NIC where there is no family. */
  readonly addresses?: readonly string[]
  /** Of the link below. Default `'ip'`; `'ethernet'` for protocols that are there on Ethernet only. */
  readonly framing?: Framing
  /** Packets for `family.local` that must be dropped: lying lengths, wrong sums … */
  readonly malformed?: readonly Uint8Array[]
}

/** Makes a network protocol for one case. */
export type MakeNetwork = () => NetworkUnderTest | Promise<NetworkUnderTest>

/** How a payload is sent in a case. */
export interface SendOptions {
  readonly headroom?: number
  readonly ttl?: number
  readonly dontFragment?: boolean
}

/** A stack with the protocol under test, a link below it and a probe above. */
export class NetworkBench {
  readonly given: NetworkUnderTest
  readonly clock: ManualClock
  readonly memory: PacketMemory
  readonly pool: PacketPool
  readonly link: FakeLink
  readonly stack: StackBase
  readonly probe: Probe
  readonly nic: Nic
  private readonly make: MakeNetwork
  private readonly errors: unknown[]

  private constructor(make: MakeNetwork, given: NetworkUnderTest, parts: Pick<NetworkBench, 'clock' | 'memory' | 'pool' | 'link' | 'stack' | 'probe' | 'nic'>, errors: unknown[]) {
    this.make = make
    this.given = given
    this.clock = parts.clock
    this.memory = parts.memory
    this.pool = parts.pool
    this.link = parts.link
    this.stack = parts.stack
    this.probe = parts.probe
    this.nic = parts.nic
    this.errors = errors
  }

  /** `asRemote`: the stack has the remote address instead of the local one. */
  static async setUp(make: MakeNetwork, asRemote = false): Promise<NetworkBench> {
    const given = await make()
    const errors: unknown[] = []
    const clock = manualClock({ onError: (error) => errors.push(error) })
    const memory = createPacketMemory({ size: 1 << 20, simd: false })
    const pool = memory.pool()
    const onTop = probe()
    const plugins: readonly PluginItem[] = [given.plugin, ...(given.others ?? []), onTop]
    const stack = createStack({ plugins: plugins as readonly [], clock, memory: pool, onError: (error) => errors.push(error) })
    const { local, remote } = given.family ?? {}
    const own = local !== undefined && asRemote ? [`${remote!}/${local.split('/')[1]!}`] : local === undefined ? (given.addresses ?? []) : [local]
    const link = fakeLink({ framing: given.framing ?? 'ip' })
    const nic = await clock.until(stack.addNic(link, { addresses: own, skipDuplicateDetection: true }))
    const found = (stack as StackBase & { readonly probe?: Probe }).probe
    expectThat(found !== undefined, 'The suite\'s own transport protocol is not there.')
    return new NetworkBench(make, given, { clock, memory, pool, link, stack, probe: found, nic }, errors)
  }

  async tearDown(): Promise<void> {
    this.stack.destroy()
    await this.clock.settle()
    if (this.errors.length > 0) throw this.errors[0]
  }

  /** A second stack, which has the remote address. */
  other(): Promise<NetworkBench> {
    return NetworkBench.setUp(this.make, true)
  }

  // --- the protocol ---

  get protocol(): NetworkProtocol {
    const found = this.probe.host.networkProtocols.find(({ number }) => number === this.given.number)
    expectThat(found !== undefined, `No network protocol 0x${this.given.number.toString(16)} is registered.`)
    return found
  }

  get endpoint(): NetworkEndpoint {
    const found = this.nic.networkInterface.networkEndpoint(this.given.number)
    expectThat(found !== null, 'The NIC has no endpoint of the protocol.')
    return found
  }

  get family(): NetworkFamily {
    return this.given.family ?? notApplicable('The protocol carries no transports.')
  }

  /** The own address, without length. */
  get local(): string {
    return this.family.local.split('/')[0]!
  }

  addressOf(text: string): Address {
    const address = this.protocol.parseAddress(text)
    expectThat(address !== null, `parseAddress does not read '${text}'.`)
    return address
  }

  // --- in ---

  /** A packet from the remote host for this one. */
  incoming(changes: Partial<NetworkFields> = {}): Uint8Array {
    const { family, local } = this
    return family.build({ source: family.remote, destination: local, protocol: EXPERIMENT, ttl: 64, payload: numbered(1, 40), ...changes })
  }

  /** Puts packets on the wire and lets the stack handle them. Returns what the probe got of them. */
  async receive(...packets: readonly Uint8Array[]): Promise<readonly Delivery[]> {
    for (const bytes of packets) {
      const isFramed = this.link.framing === 'ethernet'
      this.link.inject(isFramed ? this.frame(bytes) : bytes, isFramed ? 0 : this.given.number)
      await this.clock.settle()
    }
    return this.probe.deliveries.splice(0)
  }

  /** A packet as the NIC hands it to the protocol. */
  packet(bytes: Uint8Array): Packet {
    const packet = this.pool.allocate(128, bytes.length)
    expectThat(packet !== null, 'There is no packet memory left.')
    packet.append(bytes, 0, bytes.length)
    packet.networkProtocol = this.given.number
    return packet
  }

  private frame(bytes: Uint8Array): Uint8Array {
    return Uint8Array.of(...this.link.linkAddress!, 2, 0, 0, 0, 0, 2, this.given.number >> 8, this.given.number & 0xff, ...bytes)
  }

  // --- out ---

  /** Sends `payload` to the remote host, as a transport does. */
  async send(payload: Uint8Array, options: SendOptions = {}): Promise<Failure> {
    const { family, endpoint, probe: { host } } = this
    const route = host.findRoute(0, null, this.addressOf(family.remote))
    expectThat(typeof route === 'object' && route !== null, `There is no route to ${family.remote}.`)
    const packet = this.pool.allocate(options.headroom ?? 256, payload.length)
    expectThat(packet !== null, 'There is no packet memory left.')
    packet.append(payload, 0, payload.length)
    const params: NetworkHeaderParams = {
      protocol: EXPERIMENT, ttl: options.ttl ?? 0, tos: 0, dontFragment: options.dontFragment ?? false, flowLabel: 0, options: null,
    }
    const failure = endpoint.writePacket(route, params, packet)
    await this.clock.settle()
    return failure
  }

  /** Whole packets of the experiment that are on the wire since the last call. */
  read(): readonly NetworkFields[] {
    return this.link.sent.splice(0).map(({ bytes }) => this.family.read(bytes)).filter((fields) => fields?.protocol === EXPERIMENT) as NetworkFields[]
  }
}
