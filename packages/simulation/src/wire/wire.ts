import type { LinkEndpoint, Milliseconds, Random } from '@stack/core'
import type { Node } from '../topology/node.ts'
import { Direction, type DirectionCounters } from './direction.ts'
import { WireEnd } from './link.ts'
import { checkWireOptions, settleDirection, type DirectionSettings, type WireOptions } from './options.ts'
import { SAMPLE_INTERVAL, type QueueFigures } from './queue.ts'

/** What happened on one direction of a {@link Wire}. */
export interface WireDirection {
  readonly name: string
  readonly settings: DirectionSettings
  readonly counters: Readonly<DirectionCounters>
  /** Bytes in the queue in [from, until), seconds; default: all the time. Mean and 95th percentile are of samples a ms apart. */
  queue(from?: number, until?: number): QueueFigures
  /** Bytes in the queue at the end of each ms. A view, valid until the simulation goes on. */
  readonly queueSamples: Float64Array
  /** The most bytes in the queue within each ms. */
  readonly queuePeaks: Float64Array
  /** Seconds at which packets were dropped. */
  readonly drops: Float64Array
}

/** Two nodes joined by a wire. */
export interface Wire {
  readonly name: string
  readonly mtu: number
  readonly nodes: readonly [Node, Node]
  /** From the first node to the second. */
  readonly there: WireDirection
  /** From the second node to the first. */
  readonly back: WireDirection
}

/** A wire as the simulation drives it. */
export class SimulatedWire implements Wire {
  readonly name: string
  readonly mtu: number
  readonly nodes: readonly [Node, Node]
  readonly there: WireDirection
  readonly back: WireDirection
  /** What the NICs of the two nodes get. */
  readonly links: readonly [LinkEndpoint, LinkEndpoint]
  private readonly directions: readonly [Direction, Direction]

  constructor(nodes: readonly [Node, Node], options: WireOptions, random: (purpose: string) => Random) {
    checkWireOptions(options)
    const { name = `${nodes[0].name}-${nodes[1].name}`, mtu = 1500, checksums = false, wrap = (link: LinkEndpoint) => link, back, ...both } = options
    this.name = name
    this.mtu = mtu
    this.nodes = nodes
    const there = new Direction(settleDirection(both, mtu), random(`${name} there`))
    const other = new Direction(settleDirection({ ...both, ...back }, mtu), random(`${name} back`))
    this.directions = [there, other]
    const near = new WireEnd(there, mtu, checksums)
    const far = new WireEnd(other, mtu, checksums)
    near.peer = far
    far.peer = near
    this.links = [wrap(near), wrap(far)]
    this.there = faceOf(`${nodes[0].name}→${nodes[1].name}`, there)
    this.back = faceOf(`${nodes[1].name}→${nodes[0].name}`, other)
  }

  begin(start: Milliseconds): void {
    for (const direction of this.directions) direction.begin(start)
  }

  /** Takes the samples that are due. */
  sample(now: Milliseconds): void {
    for (const { queue } of this.directions) queue.sampleUntil(now)
  }
}

/** ms between two values of {@link WireDirection.queueSamples}. */
export const QUEUE_SAMPLE_INTERVAL: Milliseconds = SAMPLE_INTERVAL

function faceOf(name: string, direction: Direction): WireDirection {
  const { settings, counters, queue, drops } = direction
  return {
    name, settings, counters,
    queue: (from = 0, until = Infinity) => queue.figures(from, until),
    get queueSamples() {
      return queue.samples.values()
    },
    get queuePeaks() {
      return queue.peaks.values()
    },
    get drops() {
      return drops.values()
    },
  }
}
