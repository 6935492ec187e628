import type { Packet } from '@stack/buffer'
import type { Nic } from '@stack/core'
import { SegmentReader } from './segment-reader.ts'

/** From a to b, or back. */
export type Way = 'ab' | 'ba'

/** What {@link tcpObserver} makes. */
export interface TcpObserver {
  /** What was not as it should be; the first 10. A test asserts that there is nothing. */
  readonly problems: readonly string[]
  /** Segments sent, both ways. */
  readonly segments: number
  /** A packet left its sender, or reached its receiver: again, late, damaged, or not at all. As a NIC's tap shows it. */
  see(way: Way, moment: 'sent' | 'received', packet: Packet): void
  /** Sees everything that two NICs send and get. Returns the end of it. */
  watch(a: Nic, b: Nic): () => void
}

/** Options of {@link tcpObserver}. */
export interface TcpObserverOptions {
  /** Of the link: no packet may be larger, and no MSS told that would make it so. Default 1,500. */
  readonly mtu?: number
}

/**
 * Watches both ends of a wire and keeps the rules that every TCP has to keep, whoever wrote it: no ACK goes back or
 * acknowledges what was never sent, the right edge of a window never goes back, nobody sends beyond the window that it
 * was told (a probe of one byte aside), options are used as agreed, no packet is larger than the MTU (RFC 9293 §3.4,
 * §3.8.6; RFC 7323 §2.2, §3.2; RFC 2018 §2).
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { pipe } from '@stack/link-pipe'
 * import { tcp } from '@stack/tcp'
 * import { lossy, everyNth, manualClock, tcpObserver } from '@stack/testing'
 *
 * const clock = manualClock()
 * const [left, right] = pipe({ latency: 10 })
 * const a = createStack({ plugins: [ipv4(), tcp()], clock })
 * const b = createStack({ plugins: [ipv4(), tcp()], clock })
 * const observer = tcpObserver()
 * observer.watch(
 *   await a.addNic(lossy(left, { pattern: everyNth(10) }), { addresses: ['10.0.0.1/24'] }),
 *   await b.addNic(right, { addresses: ['10.0.0.2/24'] }),
 * )
 * b.tcp.listen({ port: 80 })
 * const connection = await clock.until(a.tcp.connect({ host: '10.0.0.2', port: 80 }))
 * await clock.until(connection.write(new Uint8Array(100_000)))
 * console.log(observer.problems) // []
 * a.destroy()
 * b.destroy()
 * ```
 */
export function tcpObserver(options: TcpObserverOptions = {}): TcpObserver {
  return new Observer(options.mtu ?? 1500)
}

/** One direction of one connection, as its wire shows it. */
interface Flow {
  iss: number
  hasSyn: boolean
  /** Behind the highest sequence number sent. */
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
  offersSack: boolean
}

const Flag = { Fin: 1, Syn: 2, Rst: 4, Ack: 16 } as const
const IPV4 = 0x0800
const IPV6 = 0x86dd
const MOST_PROBLEMS = 10
const MAX_SCALE = 14
const TCP_HEADER = 20

class Observer implements TcpObserver {
  readonly problems: string[] = []
  segments = 0
  private readonly mtu: number
  private readonly segment = new SegmentReader()
  private readonly flows = new Map<string, Flow>()

  constructor(mtu: number) {
    this.mtu = mtu
  }

  watch(a: Nic, b: Nic): () => void {
    const ends = ([[a, 'ab', 'ba'], [b, 'ba', 'ab']] as const).map(([nic, out, back]) =>
      nic.tap((direction, _nic, protocol, packet) => {
        if (protocol === IPV4 || protocol === IPV6) this.see(direction === 'out' ? out : back, direction === 'out' ? 'sent' : 'received', packet)
      }),
    )
    return () => {
      for (const end of ends) end()
    }
  }

  see(way: Way, moment: 'sent' | 'received', packet: Packet): void {
    const { segment } = this
    if (!segment.read(packet)) return
    const key = way === 'ab' ? `${String(segment.sourcePort)}-${String(segment.destinationPort)}` : `${String(segment.destinationPort)}-${String(segment.sourcePort)}`
    const flow = this.flow(`${way} ${key}`)
    const back = this.flow(`${way === 'ab' ? 'ba' : 'ab'} ${key}`)
    if (moment === 'received') {
      if (!segment.isDamaged(packet)) this.received(flow, back)
    } else {
      this.segments++
      if (segment.packetLength > this.mtu) this.problem(`${String(segment.packetLength)} bytes on a link of ${String(this.mtu)}`)
      if ((segment.flags & Flag.Syn) !== 0) this.sentSyn(flow, back)
      else if ((segment.flags & Flag.Rst) === 0) this.sent(flow, back)
    }
  }

  private problem(what: string): void {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push(what)
  }

  private flow(key: string): Flow {
    let flow = this.flows.get(key)
    if (flow === undefined) {
      flow = {
        iss: 0, hasSyn: false, next: 0, acked: null, edge: null, limit: null, scale: 0, offeredScale: -1, offersTimestamps: false, offersSack: false,
      }
      this.flows.set(key, flow)
    }
    return flow
  }

  private sentSyn(flow: Flow, back: Flow): void {
    const { segment } = this
    if (flow.hasSyn && flow.iss !== segment.seq) this.problem('two SYNs with different numbers')
    flow.hasSyn = true
    flow.iss = segment.seq
    flow.next = (segment.seq + 1) | 0
    flow.offeredScale = segment.windowScale
    flow.offersTimestamps = segment.timestamps
    flow.offersSack = segment.sackPermitted
    if (segment.mss === 0 || segment.mss > this.mtu - segment.networkHeaderLength - TCP_HEADER) this.problem(`MSS ${String(segment.mss)}`)
    if (segment.windowScale > MAX_SCALE) this.problem(`window scale ${String(segment.windowScale)}`)
    const isAnswer = (segment.flags & Flag.Ack) !== 0
    if (!isAnswer) return
    if (segment.windowScale >= 0 && back.offeredScale < 0) this.problem('window scale that was not offered')
    if (segment.timestamps && !back.offersTimestamps) this.problem('timestamps that were not offered')
    if (segment.sackPermitted && !back.offersSack) this.problem('SACK that was not offered')
    flow.acked = segment.ack
    const isAgreed = flow.offeredScale >= 0 && back.offeredScale >= 0
    flow.scale = isAgreed ? flow.offeredScale : 0
    back.scale = isAgreed ? back.offeredScale : 0
    flow.edge = (segment.ack + segment.window) | 0
  }

  private sent(flow: Flow, back: Flow): void {
    const { segment } = this
    const isKnown = flow.hasSyn
    if (isKnown && segment.timestamps !== (flow.offersTimestamps && back.offersTimestamps)) this.problem('timestamps are there or not, against what was agreed')
    const end = (segment.seq + segment.textLength) | 0
    // A probe is one byte, or a FIN, beyond the window.
    const beyond = flow.limit === null ? 0 : (end - flow.limit) | 0
    if (segment.length > 0 && beyond > (segment.textLength <= 1 ? 1 : 0)) this.problem(`${String(beyond)} bytes beyond the window`)
    if (((end - flow.next) | 0) > 0) flow.next = end
    if ((segment.flags & Flag.Ack) === 0) return
    this.acknowledged(flow, back)
  }

  private acknowledged(flow: Flow, back: Flow): void {
    const { segment } = this
    if (flow.acked !== null && ((segment.ack - flow.acked) | 0) < 0) this.problem('an ACK goes back')
    flow.acked = segment.ack
    if (((segment.ack - back.next) | 0) > 0) this.problem('an ACK of what was never sent')
    if (segment.sackBlocks > 0) {
      if (flow.hasSyn && !(flow.offersSack && back.offersSack)) this.problem('SACK blocks that were not agreed')
      if (((segment.sackEnd - back.next) | 0) > 0) this.problem('a SACK of what was never sent')
    }
    const edge = (segment.ack + (segment.window << flow.scale)) | 0
    if (flow.edge !== null && ((edge - flow.edge) | 0) < 0) this.problem(`the right edge goes back by ${String((flow.edge - edge) | 0)}`)
    flow.edge = edge
  }

  /** What the sender of `back` now knows of its window. */
  private received(flow: Flow, back: Flow): void {
    const { segment } = this
    if ((segment.flags & Flag.Ack) === 0 || (segment.flags & Flag.Rst) !== 0) return
    const isSyn = (segment.flags & Flag.Syn) !== 0
    const edge = (segment.ack + (isSyn ? segment.window : segment.window << flow.scale)) | 0
    if (back.limit === null || ((edge - back.limit) | 0) > 0) back.limit = edge
  }
}
