import type { PacketPool } from '@stack/buffer'
import { createStack, seededRandom, type Installed, type Nic, type StackBase } from '@stack/core'
import { internet, type Internet } from '@stack/preset-internet'
import { raw, type RawSocketsPlugin } from '@stack/raw'
import type { Connection } from '@stack/tcp'
import { deterministicRandom, fakeLink, manualClock, parsePacket, scriptedPeer, type FakeLink, type ManualClock, type ParsedPacket } from '@stack/testing'
import { ADDRESSES, LINK_ADDRESSES, PEER } from './addresses.ts'
import type { BuildContext } from './build.ts'
import type { Case, Setup } from './case.ts'
import { Flows } from './flows.ts'
import { fuzzLink, type FuzzLink } from './link.ts'
import { answerTo } from './neighbor.ts'
import type { Memories, Variant } from './variant.ts'

export type FuzzStack = StackBase & Installed<readonly [Internet, RawSocketsPlugin]>

/** Ports on which somebody is. */
export const PORTS = { listener: 7000, udpEcho: 7, udpSilent: 9, peer: 5000 } as const

const MOST_REMEMBERED = 16

/** Did the stack make it, and not only forward it? What is from nobody, or from a link, is never forwarded. */
function isOwn({ layers }: ParsedPacket, { addresses }: Nic): boolean {
  // The outer one: what is forwarded may be a tunnel.
  const source = layers.find((header) => header.layer === 'ipv4' || header.layer === 'ipv6')?.source
  return source === undefined || /^(::|0\.0\.0\.0|fe80:.*)$/.test(source) || addresses.some(({ address }) => address === source)
}

/** A stack with something of everything open, a peer that is a case, and everything that is looked at. */
export class World implements BuildContext {
  readonly setup: Setup
  readonly framing: 'ip' | 'ethernet'
  readonly clock: ManualClock
  readonly stack: FuzzStack
  readonly nic: Nic<FakeLink>
  readonly wire: FuzzLink
  readonly memory: PacketPool
  readonly flows: Flows
  /** What went wrong. */
  readonly problems: string[]
  /** What the stack sent and nobody looked at yet. */
  readonly out: ParsedPacket[]
  /** Packets that the stack sent, the last first. */
  private readonly remembered: Uint8Array[] = []
  private readonly pending: { readonly what: string; settled: boolean }[] = []
  /** The connection of the setup. */
  connection: Connection | null = null
  stackPort: number = PORTS.listener
  /** A hash of all frames that came. */
  heard = 0x811c_9dc5 | 0
  /** Several frames have come at once. */
  hadBatch = false
  /** Then one acknowledged what was not sent yet, or had text beyond the window: it depends on batches whether that is so. */
  isAhead = false

  private constructor(setup: Setup, parts: Pick<World, 'clock' | 'stack' | 'nic' | 'wire' | 'memory' | 'problems' | 'out'>, flows: Flows) {
    this.setup = setup
    this.framing = setup.framing
    this.flows = flows
    ;({ clock: this.clock, stack: this.stack, nic: this.nic, wire: this.wire, memory: this.memory, problems: this.problems, out: this.out } = parts)
  }

  static async create({ setup, steps }: Case, variant: Variant, memories: Memories): Promise<World> {
    const problems: string[] = []
    const note = (what: string) => (error: unknown): void => {
      problems.push(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    }
    const clock = manualClock({ onError: note('thrown in a turn') })
    const memory = memories.pool(variant)
    const { keepAlive, ...tcp } = setup.tcp
    const { forwarding } = setup
    const stack: FuzzStack = createStack({
      plugins: [internet({
        tcp: { ...tcp, keepAlive: keepAlive ? { idle: 10_000, interval: 1000, count: 3 } : false },
        ipv4: { forwarding }, ipv6: { forwarding },
      }), raw()],
      clock, memory, name: 'fuzz', random: seededRandom(1), secureRandom: deterministicRandom(2), onError: note('thrown by a listener'),
    })
    // What the app writes is a pattern unless several write to one connection.
    const isText = !steps.some((step) => 'call' in step && step.call === 'writeNoise')
    const flows = new Flows(setup.mtu, isText)
    const out: ParsedPacket[] = []
    // At once: what is heard after it must not be taken for what came before.
    let nic: Nic<FakeLink> | null = null
    const wire = fuzzLink(setup.framing, setup.mtu, variant, (bytes) => {
      const parsed = parsePacket(bytes, { first: setup.framing === 'ethernet' ? 'ethernet' : 'ip' })
      if (!setup.forwarding || nic === null || isOwn(parsed, nic)) flows.sent(parsed)
      out.push(parsed)
    })
    nic = await stack.addNic(wire.link, { addresses: ['10.0.0.1/24', 'fd00::1/64'], skipDuplicateDetection: true, softwareGso: variant.gso, gro: variant.gro })
    if (forwarding) await stack.addNic(fakeLink(), { addresses: ['10.9.0.1/16', 'fd09::1/64'], skipDuplicateDetection: true })
    const world = new World(setup, { clock, stack, nic, wire, memory, problems, out }, flows)
    if (setup.framing === 'ethernet' && !setup.resolves) {
      for (const host of [ADDRESSES.ipv4[PEER]!, ADDRESSES.ipv6[PEER]!]) nic.neighbors.addStatic(host, LINK_ADDRESSES[PEER])
    }
    world.open()
    await clock.settle()
    if (setup.state !== null) await world.enter()
    world.look()
    return world
  }

  /** Something of everything is open. */
  private open(): void {
    const { stack } = this
    const echo = stack.udp.bind({ port: PORTS.udpEcho })
    echo.setHandler({
      datagram(data, remote) {
        try {
          echo.send(data, remote)
        } catch {
          // A sender whose address nothing leads to.
        }
      },
    })
    stack.udp.bind({ port: PORTS.udpSilent, receiveBuffer: 4096 })
    stack.raw.open({ protocol: 253 }).setHandler(() => undefined)
    stack.raw.open({ protocol: 253, networkProtocol: 0x86dd })
    stack.raw.packet({ receiveBuffer: 8192 })
  }

  /** Brings the connection into the state of the setup. */
  private async enter(): Promise<void> {
    const { stack, clock, setup, wire: { link } } = this
    const { state, family, modern } = setup
    const open = state === 'listen' ? 'passive' : state === 'syn-sent' ? 'active' : setup.open
    const peer = scriptedPeer({ stack, clock, link: { framing: link.framing, tryRead: () => link.tryRead(), inject: (bytes) => this.injectHeard(bytes) }, family })
    if (modern) peer.timestamp = 1_000_000
    const reached = await peer.inState(state!, { open, ...(modern ? { handshake: { sackPermitted: true, scale: 7 } } : {}) })
    this.connection = reached.connection
    this.stackPort = peer.localPort
    if (reached.pending !== null) void this.track('the handshake', reached.pending).then((connection) => {
      this.connection ??= connection ?? null
    })
    this.look()
    const flow = this.flows.at(ADDRESSES[family][PEER]!, this.stackPort, PORTS.peer)
    flow.peerNext = (peer.irs + reached.ack) >>> 0
    flow.irs = peer.irs >>> 0
    if (reached.seq > 0) flow.stackNext = (peer.iss + reached.seq) >>> 0
  }

  private injectHeard(bytes: Uint8Array): boolean {
    this.flows.heard(this.parse(bytes))
    return this.wire.link.inject(bytes)
  }

  ports(index: number): { readonly stack: number; readonly peer: number } {
    if (index === 0) return { stack: this.stackPort, peer: PORTS.peer }
    return { stack: index % 3 === 2 ? 4 : PORTS.listener, peer: PORTS.peer + index }
  }

  sentAgo(index: number): Uint8Array | null {
    return this.remembered[index] ?? null
  }

  get now(): number {
    return this.clock.now()
  }

  parse(bytes: Uint8Array): ParsedPacket {
    return parsePacket(bytes, { first: this.framing === 'ethernet' ? 'ethernet' : 'ip' })
  }

  /** Takes what the stack sent, looks at it, and answers address resolution where the peer does. Returns the packets. */
  look(): Uint8Array[] {
    const { wire, out } = this
    for (let round = 0; round < 4; round++) {
      while (wire.link.tryRead() !== null);
      const answers: Uint8Array[] = []
      for (const parsed of out.slice(this.looked)) {
        const { bytes } = parsed
        if (parsed.ipv4 !== null || parsed.ipv6 !== null) this.remembered.unshift(this.framing === 'ethernet' ? bytes.slice(14) : bytes)
        const answer = this.setup.resolves ? answerTo(parsed) : null
        if (answer !== null) answers.push(answer)
      }
      this.looked = out.length
      this.remembered.length = Math.min(this.remembered.length, MOST_REMEMBERED)
      if (answers.length === 0) break
      wire.receive(answers)
    }
    const packets = out.splice(0)
    this.looked = 0
    return packets.map(({ bytes }) => bytes)
  }

  private looked = 0

  /** A promise that has to settle when the stack is gone, at the latest. What it rejects with has to be an error that the API documents. */
  async track<T>(what: string, promise: Promise<T>): Promise<T | undefined> {
    const entry = { what, settled: false }
    this.pending.push(entry)
    try {
      return await promise
    } catch (error) {
      this.checkError(what, error)
      return undefined
    } finally {
      entry.settled = true
    }
  }

  /** Errors of the API have a code. */
  checkError(what: string, error: unknown): void {
    const code = (error as { readonly code?: unknown } | null)?.code
    if (typeof code !== 'string') this.problems.push(`${what} failed with what is no StackError: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }

  get unsettled(): readonly string[] {
    return this.pending.filter(({ settled }) => !settled).map(({ what }) => what)
  }
}
