import { MemoryLevel } from '@stack/buffer'
import type { Pollable, TransportHost } from '@stack/core'
import type { TcpCounters } from './counters.ts'
import type { Tcb } from './tcb.ts'

/**
 * The connections that hold text beyond a gap, the one that has done so for the longest first. What was not acknowledged is not
 * promised (RFC 2018 §8): when memory is short they give it back, silent peers or not, until there is enough for what is in order.
 */
export class GapHolders implements Pollable {
  queued = false
  private readonly holders = new Set<Tcb>()
  private readonly host: Pick<TransportHost, 'memory' | 'scheduler'>
  private readonly counters: TcpCounters

  constructor(host: Pick<TransportHost, 'memory' | 'scheduler'>, counters: TcpCounters) {
    this.host = host
    this.counters = counters
    host.memory.onLevel((level) => {
      if (level >= MemoryLevel.High && this.holders.size > 0) host.scheduler.enqueue(this)
    })
  }

  add(tcb: Tcb): void {
    this.holders.add(tcb)
  }

  delete(tcb: Tcb): void {
    this.holders.delete(tcb)
  }

  /** From the run queue: nobody is in the middle of taking a segment. */
  poll(): number {
    const { memory } = this.host
    let released = 0
    for (const tcb of this.holders) {
      if (memory.level < MemoryLevel.High) break
      released += dropGap(tcb)
    }
    this.counters.dropOutOfOrder += released
    return released
  }
}

/** Throws away what is held beyond a gap; returns how many packets that were. */
export function dropGap(tcb: Tcb): number {
  const { rcv, context } = tcb
  const queue = rcv.outOfOrder
  if (queue === null) return 0
  rcv.outOfOrder = null
  rcv.sack?.clear()
  context.gaps.delete(tcb)
  return queue.clear()
}
