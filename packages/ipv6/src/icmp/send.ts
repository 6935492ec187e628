import { ChecksumState } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { NextHeader } from '../wire/header.ts'
import type { AddressWords } from '../wire/header.ts'
import { pseudoHeaderSum } from '../wire/checksum.ts'

const CHECKSUM_OFFSET = 2

/** Leaves the checksum of an ICMPv6 message partial: `packet` starts with the message, whose checksum field is overwritten. */
export function leaveChecksumPartial(packet: Packet, source: AddressWords, destination: AddressWords): void {
  packet.view.setUint16(packet.start + CHECKSUM_OFFSET, pseudoHeaderSum(source, destination, packet.length, NextHeader.Icmpv6))
  packet.checksumState = ChecksumState.Partial
  packet.checksumStart = packet.start
  packet.checksumOffset = CHECKSUM_OFFSET
}
