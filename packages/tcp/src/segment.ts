import { ChecksumState, GsoType } from '@stack/buffer'
import type { Chunk, Packet, PacketCredit } from '@stack/buffer'
import { isMapped, LEAST_BELIEVED_MTU, pseudoHeaderSum, wordsSum } from '@stack/core'
import type { Failure } from '@stack/core'
import { TCP_PROTOCOL } from './context.ts'
import { makeRoom } from './authentication/seam.ts'
import type { TcpContext } from './context.ts'
import { currentRoute } from './flow.ts'
import type { Flow } from './flow.ts'
import { Field, Flag, headerLengthOf, parseHeader, writeHeader } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/** What {@link receiveHeader} found. */
export type HeaderVerdict = 'ok' | 'malformed' | 'checksum' | 'unwanted'

const SYN_FIN = Flag.Syn | Flag.Fin

/**
 * Parses the header at `packet.start` into `context.incoming` and verifies the checksum; a good header is consumed and
 * `packet.start` is at the text.
 */
export function receiveHeader(context: TcpContext, packet: Packet): HeaderVerdict {
  const header = context.incoming
  const length = packet.length
  if (!parseHeader(packet.view, packet.start, packet.end - packet.start, header)) {
    context.counters.dropMalformed++
    return 'malformed'
  }
  if (!isChecksumGood(packet, length)) {
    context.counters.dropChecksum++
    return 'checksum'
  }
  if ((header.flags & SYN_FIN) === SYN_FIN && context.synFin === 'drop') {
    context.counters.dropBadFlags++
    return 'unwanted'
  }
  header.ecn = packet.tos & 3
  packet.consumeTransportHeader(header.headerLength)
  return 'ok'
}

/** RFC 9293 §3.1, MUST-3. */
function isChecksumGood(packet: Packet, length: number): boolean {
  const state = packet.checksumState
  if (state === ChecksumState.Verified || state === ChecksumState.Partial) return true
  const addresses =
    wordsSum(packet.sourceA, packet.sourceB, packet.sourceC, packet.sourceD) +
    wordsSum(packet.destinationA, packet.destinationB, packet.destinationC, packet.destinationD)
  const isSummed = state === ChecksumState.Complete && packet.checksumStart === packet.start
  const sum = isSummed ? packet.checksumSum : packet.sum(packet.start)
  const total = sum + pseudoHeaderSum(addresses, TCP_PROTOCOL, length)
  return ((total & 0xffff) + (total >>> 16)) === 0xffff
}

/** Clears the fields that few segments have. */
export function beginSegment(context: TcpContext, flow: Flow, flags: number, sequence: number, acknowledgment: number): SegmentHeader {
  const header = context.outgoing
  header.sourcePort = flow.localPort
  header.destinationPort = flow.remotePort
  header.flags = flags
  header.ecn = 0
  header.sequence = sequence
  header.acknowledgment = acknowledgment
  header.window = 0
  header.urgentPointer = 0
  header.mss = 0
  header.windowScale = -1
  header.sackPermitted = false
  header.sackBlocks = 0
  header.timestamps = false
  header.rare = 0
  return header
}

/**
 * Sends `context.outgoing` along the flow, with `length` bytes of `chunk` from `offset` on. Segments without text may
 * use the memory reserved for control. `credit` gets `length` back when the packet is gone, or was never made.
 *
 * @param isOnly - nothing else of the flow is below: it may use the reserve too, so that data always gets on and frees
 * what it holds
 * @param count - segments of one size that the NIC or its link will cut it into
 * @returns null when the stack took it; `ENOBUFS` when it had no room, which is no loss of the network
 */
export function sendSegment(context: TcpContext, flow: Flow, chunk: Chunk | null = null, offset = 0, length = 0, credit: PacketCredit | null = null, isOnly = false, count = 1): Failure {
  const { counters, outgoing, params } = context
  const route = currentRoute(context, flow)
  if (typeof route === 'string') {
    counters.noRoute++
    credit?.returned(length)
    return route
  }
  const { authenticator } = flow
  const signature = authenticator === null ? 0 : makeRoom(outgoing, authenticator)
  const plainLength = headerLengthOf(outgoing)
  const headerLength = plainLength + signature
  const packet = allocate(context, route.endpoint.maxHeaderLength + headerLength, length, count > 1 || route.endpoint.capabilities.scatterGather === true, isOnly)
  if (packet === null) {
    counters.noMemory++
    credit?.returned(length)
    return 'ENOBUFS'
  }
  const at = packet.pushTransportHeader(headerLength)
  writeHeader(packet.view, at, outgoing)
  if (length > 0) {
    packet.attachPayload(chunk!, offset, length)
    packet.credit = credit
    packet.creditBytes = length
  }
  if (count > 1) {
    packet.gsoType = isMapped(flow.remoteAddress) ? GsoType.TcpV4 : GsoType.TcpV6
    packet.gsoMss = length / count
  }
  if (signature > 0) authenticator!.sign(packet, plainLength)
  // Before the view is asked for: after a call the engine does not know any more what that is.
  const sum = pseudoHeaderSum(flow.addressSum, TCP_PROTOCOL, headerLength + length)
  packet.view.setUint16(at + Field.Checksum, sum)
  packet.checksumState = ChecksumState.Partial
  packet.checksumStart = at
  packet.checksumOffset = Field.Checksum
  packet.transportProtocol = TCP_PROTOCOL
  packet.sourcePort = flow.localPort
  packet.destinationPort = flow.remotePort
  params.protocol = TCP_PROTOCOL
  params.ttl = flow.ttl
  params.tos = outgoing.ecn === 0 ? flow.tos : (flow.tos & ~3) | outgoing.ecn
  // RFC 1191 §3: a sender that learns the path's MTU forbids fragments, from the SYN on. The path may take less than is believed.
  params.dontFragment = route.mtu > LEAST_BELIEVED_MTU
  counters.segmentsSent += count
  if ((outgoing.flags & Flag.Rst) !== 0) counters.resetsSent++
  return route.endpoint.writePacket(route, params, packet)
}

/** With room for the text where the NIC will want it contiguous: not where it cuts. */
function allocate(context: TcpContext, headroom: number, length: number, scattered: boolean, isOnly: boolean): Packet | null {
  const { memory } = context.host
  if (length === 0) return memory.allocateControl(headroom, 0)
  const capacity = scattered ? 0 : length
  return memory.allocate(headroom, capacity) ?? (isOnly ? memory.allocateControl(headroom, capacity) : null)
}
