import { ChecksumState, addSums, type Packet } from '@stack/buffer'
import { pseudoHeaderSum, wordsSum } from '@stack/core'
import { UDP_FIELD, UDP_HEADER_LENGTH, UDP_PROTOCOL } from './wire.ts'

/** Why a datagram was refused, or `ok`. */
export type Verdict = 'ok' | 'length' | 'checksum'

/**
 * Checks a datagram whose header is at `packet.start` and cuts it to the length that the header states (RFC 768): bytes
 * behind it are padding of lower layers.
 */
export function verify(packet: Packet): Verdict {
  const { start, view } = packet
  const length = view.getUint16(start + UDP_FIELD.length)
  if (length < UDP_HEADER_LENGTH || length > packet.length) return 'length'
  packet.trimEnd(length)
  const state = packet.checksumState
  if (state === ChecksumState.Verified || state === ChecksumState.Partial) return 'ok'
  if (view.getUint16(start + UDP_FIELD.checksum) === 0) {
    // RFC 768: not computed. RFC 8200 §8.1: never so over IPv6.
    return packet.destinationC === 0xffff && packet.destinationA === 0 && packet.destinationB === 0 ? 'ok' : 'checksum'
  }
  const addresses =
    wordsSum(packet.sourceA, packet.sourceB, packet.sourceC, packet.sourceD) +
    wordsSum(packet.destinationA, packet.destinationB, packet.destinationC, packet.destinationD)
  return addSums(packet.sum(start), pseudoHeaderSum(addresses, UDP_PROTOCOL, length)) === 0xffff ? 'ok' : 'checksum'
}
