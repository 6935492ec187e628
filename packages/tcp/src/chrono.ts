import type { Milliseconds } from '@stack/core'

/** What holds a connection up that has something to send. */
export const Limit = { None: 0, Busy: 1, ReceiveWindow: 2, SendBuffer: 3 } as const
export type Limit = (typeof Limit)[keyof typeof Limit]

/**
 * For how long the sender had something on its way, and what held it back: the busy, rwnd-limited and sndbuf-limited times of
 * Linux's TCP_INFO. At any time it is one of them. Made when the first data comes.
 */
export class Chrono {
  /** What it is now. */
  limit: Limit = Limit.None
  private since: Milliseconds = 0
  private readonly times: [number, number, number, number] = [0, 0, 0, 0]

  change(limit: Limit, now: Milliseconds): void {
    this.times[this.limit] += now - this.since
    this.limit = limit
    this.since = now
  }

  /** ms; `Busy` contains the others. */
  total(limit: Limit, now: Milliseconds): Milliseconds {
    const { times } = this
    const running = this.limit !== Limit.None && (limit === this.limit || limit === Limit.Busy) ? now - this.since : 0
    const sum = limit === Limit.Busy ? times[Limit.Busy] + times[Limit.ReceiveWindow] + times[Limit.SendBuffer] : times[limit]
    return sum + running
  }
}
