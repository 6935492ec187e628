import type { PacketMemory } from '@stack/buffer'
import { createStack, type Clock, type Installed, type Random, type StackBase } from '@stack/core'
import { icmp, type IcmpPlugin } from '@stack/icmp'
import { ipv4, type Ipv4Options, type Ipv4Plugin } from '@stack/ipv4'
import { ipv6, type Ipv6Options, type Ipv6Plugin } from '@stack/ipv6'
import { bbr, tcp, type TcpOptions, type TcpPlugin } from '@stack/tcp'
import { udp, type UdpOptions, type UdpPlugin } from '@stack/udp'
import { predictable } from './random.ts'

/** The stack of a node: everything that a host on the internet has. */
export type NodeStack = StackBase & Installed<readonly [Ipv4Plugin, Ipv6Plugin, TcpPlugin, UdpPlugin, IcmpPlugin]>

/** Options of a host or router: those of its protocols. */
export interface NodeOptions {
  /** Packet memory that it may hold, bytes. Default: all of the simulation's. */
  readonly memory?: number
  readonly ipv4?: Ipv4Options
  readonly ipv6?: Ipv6Options
  /** Default: BBR is installed beside the built-in algorithms. */
  readonly tcp?: TcpOptions
  readonly udp?: UdpOptions
}

/** A host or router of a simulation. */
export interface Node {
  readonly name: string
  readonly kind: 'host' | 'router'
  /** The real thing: use it in {@link Simulation.at}. Its NICs are there once the simulation runs. */
  readonly stack: NodeStack
  /** The IPv4 address on its first wire. */
  readonly ipv4: string
  /** The IPv6 address on its first wire. */
  readonly ipv6: string
}

/** What a node needs of its simulation. */
export interface NodeContext {
  readonly clock: Clock
  readonly memory: PacketMemory
  readonly random: Random
  readonly onError: (error: unknown) => void
}

/** A node and its addresses, which it gets with its wires. */
export class SimulatedNode implements Node {
  readonly name: string
  readonly kind: 'host' | 'router'
  readonly stack: NodeStack
  /** One of each family for each wire, in order. */
  readonly addresses: { readonly ipv4: string; readonly ipv6: string }[] = []

  constructor(name: string, kind: 'host' | 'router', options: NodeOptions, context: NodeContext) {
    this.name = name
    this.kind = kind
    const { clock, memory, random, onError } = context
    const forwarding = kind === 'router'
    this.stack = createStack({
      name, clock, random, onError,
      secureRandom: predictable(random),
      memory: memory.pool(options.memory === undefined ? {} : { quota: options.memory }),
      plugins: [ipv4({ forwarding, ...options.ipv4 }), ipv6({ forwarding, ...options.ipv6 }), tcp({ congestionControls: [bbr()], ...options.tcp }), udp(options.udp), icmp()],
    })
  }

  get ipv4(): string {
    return this.addresses[0]?.ipv4 ?? ''
  }

  get ipv6(): string {
    return this.addresses[0]?.ipv6 ?? ''
  }
}
