import type { Family, TcpStateName } from '@stack/testing'

/*
 * A case as JSON: what a run is made of, what fast-check shrinks, and what tools/fuzz/cases keeps. Numbers of connections
 * are relative to what the stack said, so that a case means the same after the stack has changed.
 */

/** A sequence number: where it counts from, and how far from there. */
export type Place = readonly [from: 'next' | 'expected' | 'edge' | 'start' | 'wild', offset: number]

/** An IP header around a message, and how it lies. */
export interface Net {
  readonly family: Family
  /** Index into the addresses of `addresses.ts`; absent = peer and stack. */
  readonly source?: number
  readonly destination?: number
  readonly ttl?: number
  readonly tos?: number
  /** IPv4: option bytes. IPv6: extension headers. */
  readonly options?: readonly HeaderOption[]
  readonly extensions?: readonly Extension[]
  /** Lies. */
  readonly length?: number
  readonly headerLength?: number
  readonly protocol?: number
  readonly checksum?: number
  readonly fragments?: Fragments
}

export interface HeaderOption {
  readonly number: number
  readonly data: readonly number[]
  /** A lie about the length. */
  readonly length?: number
}

export interface Extension {
  readonly header: 'hopByHop' | 'destinationOptions' | 'routing' | 'fragment'
  readonly options?: readonly HeaderOption[]
  readonly segmentsLeft?: number
}

/** The packet is cut, and what happens to the pieces on their way. */
export interface Fragments {
  /** Bytes of each, a multiple of 8. */
  readonly size: number
  readonly identification: number
  readonly order: 'forward' | 'backward'
  /** Index of a piece that is lost, -1 = none. */
  readonly lost: number
  /** Index of a piece that comes twice, -1 = none. */
  readonly twice: number
  /** Bytes by which the offset of the last piece lies; makes overlaps and holes. */
  readonly shift: number
}

/** What happens to the bytes of a finished packet. Checksums are not mended. */
export type Spoil =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'cut'; readonly length: number }
  | { readonly kind: 'extend'; readonly length: number }

/** A frame's own header, where the link has frames. */
export interface LinkHeader {
  readonly destination?: 'broadcast' | 'multicast' | 'other'
  readonly type?: number
  readonly vlan?: number
  readonly pad?: boolean
}

interface Common {
  readonly net: Net
  readonly spoil?: readonly Spoil[]
  readonly link?: LinkHeader
}

export interface TcpFrame extends Common {
  readonly is: 'tcp'
  /** 0 = the connection of the setup. */
  readonly flow: number
  readonly flags: string
  readonly seq: Place
  readonly ack: Place
  readonly win: number
  readonly text: number
  /** What the timestamp says beyond what the peer would say; absent = no option. */
  readonly ts?: number
  readonly mss?: number
  readonly scale?: number
  readonly sackPermitted?: boolean
  /** Relative to what the stack has sent and the peer acknowledged. */
  readonly sack?: readonly (readonly [number, number])[]
  readonly options?: readonly HeaderOption[]
  readonly urgent?: number
  readonly headerLength?: number
}

export interface UdpFrame extends Common {
  readonly is: 'udp'
  readonly from: number
  readonly to: number
  readonly text: number
  readonly length?: number
  readonly checksum?: number
}

export interface EchoFrame extends Common {
  readonly is: 'echo'
  readonly reply: boolean
  readonly identifier: number
  readonly sequence: number
  readonly text: number
}

/** An ICMP error about a packet that the stack sent. */
export interface ErrorFrame extends Common {
  readonly is: 'error'
  readonly type: number
  readonly code: number
  readonly parameter: number
  /** How many packets ago it was sent. */
  readonly quote: number
  /** Bytes that are quoted. */
  readonly cut: number
}

export interface ArpFrame extends Common {
  readonly is: 'arp'
  readonly operation: number
  readonly sender: number
  readonly target: number
  readonly senderLink: number
  readonly hardwareType?: number
  readonly lengths?: number
}

/** Neighbour discovery and group messages. */
export interface NdpFrame extends Common {
  readonly is: 'ndp'
  readonly type: number
  readonly target: number
  readonly flags: number
  readonly options: readonly HeaderOption[]
  readonly hopLimit: number
}

/** Some protocol, some bytes. */
export interface OtherFrame extends Common {
  readonly is: 'other'
  readonly bytes: readonly number[]
  /** Behind an IP header, or behind the link header at once. */
  readonly bare: boolean
}

export type Frame = TcpFrame | UdpFrame | EchoFrame | ErrorFrame | ArpFrame | NdpFrame | OtherFrame

/** One call of the API: which, and numbers that say how. */
export interface Call {
  readonly call: string
  readonly a: number
  readonly b: number
}

export type Step =
  /** Frames that come in one batch. */
  | { readonly frames: readonly Frame[] }
  /** ms. */
  | { readonly advance: number }
  | Call

export interface Setup {
  readonly framing: 'ip' | 'ethernet'
  readonly family: Family
  readonly mtu: number
  /** Of the connection at the beginning; null = no TCP. */
  readonly state: TcpStateName | null
  readonly open: 'active' | 'passive'
  /** Does the peer have timestamps, SACK and window scaling? */
  readonly modern: boolean
  /** What the stack's side has. */
  readonly tcp: {
    readonly noDelay: boolean
    readonly delayedAck: number
    readonly receiveBuffer: number
    readonly sendBuffer: number
    readonly keepAlive: boolean
    readonly sack: boolean
    readonly timestamps: boolean
  }
  readonly forwarding: boolean
  /** Does the peer answer address resolution? */
  readonly resolves: boolean
}

/** One run. */
export interface Case {
  readonly setup: Setup
  readonly steps: readonly Step[]
}

/** A case that is kept. */
export interface KeptCase extends Case {
  /** Name of a target or of a comparison. */
  readonly target: string
  /** What went wrong when it was found. */
  readonly found: string
}
