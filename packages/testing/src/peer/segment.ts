import type { Bytes } from '../packets/bytes.ts'
import type { Expected } from '../packets/matchers.ts'
import type { ParsedPacket } from '../packets/parse.ts'
import type { TcpOption } from '../packets/tcp-options.ts'
import type { TcpFields, TcpHeader } from '../packets/tcp.ts'

/** Where the two sides of a connection began to count. */
export interface InitialNumbers {
  /** The stack's initial sequence number. */
  readonly iss: number
  /** The peer's. */
  readonly irs: number
}

/** A segment that the stack sent, in the short words of a trace. Numbers are relative: `seq` to its ISN, `ack` and `sack` to the peer's. */
export interface Segment {
  /** Letters of SFRPAUECN, in this order. */
  readonly flags: string
  readonly seq: number
  /** 0 without the flag A. */
  readonly ack: number
  /** As on the wire, not scaled. */
  readonly win: number
  readonly data: Uint8Array
  /** Bytes of `data`. */
  readonly length: number
  readonly mss: number | null
  readonly scale: number | null
  readonly ts: { readonly value: number; readonly echo: number } | null
  readonly sackPermitted: boolean
  readonly sack: readonly (readonly [left: number, right: number])[] | null
  readonly sourcePort: number
  readonly destinationPort: number
  readonly urgentPointer: number
  /** All options as they are on the wire, with absolute numbers. */
  readonly options: readonly TcpOption[]
  /** The two bits of the IP header (RFC 3168 §5). */
  readonly ecn: number
  /** The whole packet, for checkers. */
  readonly packet: ParsedPacket
}

/** A segment that the peer sends. `seq` is relative to the peer's ISN, `ack` and `sack` to the stack's. */
export interface SegmentFields {
  readonly seq?: number
  readonly ack?: number
  /** Default 65,535. */
  readonly win?: number
  readonly data?: Bytes
  readonly mss?: number | null
  readonly scale?: number | null
  /** Default: the peer's `timestamp` with an echo of 0, where it has one. */
  readonly ts?: { readonly value: number; readonly echo: number } | null
  readonly sackPermitted?: boolean
  readonly sack?: readonly (readonly [left: number, right: number])[] | null
  readonly sourcePort?: number
  readonly destinationPort?: number
  readonly urgentPointer?: number
  /** Further options, as they are. */
  readonly options?: readonly TcpOption[]
  readonly ecn?: number
  /** A lie about the checksum. */
  readonly checksum?: number
  /** A lie about the header's length, bytes. */
  readonly headerLength?: number
}

/** The fields of a segment that are looked at. */
export type SegmentExpectations = { readonly [K in keyof Omit<Segment, 'flags' | 'packet'>]?: Expected<Segment[K]> }

/** The header of a segment that the peer sends. */
export function headerOf(flags: string, fields: SegmentFields, { iss, irs }: InitialNumbers, ports: { readonly source: number; readonly destination: number }): TcpFields {
  const { seq = 0, ack = 0, sack = null } = fields
  return {
    flags,
    sourcePort: fields.sourcePort ?? ports.source,
    destinationPort: fields.destinationPort ?? ports.destination,
    seq: irs + seq,
    ack: flags.includes('A') ? iss + ack : 0,
    window: fields.win ?? 65_535,
    urgentPointer: fields.urgentPointer ?? 0,
    mss: fields.mss ?? null,
    windowScale: fields.scale ?? null,
    timestamps: fields.ts ?? null,
    sackPermitted: fields.sackPermitted ?? false,
    sack: sack?.map(([left, right]) => [iss + left, iss + right] as const) ?? null,
    options: fields.options ?? [],
    ...(fields.checksum === undefined ? {} : { checksum: fields.checksum }),
    ...(fields.headerLength === undefined ? {} : { headerLength: fields.headerLength }),
  }
}

/** What the stack sent, in relative numbers. */
export function segmentOf(packet: ParsedPacket, header: TcpHeader, { iss, irs }: InitialNumbers): Segment {
  return {
    flags: header.flags,
    seq: (header.seq - iss) | 0,
    ack: header.flags.includes('A') ? (header.ack - irs) | 0 : 0,
    win: header.window,
    data: packet.payload,
    length: packet.payload.length,
    mss: header.mss,
    scale: header.windowScale,
    ts: header.timestamps,
    sackPermitted: header.sackPermitted,
    sack: header.sack?.map(([left, right]) => [(left - irs) | 0, (right - irs) | 0] as const) ?? null,
    sourcePort: header.sourcePort,
    destinationPort: header.destinationPort,
    urgentPointer: header.urgentPointer,
    options: header.options,
    ecn: packet.ipv4?.ecn ?? packet.ipv6?.ecn ?? 0,
    packet,
  }
}
