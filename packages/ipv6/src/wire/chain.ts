import { IPV6_HEADER_LENGTH, Ipv6Field, NextHeader, extensionLength, fragmentOffset, moreFragments } from './header.ts'
import { OptionAction, readOptions } from './options.ts'
import type { OptionsResult } from './options.ts'

/** Headers that one packet may have; nobody sends more than a handful (RFC 8504 §5.3 lets hosts set limits). */
export const MAX_EXTENSION_HEADERS = 16

/** Where a walk along the extension headers ended. */
export const ChainEnd = {
  /** At the upper-layer header, or at one that is not known here. */
  Upper: 0,
  /** At a fragment header of a packet that is really fragmented. */
  Fragment: 1,
  /** Next header 59. */
  None: 2,
  /** A header runs beyond the packet. */
  Truncated: 3,
  /** A routing header with segments left. */
  Routing: 4,
  /** A hop-by-hop header that is not the first. */
  Misplaced: 5,
  /** An option says what to do: `action`. */
  Option: 6,
  /** Too many headers, or two fragment headers. */
  TooMany: 7,
} as const
/** One of the values of {@link ChainEnd}. */
export type ChainEnd = (typeof ChainEnd)[keyof typeof ChainEnd]

/** The answer of {@link walkChain}. Kept by the caller and overwritten. */
export interface Chain extends OptionsResult {
  end: ChainEnd
  /** Type of the header where the walk ended. */
  nextHeader: number
  /** Offset in the view where that header starts. */
  offset: number
  /** Offset of the Next Header field that names it. */
  field: number
  /** Offset of the fragment in its datagram, bytes; 0 also when there is none. */
  fragmentOffset: number
}

/** A result for {@link walkChain}. */
export function newChain(): Chain {
  return {
    end: ChainEnd.Upper, nextHeader: 0, offset: 0, field: 0, fragmentOffset: 0,
    action: OptionAction.Accept, pointer: 0, routerAlert: false,
  }
}

/**
 * Walks from the fixed header at `o` to the upper-layer header (RFC 8200 §4.1). A fragment header of an unfragmented
 * packet (RFC 6946) is passed over. `receive` acts as a destination does: options and routing headers are examined, and
 * the walk stops at a fragment. Otherwise (a quoted packet, a capture) they are passed over, first fragments too.
 *
 * @param end - offset behind the last byte that can be read
 */
export function walkChain(view: DataView, o: number, end: number, receive: boolean, chain: Chain): void {
  let at = o + IPV6_HEADER_LENGTH
  let field = o + Ipv6Field.NextHeader
  chain.fragmentOffset = 0
  chain.routerAlert = false
  let fragmentSeen = false
  for (let count = 0; ; count++) {
    const next = view.getUint8(field)
    chain.nextHeader = next
    chain.offset = at
    chain.field = field
    if (next !== NextHeader.HopByHop && next !== NextHeader.Destination && next !== NextHeader.Routing && next !== NextHeader.Fragment) {
      chain.end = next === NextHeader.None ? ChainEnd.None : ChainEnd.Upper
      return
    }
    if (count === MAX_EXTENSION_HEADERS) {
      chain.end = ChainEnd.TooMany
      return
    }
    // RFC 8200 §4.1: hop-by-hop options stand directly behind the fixed header.
    if (next === NextHeader.HopByHop && count !== 0) {
      chain.end = ChainEnd.Misplaced
      chain.pointer = field
      return
    }
    // All of them are at least 8 bytes, and a fragment header is no more.
    const length = next === NextHeader.Fragment || end - at < 8 ? 8 : extensionLength(view, at)
    if (end - at < length) {
      chain.end = ChainEnd.Truncated
      return
    }
    if (next === NextHeader.Fragment) {
      // A fragment of a fragment: nobody sends that.
      if (fragmentSeen) {
        chain.end = ChainEnd.TooMany
        return
      }
      fragmentSeen = true
      if (fragmentOffset(view, at) !== 0 || moreFragments(view, at)) {
        chain.fragmentOffset = fragmentOffset(view, at)
        if (receive || chain.fragmentOffset !== 0) {
          chain.end = ChainEnd.Fragment
          return
        }
      }
    } else if (receive && !examine(view, at, next, chain)) return
    field = at
    at += length
  }
}

/** Looks into the options or routing header at `at`; false = the walk ends there. */
function examine(view: DataView, at: number, type: number, chain: Chain): boolean {
  if (type === NextHeader.Routing) {
    if (view.getUint8(at + 3) === 0) return true
    // RFC 8200 §4.4: an unknown routing type with segments left. Type 0 is one of them (RFC 5095 §3).
    chain.end = ChainEnd.Routing
    chain.pointer = at + 2
    return false
  }
  const alert = chain.routerAlert
  readOptions(view, at, chain)
  chain.routerAlert ||= alert
  if (chain.action === OptionAction.Accept) return true
  chain.end = ChainEnd.Option
  return false
}
