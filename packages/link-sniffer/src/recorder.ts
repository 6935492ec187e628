import type { Packet } from '@stack/buffer'
import { checkOptions, StackError, type Clock, type Framing, type Milliseconds, type OptionSchema, type Wakeable } from '@stack/core'
import { copyFrame } from './frame.ts'
import { interfaceBlock, packetBlock, sectionHeaderBlock } from './pcapng.ts'
import { describePacket } from './text/describe.ts'

/** Options of {@link capture} and {@link sniffer}. At least one of `onBlock` and `onLine` is needed. */
export interface CaptureOptions {
  /**
   * Gets the blocks of a pcapng file, in order, to keep: written one after the other they are a file. Called at the end
   * of a turn.
   */
  readonly onBlock?: (bytes: Uint8Array) => void
  /** Gets a line of text for each packet, without line end. Called at the end of a turn. */
  readonly onLine?: (line: string) => void
  /** Bytes kept of a packet, 14–262,144. Default 262,144: all. */
  readonly snapLength?: number
  /** Name of the interface. Default: the NIC's, or the kind of link. */
  readonly name?: string
  /** Bytes that may wait for the end of a turn; packets on top are not captured, and counted in `dropped`. Default 16 MiB. */
  readonly limit?: number
}

/** A capture that runs. */
export interface Capture {
  /** Packets captured. */
  readonly packets: number
  /** Their bytes, uncut. */
  readonly bytes: number
  /** Packets not captured because `limit` bytes waited. */
  readonly dropped: number
  /** Ends it. What waits is handed over before this returns. */
  stop(): void
}

const SCHEMA: OptionSchema<CaptureOptions> = {
  onBlock: { type: 'function' },
  onLine: { type: 'function' },
  snapLength: { type: 'number', integer: true, min: 14, max: 262_144 },
  name: { type: 'string' },
  limit: { type: 'number', integer: true, min: 1 },
}
const DEFAULT_SNAP_LENGTH = 262_144
const DEFAULT_LIMIT = 16 << 20

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function checkCaptureOptions(what: string, options: CaptureOptions): void {
  checkOptions(what, options, SCHEMA)
  if (options.onBlock === undefined && options.onLine === undefined) {
    throw new StackError('ERR_STACK_INVALID_OPTION', `${what}: give onBlock (pcapng) or onLine (text), or both: nothing else comes out.`)
  }
}

interface Interface {
  readonly name: string
  readonly framing: Framing
}

/** Copies packets and hands them over as user code is called: last in a turn. */
export class Recorder implements Wakeable {
  waking = false
  packets = 0
  bytes = 0
  dropped = 0
  private readonly options: CaptureOptions
  private readonly snapLength: number
  private readonly limit: number
  private readonly interfaces: Interface[] = []
  private isHandingOver = false
  private clock: Clock | null = null
  private startedAt: Milliseconds = 0
  /** Wall time less monotonic time, taken once: time in a capture never goes back. */
  private wallOffset: Milliseconds = 0
  private readonly blocks: Uint8Array[] = []
  private readonly lines: string[] = []
  private waiting = 0

  constructor(options: CaptureOptions) {
    this.options = options
    this.snapLength = options.snapLength ?? DEFAULT_SNAP_LENGTH
    this.limit = options.limit ?? DEFAULT_LIMIT
  }

  start(clock: Clock): void {
    this.startedAt = clock.now()
    this.wallOffset = clock.wallNow() - this.startedAt
    this.clock = clock
    this.addBlock(sectionHeaderBlock('@stack/link-sniffer'))
  }

  /** Returns its id. */
  addInterface(name: string, framing: Framing): number {
    this.addBlock(interfaceBlock(name, framing, this.snapLength))
    return this.interfaces.push({ name, framing }) - 1
  }

  record(id: number, direction: 'in' | 'out', packet: Packet): void {
    this.commit(this.prepare(id, direction, packet))
  }

  /** Copies a packet; what came of it counts when it is committed. Null = no room. */
  prepare(id: number, direction: 'in' | 'out', packet: Packet): Entry | null {
    const now = this.clock!.scheduler.now
    if (this.waiting >= this.limit) return null
    const { name, framing } = this.interfaces[id]!
    const { bytes, length } = copyFrame(packet, framing, this.snapLength)
    const block = this.options.onBlock === undefined ? null : packetBlock(id, Math.round((this.wallOffset + now) * 1000), direction, bytes, length)
    const line = this.options.onLine === undefined ? null : `${this.seconds(now)} ${name} ${direction.padEnd(3)} ${describePacket(bytes, framing)}`
    return { length, block, line }
  }

  commit(entry: Entry | null): void {
    if (entry === null) {
      this.dropped++
      return
    }
    this.packets++
    this.bytes += entry.length
    if (entry.block !== null) this.addBlock(entry.block)
    if (entry.line !== null) {
      this.lines.push(entry.line)
      this.waiting += entry.line.length
      this.clock!.scheduler.wake(this)
    }
  }

  wake(): void {
    // A callback that stops the capture is in the middle of it: the rest comes when it returns.
    if (this.isHandingOver) return
    this.isHandingOver = true
    try {
      this.handOver(this.blocks, this.options.onBlock)
      this.handOver(this.lines, this.options.onLine)
    } finally {
      this.isHandingOver = false
      // Something is left when a callback threw.
      if (this.blocks.length + this.lines.length > 0) this.clock!.scheduler.wake(this)
    }
  }

  private handOver<T extends Uint8Array | string>(items: T[], callback: ((item: T) => void) | undefined): void {
    let done = 0
    try {
      while (done < items.length) {
        const item = items[done++]!
        this.waiting -= item.length
        callback!(item)
      }
    } finally {
      items.splice(0, done)
    }
  }

  private addBlock(block: Uint8Array): void {
    if (this.options.onBlock === undefined) return
    this.blocks.push(block)
    this.waiting += block.length
    this.clock!.scheduler.wake(this)
  }

  private seconds(now: Milliseconds): string {
    return ((now - this.startedAt) / 1000).toFixed(6)
  }
}

/** A packet as it will be handed over. */
export interface Entry {
  readonly length: number
  readonly block: Uint8Array | null
  readonly line: string | null
}
