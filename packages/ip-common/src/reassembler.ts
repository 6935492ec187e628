import type { Packet } from '@stack/buffer'
import type { Host } from '@stack/core'
import type { Reassembler, ReassemblyOptions } from './reassembly-types.ts'

/** What a reassembler needs of its stack. */
export type ReassemblerHost = Pick<Host, 'memory' | 'scheduler' | 'timers' | 'secureRandom'>

/**
 * @param timeExceeded told when a datagram timed out whose first fragment had come (RFC 792, RFC 8200 §4.5): the packet
 * starts at its network header as received, headers not consumed; borrowed, and released behind the call.
 */
export declare function createReassembler(host: ReassemblerHost, options: ReassemblyOptions, timeExceeded: (first: Packet) => void): Reassembler
