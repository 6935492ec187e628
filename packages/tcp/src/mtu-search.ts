import { isMapped } from '@stack/core'
import type { Milliseconds } from '@stack/core'
import { repairOf } from './repair.ts'
import { headersOf, pathMtu, updateMss } from './segment-size.ts'
import { before } from './sequence.ts'
import { flightSize, Recovery } from './tcb.ts'
import type { Tcb } from './tcb.ts'

// Packetization layer path MTU discovery (RFC 4821): the path's MTU is found from what arrives, so that a path which drops what is
// too large without a word (RFC 2923) does not hang. Probes are new text in a segment larger than the others; the loss
// of one says that it was too large, and nothing of congestion.

/** Sizes closer than this are not told apart, bytes. */
const RESOLUTION = 8
/** Timeouts in a row after which small segments are held too large, too: few paths take less. */
const SMALL_DOUBT = 6
/** Full segments that have to follow a probe, so that their ACKs tell what became of it (§7.4). */
const FOLLOWERS = 3
/** ms until a search that is over begins anew: the path may take more by then (§7.3). */
const RAISE_INTERVAL = 600_000
/** What every path carries: RFC 8200 §5; for IPv4 what every host takes (RFC 1122 §3.3.2). Bytes of a packet. */
const LEAST_V6 = 1280
const LEAST_V4 = 576

/** Sizes are bytes of a whole packet, network header included. */
export class MtuSearch {
  /** It gets through: full segments are so long. */
  low: number
  /** The largest that may get through yet. */
  high: number
  /** The first to be tried in this search: many paths take it. */
  top: number
  /** The probe that is out; 0 = none. Its text is `[start, end)`. */
  probe = 0
  start = 0
  end = 0
  /** When there may be a probe again, ms. */
  next: Milliseconds = 0

  constructor(low: number, top: number) {
    this.low = low
    this.high = this.top = top
  }

  /** §7.3: the top, then halves. */
  get size(): number {
    return this.high === this.top ? this.high : (this.low + this.high + 1) >>> 1
  }

  /** Routes, or the peer's wish, allow `mtu` and no more. A probe that is larger was lost: a router said so. */
  bound(mtu: number): void {
    this.top = Math.min(this.top, mtu)
    this.high = Math.min(this.high, mtu)
    this.low = Math.min(this.low, mtu)
    if (this.probe > mtu) this.probe = 0
  }

  /** Nothing was learnt (§7.6.3). */
  abandon(next: Milliseconds): void {
    if (this.probe === 0) return
    this.probe = 0
    this.next = next
  }
}

/** The connection is open: with `'always'` it starts small (§7.2). */
export function startMtuSearch(tcb: Tcb): void {
  if (tcb.settings.mtuProbing !== 'always') return
  const top = pathMtu(tcb)
  const low = baseSize(tcb)
  if (low >= top) return
  tcb.mtuSearch = new MtuSearch(low, top)
  updateMss(tcb)
}

/** Full segments time out again and again: perhaps it is their size (§7.7). Further timeouts go on down to what must get through. */
export function doubtMtu(tcb: Tcb): void {
  const { snd, settings, context } = tcb
  if (settings.mtuProbing === 'off' || snd.board.length === 0) return
  const size = Math.min(headersOf(tcb) + snd.mss, headersOf(tcb) + ((snd.board.end(0) - snd.board.start(0)) | 0))
  const base = baseSize(tcb)
  const least = isMapped(tcb.remoteAddress) ? Math.min(LEAST_V4, base) : LEAST_V6
  if (size <= base && snd.attempts < SMALL_DOUBT) return
  const low = size > base ? base : Math.max(least, size >>> 1)
  if (low >= size) return
  context.counters.blackHoles++
  tcb.mtuSearch ??= new MtuSearch(low, pathMtu(tcb))
  tcb.mtuSearch.low = low
  tcb.mtuSearch.abandon(0)
  updateMss(tcb)
}

/** `mtuProbeBase` as a packet. */
function baseSize({ settings, remoteAddress }: Tcb): number {
  return isMapped(remoteAddress) ? settings.mtuProbeBase + 40 : Math.max(LEAST_V6, settings.mtuProbeBase + 60)
}

/** Bytes of text for a probe that takes the place of the next new segment; 0 = none is due. `text` bytes are there, `room` in the window. */
export function probeLength(tcb: Tcb, search: MtuSearch, text: number, room: number): number {
  const { snd, cc, context } = tcb
  const { now } = context.host.scheduler
  if (search.probe !== 0 || now < search.next || snd.recovery !== Recovery.None || (snd.repair?.dupAcks ?? 0) > 0 || snd.board.sackedBytes > 0 || snd.records !== null) return 0
  if (search.high - search.low < RESOLUTION) {
    const top = pathMtu(tcb)
    search.next = now + RAISE_INTERVAL
    search.high = search.top = top
    if (top - search.low < RESOLUTION) return 0
  }
  const length = search.size - headersOf(tcb)
  const needed = length + FOLLOWERS * snd.mss
  return text >= needed && room >= needed && cc.cwnd >= needed ? length : 0
}

/** A probe left from `sequence` on. */
export function probeSent(tcb: Tcb, search: MtuSearch, sequence: number, length: number): void {
  tcb.context.counters.mtuProbes++
  search.probe = headersOf(tcb) + length
  search.start = sequence
  search.end = (sequence + length) | 0
}

/** SND.UNA moved: did the probe arrive? Then segments become as long (§7.6.1). */
export function probeArrived(tcb: Tcb, search: MtuSearch): void {
  if (search.probe === 0 || before(tcb.snd.una, search.end)) return
  search.low = search.probe
  search.probe = 0
  pause(tcb, search)
  updateMss(tcb)
}

/**
 * Something is lost: is it the probe, and nothing else (§7.6.2)? Then it leaves again in pieces, and congestion control does not
 * hear of it. With other losses beside it, it says nothing (§7.6.3).
 */
export function isProbeLost(tcb: Tcb): boolean {
  const { snd, mtuSearch: search, context } = tcb
  if (search === null || search.probe === 0) return false
  const { board } = snd
  if (!tcb.rcv.sackPermitted && board.lostBytes === 0) {
    if (snd.una !== search.start) return false
    board.markLost(0)
  }
  const first = board.firstLost()
  const isAlone = first >= 0 && board.start(first) === search.start && board.lostBytes === ((search.end - search.start) | 0)
  if (!isAlone) {
    search.abandon(context.host.scheduler.now + tcb.rtt.current(tcb.settings))
    return false
  }
  context.counters.mtuProbesLost++
  search.high = search.probe - 1
  search.probe = 0
  pause(tcb, search)
  const repair = repairOf(snd)
  repair.lostBy = 'mtu-retransmit'
  repair.isForced = flightSize(tcb) > 0
  return true
}

/** The search may be over for a while. */
function pause(tcb: Tcb, search: MtuSearch): void {
  if (search.high - search.low < RESOLUTION) search.next = tcb.context.host.scheduler.now + RAISE_INTERVAL
}
