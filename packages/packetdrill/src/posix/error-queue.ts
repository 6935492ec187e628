import type { Connection } from '@stack/tcp'

/** Flags of SO_TIMESTAMPING that the queue knows. */
export const Timestamping = { Software: 0x10, Sent: 2, Id: 0x80, Scheduled: 0x100, Acked: 0x200, OnlyTimes: 0x800 } as const

/** What SCM_TIMESTAMPING tells the time of (`ee_info`). */
const TimeOf = { Sent: 0, Scheduled: 1, Acked: 2 } as const

/** Writes `first` to `last` are done with their bytes, which were copied. */
interface CopiesDone {
  readonly kind: 'copied'
  readonly first: number
  last: number
}

/** When the last byte of a write left, or was acknowledged. */
interface ByteTime {
  readonly kind: 'time'
  readonly of: (typeof TimeOf)[keyof typeof TimeOf]
  /** ms of the stack's clock. */
  readonly at: number
  /** Of the byte, counted from when times were asked for; 0 without `SOF_TIMESTAMPING_OPT_ID`. */
  readonly id: number
  /** The segment comes along, and does not fit. */
  readonly hasSegment: boolean
}

export type ErrorQueueEntry = CopiesDone | ByteTime

/**
 * What MSG_ERRQUEUE reads of a Linux socket: the ends of writes with MSG_ZEROCOPY (the stack always copies, and says so, as Linux
 * does over devices that take no other), and the times of last bytes (SO_TIMESTAMPING). Made by the first option that fills it.
 */
export class ErrorQueue {
  /** SO_ZEROCOPY. */
  copies = false
  /** Entries that there ever were: what edges are made of. */
  count = 0
  private timestamping = 0
  /** Bytes of the stream before the first that is counted. */
  private origin = 0
  private nextCopy = 0
  private readonly entries: ErrorQueueEntry[] = []
  private readonly copying: { readonly id: number; readonly end: number }[] = []
  private readonly timing: { readonly end: number; isSent: boolean }[] = []
  /** When a segment last left, and last came. */
  private leftAt = 0
  private cameAt = 0

  /** A socket that a listener's connection gets. */
  inherited(): ErrorQueue {
    const queue = new ErrorQueue()
    queue.copies = this.copies
    queue.timestamping = this.timestamping
    return queue
  }

  get times(): number {
    return this.timestamping
  }

  get isEmpty(): boolean {
    return this.entries.length === 0
  }

  /** SO_TIMESTAMPING; bytes are counted from the first that is not acknowledged. */
  ask(flags: number, connection: Connection | null): void {
    if ((flags & Timestamping.Id & ~this.timestamping) !== 0 && connection !== null) this.origin = acknowledged(connection)
    this.timestamping = flags
  }

  /** A write gave all its bytes to `connection`. */
  written(connection: Connection, isZeroCopy: boolean): void {
    const end = connection.bytesWritten
    if (isZeroCopy && this.copies) this.copying.push({ id: this.nextCopy++, end })
    if ((this.timestamping & (Timestamping.Scheduled | Timestamping.Sent | Timestamping.Acked)) === 0) return
    this.timing.push({ end, isSent: false })
    this.refresh(connection)
  }

  /** A segment came or is about to leave: what was true before is told with the times of then. */
  traced(connection: Connection, kind: string, at: number): void {
    this.refresh(connection)
    if (kind === 'send') this.leftAt = at
    else if (kind === 'receive') this.cameAt = at
  }

  refresh(connection: Connection): void {
    const { copying, timing } = this
    if (copying.length === 0 && timing.length === 0) return
    const acked = acknowledged(connection)
    while (copying.length > 0 && copying[0]!.end <= acked) this.copied(copying.shift()!.id)
    if (timing.length === 0) return
    const sent = connection.bytesWritten - connection.info().bytesNotSent
    for (const write of timing) {
      if (write.isSent || write.end > sent) continue
      write.isSent = true
      this.timed(Timestamping.Scheduled, TimeOf.Scheduled, this.leftAt, write.end)
      this.timed(Timestamping.Sent, TimeOf.Sent, this.leftAt, write.end)
    }
    while (timing.length > 0 && timing[0]!.end <= acked) this.timed(Timestamping.Acked, TimeOf.Acked, this.cameAt, timing.shift()!.end)
  }

  take(): ErrorQueueEntry | undefined {
    return this.entries.shift()
  }

  /** Ends of writes that follow each other are told together. */
  private copied(id: number): void {
    this.count++
    const last = this.entries.at(-1)
    if (last?.kind === 'copied' && last.last === id - 1) last.last = id
    else this.entries.push({ kind: 'copied', first: id, last: id })
  }

  private timed(flag: number, of: ByteTime['of'], at: number, end: number): void {
    const { timestamping } = this
    if ((timestamping & flag) === 0) return
    this.count++
    const id = (timestamping & Timestamping.Id) === 0 ? 0 : end - 1 - this.origin
    this.entries.push({ kind: 'time', of, at, id, hasSegment: (timestamping & Timestamping.OnlyTimes) === 0 })
  }
}

function acknowledged(connection: Connection): number {
  return connection.bytesWritten - connection.unackedLength
}
