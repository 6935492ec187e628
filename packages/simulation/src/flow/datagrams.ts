import { checkOptions, type OptionSchema, type Timer } from '@stack/core'
import type { UdpSocket } from '@stack/udp'
import type { FlowContext } from './context.ts'
import { Deliveries, type Interval } from './deliveries.ts'
import type { Flow } from './transfer.ts'
import type { Node } from '../topology/node.ts'

/** Options of a stream of UDP datagrams at a constant rate. */
export interface DatagramOptions {
  /** Default: from the nodes, `'a→b'`, with a number from the second on. */
  readonly name?: string
  /** Payload bits a second. */
  readonly rate: number
  /** Payload bytes of each datagram, 1–65,507. Default 1,200. */
  readonly size?: number
  /** Seconds since the start of the simulation. Default 0. */
  readonly start?: number
  /** Seconds that it lasts. Default: until the simulation ends. */
  readonly seconds?: number
  /** Default `'ipv4'`. */
  readonly family?: 'ipv4' | 'ipv6'
  /** Seconds of each of the `intervals`, whole milliseconds. Default 0.1. */
  readonly interval?: number
}

/** A stream of UDP datagrams at a constant rate: traffic that does not yield. */
export interface DatagramFlow extends Flow {
  readonly kind: 'udp'
  readonly sent: number
  readonly received: number
}

const SCHEMA: OptionSchema<DatagramOptions> = {
  name: { type: 'string' },
  rate: { type: 'number', min: 1 },
  size: { type: 'number', integer: true, min: 1, max: 65_507 },
  start: { type: 'number', min: 0 },
  seconds: { type: 'number', min: 0 },
  family: { type: 'string', oneOf: ['ipv4', 'ipv6'] },
  interval: { type: 'number', min: 0.001 },
}

export class UdpStream implements DatagramFlow {
  readonly kind = 'udp'
  readonly name: string
  readonly from: Node
  readonly to: Node
  readonly start: number
  sent = 0
  received = 0
  private readonly context: FlowContext
  private readonly options: DatagramOptions
  private readonly port: number
  private readonly deliveries: Deliveries
  private readonly payload: Uint8Array
  private timer: Timer | null = null

  constructor(context: FlowContext, name: string, from: Node, to: Node, port: number, options: DatagramOptions) {
    checkOptions('datagrams()', options, SCHEMA)
    this.context = context
    this.name = options.name ?? name
    this.from = from
    this.to = to
    this.port = port
    this.options = options
    this.start = options.start ?? 0
    this.payload = new Uint8Array(options.size ?? 1200)
    this.deliveries = new Deliveries(options.interval ?? 0.1)
  }

  get bytes(): number {
    return this.deliveries.bytes
  }

  get intervals(): readonly Interval[] {
    return this.deliveries.intervals(this.context.now)
  }

  goodput(from: number = this.start, until: number = Math.min(this.context.now, this.start + (this.options.seconds ?? Infinity))): number {
    return this.deliveries.rate(from, until)
  }

  open(): void {
    const { from, to, port, context, options } = this
    const receiver = to.stack.udp.bind({ port })
    receiver.setHandler({
      datagram: (data) => {
        this.received++
        this.deliveries.add(context.now, data.length)
      },
    })
    const sender = from.stack.udp.connect({ host: to[options.family ?? 'ipv4'], port })
    this.timer = context.clock.scheduler.timers.create(() => this.send(sender))
    this.send(sender)
  }

  private send(sender: UdpSocket): void {
    const { options, context, payload } = this
    if (context.now >= this.start + (options.seconds ?? Infinity)) return
    if (sender.send(payload)) this.sent++
    this.timer!.armAfter((payload.length * 8000) / options.rate)
  }
}
