import { createPacketMemory, type PacketMemory } from '@stack/buffer'
import { checkHandler, checkOptions, StackError, type Milliseconds, type OptionSchema } from '@stack/core'
import { capture, type Capture } from '@stack/link-sniffer'
import { manualClock, type ManualClock } from '@stack/testing'
import { jainIndex } from './fairness.ts'
import type { FlowContext } from './flow/context.ts'
import { UdpStream, type DatagramFlow, type DatagramOptions } from './flow/datagrams.ts'
import { TcpTransfer, type Flow, type Transfer, type TransferOptions } from './flow/transfer.ts'
import { SimulatedNode, type Node, type NodeOptions } from './topology/node.ts'
import { randomFor } from './topology/random.ts'
import { addressesOf, addRoutes, type Span } from './topology/routes.ts'
import { Agenda } from './agenda.ts'
import type { WireOptions } from './wire/options.ts'
import { SimulatedWire, type Wire } from './wire/wire.ts'

/** Options of {@link simulation}. */
export interface SimulationOptions {
  /** Everything that is random comes from it. Default 1. */
  readonly seed?: number
  /** Bytes of packet memory for all nodes together; reserved, not touched before they are used. Default 256 MiB. */
  readonly memory?: number
  /** Gets the blocks of a pcapng file: written one after the other they are a file. Default: nothing is captured. */
  readonly onCapture?: (block: Uint8Array) => void
  /** Names of the nodes whose NICs are captured. Default: the hosts that flows start from, without flows all hosts; so a packet is in it once. */
  readonly captureNodes?: readonly string[]
  /** Bytes captured of a packet, 14–262,144. Default 128: the headers. */
  readonly captureLength?: number
}

/** What {@link Simulation.run} returns. It is a view: it changes when the simulation goes on. */
export interface SimulationResult {
  readonly seed: number
  /** Seconds simulated so far. */
  readonly seconds: number
  readonly flows: readonly (Transfer | DatagramFlow)[]
  readonly wires: readonly Wire[]
  /** Jain's fairness index of the flows' goodput in [from, until), seconds. */
  jain(from?: number, until?: number, flows?: readonly Flow[]): number
}

/** A network in virtual time. Build it, run it, look at what happened. */
export interface Simulation {
  readonly seed: number
  readonly clock: ManualClock
  /** Seconds since the start. */
  readonly now: number
  readonly wires: readonly Wire[]
  readonly flows: readonly (Transfer | DatagramFlow)[]
  /** Adds a host. Its name is part of what its random numbers depend on. */
  host(name: string, options?: NodeOptions): Node
  /** Adds a host that forwards. */
  router(name: string, options?: NodeOptions): Node
  /** Joins two nodes. Addresses and routes to everywhere come by themselves. */
  wire(a: Node, b: Node, options?: WireOptions): Wire
  /** Sends data over TCP. */
  transfer(from: Node, to: Node, options?: TransferOptions): Transfer
  /** Sends UDP datagrams at a constant rate. */
  datagrams(from: Node, to: Node, options: DatagramOptions): DatagramFlow
  /** Calls `action` at `seconds` since the start. While a promise that it returned is pending, every instant waits for promises, too. */
  at(seconds: number, action: () => unknown): void
  /**
   * Simulates until `until` seconds since the start; may be called again to go on. The same seed and the same calls give
   * the same packets at the same instants.
   *
   * @throws what an `action` or an application threw; StackError `ERR_STACK_BUSY` while it runs, `ERR_STACK_INVALID_ARGUMENT`
   */
  run(until: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<SimulationResult>
  /** Ends all stacks. Not needed for memory: a simulation that nobody holds is collected. */
  destroy(): void
}

const SCHEMA: OptionSchema<SimulationOptions> = {
  seed: { type: 'number', integer: true },
  memory: { type: 'number', integer: true, min: 1 << 20 },
  onCapture: { type: 'function' },
  captureNodes: { type: 'array' },
  captureLength: { type: 'number', integer: true, min: 14, max: 262_144 },
}
const DEFAULT_MEMORY = 256 << 20
const FIRST_PORT = 5001
/** Seconds simulated between two looks at the host's event loop. */
const SLICE = 0.1
/** ms before time zero in which nodes come up: group reports and the like are over then. */
const WARM_UP: Milliseconds = 30_000

/**
 * Makes a simulation.
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION`
 *
 * @example
 * ```ts
 * import { simulation } from '@stack/simulation'
 *
 * const net = simulation({ seed: 1 })
 * const a = net.host('a')
 * const b = net.host('b')
 * net.wire(a, b, { rate: 10e6, delay: 20 })
 * const flow = net.transfer(a, b, { bytes: 1e6 })
 * await net.run(5)
 * console.log(flow.finishedAt, flow.retransmits)
 * ```
 */
export function simulation(options: SimulationOptions = {}): Simulation {
  checkOptions('simulation()', options, SCHEMA)
  return new Network(options)
}

class Network implements Simulation, SimulationResult, FlowContext {
  readonly seed: number
  readonly clock: ManualClock = manualClock()
  readonly flows: (TcpTransfer | UdpStream)[] = []
  readonly wires: SimulatedWire[] = []
  origin: Milliseconds = 0
  isDestroyed = false
  private readonly options: SimulationOptions
  private readonly memory: PacketMemory
  private readonly nodes: SimulatedNode[] = []
  private readonly spans: Span[] = []
  private readonly agenda = new Agenda()
  private capture: Capture | null = null
  private isUp = false
  private isRunning = false
  private readonly errors: unknown[] = []

  constructor(options: SimulationOptions) {
    this.options = options
    this.seed = options.seed ?? 1
    this.memory = createPacketMemory({ size: options.memory ?? DEFAULT_MEMORY })
  }

  get now(): number {
    return this.isUp ? (this.clock.now() - this.origin) / 1000 : 0
  }

  get seconds(): number {
    return this.now
  }

  host(name: string, options: NodeOptions = {}): Node {
    return this.addNode(name, 'host', options)
  }

  router(name: string, options: NodeOptions = {}): Node {
    return this.addNode(name, 'router', options)
  }

  wire(a: Node, b: Node, options: WireOptions = {}): Wire {
    this.assertBuilding('wire')
    const ends = [this.own(a), this.own(b)] as const
    if (ends[0] === ends[1]) throw new StackError('ERR_STACK_INVALID_ARGUMENT', `wire: both ends are ${a.name}: a wire joins two nodes.`)
    const index = this.wires.length
    const wire = new SimulatedWire(ends, options, (purpose) => randomFor(this.seed, `wire ${index} ${purpose}`))
    this.wires.push(wire)
    this.spans.push({
      wire,
      ends: [this.addAddress(ends[0], index, 0), this.addAddress(ends[1], index, 1)],
    })
    return wire
  }

  transfer(from: Node, to: Node, options: TransferOptions = {}): Transfer {
    const ends = [this.own(from), this.own(to)] as const
    const flow = new TcpTransfer(this, this.flowName(from, to), ...ends, FIRST_PORT + this.flows.length, options)
    this.flows.push(flow)
    this.at(flow.start, () => flow.open())
    return flow
  }

  datagrams(from: Node, to: Node, options: DatagramOptions): DatagramFlow {
    const ends = [this.own(from), this.own(to)] as const
    const flow = new UdpStream(this, this.flowName(from, to), ...ends, FIRST_PORT + this.flows.length, options)
    this.flows.push(flow)
    this.at(flow.start, () => flow.open())
    return flow
  }

  at(seconds: number, action: () => unknown): void {
    checkSeconds('at', seconds)
    checkHandler('at', action, 'function')
    this.agenda.add(seconds, action)
  }

  jain(from?: number, until?: number, flows: readonly Flow[] = this.flows): number {
    return jainIndex(flows.map((flow) => flow.goodput(from, until)))
  }

  async run(until: number, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<SimulationResult> {
    checkSeconds('run', until)
    if (this.isRunning) throw new StackError('ERR_STACK_BUSY', 'run: the simulation runs already: wait for the promise of the first call.')
    this.isRunning = true
    try {
      if (!this.isUp) await this.comeUp()
      // A millisecond is not a binary fraction of a second.
      while (until - this.now > 1e-9) {
        signal?.throwIfAborted()
        await this.step(until)
        if (this.errors.length > 0) throw this.errors.shift()
      }
      for (const wire of this.wires) wire.sample(this.clock.now())
      return this
    } finally {
      this.isRunning = false
    }
  }

  destroy(): void {
    this.isDestroyed = true
    this.capture?.stop()
    for (const { stack } of this.nodes) stack.destroy()
  }

  /** To the next thing on the agenda, or for a slice. */
  private async step(until: number): Promise<void> {
    const { clock, agenda, origin } = this
    agenda.runDue(this.now, (error) => this.errors.push(error))
    const target = origin + Math.min(until, agenda.next, this.now + SLICE) * 1000
    const ms = target - clock.now()
    if (agenda.pending > 0) await clock.advance(ms)
    else {
      clock.advanceSync(ms)
      await clock.settle()
    }
  }

  private async comeUp(): Promise<void> {
    const { clock, spans } = this
    const added: Promise<unknown>[] = []
    for (const { wire, ends } of spans) {
      for (const [index, { node, ipv4, ipv6 }] of ends.entries()) {
        added.push(node.stack.addNic(wire.links[index]!, { name: wire.name, addresses: [`${ipv4}/24`, `${ipv6}/64`], skipDuplicateDetection: true }))
      }
    }
    await clock.until(Promise.all(added))
    addRoutes(this.nodes, spans)
    await clock.advance(WARM_UP)
    this.origin = clock.now()
    this.isUp = true
    for (const { wire } of spans) wire.begin(this.origin)
    this.startCapture()
  }

  private startCapture(): void {
    const { onCapture, captureNodes, captureLength = 128 } = this.options
    if (onCapture === undefined) return
    const senders = this.flows.map(({ from }) => from)
    const isDefault = (node: Node): boolean => (senders.length > 0 ? senders.includes(node) : node.kind === 'host')
    const nodes = this.nodes.filter((node) => captureNodes?.includes(node.name) ?? isDefault(node))
    this.capture = capture(nodes.flatMap(({ stack }) => stack.nics), { onBlock: onCapture, snapLength: captureLength })
  }

  private addNode(name: string, kind: 'host' | 'router', options: NodeOptions): Node {
    this.assertBuilding(kind)
    if (this.nodes.some((node) => node.name === name)) {
      throw new StackError('ERR_STACK_INVALID_ARGUMENT', `${kind}: there is a node '${name}' already: give each a name of its own.`)
    }
    const node = new SimulatedNode(name, kind, options, {
      clock: this.clock,
      memory: this.memory,
      random: randomFor(this.seed, `node ${name}`),
      onError: (error) => this.errors.push(error),
    })
    this.nodes.push(node)
    return node
  }

  private addAddress(node: SimulatedNode, index: number, end: 0 | 1): Span['ends'][0] {
    const addresses = addressesOf(index, end)
    node.addresses.push(addresses)
    return { node, ...addresses }
  }

  private own(node: Node): SimulatedNode {
    const own = this.nodes.find((other) => other === node)
    if (own !== undefined) return own
    const name = (node as Partial<Node> | null | undefined)?.name
    throw new StackError('ERR_STACK_INVALID_ARGUMENT', name === undefined ? 'A node is what host() or router() returns.' : `The node ${name} belongs to another simulation.`)
  }

  private flowName(from: Node, to: Node): string {
    const name = `${from.name}→${to.name}`
    const same = this.flows.filter((flow) => flow.from === from && flow.to === to).length
    return same === 0 ? name : `${name} #${same + 1}`
  }

  private assertBuilding(what: string): void {
    if (!this.isUp) return
    throw new StackError('ERR_STACK_NOT_SUPPORTED', `${what}: the simulation has begun: build the network before the first run().`)
  }
}

/** NaN would be an instant that never comes, and nothing behind it would. */
function checkSeconds(syscall: string, seconds: unknown): void {
  if (Number.isFinite(seconds) && (seconds as number) >= 0) return
  throw new StackError('ERR_STACK_INVALID_ARGUMENT', `${syscall} takes seconds since the start, a number of at least 0, received ${String(seconds)}.`, { syscall })
}
