import { isPattern, type ParsedPacket, type TcpHeader } from '@stack/testing'
import type { Place } from './case.ts'

/** What the wire shows of one connection, and what a peer would say next. uint32 numbers unless said. */
export interface Flow {
  /** The stack's initial sequence number; null = it sent no SYN yet. */
  iss: number | null
  /** Behind the highest number that the stack sent. */
  stackNext: number
  /** The stack's last acknowledgment; null = none. */
  stackAck: number | null
  /** Right edge of the stack's window; null = none, or its scale is not known. */
  edge: number | null
  /** Behind the stack's FIN; null = none. */
  fin: number | null
  /** The peer has sent a SYN since. */
  isAskedAgain: boolean
  /** The peer's initial sequence number. */
  irs: number
  peerNext: number
  peerAck: number
  /** Behind the segments that the peer sent, the last of them. */
  readonly peerEnds: number[]
  /** The last timestamp of the stack. */
  stamp: number
  /** What the stack's SYN had. */
  offered: Offers
  /** What the peer's SYNs of this connection had; null = none came, 'unclear' = one said this and another that. */
  heard: Offers | null | 'unclear'
  /** What both agreed to; null = not known. */
  agreed: Offers | null
}

interface Offers {
  readonly timestamps: boolean
  readonly sack: boolean
  readonly scale: number | null
}

const NO_OFFERS: Offers = { timestamps: false, sack: false, scale: null }
const PEER_ISN = 100_000
const MOST_ENDS = 400
const NEAR = 1 << 22

/** Follows connections on the wire: what frames are to be relative to, and whether what the stack sends keeps the rules that hold whatever the peer does. */
export class Flows {
  readonly problems: string[] = []
  /** The fewest bytes by which a frame acknowledged more than was sent; 0 = none did. Whoever asks sets it to 0 again. */
  ahead = 0
  /** A frame had text beyond the window that was told. Whoever asks sets it to false again. */
  isBeyond = false
  private readonly flows = new Map<string, Flow>()
  private readonly mtu: number
  /** Text of the stack is `pattern`: look at it. */
  private readonly isText: boolean

  constructor(mtu: number, isText: boolean) {
    this.mtu = mtu
    this.isText = isText
  }

  at(host: string, stackPort: number, peerPort: number): Flow {
    const key = `${host} ${stackPort} ${peerPort}`
    let flow = this.flows.get(key)
    if (flow === undefined) this.flows.set(key, flow = newFlow())
    return flow
  }

  /** A number that a frame says. */
  static sequence(flow: Flow, [from, offset]: Place, of: 'seq' | 'ack'): number {
    const base = of === 'seq'
      ? { next: flow.peerNext, expected: flow.stackAck ?? flow.peerNext, edge: flow.edge ?? flow.peerNext, start: flow.irs, wild: 0x9e3779b9 }[from]
      : { next: flow.stackNext, expected: flow.peerAck, edge: flow.stackNext, start: flow.iss ?? 0, wild: 0x9e3779b9 }[from]
    return (base + offset) >>> 0
  }

  /** The peer sent this, or something that was made of it. */
  heard(parsed: ParsedPacket): void {
    const header = parsed.tcp
    if (header === null) return
    const flow = this.at((parsed.ipv4 ?? parsed.ipv6)?.source ?? '', header.destinationPort, header.sourcePort)
    const end = endOf(header, parsed.payload.length)
    const beyond = flow.edge === null ? 0 : (end - flow.edge) | 0
    this.isBeyond ||= beyond > 0 && beyond < NEAR
    flow.peerEnds.push(end)
    if (flow.peerEnds.length > MOST_ENDS) flow.peerEnds.shift()
    if (header.flags.includes('A')) {
      const ahead = (header.ack - flow.stackNext) | 0
      if (ahead > 0 && flow.iss !== null) this.ahead = Math.min(this.ahead === 0 ? ahead : this.ahead, ahead)
      flow.peerAck = header.ack
    }
    if (!header.flags.includes('S')) return
    flow.isAskedAgain ||= flow.fin !== null
    const offers = offersOf(header)
    flow.heard = flow.heard === null || sameOffers(flow.heard, offers) ? offers : 'unclear'
  }

  /** The peer goes on from here. */
  static advance(flow: Flow, next: number): void {
    if (isAfter(next, flow.peerNext)) flow.peerNext = next
  }

  /** The stack sent this. */
  sent(parsed: ParsedPacket): void {
    const network = parsed.ipv4 ?? parsed.ipv6
    for (const problem of parsed.problems) this.problems.push(`the stack sent a packet that is not sound: ${problem}`)
    const length = parsed.bytes.length - (parsed.ethernet === null ? 0 : 14)
    if (length > this.mtu) this.problems.push(`${length} bytes on a link of ${this.mtu}`)
    const header = parsed.tcp
    if (header === null || network === null || parsed.fragment !== null) return
    const flow = this.at(network.destination, header.sourcePort, header.destinationPort)
    if (header.timestamps !== null) flow.stamp = header.timestamps.value
    // A reset may answer for a connection that there never was.
    if (header.flags.includes('R')) return
    if (header.flags.includes('S')) this.sentSyn(flow, header, network.layer === 'ipv4' ? 40 : 60)
    else if (flow.iss !== null) this.sentSegment(flow, header, parsed.payload)
  }

  private sentSyn(flow: Flow, header: TcpHeader, headers: number): void {
    const offered = offersOf(header)
    // In virtual time no clock may have moved since the last connection of this pair, and the ISN is the same again (RFC 6528 §3).
    const isAgain = flow.iss === header.seq && flow.fin === null
    if (!isAgain) {
      const { heard, irs, peerNext, peerEnds, stamp } = flow
      const isPassive = header.flags.includes('A')
      Object.assign(flow, newFlow(), { irs, peerNext, peerEnds, stamp, iss: header.seq, heard: isPassive ? heard : null })
    }
    flow.offered = offered
    if (isAfter(header.seq + 1, flow.stackNext) || flow.stackNext === 0) flow.stackNext = (header.seq + 1) >>> 0
    if (header.mss === null || header.mss > this.mtu - headers) this.problems.push(`a SYN has the MSS ${header.mss}`)
    if ((header.windowScale ?? 0) > 14) this.problems.push(`a SYN has the window scale ${header.windowScale}`)
    if (!header.flags.includes('A')) return
    const { heard } = flow
    if (heard !== null && heard !== 'unclear') {
      if (offered.timestamps && !heard.timestamps) this.problems.push('a SYN-ACK has timestamps that were not offered')
      if (offered.sack && !heard.sack) this.problems.push('a SYN-ACK has SACK that was not offered')
      if (offered.scale !== null && heard.scale === null) this.problems.push('a SYN-ACK has a window scale that was not offered')
    }
    // Who answers a SYN says what is agreed; in a simultaneous open too (RFC 9293 §3.5).
    flow.agreed = offered
    flow.stackAck = header.ack
    flow.edge = (header.ack + header.window) >>> 0
  }

  private sentSegment(flow: Flow, header: TcpHeader, text: Uint8Array): void {
    const { heard, offered } = flow
    if (flow.agreed === null && heard !== null && heard !== 'unclear') {
      flow.agreed = { timestamps: heard.timestamps && offered.timestamps, sack: heard.sack && offered.sack, scale: heard.scale === null ? null : offered.scale }
    }
    const end = endOf(header, text.length)
    if (flow.isAskedAgain && isAfter(end, flow.fin!)) {
      // The next connection of this pair (RFC 9293 §3.6.1). There was no memory for its SYN-ACK, so that nothing is known of it yet.
      flow.iss = flow.fin = null
      flow.isAskedAgain = false
      return
    }
    if (!header.flags.includes('A')) this.problems.push(`a segment without ACK: ${header.flags}`)
    if (isAfter(end, flow.stackNext)) flow.stackNext = end
    if (flow.fin !== null && isAfter(end, flow.fin)) this.problems.push('text behind the FIN')
    if (header.flags.includes('F')) flow.fin = end
    if (this.isText && text.length > 0) this.checkText(flow, header, text)
    if (flow.stackAck !== null && isAfter(flow.stackAck, header.ack)) this.problems.push(`an ACK goes back by ${(flow.stackAck - header.ack) >>> 0}`)
    if (!wasSent(flow, header.ack)) this.problems.push('an ACK of what was never sent')
    flow.stackAck = header.ack
    const { agreed } = flow
    if (agreed === null) {
      flow.edge = null
      return
    }
    if ((header.timestamps !== null) !== agreed.timestamps) this.problems.push('timestamps are there or not, against what was agreed')
    if (header.sack !== null && !agreed.sack) this.problems.push('SACK blocks that were not agreed')
    for (const [left, right] of header.sack ?? []) {
      if (!isAfter(right, left)) this.problems.push('a SACK block that is empty')
      if (!wasSent(flow, right)) this.problems.push('a SACK of what was never sent')
    }
    const unit = 2 ** (agreed.scale === null ? 0 : (offered.scale ?? 0))
    const edge = (header.ack + header.window * unit) >>> 0
    // What scaling rounds away may be missing; it is taken all the same (RFC 7323 §2.4).
    if (flow.edge !== null && isAfter(flow.edge, edge + unit - 1)) this.problems.push(`the right edge goes back by ${(flow.edge - edge) >>> 0}`)
    flow.edge = edge
  }

  private checkText(flow: Flow, header: TcpHeader, text: Uint8Array): void {
    const position = (header.seq - flow.iss! - 1) | 0
    // A probe of a closed window may be an old byte; keep-alives have one that was never sent.
    if (position < 0) return
    if (!isPattern(text, position)) this.problems.push(`${text.length} bytes at ${position} are not what was written there`)
  }
}

function newFlow(): Flow {
  return {
    iss: null, stackNext: 0, stackAck: null, edge: null, fin: null, isAskedAgain: false, irs: PEER_ISN, peerNext: PEER_ISN, peerAck: 0, peerEnds: [], stamp: 0,
    offered: NO_OFFERS, heard: null, agreed: null,
  }
}

function offersOf(header: TcpHeader): Offers {
  return { timestamps: header.timestamps !== null, sack: header.sackPermitted, scale: header.windowScale }
}

function sameOffers(a: Offers | 'unclear', b: Offers): boolean {
  return a !== 'unclear' && a.timestamps === b.timestamps && a.sack === b.sack && (a.scale === null) === (b.scale === null)
}

export function endOf(header: { readonly seq: number; readonly flags: string }, text: number): number {
  return (header.seq + text + (header.flags.includes('S') ? 1 : 0) + (header.flags.includes('F') ? 1 : 0)) >>> 0
}

/** Did the peer send something that reaches up to here? Its numbers jump: anything near enough counts. */
function wasSent({ peerEnds }: Flow, sequence: number): boolean {
  return peerEnds.some((end) => ((end - sequence) | 0) >= 0 && ((end - sequence) | 0) < NEAR)
}

function isAfter(a: number, b: number): boolean {
  return ((a - b) | 0) > 0
}
