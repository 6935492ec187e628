import { createPacketMemory, type PacketPool } from '@stack/buffer'
import type { Nic, NicOptions, StackBase } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { channel, type ChannelLink } from '@stack/link-channel'
import { createTestStack, scriptedPeer, type Family, type ManualClock, type ScriptedPeer, type Segment, type SegmentExpectations, type SegmentFields, type TestStack } from '@stack/testing'
import { expect } from 'vitest'
import { tcp, type Connection, type ConnectOptions, type ListenOptions, type Tcp, type TcpOptions } from '../../src/index.ts'

export { concat, deterministicRandom as deterministic, FAMILIES, isPattern, pattern, type Family, type Segment } from '@stack/testing'

export const PEER_PORT = 5000
export const PORT = 7000

/** Memory for what holds hundreds of packets at once, however little the default memory gives. */
export function ample(): PacketPool {
  return createPacketMemory({ size: 8 << 20 }).pool()
}

export interface BenchOptions {
  readonly family?: Family
  readonly mtu?: number
  readonly tcp?: TcpOptions
  readonly nic?: Omit<NicOptions, 'addresses'>
  /** In place of an account of its own on the default memory. */
  readonly memory?: PacketPool
}

type TcpStack = StackBase & { readonly tcp: Tcp }

/** One stack whose only neighbour is the test, as a scripted peer. */
export class Bench {
  readonly clock: ManualClock
  readonly link: ChannelLink
  readonly stack: TcpStack
  readonly nic: Nic
  readonly family: Family
  readonly local: string
  readonly remote: string
  readonly peer: ScriptedPeer<Tcp>
  private readonly testStack: TestStack<TcpStack, ChannelLink>

  private constructor(testStack: TestStack<TcpStack, ChannelLink>, family: Family) {
    const { stack, clock, link } = testStack
    this.testStack = testStack
    this.stack = stack
    this.nic = testStack.nic
    this.clock = clock
    this.link = link
    // Only segments are of interest here.
    this.peer = scriptedPeer({ stack, clock, link, family, ignore: (packet) => packet.tcp === null })
    this.family = family
    this.local = this.peer.local
    this.remote = this.peer.remote
  }

  static async create({ family = 'ipv4', mtu = 1500, tcp: options, nic, memory }: BenchOptions = {}): Promise<Bench> {
    const plugins = [ipv4(), ipv6(), tcp(options)] as const
    return new Bench(await createTestStack({ plugins, link: channel({ mtu }), ...(nic === undefined ? {} : { nic }), ...(memory === undefined ? {} : { memory }) }), family)
  }

  /** The same peer, calling at another address. */
  calling(local: string): ScriptedPeer<Tcp> {
    const { stack, clock, link, family } = this
    return scriptedPeer({ stack, clock, link, family, local, ignore: (packet) => packet.tcp === null })
  }

  /** Ends the stack and checks that nothing is left. */
  async end(): Promise<void> {
    expect(this.counters['illegalTransitions']).toBe(0)
    await this.testStack.end()
  }

  /** What listeners and handlers threw; a test that expects some takes it out. */
  get errors(): unknown[] {
    return this.testStack.errors
  }

  get counters(): Readonly<Record<string, number>> {
    return this.stack.statistics().protocols['tcp']!
  }

  get iss(): number {
    return this.peer.iss
  }

  set iss(iss: number) {
    this.peer.iss = iss
  }

  set irs(irs: number) {
    this.peer.irs = irs
  }

  get localPort(): number {
    return this.peer.localPort
  }

  set localPort(port: number) {
    this.peer.localPort = port
  }

  get remotePort(): number {
    return this.peer.remotePort
  }

  set remotePort(port: number) {
    this.peer.remotePort = port
  }

  get peerTs(): number | null {
    return this.peer.timestamp
  }

  set peerTs(timestamp: number | null) {
    this.peer.timestamp = timestamp
  }

  send(flags: string, fields?: SegmentFields): Promise<void> {
    return this.peer.send(flags, fields)
  }

  inject(flags: string, fields?: SegmentFields): void {
    this.peer.inject(flags, fields)
  }

  /** What `work` injects comes in one batch of the link. */
  async batch(work: () => void): Promise<void> {
    const { scheduler } = this.clock
    scheduler.enqueue({
      queued: false,
      poll() {
        work()
        return 1
      },
    })
    scheduler.run()
    await this.peer.settle()
  }

  next(): Segment {
    return this.peer.next()
  }

  expect(flags: string, fields?: SegmentExpectations): Segment {
    return this.peer.expect(flags, fields)
  }

  expectNothing(): void {
    this.peer.expectNothing()
  }

  all(): Segment[] {
    return this.peer.all()
  }

  connect(options?: Partial<ConnectOptions>, syn?: SegmentFields): Promise<Connection> {
    return this.peer.connect(options, syn)
  }

  accept(options?: Partial<ListenOptions>, syn?: SegmentFields): Promise<Connection> {
    return this.peer.accept(options, syn)
  }
}
