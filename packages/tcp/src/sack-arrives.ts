import type { AckEvent } from './ack-event.ts'
import { Rack } from './rack.ts'
import { Mark } from './scoreboard.ts'
import { after, before, later } from './sequence.ts'
import { timestampNow } from './tcb.ts'
import type { Tcb } from './tcb.ts'
import { onDuplicateData } from './undo.ts'
import type { SegmentHeader } from './wire.ts'

/** Takes the SACK blocks of an acceptable ACK into the scoreboard (RFC 2018 §5); SND.UNA has not moved yet. */
export function takeSacks(tcb: Tcb, header: SegmentHeader, event: AckEvent): void {
  const { snd } = tcb
  const { sackEdges, sackBlocks, acknowledgment } = header
  let first = 0
  if (isDuplicateReport(header)) {
    first = 1
    event.isDuplicateData = true
    onDuplicateData(tcb, sackEdges[0]!, sackEdges[1]!)
  }
  sortBlocks(sackEdges, first, sackBlocks)
  snd.rack ??= new Rack(snd.una)
  const { told } = snd.rack
  if (event.isDuplicateData) snd.rack.duplicate(snd.una, snd.nxt)
  for (let i = first; i < sackBlocks; i++) {
    const left = later(sackEdges[2 * i]!, later(acknowledgment, snd.una))
    const right = sackEdges[2 * i + 1]!
    if (after(right, snd.nxt)) tcb.context.counters.dropBadSack++
    else if (after(right, left)) {
      const from = told.upTo(left)
      if (after(right, from)) takeBlock(tcb, left, from, right, event)
      told.add(left, right)
    }
  }
  told.turn()
}

/** By where they begin: the peer tells the newest first, and what one ACK tells of at once is no reordering (RFC 8985 §6.2 step 3). */
function sortBlocks(edges: Int32Array, first: number, end: number): void {
  for (let i = first + 1; i < end; i++) {
    const left = edges[2 * i]!
    const right = edges[2 * i + 1]!
    let to = i
    for (; to > first && after(edges[2 * to - 2]!, left); to--) {
      edges[2 * to] = edges[2 * to - 2]!
      edges[2 * to + 1] = edges[2 * to - 1]!
    }
    edges[2 * to] = left
    edges[2 * to + 1] = right
  }
}

/** RFC 2883 §4: the first block lies below the acknowledgment, or inside the second block. */
function isDuplicateReport({ sackEdges, sackBlocks, acknowledgment }: SegmentHeader): boolean {
  const left = sackEdges[0]!
  const right = sackEdges[1]!
  if (before(left, acknowledgment)) return true
  return sackBlocks > 1 && !before(left, sackEdges[2]!) && !after(right, sackEdges[3]!)
}

/** Segments are sacked whole or not at all: a peer that names parts of them can make no work. What lies before `from` was looked at. */
function takeBlock(tcb: Tcb, left: number, from: number, right: number, event: AckEvent): void {
  const { board } = tcb.snd
  let i = board.find(from)
  if (i < board.length && before(board.start(i), left)) i++
  if (i === board.length) return
  const stop = board.end(i) === right ? i + 1 : board.find(right)
  if (i >= stop) return
  const border = board.end(stop - 1)
  while (i < stop) {
    const marks = board.marks(i)
    if (marks === 0 && !board.hasStamps) i = plainArrived(tcb, i, stop, border, event)
    else if ((marks & Mark.Sacked) === 0) {
      event.sacked += recordArrived(tcb, i, event, false)
      board.markSacked(i, border)
      i++
    } else {
      const run = board.run(i)
      if (after(border, run)) board.setRun(i, border)
      i = Math.max(i + 1, board.find(run))
    }
  }
}

/**
 * Records that left once and of which nothing is known arrived, from `i` on and before `stop`: the first says what there is to learn of
 * them, and the last, which left last.
 *
 * @returns index behind the last of them
 */
function plainArrived(tcb: Tcb, i: number, stop: number, border: number, event: AckEvent): number {
  const { board } = tcb.snd
  const known = board.sackedBytes
  const next = board.sackPlain(i, stop, border)
  const bytes = board.sackedBytes - known
  const first = recordArrived(tcb, i, event, false)
  const last = next - 1 > i ? recordArrived(tcb, next - 1, event, false) : 0
  event.sacked += bytes
  event.delivered += bytes - first - last
  return next
}

/**
 * Record `i` is known to have arrived, for the first time: its round trip, and what RACK learns of it.
 *
 * @returns its bytes
 */
export function recordArrived(tcb: Tcb, i: number, event: AckEvent, isAcknowledged: boolean): number {
  const { board, rack, recover } = tcb.snd
  const end = board.end(i)
  const bytes = (end - board.start(i)) | 0
  event.delivered += bytes
  const marks = board.marks(i)
  const isAgain = (marks & Mark.Again) !== 0
  const isTimeless = (marks & (Mark.Again | Mark.Stalled)) !== 0
  tcb.snd.rate?.arrived(board, i, event.arrival, isTimeless, tcb.context.rateSample)
  const elapsed = (event.arrival - board.sent(i)) | 0
  if (!isAgain) {
    const rtt = isTimeless ? 0 : Math.max(1, elapsed)
    if (isAcknowledged) {
      if (event.rtt === 0) event.rtt = rtt
    } else if (event.sackRtt === 0) event.sackRtt = rtt
    if (!after(end, recover)) event.isOriginal = true
  } else if (isAcknowledged) event.isRetransmitted = true
  if (rack === null) return bytes
  // RFC 8985 §6.2 step 2: an echo from before the retransmission left.
  const isEchoOlder = isAgain && event.hasEcho && before(event.echo, (timestampNow(tcb) - Math.floor(elapsed / 1000)) | 0)
  rack.delivered(board, i, event.arrival, tcb.rtt.minimum, isEchoOlder)
  return bytes
}
