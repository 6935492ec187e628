import type { Packet } from '@stack/buffer'
import type { Address } from '../address/address.ts'
import type { Failure } from '../errors/codes.ts'
import { StackError } from '../errors/stack-error.ts'
import { sameLinkAddress } from '../nic/ethernet.ts'
import type { Host } from '../registration/host.ts'
import type { ConfirmationFlags, LinkAddressResolver, Neighbor, NeighborOptions, NeighborTable } from '../registration/neighbor.ts'
import type { NicCounters } from '../stack/types.ts'
import { createNeighborEntry, type NeighborEntry } from './neighbor-entry.ts'
import { NeighborIndex } from './neighbor-index.ts'
import { NUD, type NudAction, type NudEvent } from './nud.ts'
import { Outcomes, type Waiter } from './outcomes.ts'

/** What a neighbour table needs of its NIC. */
export interface NeighborTableContext {
  readonly host: Pick<Host, 'scheduler' | 'timers' | 'random' | 'onError'>
  readonly nicId: number
  readonly resolver: LinkAddressResolver
  readonly options: NeighborOptions
  /** Source address of requests for `remote`, or null. */
  localAddressFor(remote: Address): Address | null
  /** Takes ownership. */
  sendResolved(packet: Packet, linkAddress: Uint8Array): Failure
  /** Takes ownership: tells the transport that the host is unreachable and releases. Called from the run queue. */
  unreachable(packet: Packet): void
  /** State, link address or router flag changed, or the entry was removed. */
  onChange(neighbor: Neighbor, removed: boolean): void
  readonly counters: Pick<NicCounters, 'dropNeighborQueueFull'>
}

/** Callers of `getLinkAddress` that wait at once, in all. */
const MAX_WAITERS = 1024

/** Makes the neighbour table of one (NIC, network protocol). */
export function createNeighborTable(context: NeighborTableContext): NeighborTable {
  return new Table(context)
}

class Table implements NeighborTable {
  readonly context: NeighborTableContext
  readonly options: Required<NeighborOptions>
  readonly index: NeighborIndex
  /** Entries that hold packets, oldest first. */
  readonly holders = new Set<NeighborEntry>()
  readonly outcomes: Outcomes
  /** Callers of `getLinkAddress` that wait for a resolution. */
  waiting = 0
  closed = false

  constructor(context: NeighborTableContext) {
    const given = context.options
    this.context = context
    this.options = {
      baseReachableTime: given.baseReachableTime ?? 30_000,
      retransmitTimer: given.retransmitTimer ?? 1000,
      maxMulticastProbes: given.maxMulticastProbes ?? 3,
      maxUnicastProbes: given.maxUnicastProbes ?? 3,
      delayFirstProbeTime: given.delayFirstProbeTime ?? 5000,
      maxEntries: given.maxEntries ?? 512,
      maxQueuedPackets: given.maxQueuedPackets ?? 256,
      maxPendingResolutions: given.maxPendingResolutions ?? 64,
    }
    this.outcomes = new Outcomes(context.host, (packet) => context.unreachable(packet))
    this.index = new NeighborIndex(this.options.maxEntries, context.host.random.uint32())
  }

  get size(): number {
    return this.index.entries.size
  }

  lookup(address: Address): Neighbor | null {
    return this.want(address)
  }

  send(neighbor: Neighbor, packet: Packet): Failure {
    const entry = this.current(neighbor as NeighborEntry)
    if (entry === null) {
      packet.release()
      if (this.closed) return 'ENETDOWN'
      this.context.counters.dropNeighborQueueFull++
      return 'ENOBUFS'
    }
    entry.lastUsed = this.context.host.scheduler.now
    // What NUD says of these two states, without reading the table for each packet.
    if (entry.nud === 'reachable' || entry.nud === 'static') return this.context.sendResolved(packet, entry.linkAddress!)
    return this.apply(entry, this.sendEvent(entry), packet)
  }

  handleProbe(address: Address, linkAddress: Uint8Array): void {
    this.learn(address, linkAddress, 'probeSame', 'probeDifferent')
  }

  handleUnsolicited(address: Address, linkAddress: Uint8Array): void {
    this.learn(address, linkAddress, 'unsolicitedSame', 'unsolicitedDifferent')
  }

  handleConfirmation(address: Address, linkAddress: Uint8Array | null, flags: ConfirmationFlags): void {
    const entry = this.index.find(address)
    if (entry === null) return
    if (linkAddress === null) {
      this.apply(entry, flags.solicited ? 'confirmSolicitedBare' : 'confirmUnsolicitedBare', null, null, flags)
      return
    }
    if (!isCredible(linkAddress)) return
    this.apply(entry, confirmationEvent(knows(entry, linkAddress), flags), null, linkAddress, flags)
  }

  confirmReachable(neighbor: Neighbor): void {
    const given = neighbor as NeighborEntry
    const entry = given.attached ? given : this.index.find(given.address)
    if (entry !== null) this.apply(entry, 'upperConfirm')
  }

  doubtReachable(neighbor: Neighbor): void {
    const given = neighbor as NeighborEntry
    const entry = given.attached ? given : this.index.find(given.address)
    if (entry?.nud !== 'reachable') return
    // Its time is up before it is.
    entry.timer?.cancel()
    this.apply(entry, 'reachableTimeout')
  }

  addLinkAddress(address: Address, linkAddress: Uint8Array): void {
    const entry = this.want(address)
    if (entry !== null) this.apply(entry, knows(entry, linkAddress) ? 'probeSame' : 'probeDifferent', null, linkAddress)
  }

  addStatic(address: Address, linkAddress: Uint8Array): void {
    const entry = this.want(address)
    if (entry !== null) this.apply(entry, 'addStatic', null, linkAddress)
    else if (!this.closed) {
      throw new StackError('ERR_STACK_LIMIT', `the neighbour table is full (${this.options.maxEntries} entries in use): raise neighbors.maxEntries`)
    }
  }

  remove(address: Address): boolean {
    const entry = this.index.find(address)
    if (entry === null) return false
    this.detach(entry, 'EHOSTDOWN')
    return true
  }

  getLinkAddress(address: Address, callback: (linkAddress: Uint8Array | null, failure: Failure) => void): () => void {
    const waiter: Waiter = { callback, linkAddress: null, failure: null }
    const known = this.context.resolver.resolveStaticAddress(address)
    const entry = known === null ? this.want(address) : null
    if (known !== null) {
      this.outcomes.settle(waiter, known, null)
    } else if (entry === null || this.waiting >= MAX_WAITERS) {
      this.outcomes.settle(waiter, null, this.closed ? 'ERR_STACK_CLOSED' : 'ENOBUFS')
    } else {
      const event = this.sendEvent(entry)
      this.apply(entry, event)
      if (entry.linkAddress !== null || event === 'sendHeld') {
        this.outcomes.settle(waiter, entry.linkAddress, entry.linkAddress === null ? 'EHOSTDOWN' : null)
      } else {
        entry.waiters.push(waiter)
        this.waiting++
      }
    }
    return () => this.cancel(waiter, entry)
  }

  list(): readonly Neighbor[] {
    return [...this.index.entries]
  }

  flush(): void {
    for (const entry of this.index.entries) if (entry.nud !== 'static') this.detach(entry, 'ENETDOWN')
  }

  close(): void {
    this.closed = true
    for (const entry of this.index.entries) this.detach(entry, 'ERR_STACK_CLOSED')
    // With the NIC go its transports' routes: nobody is left to be told.
    this.outcomes.failing.release()
  }

  // --- entries ---

  /** The entry of somebody here who wants it; null when closed or full. */
  want(address: Address): NeighborEntry | null {
    if (this.closed) return null
    const entry = this.index.find(address) ?? this.insert(createNeighborEntry(address), false)
    if (entry === null) return null
    entry.wanted = true
    entry.lastUsed = this.context.host.scheduler.now
    return entry
  }

  /** A Route may hold an entry that was removed since: go on with its successor, or with itself again. */
  current(entry: NeighborEntry): NeighborEntry | null {
    if (entry.attached || this.closed) return entry.attached ? entry : null
    return this.index.find(entry.address) ?? this.insert(entry, false)
  }

  insert(entry: NeighborEntry, forPeer: boolean): NeighborEntry | null {
    if (this.index.entries.size >= this.options.maxEntries) {
      const victim = this.index.victim(forPeer)
      if (victim === null) return null
      this.detach(victim, 'ENOBUFS')
    }
    entry.updatedAt = this.context.host.scheduler.now
    entry.lastUsed = entry.updatedAt
    this.index.add(entry)
    return entry
  }

  /** Takes an entry out; it is idle then and may come back. */
  detach(entry: NeighborEntry, reason: Failure): void {
    const wasIdle = entry.nud === 'idle'
    this.index.remove(entry)
    this.apply(entry, 'remove', null, null, null, reason)
    if (!wasIdle) this.context.onChange(entry, true)
  }

  learn(address: Address, linkAddress: Uint8Array, same: NudEvent, different: NudEvent): void {
    if (this.closed || !isCredible(linkAddress)) return
    const entry = this.index.find(address) ?? this.insert(createNeighborEntry(address), true)
    if (entry !== null) this.apply(entry, knows(entry, linkAddress) ? same : different, null, linkAddress)
  }

  sendEvent(entry: NeighborEntry): NudEvent {
    return entry.nud === 'failed' && this.context.host.scheduler.now < entry.retryAt ? 'sendHeld' : 'send'
  }

  expired(entry: NeighborEntry): void {
    if (entry.nud === 'reachable') this.apply(entry, 'reachableTimeout')
    else if (entry.nud === 'delay') this.apply(entry, 'delayTimeout')
    else {
      const limit = entry.nud === 'probe' ? this.options.maxUnicastProbes : this.options.maxMulticastProbes
      this.apply(entry, entry.requests < limit ? 'retransmitTimeout' : 'retransmitExhausted')
    }
  }

  // --- the state machine ---

  apply(
    entry: NeighborEntry,
    event: NudEvent,
    packet: Packet | null = null,
    linkAddress: Uint8Array | null = null,
    flags: ConfirmationFlags | null = null,
    reason: Failure = 'EHOSTDOWN',
  ): Failure {
    const transition = NUD[entry.nud][event]
    const before = entry.nud
    const linkAddressBefore = entry.linkAddress
    const isRouterBefore = entry.isRouter
    if (transition.next !== before) {
      entry.nud = transition.next
      entry.updatedAt = this.context.host.scheduler.now
      if (transition.next === 'reachable') {
        entry.reachableTime = this.options.baseReachableTime * (0.5 + this.context.host.random.next())
      }
    }
    let failure: Failure = null
    for (const action of transition.actions) {
      if (action === 'transmit') {
        if (packet !== null) failure = this.context.sendResolved(packet, entry.linkAddress!)
      } else if (action === 'record') {
        if (!knows(entry, linkAddress!)) entry.linkAddress = linkAddress!.slice()
      } else if (action === 'setRouter') {
        entry.isRouter = flags!.isRouter
      } else if (action === 'queue') {
        if (packet !== null) this.queue(entry, packet)
      } else if (action === 'refuse') {
        if (packet !== null) this.refuse(packet)
      } else if (action === 'failQueue') {
        this.failQueue(entry, reason)
      } else {
        this.perform(entry, action)
      }
    }
    const changed = entry.nud !== before || entry.linkAddress !== linkAddressBefore || entry.isRouter !== isRouterBefore
    if (changed && entry.attached) this.context.onChange(entry, false)
    return failure
  }

  /** The actions that need nothing but the entry. */
  perform(entry: NeighborEntry, action: NudAction): void {
    const { options } = this
    switch (action) {
      case 'sendQueue':
        this.sendQueue(entry)
        break
      case 'forget':
        entry.linkAddress = null
        entry.isRouter = false
        break
      case 'resetCount':
        entry.requests = 0
        break
      case 'request':
        this.request(entry, null)
        break
      case 'probe':
        this.request(entry, entry.linkAddress)
        break
      case 'armReachable':
        this.arm(entry, entry.reachableTime)
        break
      case 'armDelay':
        this.arm(entry, options.delayFirstProbeTime)
        break
      case 'armRetransmit':
        this.arm(entry, options.retransmitTimer)
        break
      case 'disarm':
        entry.timer?.cancel()
        break
      case 'hold':
        entry.retryAt = this.context.host.scheduler.now + options.retransmitTimer
    }
  }

  arm(entry: NeighborEntry, delay: number): void {
    entry.timer ??= this.context.host.timers.create(() => this.expired(entry))
    entry.timer.armAfter(delay)
  }

  /** A request that could not be sent counts as one without an answer. */
  request(entry: NeighborEntry, linkAddress: Uint8Array | null): void {
    entry.requests++
    this.context.resolver.linkAddressRequest(entry.address, this.context.localAddressFor(entry.address), linkAddress)
  }

  queue(entry: NeighborEntry, packet: Packet): void {
    const { holders, options } = this
    if (entry.queue.length === 0) {
      if (holders.size >= options.maxPendingResolutions) {
        // The oldest loses its packets; its resolution goes on, so that an answer still serves the next packet.
        for (const oldest of holders) {
          holders.delete(oldest)
          this.context.counters.dropNeighborQueueFull += oldest.queue.release()
          break
        }
      }
      holders.add(entry)
    } else if (entry.queue.length >= options.maxQueuedPackets) {
      entry.queue.shift()!.release()
      this.context.counters.dropNeighborQueueFull++
    }
    entry.queue.push(packet)
  }

  sendQueue(entry: NeighborEntry): void {
    const linkAddress = entry.linkAddress!
    this.holders.delete(entry)
    for (let packet = entry.queue.shift(); packet !== null; packet = entry.queue.shift()) {
      this.context.sendResolved(packet, linkAddress)
    }
    this.settleAll(entry, linkAddress, null)
  }

  failQueue(entry: NeighborEntry, reason: Failure): void {
    this.holders.delete(entry)
    this.outcomes.failAll(entry.queue)
    this.settleAll(entry, null, reason)
  }

  refuse(packet: Packet): void {
    if (this.outcomes.failing.length < this.options.maxQueuedPackets) {
      this.outcomes.fail(packet)
      return
    }
    this.context.counters.dropNeighborQueueFull++
    packet.release()
  }

  // --- callers of getLinkAddress ---

  settleAll(entry: NeighborEntry, linkAddress: Uint8Array | null, failure: Failure): void {
    this.waiting -= entry.waiters.length
    for (const waiter of entry.waiters.splice(0)) this.outcomes.settle(waiter, linkAddress, failure)
  }

  cancel(waiter: Waiter, entry: NeighborEntry | null): void {
    waiter.callback = null
    const index = entry === null ? -1 : entry.waiters.indexOf(waiter)
    if (index < 0) return
    entry!.waiters.splice(index, 1)
    this.waiting--
  }
}

/** RFC 1812 §3.3.2: a host's link address is never a broadcast or multicast address, whatever a message says. */
function isCredible(linkAddress: Uint8Array): boolean {
  return linkAddress.length > 0 && (linkAddress[0]! & 1) === 0
}

function knows(entry: NeighborEntry, linkAddress: Uint8Array): boolean {
  return entry.linkAddress !== null && sameLinkAddress(entry.linkAddress, linkAddress)
}

function confirmationEvent(same: boolean, flags: ConfirmationFlags): NudEvent {
  if (same) return flags.solicited ? 'confirmSolicitedSame' : 'confirmUnsolicitedSame'
  if (flags.override) return flags.solicited ? 'confirmSolicitedOverride' : 'confirmUnsolicitedOverride'
  return flags.solicited ? 'confirmSolicitedDifferent' : 'confirmUnsolicitedDifferent'
}
