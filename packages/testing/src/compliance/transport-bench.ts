import { createPacketMemory, type Packet, type PacketMemory, type PacketPool } from '@stack/buffer'
import {
  createStack, mappedAddress, type PluginItem, type StackBase, type TransportEndpoint, type TransportEndpointId, type TransportHost, type TransportPlugin,
  type TransportProtocol, type TransportRegistry,
} from '@stack/core'
import { manualClock, type ManualClock } from '../manual-clock.ts'
import { fakeLink, type FakeLink } from '../stack/fake-link.ts'
import { expectThat, notApplicable } from './case.ts'
import { IPV4, ipv4Packet, numbered } from './packets.ts'
import { plainNetwork } from './plain-network.ts'

const LOCAL: Uint8Array = Uint8Array.of(10, 0, 0, 1)
const REMOTE: Uint8Array = Uint8Array.of(10, 0, 0, 2)
const REMOTE_PORT = 40_000

/** One packet of a transport protocol, as its author's builder takes it. Addresses are 4 bytes. */
export interface TransportFields {
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly sourcePort: number
  /** The port, or other number, that `open` said. */
  readonly destinationPort: number
  readonly payload: Uint8Array
}

/** Something open that packets can be for. */
export interface OpenTransport {
  readonly port: number
  close(): unknown
}

/** A transport protocol. */
export interface TransportUnderTest<Plugin extends TransportPlugin<string, unknown, string>> {
  readonly plugin: Plugin
  readonly others?: readonly PluginItem[]
  /** IP protocol number. */
  readonly number: number
  /** Opens something that receives from 10.0.0.2 (port 40,000), by the public API. `heard` is called by user code for each message it gets. */
  open(stack: StackBase & Readonly<Record<Plugin['name'], ReturnType<Plugin['setup']>>>, heard: () => void): OpenTransport
  /** A packet with right checksums, as one that what is open would take. */
  build(fields: TransportFields): Uint8Array
  /** Where the checksum is: a byte of it is changed. */
  readonly checksumOffset: number
  /** Each packet of `build` is a message for user code. Default false: `heard` may stay uncalled. */
  readonly messages?: boolean
  /** Source port that `parsePorts` finds. Default 40,000; 0 where packets name one end only. */
  readonly sourcePort?: number
}

/** A stack with the protocol under test on the suite's own network protocol. */
export class TransportBench {
  readonly given: TransportUnderTest<TransportPlugin<string, unknown, string>>
  readonly clock: ManualClock
  readonly memory: PacketMemory
  readonly pool: PacketPool
  readonly link: FakeLink
  readonly stack: StackBase
  readonly protocol: TransportProtocol
  readonly host: TransportHost
  /** Registered endpoints with their ids, last one last. */
  readonly registered: { readonly endpoint: TransportEndpoint; readonly id: TransportEndpointId }[]
  /** Packets that endpoints were given. */
  readonly handled: { count: number; isRunning: boolean }
  /** What user code heard, and whether within `handlePacket`. */
  readonly heard: boolean[] = []
  readonly make: () => unknown
  private readonly errors: unknown[]

  private constructor(parts: Omit<TransportBench, 'heard' | 'open' | 'tearDown' | 'bytes' | 'packet' | 'receive' | 'id' | 'newEndpoint' | 'endpoint'>, errors: unknown[]) {
    this.given = parts.given
    this.clock = parts.clock
    this.memory = parts.memory
    this.pool = parts.pool
    this.link = parts.link
    this.stack = parts.stack
    this.protocol = parts.protocol
    this.host = parts.host
    this.registered = parts.registered
    this.handled = parts.handled
    this.make = parts.make
    this.errors = errors
  }

  static async setUp<Plugin extends TransportPlugin<string, unknown, string>>(make: () => TransportUnderTest<Plugin> | Promise<TransportUnderTest<Plugin>>): Promise<TransportBench> {
    const given = (await make()) as unknown as TransportBench['given']
    const errors: unknown[] = []
    const clock = manualClock({ onError: (error) => errors.push(error) })
    const memory = createPacketMemory({ size: 1 << 20, simd: false })
    const pool = memory.pool()
    const protocols: TransportProtocol[] = []
    const registered: TransportBench['registered'] = []
    const handled = { count: 0, isRunning: false }
    const hosts: TransportHost[] = []
    const watched: TransportPlugin<string, unknown, string> = {
      ...given.plugin,
      setup(real) {
        hosts.push(real)
        return given.plugin.setup(watchedHost(real, protocols, registered, handled))
      },
    }
    const plugins: readonly PluginItem[] = [plainNetwork(), watched, ...(given.others ?? [])]
    const stack = createStack({ plugins: plugins as readonly [], clock, memory: pool, onError: (error) => errors.push(error) })
    const link = fakeLink()
    await clock.until(stack.addNic(link, { addresses: ['10.0.0.1/24'] }))
    const protocol = protocols.find(({ number }) => number === given.number)
    const [host] = hosts
    expectThat(protocol !== undefined && host !== undefined, `No transport protocol ${String(given.number)} is registered.`)
    return new TransportBench({ given, clock, memory, pool, link, stack, protocol, host, registered, handled, make }, errors)
  }

  async tearDown(): Promise<void> {
    this.stack.destroy()
    await this.clock.settle()
    if (this.errors.length > 0) throw this.errors[0]
  }

  /** Opens something by the public API. */
  open(): OpenTransport {
    return this.given.open(this.stack as never, () => this.heard.push(this.handled.isRunning))
  }

  /** The endpoint that was registered last, with its id. */
  get endpoint(): { readonly endpoint: TransportEndpoint; readonly id: TransportEndpointId } {
    return this.registered.at(-1) ?? notApplicable('Nothing is registered with the demultiplexer.')
  }

  /** An endpoint by `newEndpoint`; protocols whose endpoints need more may say ERR_STACK_NOT_SUPPORTED. */
  newEndpoint(): TransportEndpoint {
    try {
      return this.protocol.newEndpoint(IPV4)
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== 'ERR_STACK_NOT_SUPPORTED') throw error
      return notApplicable('Endpoints are made by the protocol\'s own API.')
    }
  }

  /** A transport packet for `port`. */
  bytes(port: number): Uint8Array {
    return this.given.build({ source: REMOTE, destination: LOCAL, sourcePort: this.given.sourcePort ?? REMOTE_PORT, destinationPort: port, payload: numbered(1, 40) })
  }

  /** A packet as the demultiplexer gives it to the protocol. */
  packet(bytes: Uint8Array, port = 0): Packet {
    const packet = this.pool.allocate(128, bytes.length)
    expectThat(packet !== null, 'There is no packet memory left.')
    packet.append(bytes, 0, bytes.length)
    packet.networkProtocol = IPV4
    packet.transportProtocol = this.given.number
    packet.sourceC = packet.destinationC = 0xffff
    packet.sourceD = 0x0a000002
    packet.destinationD = 0x0a000001
    packet.sourcePort = this.given.sourcePort ?? REMOTE_PORT
    packet.destinationPort = port
    packet.nicId = this.stack.nics[0]!.id
    return packet
  }

  id(port: number): TransportEndpointId {
    return { localAddress: mappedAddress(0x0a000001), localPort: port, remoteAddress: mappedAddress(0x0a000002), remotePort: REMOTE_PORT }
  }

  /** Transport packets come in. */
  async receive(...packets: readonly Uint8Array[]): Promise<void> {
    for (const bytes of packets) {
      this.link.inject(ipv4Packet({ source: REMOTE, destination: LOCAL, protocol: this.given.number }, bytes), IPV4)
      await this.clock.settle()
    }
  }
}

/** The host with a look at what the protocol registers. */
function watchedHost(real: TransportHost, protocols: TransportProtocol[], registered: TransportBench['registered'], handled: TransportBench['handled']): TransportHost {
  const register: TransportRegistry['register'] = (number, id, endpoint, options) => {
    registered.push({ endpoint, id })
    const watched = over(endpoint, {
      handlePacket(found: TransportEndpointId, packet: Packet) {
        handled.count++
        handled.isRunning = true
        endpoint.handlePacket(found, packet)
        handled.isRunning = false
      },
    })
    return real.endpoints.register(number, id, watched, options)
  }
  return over(real, {
    registerTransportProtocol(protocol: TransportProtocol) {
      protocols.push(protocol)
      real.registerTransportProtocol(protocol)
    },
    endpoints: over(real.endpoints, { register }),
  })
}

/** `target` with some members replaced; the others are called on `target` itself. */
function over<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      if (name in members) return members[name as keyof T]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value as (...args: never[]) => unknown).bind(target) : value
    },
  })
}
