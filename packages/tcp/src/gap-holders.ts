import { MemoryLevel } from '@stack/buffer'
import type { Timer, TransportHost } from '@stack/core'
import type { TcpCounters } from './counters.ts'
import type { Tcb } from './tcb.ts'

/** How long memory is short before gaps that nobody repairs are given up, ms: the timeout that peers begin with (RFC 6298 §2). */
const PATIENCE = 1000

/**
 * The connections that hold text beyond a gap, the one that has done so for the longest first. What was not acknowledged is not
 * promised (RFC 2018 §8). While memory is short, those for which more of it comes give it up at once (receiver.ts), and those whose
 * peers say nothing after a while, until there is enough for what is in order.
 */
export class GapHolders {
  private readonly holders = new Set<Tcb>()
  private readonly host: Pick<TransportHost, 'memory'>
  private readonly counters: TcpCounters
  private readonly patience: Timer

  constructor(host: Pick<TransportHost, 'memory' | 'timers'>, counters: TcpCounters) {
    this.host = host
    this.counters = counters
    this.patience = host.timers.create(() => this.giveBack())
    host.memory.onLevel((level) => {
      if (level >= MemoryLevel.High && this.holders.size > 0 && !this.patience.armed) this.patience.armAfter(PATIENCE)
    })
  }

  add(tcb: Tcb): void {
    this.holders.add(tcb)
  }

  delete(tcb: Tcb): void {
    this.holders.delete(tcb)
  }

  private giveBack(): void {
    for (const tcb of this.holders) {
      if (this.host.memory.level < MemoryLevel.High) return
      this.counters.dropOutOfOrder += dropGap(tcb)
    }
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
