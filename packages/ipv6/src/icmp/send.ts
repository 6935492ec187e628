import { ChecksumState } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import { addressSum, pseudoHeaderSum } from '@stack/core'
import type { Address } from '@stack/core'
import { NextHeader } from '../wire/header.ts'

const CHECKSUM_OFFSET = 2

/** Leaves the checksum of an ICMPv6 message partial: `packet` starts with the message, whose checksum field is overwritten. */
export function leaveChecksumPartial(packet: Packet, source: Address, destination: Address): void {
  packet.view.setUint16(packet.start + CHECKSUM_OFFSET, pseudoHeaderSum(addressSum(source) + addressSum(destination), NextHeader.Icmpv6, packet.length))
  packet.checksumState = ChecksumState.Partial
  packet.checksumStart = packet.start
  packet.checksumOffset = CHECKSUM_OFFSET
}
