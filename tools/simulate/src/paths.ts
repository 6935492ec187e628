import { losePackets, type LossModel, type Node, type NodeOptions, type Simulation, type Transfer, type Wire, type WireOptions } from '@stack/simulation'
import type { ConnectionOptions } from '@stack/tcp'

/** Payload part of a full segment on Ethernet, with timestamps: 1,448 of 1,514 bytes. */
const PAYLOAD_SHARE = 1448 / 1514
export const MSS = 1448

/** A path: `rate` bit/s, `rtt` ms both ways. */
export interface PathOptions extends Pick<WireOptions, 'queue' | 'mark' | 'loss' | 'reorder' | 'outages' | 'back'> {
  readonly rate: number
  readonly rtt: number
  /** Pairs of hosts that share the bottleneck. Default 1. */
  readonly pairs?: number
  /** Of the hosts. */
  readonly host?: NodeOptions
}

/** Senders and receivers on both sides of one bottleneck between two routers. */
export interface Path {
  readonly senders: readonly Node[]
  readonly receivers: readonly Node[]
  readonly bottleneck: Wire
  /** Bytes: rate × RTT. */
  readonly bdp: number
  /** Payload bits a second that the bottleneck can carry. */
  readonly capacity: number
}

/** Builds senders – left – bottleneck – right – receivers. All delay and all queueing is in the middle; the queue is one BDP unless said. */
export function dumbbell(net: Simulation, options: PathOptions): Path {
  const { rate, rtt, pairs = 1, host, ...wire } = options
  const left = net.router('left')
  const right = net.router('right')
  const bottleneck = net.wire(left, right, { queue: { bdp: 1 }, ...wire, rate, delay: rtt / 2, name: 'bottleneck' })
  const names = Array.from({ length: pairs }, (_, i) => (pairs === 1 ? '' : String(i + 1)))
  const senders = names.map((name) => net.host(`sender${name}`, host))
  const receivers = names.map((name) => net.host(`receiver${name}`, host))
  for (const sender of senders) net.wire(sender, left)
  for (const receiver of receivers) net.wire(right, receiver)
  return { senders, receivers, bottleneck, bdp: (rate * rtt) / 8000, capacity: rate * PAYLOAD_SHARE }
}

/** The classic: half of the window at a loss, a segment more with each round trip (RFC 5681). */
export const RENO: ConnectionOptions = { congestionControl: 'reno' }

/** The n-th data segment of the only transfer is lost; a SYN comes first. */
export function loseSegments(...numbers: readonly number[]): LossModel {
  return losePackets(...numbers.map((number) => number + 1))
}

/** Goodput as a part of what the path can carry. */
export function share(flow: Transfer, path: Path, from: number, until: number): number {
  return flow.goodput(from, until) / path.capacity
}

/** Seconds at which the first and last retransmission were sent; null = none. */
export function retransmissions(flow: Transfer): number[] {
  const times: number[] = []
  for (let i = 0; i < flow.trace.length; i++) if (flow.trace.isRetransmission(i)) times.push(flow.trace.time(i))
  return times
}

/** Seconds at which the first ACK of something new came after `from`. */
export function nextProgress(flow: Transfer, from: number): number {
  const { trace } = flow
  let acked = 0
  for (let i = 0; i < trace.length; i++) {
    if (!trace.isReceive(i)) continue
    if (trace.time(i) >= from && trace.position(i) > acked) return trace.time(i)
    acked = Math.max(acked, trace.position(i))
  }
  return Infinity
}
