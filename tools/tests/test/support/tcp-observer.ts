import type { Packet } from '@stack/buffer'
import { Flag, SegmentHeader, parseHeader } from '@stack/tcp/wire'

type Way = 'ab' | 'ba'

/** One direction of one connection, as its wire shows it. */
interface Flow {
  iss: number
  /** Highest sequence number sent, behind the last byte. */
  next: number
  acked: number | null
  /** Right edge that the sender of this flow told about the other one. */
  edge: number | null
  /** Right edge up to which this flow may send, as far as its sender heard. */
  limit: number | null
  scale: number
  /** -1 = none. */
  offeredScale: number
  offersTimestamps: boolean
}

/** Watches both ends of a wire and keeps the rules that every TCP has to keep. */
export class Observer {
  readonly problems: string[] = []
  segments = 0
  private readonly mtu: number
  private readonly header = new SegmentHeader()
  private readonly flows = new Map<string, Flow>()

  constructor(mtu: number) {
    this.mtu = mtu
  }

  /** A packet that left its sender, or reached its receiver (again, late, damaged, or not at all). */
  see(way: Way, moment: 'sent' | 'received', packet: Packet): void {
    const { view, start } = packet
    if (view.getUint8(start) !== 0x45 || view.getUint8(start + 9) !== 6) return
    const total = view.getUint16(start + 2)
    const at = start + 20
    if (total > packet.length || !parseHeader(view, at, total - 20, this.header)) return
    const ports = [this.header.sourcePort, this.header.destinationPort]
    const key = (way === 'ab' ? ports : ports.reverse()).join('-')
    const flow = this.flow(`${way} ${key}`)
    const back = this.flow(`${way === 'ab' ? 'ba' : 'ab'} ${key}`)
    if (moment === 'sent') this.sent(flow, back, total, total - 20 - this.header.headerLength)
    else this.received(flow, back)
  }

  private problem(what: string): void {
    if (this.problems.length < 10) this.problems.push(what)
  }

  private flow(key: string): Flow {
    let flow = this.flows.get(key)
    if (flow === undefined) {
      flow = { iss: 0, next: 0, acked: null, edge: null, limit: null, scale: 0, offeredScale: -1, offersTimestamps: false }
      this.flows.set(key, flow)
    }
    return flow
  }

  private sent(flow: Flow, back: Flow, total: number, length: number): void {
    const { header } = this
    this.segments++
    if (total > this.mtu) this.problem(`${String(total)} bytes on a link of ${String(this.mtu)}`)
    if ((header.flags & Flag.Syn) !== 0) {
      this.sentSyn(flow, back)
      return
    }
    const timestamps = flow.offersTimestamps && back.offersTimestamps
    if ((header.flags & Flag.Rst) !== 0) return
    if (header.timestamps !== timestamps && flow.iss !== 0) this.problem('timestamps are there or not, against what was agreed')
    const end = (header.sequence + length + ((header.flags & Flag.Fin) !== 0 ? 1 : 0)) | 0
    // A probe is one byte, or a FIN, beyond the window.
    const probe = length + ((header.flags & Flag.Fin) !== 0 ? 1 : 0) <= 1 ? 1 : 0
    if (length > 0 && flow.limit !== null && ((end - flow.limit) | 0) > probe) this.problem(`${String((end - flow.limit) | 0)} bytes beyond the window`)
    if (((end - flow.next) | 0) > 0) flow.next = end
    if ((header.flags & Flag.Ack) === 0) return
    if (flow.acked !== null && ((header.acknowledgment - flow.acked) | 0) < 0) this.problem('an ACK goes back')
    flow.acked = header.acknowledgment
    if (((header.acknowledgment - back.next) | 0) > 0) this.problem('an ACK of what was never sent')
    const edge = (header.acknowledgment + (header.window << flow.scale)) | 0
    if (flow.edge !== null && ((edge - flow.edge) | 0) < 0) this.problem(`the right edge goes back by ${String((flow.edge - edge) | 0)}`)
    flow.edge = edge
  }

  private sentSyn(flow: Flow, back: Flow): void {
    const { header } = this
    if (flow.iss !== 0 && flow.iss !== header.sequence) this.problem('two SYNs with different numbers')
    flow.iss = header.sequence
    flow.next = (header.sequence + 1) | 0
    flow.offeredScale = header.windowScale
    flow.offersTimestamps = header.timestamps
    if (header.mss === 0 || header.mss > this.mtu - 40) this.problem(`MSS ${String(header.mss)}`)
    if (header.windowScale > 14) this.problem('window scale above 14')
    const isAnswer = (header.flags & Flag.Ack) !== 0
    if (!isAnswer) return
    if (header.windowScale >= 0 && back.offeredScale < 0) this.problem('window scale that was not offered')
    if (header.timestamps && !back.offersTimestamps) this.problem('timestamps that were not offered')
    flow.acked = header.acknowledgment
    const isAgreed = flow.offeredScale >= 0 && back.offeredScale >= 0
    flow.scale = isAgreed ? flow.offeredScale : 0
    back.scale = isAgreed ? back.offeredScale : 0
    flow.edge = (header.acknowledgment + header.window) | 0
  }

  /** What the sender of `back` now knows of its window. */
  private received(flow: Flow, back: Flow): void {
    const { header } = this
    if ((header.flags & Flag.Ack) === 0 || (header.flags & Flag.Rst) !== 0) return
    const isSyn = (header.flags & Flag.Syn) !== 0
    const edge = (header.acknowledgment + (isSyn ? header.window : header.window << flow.scale)) | 0
    if (back.limit === null || ((edge - back.limit) | 0) > 0) back.limit = edge
  }
}
