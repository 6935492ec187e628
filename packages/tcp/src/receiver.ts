import { GsoType, MemoryLevel, SLOT_SIZES, type Packet } from '@stack/buffer'
import { dropGap } from './gap-holders.ts'
import { sendAck } from './output.ts'
import type { TcpContext } from './context.ts'
import { OutOfOrderQueue } from './out-of-order.ts'
import { tuneReceiveBuffer } from './receive-buffer.ts'
import { startQuickAcks } from './quick-ack.ts'
import { awaitAck, SackBlocks } from './sack-blocks.ts'
import { after, before } from './sequence.ts'
import { State } from './state.ts'
import { setState } from './tcb.ts'
import type { ReceiveState, Tcb } from './tcb.ts'
import { receiveWindow } from './window.ts'

/** Packet memory that out-of-order segments may hold, in receive buffers, or in windows while a buffer shrinks: tiny segments sit in large slots. */
const HELD_LIMIT = 4
/** Part of the packet memory that is not reserved for control. */
const ORDINARY = 0.95

/**
 * Takes the text of an acceptable segment, which begins at `sequence` (RFC 9293 §3.10.7.4, seventh step). In-order text
 * is acknowledged at the end of the batch; what is duplicate or fills a gap, at once (RFC 5681 §4.2); of what is out of order see
 * {@link SackBlocks.canWait}.
 */
export function receiveText(tcb: Tcb, sequence: number, packet: Packet): void {
  const { rcv, context } = tcb
  const { counters } = context
  const behind = (rcv.nxt - sequence) | 0
  if (behind > 0) {
    const duplicate = Math.min(behind, packet.length)
    counters.duplicateBytes += duplicate
    tellDuplicate(tcb, sequence, (sequence + duplicate) | 0)
    packet.trimStart(behind)
  }
  const from = behind > 0 ? rcv.nxt : sequence
  const room = (rcv.edge - from) | 0
  if (packet.length > room) {
    counters.dropWindow++
    packet.trimEnd(Math.max(0, room))
    rcv.ackNow = true
  }
  const length = packet.length
  if (length === 0) {
    packet.release()
    sendAck(tcb)
    return
  }
  rcv.arrived = (rcv.arrived + length) | 0
  noteLargest(rcv, packet.gsoType === GsoType.None ? length : Math.min(length, packet.gsoMss))
  // What is kept counts as ours.
  if ((!rcv.discard || from !== rcv.nxt) && (isInReserve(packet, context.host) || !context.host.memory.adopt(packet))) {
    counters.dropNoMemory++
    packet.release()
    return
  }
  tuneReceiveBuffer(tcb)
  if (from !== rcv.nxt) {
    receiveOutOfOrder(tcb, from, packet)
    return
  }
  take(tcb, packet)
  if (fillGap(tcb, behind > 0) || behind > 0) sendAck(tcb)
  tcb.user?.onReadable()
}

/** Small segments find room where nothing else does. Text does not stay there: no ACK would leave any more. */
function isInReserve(packet: Packet, { memory }: TcpContext['host']): boolean {
  return memory.level === MemoryLevel.Critical && packet.capacity <= SLOT_SIZES[0] && memory.held > ORDINARY * memory.quota
}

/** As {@link receiveText} of packets from `head` to `tail`, linked by `next`, whose arrival is noted: `bytes` in order, for which there is room, in slots of `held` bytes that are ours. */
export function receiveRun(tcb: Tcb, head: Packet, tail: Packet, bytes: number, held: number): void {
  count(tcb, bytes)
  tcb.rcv.queue.appendRun(head, tail, bytes, held)
  tcb.user?.onReadable()
}

/** Text of a SYN that crossed ours: it waits for the end of the handshake (RFC 9293 §3.10.7.3), and is not acknowledged before. */
export function keepText(tcb: Tcb, packet: Packet): void {
  const { rcv, context } = tcb
  packet.trimEnd(Math.min(packet.length, receiveWindow(tcb)))
  if (packet.length === 0 || !context.host.memory.adopt(packet)) {
    packet.release()
    return
  }
  rcv.outOfOrder = new OutOfOrderQueue()
  context.gaps.add(tcb)
  rcv.outOfOrder.insert(rcv.nxt, packet)
}

/** The handshake is over: what {@link keepText} kept is in order. */
export function takeKept(tcb: Tcb): void {
  if (tcb.rcv.outOfOrder === null) return
  fillGap(tcb, true)
  tcb.user?.onReadable()
}

/** The peer's FIN at `sequence`: processed when everything before it is there. */
export function receiveFin(tcb: Tcb, sequence: number): void {
  const { rcv } = tcb
  if (awaitAck(rcv.sack)) sendAck(tcb)
  if (after(sequence, rcv.edge)) return
  // One at RCV.NXT ends the stream whatever an earlier segment, perhaps a forged one, said.
  if (!rcv.finSeen || sequence === rcv.nxt) {
    rcv.finSeen = true
    rcv.finSequence = sequence
  }
  finishStream(tcb)
}

/** RFC 9293 §3.10.7.4, eighth step, once RCV.NXT stands at the FIN. */
export function finishStream(tcb: Tcb): void {
  const { rcv } = tcb
  if (!rcv.finSeen || rcv.finished || rcv.nxt !== rcv.finSequence) return
  rcv.finished = true
  rcv.nxt = (rcv.nxt + 1) | 0
  if (before(rcv.edge, rcv.nxt)) rcv.edge = rcv.nxt
  rcv.ackNow = true
  dropGap(tcb)
  // In SYN-RECEIVED, with a SYN (RFC 7413), the end of the handshake says what state that is.
  if (tcb.state === State.Established) setState(tcb, State.CloseWait)
  else if (tcb.state === State.FinWait1) setState(tcb, State.Closing)
  else if (tcb.state === State.FinWait2) setState(tcb, State.TimeWait)
  tcb.user?.onReadable()
}

/** A segment of this length came. */
export function noteLargest(rcv: ReceiveState, length: number): void {
  if (length > rcv.largest) rcv.largest = length < rcv.mss ? length : rcv.mss
}

function take(tcb: Tcb, packet: Packet): void {
  const { rcv, context } = tcb
  count(tcb, packet.length)
  if (rcv.discard) packet.release()
  else rcv.queue.append(packet, context.host.memory)
}

/** `length` bytes are in order. */
function count({ rcv, context }: Tcb, length: number): void {
  rcv.nxt = (rcv.nxt + length) | 0
  rcv.bytes += length
  context.counters.bytesReceived += length
}

function receiveOutOfOrder(tcb: Tcb, sequence: number, packet: Packet): void {
  const { rcv, context } = tcb
  const { length } = packet
  // Kept when it holds something.
  const queue = rcv.outOfOrder ?? new OutOfOrderQueue()
  startQuickAcks(tcb)
  if (context.host.memory.level >= MemoryLevel.High) {
    // What was not acknowledged is not promised (RFC 2018 §8): what is in order needs the memory more.
    context.counters.dropOutOfOrder += 1 + dropGap(tcb)
    packet.release()
  } else if (queue.isFull(sequence) || queue.held + packet.capacity > HELD_LIMIT * Math.max(rcv.buffer, receiveWindow(tcb))) {
    context.counters.dropOutOfOrder++
    packet.release()
  } else {
    if (rcv.outOfOrder === null) {
      rcv.outOfOrder = queue
      context.gaps.add(tcb)
    }
    const end = (sequence + length) | 0
    if (queue.insert(sequence, packet) === 0) context.counters.duplicateBytes += length
    if (rcv.sackPermitted) {
      const sack = (rcv.sack ??= new SackBlocks())
      const isNew = queue.duplicateEnd === queue.duplicateStart
      // What comes twice takes the place of a block: what waits is told before.
      if (!isNew && sack.waiting > 0) sendAck(tcb)
      sack.add(sequence, end)
      if (!isNew) sack.addDuplicate(queue.duplicateStart, queue.duplicateEnd)
      else if (mayShareAck(tcb, sack)) return
    }
  }
  sendAck(tcb)
}

/**
 * May the ACK of what came just now, out of order, wait for the end of the batch (RFC 9293 §3.10.7.4, MUST-58)? Not where something
 * else asks for one at once, nor beside the counters of accurate ECN, which take room from blocks.
 */
function mayShareAck({ rcv, ecn }: Tcb, sack: SackBlocks): boolean {
  return !rcv.ackNow && sack.canWait && (ecn?.accurate ?? null) === null
}

/** `[start, end)` was here before (RFC 2883): the peer lost it, or our ACK of it, and has few segments out. */
export function tellDuplicate(tcb: Tcb, start: number, end: number): void {
  const { rcv } = tcb
  startQuickAcks(tcb)
  if (!rcv.sackPermitted) return
  rcv.sack ??= new SackBlocks()
  rcv.sack.addDuplicate(start, end)
}

/** Moves what is in order now out of the out-of-order queue; true when the segment filled a gap, or a part of one. */
function fillGap(tcb: Tcb, isToldAlready: boolean): boolean {
  const { rcv } = tcb
  const queue = rcv.outOfOrder
  if (queue === null) return false
  // What waited came again with what was missing (RFC 2883 §4.1); of a segment one duplicate is told, the first.
  if (!isToldAlready && before(queue.start, rcv.nxt)) tellDuplicate(tcb, queue.start, queue.coveredTo(rcv.nxt))
  for (;;) {
    const range = rcv.discard ? null : queue.takeRange(rcv.nxt)
    if (range !== null) {
      count(tcb, (range.end - range.start) | 0)
      rcv.queue.appendRun(range.head, range.tail, (range.end - range.start) | 0, range.held)
      continue
    }
    const packet = queue.take(rcv.nxt)
    if (packet === null) break
    take(tcb, packet)
  }
  rcv.sack?.advance(rcv.nxt)
  if (queue.isEmpty) dropGap(tcb)
  return true
}
