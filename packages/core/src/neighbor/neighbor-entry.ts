import { PacketList } from '@stack/buffer'
import type { Address } from '../address/address.ts'
import type { Milliseconds, Timer } from '../registration/host.ts'
import type { Neighbor, NeighborState } from '../registration/neighbor.ts'
import type { NudState } from './nud.ts'
import type { Waiter } from './outcomes.ts'

/** A neighbour as its table holds it. */
export interface NeighborEntry extends Neighbor {
  nud: NudState
  linkAddress: Uint8Array | null
  isRouter: boolean
  updatedAt: Milliseconds
  /** False once removed: a Route may still refer to it. */
  attached: boolean
  /** Somebody here wanted it; false = made by what a peer said. */
  wanted: boolean
  lastUsed: Milliseconds
  /** Requests sent since the last `resetCount`. */
  requests: number
  /** In `failed`: no new attempt before. */
  retryAt: Milliseconds
  /** RFC 4861 §6.3.2 ReachableTime, jittered anew each time it becomes reachable, ms. */
  reachableTime: Milliseconds
  /** Made when first armed. */
  timer: Timer | null
  readonly queue: PacketList
  readonly waiters: Waiter[]
  /** Next entry in its bucket. */
  nextInBucket: NeighborEntry | null
  /** Packets or callers depend on it, or a person does. */
  readonly inUse: boolean
}

export function createNeighborEntry(address: Address): NeighborEntry {
  return new Entry(address)
}

class Entry implements NeighborEntry {
  readonly address: Address
  nud: NudState = 'idle'
  linkAddress: Uint8Array | null = null
  isRouter = false
  updatedAt: Milliseconds = 0
  attached = false
  wanted = false
  lastUsed: Milliseconds = 0
  requests = 0
  retryAt: Milliseconds = 0
  reachableTime: Milliseconds = 0
  timer: Timer | null = null
  readonly queue: PacketList = new PacketList()
  readonly waiters: Waiter[] = []
  nextInBucket: NeighborEntry | null = null

  constructor(address: Address) {
    this.address = address
  }

  get state(): NeighborState {
    return this.nud === 'idle' ? 'incomplete' : this.nud
  }

  get inUse(): boolean {
    return this.nud === 'static' || this.queue.length > 0 || this.waiters.length > 0
  }
}
