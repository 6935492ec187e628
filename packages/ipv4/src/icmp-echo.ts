import { PacketFlag } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { mappedAddress } from '@stack/core'
import type { Ipv4Endpoint } from './endpoint.ts'
import { sendIcmp } from './icmp-error.ts'
import { IPV4_MIN_HEADER } from './wire/header.ts'
import { ICMP_FIELD, ICMP_HEADER, IcmpType } from './wire/icmp.ts'
import { copyReplyOptions, stampOptions } from './wire/options.ts'

const DAY = 86_400_000

/** RFC 792 p. 14, RFC 1122 §3.2.2.6: the data comes back as it is, from the address that was asked. The request is borrowed. */
export function answerEcho(endpoint: Ipv4Endpoint, request: Packet): void {
  const { context, icmp: counters } = endpoint
  const pool = context.host.memory
  const reply = pool.allocate(endpoint.maxHeaderLength + ICMP_HEADER, request.length - ICMP_HEADER)
  if (reply === null) {
    counters.dropNoMemory++
    return
  }
  const icmp = request.start
  reply.append(request.bytes, icmp + ICMP_HEADER, request.end)
  if (request.payload !== null) reply.attachPayload(request.payload, request.payloadOffset, request.payloadLength)
  const at = reply.pushTransportHeader(ICMP_HEADER)
  reply.view.setUint16(at + ICMP_FIELD.type, IcmpType.EchoReply << 8)
  reply.view.setInt32(at + ICMP_FIELD.identifier, request.view.getInt32(icmp + ICMP_FIELD.identifier))
  const isGroup = (request.flags & (PacketFlag.Broadcast | PacketFlag.Multicast)) !== 0
  const local = isGroup ? null : mappedAddress(request.destinationD)
  if (sendIcmp(endpoint, local, mappedAddress(request.sourceD), request.tos, replyOptions(endpoint, request), reply)) counters.echoRepliesSent++
}

/** Record route and timestamp go back, with this host entered. */
function replyOptions(endpoint: Ipv4Endpoint, request: Packet): Uint8Array | null {
  const at = request.networkHeader + IPV4_MIN_HEADER
  const end = request.networkHeader + request.networkHeaderLength
  if (at === end) return null
  // Header parameters carry an array of their own length; requests with options are rare.
  const room = new Uint8Array(40)
  const length = copyReplyOptions(request.view, at, end, room)
  if (length === 0) return null
  stampOptions(new DataView(room.buffer), 0, length, request.destinationD, endpoint.context.host.clock.wallNow() % DAY)
  return room.slice(0, length)
}
