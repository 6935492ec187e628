import { ChecksumState } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import type { Failure, Route } from '@stack/core'
import { cutFragments } from '@stack/ip-common'
import type { FragmentCut } from '@stack/ip-common'
import { FRAGMENT_HEADER_LENGTH, IPV6_ETHERTYPE, IPV6_HEADER_LENGTH, Ipv6Field, NextHeader, writeFragmentHeader } from '../wire/header.ts'
import type { EndpointContext } from './context.ts'
import { findUnfragmentablePart } from './extension-headers.ts'

/**
 * Cuts a finished packet for the route's MTU and sends the pieces (RFC 8200 §4.5). Takes ownership. When one
 * cannot be sent the rest is useless and is released.
 */
export function sendFragments(context: EndpointContext, route: Route, original: Packet): Failure {
  const { counters, shared } = context
  const packet = original.payload === null ? original : shared.host.memory.flatten(original)
  if (packet === null) return fail(context, original, 'ENOBUFS')
  // A checksum cannot be finished once the bytes are in several packets.
  if (packet.checksumState === ChecksumState.Partial && !packet.finishChecksum()) return fail(context, packet, 'EINVAL')

  const view = packet.view
  const o = packet.networkHeader
  const part = { end: 0, field: 0 }
  findUnfragmentablePart(view, o, packet.networkHeaderLength, part)
  const headerLength = part.end - o
  const cut: FragmentCut = {
    mtu: route.mtu,
    headroom: route.nic.linkHeaderLength,
    firstHeaderLength: headerLength + FRAGMENT_HEADER_LENGTH,
    headerLength: headerLength + FRAGMENT_HEADER_LENGTH,
  }
  const next = view.getUint8(part.field)
  const id = shared.fragmentIds.next(packet)
  let fragment = cutFragments(shared.host.memory, packet, part.end, cut)
  if (fragment === null) return fail(context, packet, 'ENOBUFS')
  counters.fragmented++
  let offset = 0
  let failure: Failure = null
  while (fragment !== null) {
    const following: Packet | null = fragment.next
    fragment.next = null
    const length = fragment.length
    const at = fragment.pushNetworkHeader(cut.headerLength)
    copyHeader(packet, o, fragment, at, headerLength)
    fragment.view.setUint16(at + Ipv6Field.PayloadLength, fragment.length - IPV6_HEADER_LENGTH)
    fragment.view.setUint8(at + part.field - o, NextHeader.Fragment)
    writeFragmentHeader(fragment.view, at + headerLength, next, offset, following !== null, id)
    offset += length
    if (failure === null) {
      counters.fragmentsSent++
      counters.sent++
      failure = route.nic.writePacket(route, IPV6_ETHERTYPE, fragment)
    } else fragment.release()
    fragment = following
  }
  packet.release()
  return failure
}

function fail(context: EndpointContext, packet: Packet, failure: Failure): Failure {
  context.counters.dropNoMemory++
  packet.release()
  return failure
}

/** Header parts are multiples of 8 bytes. */
function copyHeader(from: Packet, fromOffset: number, to: Packet, toOffset: number, length: number): void {
  for (let i = 0; i < length; i += 4) to.view.setInt32(toOffset + i, from.view.getInt32(fromOffset + i))
}
