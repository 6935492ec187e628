import type { Prr } from './prr.ts'
import type { SendState } from './tcb.ts'
import type { TraceReason } from './trace.ts'
import type { Undo } from './undo.ts'

/** What the tail loss probe was that is out: new data, or the last segment again (RFC 8985 §7.3). */
export const Probing = { None: 0, New: 1, Again: 2 } as const
export type Probing = (typeof Probing)[keyof typeof Probing]

/** What finding and repairing losses takes beside the scoreboard. Made when something first seems lost: most connections have none. */
export class Repair {
  dupAcks = 0
  /** Bytes that duplicate ACKs say have left the network. */
  dupBytes = 0
  /** While fast recovery with SACK goes on. */
  prr: Prr | null = null
  /** While the last reduction of cwnd may turn out to be without cause. */
  undo: Undo | null = null
  /** The timeout may have been spurious: the next ACKs tell (RFC 5682). */
  frto = false
  /** New segments that leave before lost ones. */
  newFirst = 0
  /** SND.NXT after a tail loss probe that is not answered; `probing` says whether there is one (RFC 8985 §7.3). */
  probeEnd = 0
  probing: Probing = Probing.None
  /** Why something is held lost. */
  lostBy: TraceReason = ''
  /** Send one lost segment now, whatever cwnd says. */
  isForced = false
  /** Timestamp of the last retransmission that the timer caused. */
  timeoutStamp = 0

  bytesRetransmitted = 0
  timeouts = 0

  /** A tail loss probe is not answered yet. */
  get isProbing(): boolean {
    return this.probing !== Probing.None
  }

  /** A new segment leaves. */
  newLeaves(): void {
    if (this.newFirst > 0) this.newFirst--
  }

  /** What duplicate ACKs said is over. */
  forgetDuplicates(): void {
    this.dupAcks = 0
    this.dupBytes = 0
  }

  /** What duplicate ACKs said, and what was tried because of it, is over. `isForced`: one lost segment leaves whatever cwnd says. */
  startOver(isForced: boolean): void {
    this.forgetDuplicates()
    this.probing = Probing.None
    this.newFirst = 0
    this.isForced = isForced
  }
}

export function repairOf(snd: SendState): Repair {
  return (snd.repair ??= new Repair())
}
