import { MemoryLevel, type Packet } from '@stack/buffer'
import { Codepoint } from './ecn.ts'
import { noteText } from './quick-ack.ts'
import { tuneReceiveBuffer } from './receive-buffer.ts'
import { isWasteful } from './receive-queue.ts'
import { noteLargest, receiveRun, receiveText } from './receiver.ts'
import { segmentArrives } from './segment-arrives.ts'
import { before } from './sequence.ts'
import { takesData } from './state.ts'
import type { Tcb } from './tcb.ts'
import { Flag } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/**
 * Segments that the NIC has merged arrive: the first, whose header is parsed and verified, and behind it, through `chain`,
 * others that differ from it in sequence number and text only. Takes ownership.
 */
export function mergedArrive(tcb: Tcb & { readonly finished: boolean }, header: SegmentHeader, head: Packet): void {
  const { counters } = tcb.context
  const second = head.chain
  let sequence = (header.sequence + head.length) | 0
  head.chain = null
  segmentArrives(tcb, header, head)
  let packet = runArrives(tcb, header, sequence, second)
  if (packet !== second) sequence = tcb.rcv.nxt
  while (packet !== null) {
    const following = packet.chain
    const { length } = packet
    packet.chain = null
    counters.segmentsReceived++
    if (tcb.finished) {
      counters.dropClosed++
      packet.release()
    } else if (isTextAll(tcb, header, sequence, length)) {
      header.sequence = sequence
      moreTextArrives(tcb, sequence, packet)
    } else {
      header.sequence = sequence
      segmentArrives(tcb, header, packet)
    }
    sequence = (sequence + length) | 0
    packet = following
  }
}

/**
 * As many as can be taken at once: they are in order, there is room, and nothing waits for them, so that nothing is done to one
 * which is not done to the next.
 *
 * @returns what is left, to be looked at one by one
 */
function runArrives(tcb: Tcb & { readonly finished: boolean }, header: SegmentHeader, sequence: number, first: Packet | null): Packet | null {
  const { snd, rcv, context } = tcb
  // Without timestamps the tuner of the buffer sees where in the run a round ends.
  if (first === null || tcb.finished || !rcv.timestamps || rcv.discard || rcv.outOfOrder !== null || sequence !== rcv.nxt || !isTextAll(tcb, header, sequence, first.length)) return first
  const { memory } = context.host
  if (memory.level === MemoryLevel.Critical) return first
  const room = (rcv.edge - sequence) | 0
  let [count, bytes, held] = [0, 0, 0]
  let isSeen = false
  let tail = first
  let packet: Packet | null = first
  while (packet !== null && bytes + packet.length <= room && packet.pool === memory && !isWasteful(packet)) {
    count++
    bytes += packet.length
    held += packet.capacity
    rcv.arrived = (rcv.arrived + packet.length) | 0
    // Any may end a round of the tuner, and what arrived till then is what counts. After a look the others say nothing new.
    if (!isSeen) {
      tuneReceiveBuffer(tcb)
      isSeen = rcv.tuner?.isSeen(tcb) === true
    }
    tail = packet
    packet = packet.next = packet.chain
    tail.chain = null
  }
  if (count === 0) return first
  tail.next = null
  noteLargest(rcv, first.length)
  context.counters.segmentsReceived += count
  rcv.segments += count
  noteText(tcb, tail.arrival, count)
  snd.wl1 = header.sequence = (sequence + bytes - tail.length) | 0
  receiveRun(tcb, first, tail, bytes, held)
  return packet
}

/**
 * Is the text at `sequence` all that SEGMENT ARRIVES would find new in a segment, after the one before, which `header` is of?
 * It is the next that is expected, or lies beyond a gap, there is room for it, and what else it says was taken from that one:
 * acknowledgment, window, timestamp.
 */
function isTextAll(tcb: Tcb, header: SegmentHeader, sequence: number, length: number): boolean {
  const { snd, rcv, ecn, state } = tcb
  if (before(sequence, rcv.nxt) || length > ((rcv.edge - sequence) | 0) || !takesData(state) || tcb.isOrphan || rcv.finSeen) return false
  // PAWS (RFC 7323 §5.3): all have the timestamp of the first, and if that was dropped for it the window may still be the one it repeats.
  if (header.timestamps && before(header.timestampValue, rcv.tsRecent)) return false
  // Right behind what was acknowledged its timestamp counts (RFC 7323 §4.3).
  if (sequence === rcv.acked || rcv.latecomers !== null) return false
  // The window is of the segment before: so its acknowledgment was a good one.
  if (header.acknowledgment !== snd.una || snd.wl2 !== header.acknowledgment || snd.wl1 !== header.sequence || snd.persisting || snd.repair?.isProbing === true) return false
  return ecn === null || (ecn.accurate === null && header.ecn !== Codepoint.Ce && (header.flags & Flag.Ece) === 0)
}

function moreTextArrives(tcb: Tcb, sequence: number, packet: Packet): void {
  tcb.rcv.segments++
  noteText(tcb, packet.arrival, 1)
  // Older segments that are yet to come do not move the window (RFC 9293 §3.10.7.4, fifth step).
  tcb.snd.wl1 = sequence
  receiveText(tcb, sequence, packet)
}
