import type { NetworkHeaderParams, TransportHost } from '@stack/core'
import type { AckEvent } from './ack-event.ts'
import type { AckSample, CongestionAlgorithm, LostSegment, RateSample } from './congestion.ts'
import type { TcpCounters } from './counters.ts'
import type { FastOpenCache } from './fast-open-cache.ts'
import type { FastOpenKeys } from './fast-open-keys.ts'
import type { Secrets } from './isn.ts'
import type { TcpOptions } from './api.ts'
import type { Handshake, Settings } from './options.ts'
import type { GapHolders } from './gap-holders.ts'
import type { RingPool } from './scoreboard.ts'
import type { SynCookies } from './syn-cookie.ts'
import type { TimeWaitTable } from './time-wait.ts'
import type { TraceScratch } from './trace.ts'
import type { SegmentHeader } from './wire.ts'

/** IP protocol number of TCP. */
export const TCP_PROTOCOL = 6

/** What the connections of one stack share. The scratch objects are good until the next call that uses them. */
export interface TcpContext {
  readonly host: TransportHost
  readonly counters: TcpCounters
  readonly secrets: Secrets
  readonly cookies: SynCookies
  readonly timeWait: TimeWaitTable
  readonly fastOpen: { readonly cache: FastOpenCache; readonly keys: FastOpenKeys }
  readonly defaults: Settings
  /** Of listeners that say nothing else. */
  readonly handshake: Handshake
  readonly maxConnections: number
  readonly maxOrphans: number
  readonly synFin: NonNullable<TcpOptions['synFin']>
  readonly algorithms: ReadonlyMap<string, CongestionAlgorithm>
  /** The header of the segment that just arrived. */
  readonly incoming: SegmentHeader
  /** The header being written. */
  readonly outgoing: SegmentHeader
  readonly params: NetworkHeaderParams
  readonly sample: AckSample
  readonly rateSample: RateSample
  readonly lostSegment: LostSegment
  /** The acknowledgment being taken. */
  readonly ack: AckEvent
  /** Rings of scoreboards that nobody uses. */
  readonly rings: RingPool
  /** Who holds text beyond a gap. */
  readonly gaps: GapHolders
  readonly trace: TraceScratch
  /** Plain segments take the short way (header-prediction.ts). Tests turn it off, to see that nothing else changes. */
  predicts: boolean
}
