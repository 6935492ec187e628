import type { Host } from './host.ts'
import type { NetworkProtocol } from './network.ts'
import type { RawHost } from './raw.ts'
import type { TransportHost } from './transport.ts'

/** What a network protocol gets. */
export interface NetworkHost extends Host {
  registerNetworkProtocol(protocol: NetworkProtocol): void
}

/** The host that goes with each kind of plugin. */
export interface HostOf {
  readonly network: NetworkHost
  readonly transport: TransportHost
  readonly raw: RawHost
}

/** Where a plugin registers. */
export type PluginKind = keyof HostOf

/**
 * A protocol package's factory result: options inside, host given later. `Name` is the property of the stack that
 * `setup`'s answer appears under; `Needs` names plugins that must be there too. Structural: no class, no symbol.
 */
export interface Plugin<Kind extends PluginKind = PluginKind, Name extends string = string, Api = unknown, Needs extends string = string> {
  readonly kind: Kind
  readonly name: Name
  /** Version of this interface. */
  readonly apiVersion: 1
  readonly needs?: readonly Needs[]
  /** Synchronous. Registers with the host and returns the public API of the protocol. */
  setup(host: HostOf[Kind]): Api
}

/** A network protocol: `ipv4()`, `ipv6()`, `arp()`. */
export type NetworkPlugin<Name extends string, Api, Needs extends string = never> = Plugin<'network', Name, Api, Needs>
/** A transport protocol: `tcp()`, `udp()`, `icmp()`. */
export type TransportPlugin<Name extends string, Api, Needs extends string = never> = Plugin<'transport', Name, Api, Needs>
/** The raw package. */
export type RawPlugin<Name extends string, Api, Needs extends string = never> = Plugin<'raw', Name, Api, Needs>
