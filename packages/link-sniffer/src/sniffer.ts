import type { Packet } from '@stack/buffer'
import { LinkWrapper, type LinkEndpoint, type NetworkDispatcher, type PacketBatch } from '@stack/core'
import { checkCaptureOptions, Recorder, type Capture, type CaptureOptions, type Entry } from './recorder.ts'

/** The link that {@link sniffer} makes. Its kind, MTU, framing and capabilities are those of the link inside. */
export interface SnifferLink<L extends LinkEndpoint = LinkEndpoint> extends LinkEndpoint {
  /** The link inside. */
  readonly lower: L
  /** The running capture; after its `stop` the link only passes packets on. */
  readonly capture: Capture
}

/**
 * A link around another that captures what passes, from the first `attach` on: for links without a stack above them, and
 * for a look below another wrapper. With a stack, {@link capture} is better: it costs nothing when it is off.
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION`
 */
export function sniffer<L extends LinkEndpoint>(lower: L, options: CaptureOptions): SnifferLink<L> {
  checkCaptureOptions('sniffer()', options)
  return new Sniffer(lower, options)
}

class Sniffer<L extends LinkEndpoint> extends LinkWrapper<L> implements SnifferLink<L>, Capture {
  private readonly recorder: Recorder
  private readonly name: string
  private id = -1
  private isOn = true

  constructor(lower: L, options: CaptureOptions) {
    super(lower)
    this.recorder = new Recorder(options)
    this.name = options.name ?? lower.kind
  }

  get capture(): Capture {
    return this
  }

  get packets(): number {
    return this.recorder.packets
  }

  get bytes(): number {
    return this.recorder.bytes
  }

  get dropped(): number {
    return this.recorder.dropped
  }

  stop(): void {
    this.isOn = false
    this.recorder.wake()
  }

  override attach(dispatcher: NetworkDispatcher | null): void {
    if (dispatcher !== null && this.id < 0) {
      this.recorder.start(dispatcher.host.clock)
      this.id = this.recorder.addInterface(this.name, this.framing)
    }
    super.attach(dispatcher)
  }

  override writePackets(batch: PacketBatch): number {
    if (!this.isCapturing) return super.writePackets(batch)
    // Copied before the packets belong to the inner link, and kept for those that it takes.
    const entries: (Entry | null)[] = []
    for (let i = 0; i < batch.length; i++) entries.push(this.recorder.prepare(this.id, 'out', batch[i]!))
    const taken = super.writePackets(batch)
    for (let i = 0; i < taken; i++) this.recorder.commit(entries[i]!)
    return taken
  }

  override writeRawPacket(packet: Packet): boolean {
    if (!this.isCapturing) return super.writeRawPacket(packet)
    const entry = this.recorder.prepare(this.id, 'out', packet)
    const taken = super.writeRawPacket(packet)
    if (taken) this.recorder.commit(entry)
    return taken
  }

  override deliverNetworkPacket(protocol: number, packet: Packet): void {
    if (this.isCapturing) this.recorder.record(this.id, 'in', packet)
    super.deliverNetworkPacket(protocol, packet)
  }

  private get isCapturing(): boolean {
    return this.isOn && this.id >= 0
  }
}
