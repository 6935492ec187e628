import { checkOptions, StackError, type LinkEndpoint, type Milliseconds, type OptionSchema } from '@stack/core'
import { assertProbability, randomLoss, type LossModel } from './loss.ts'
import type { MarkSettings } from './mark.ts'

/** A queue in bytes, in packets, or in bandwidth-delay products of the wire's rate and a round trip. */
export type QueueLimit =
  | number
  | { readonly packets: number }
  /** `rtt` in ms; default: twice the wire's delay. Never less than ten full packets. */
  | { readonly bdp: number; readonly rtt?: Milliseconds }

/**
 * When a queue marks packets that are capable of ECN (RFC 3168); others are dropped instead. With `from` alone everything is
 * marked that finds more than that waiting, as DCTCP wants it (RFC 8257 §3.1).
 */
export interface Marking {
  /** Marking begins with so much in the queue: bytes, packets of the wire's MTU, or bandwidth-delay products. */
  readonly from: QueueLimit
  /** Beyond so much everything is marked. Default `from`. */
  readonly to?: QueueLimit
  /** Probability of a mark just before `to`; rises from 0 at `from`. Default 1. */
  readonly probability?: number
}

/** Packets that are held back on their way, so that later ones overtake them. */
export interface Reordering {
  /** Part of the packets, 0–1. */
  readonly probability: number
  /** Extra delay in ms, drawn evenly from between the two. */
  readonly delay: readonly [Milliseconds, Milliseconds]
}

/** A time without the wire: what enters it is lost, or held. Seconds since the start of the simulation. */
export interface Outage {
  readonly from: number
  readonly until: number
  /** What enters it leaves at its end, as from a radio that repeats until it is heard. Default false. */
  readonly holds?: boolean
}

/** One direction of a wire. */
export interface DirectionOptions {
  /** Bits a second, one packet after the other. Default `Infinity`. */
  readonly rate?: number
  /** Propagation delay, ms one way. Default 0. */
  readonly delay?: Milliseconds
  /** The drop-tail queue before the wire, the packet on the wire included. A number is bytes. Default `{ bdp: 1 }`. */
  readonly queue?: QueueLimit
  /** Marks packets before the queue is full. Default: never. */
  readonly mark?: Marking
  /** Part of the packets that is lost after the queue, or a model. Default 0. */
  readonly loss?: number | LossModel
  /** Spread of the delay, ms: uniform between 0 and this on top of it, never out of order. Default 0. */
  readonly jitter?: Milliseconds
  /** Packets that others overtake. Default none. */
  readonly reorder?: Reordering
  /** Default none. */
  readonly outages?: readonly Outage[]
  /** Bytes that every packet takes on the wire beside its own. Default 14: an Ethernet header. */
  readonly overhead?: number
}

/** Options of a wire: for both directions, and in `back` what is different from the second node to the first. */
export interface WireOptions extends DirectionOptions {
  /** Default: from the nodes, `'a-b'`. */
  readonly name?: string
  /** Bytes of the largest network packet. Default 1,500. */
  readonly mtu?: number
  /** Compute and verify checksums instead of trusting the memory of one process. Default false. */
  readonly checksums?: boolean
  /** Puts a link around each end, for what a wire does not do: `(link) => netem(link, { corrupt: 0.001 })`. Default none. */
  readonly wrap?: (link: LinkEndpoint) => LinkEndpoint
  /** The way from the second node to the first, where it differs. */
  readonly back?: DirectionOptions
}

/** A direction with everything decided. */
export interface DirectionSettings {
  readonly rate: number
  readonly delay: Milliseconds
  readonly limitBytes: number
  readonly limitPackets: number
  readonly mark: MarkSettings | null
  readonly loss: LossModel | null
  readonly jitter: Milliseconds
  readonly reorder: Reordering | null
  readonly outages: readonly Outage[]
  readonly overhead: number
}

const DIRECTION: OptionSchema<DirectionOptions> = {
  rate: { type: 'number', min: 1 },
  delay: { type: 'number', min: 0, max: 3_600_000 },
  queue: { type: 'any' },
  mark: { type: 'object' },
  loss: { type: 'any' },
  jitter: { type: 'number', min: 0, max: 3_600_000 },
  reorder: { type: 'object' },
  outages: { type: 'object' },
  overhead: { type: 'number', integer: true, min: 0, max: 1000 },
}
const WIRE: OptionSchema<WireOptions> = {
  ...DIRECTION,
  name: { type: 'string' },
  mtu: { type: 'number', integer: true, min: 68, max: 65_535 },
  checksums: { type: 'boolean' },
  wrap: { type: 'function' },
  back: { type: 'object' },
}

const MARK: OptionSchema<Marking> = { from: { type: 'any' }, to: { type: 'any' }, probability: { type: 'any' } }

const ETHERNET_HEADER = 14
/** A shorter queue than this holds no burst of two segments, and measures nothing but that. */
const LEAST_PACKETS = 10

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function checkWireOptions(options: WireOptions): void {
  checkOptions('wire()', options, WIRE)
  if (options.back !== undefined) checkOptions('wire(): back', options.back, DIRECTION)
}

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function settleDirection(options: DirectionOptions, mtu: number): DirectionSettings {
  const { rate = Infinity, delay = 0, queue = { bdp: 1 }, jitter = 0, reorder, outages = [], overhead = ETHERNET_HEADER } = options
  if (reorder !== undefined) assertProbability('wire(): reorder', 'probability', reorder.probability)
  return {
    rate, delay, jitter, outages, overhead,
    ...limitsOf(queue, rate, delay, mtu + overhead),
    mark: options.mark === undefined ? null : markOf(options.mark, rate, delay, mtu + overhead),
    loss: lossOf(options.loss),
    reorder: reorder === undefined || reorder.probability === 0 ? null : reorder,
  }
}

function limitsOf(queue: QueueLimit, rate: number, delay: Milliseconds, packet: number): { limitBytes: number; limitPackets: number } {
  if (typeof queue === 'number') return { limitBytes: positive(queue), limitPackets: Infinity }
  if ('packets' in queue) return { limitBytes: Infinity, limitPackets: positive(queue.packets) }
  const product = (rate * (queue.rtt ?? 2 * delay)) / 8000
  // Without a rate nothing waits.
  const bytes = rate === Infinity ? Infinity : Math.max(positive(queue.bdp) * product, LEAST_PACKETS * packet)
  return { limitBytes: bytes, limitPackets: Infinity }
}

function markOf(mark: Marking, rate: number, delay: Milliseconds, packet: number): MarkSettings {
  checkOptions('wire(): mark', mark, MARK)
  const { from, to = from, probability = 1 } = mark
  assertProbability('wire(): mark', 'probability', probability)
  const settings = { from: bytesOf(from, rate, delay, packet), to: bytesOf(to, rate, delay, packet), probability }
  if (settings.to >= settings.from) return settings
  throw new StackError('ERR_STACK_INVALID_OPTION', `wire(): option 'mark' must not begin with more bytes (${settings.from}) than it ends with (${settings.to}).`)
}

function bytesOf(limit: QueueLimit, rate: number, delay: Milliseconds, packet: number): number {
  if (typeof limit === 'number') return positive(limit)
  if ('packets' in limit) return positive(limit.packets) * packet
  return (positive(limit.bdp) * rate * (limit.rtt ?? 2 * delay)) / 8000
}

function positive(value: number): number {
  if (typeof value === 'number' && value > 0) return value
  throw new StackError('ERR_STACK_INVALID_OPTION', `wire(): option 'queue' must be more than 0 bytes, packets or bandwidth-delay products, received ${value}.`)
}

function lossOf(loss: number | LossModel | undefined): LossModel | null {
  if (loss === undefined || loss === 0) return null
  return typeof loss === 'function' ? loss : randomLoss(loss)
}
