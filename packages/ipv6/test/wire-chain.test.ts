import { seededRandom } from '@stack/core'
import { describe, expect, it } from 'vitest'
import {
  ChainEnd, HeaderCheck, MAX_EXTENSION_HEADERS, NextHeader, OptionAction, checkIpv6Header, checkNdpOptions, findNdpOption, newChain,
  readLinkAddressOption, walkChain, writeIpv6Header,
} from '../src/wire.ts'
import type { Chain } from '../src/wire.ts'

/** A fixed header whose Next Header is `first`, and what follows. */
function walk(first: number, behind: readonly number[], receive = true): Chain {
  const bytes = new Uint8Array(40 + behind.length)
  const view = new DataView(bytes.buffer)
  writeIpv6Header(view, 0, 0, 0, behind.length, first, 64)
  bytes.set(behind, 40)
  const chain = newChain()
  walkChain(view, 0, bytes.length, receive, chain)
  return chain
}

const { HopByHop, Routing, Fragment, Destination, None } = NextHeader
const TCP = 6

describe('the fixed header', () => {
  it('is refused when it is short, of another version, or promises more than there is', () => {
    const view = new DataView(new ArrayBuffer(48))
    writeIpv6Header(view, 0, 0xab, 0x12345, 8, TCP, 64)
    expect(checkIpv6Header(view, 0, 48, 48)).toBe(HeaderCheck.Ok)
    expect(checkIpv6Header(view, 0, 47, 47)).toBe(HeaderCheck.PayloadLength)
    expect(checkIpv6Header(view, 0, 39, 39)).toBe(HeaderCheck.Truncated)
    view.setUint8(0, 0x45)
    expect(checkIpv6Header(view, 0, 48, 48)).toBe(HeaderCheck.Version)
  })
})

describe('the chain of extension headers', () => {
  it('ends at the upper layer at once', () => {
    expect(walk(TCP, [])).toMatchObject({ end: ChainEnd.Upper, nextHeader: TCP, offset: 40, field: 6 })
  })

  it('passes over hop-by-hop, destination and spent routing headers [RFC8200-4-order]', () => {
    const chain = walk(HopByHop, [
      Routing, 0, 1, 4, 0, 0, 0, 0,
      Destination, 0, 0, 0, 0, 0, 0, 0,
      TCP, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      0xaa,
    ])
    expect(chain).toMatchObject({ end: ChainEnd.Upper, nextHeader: TCP, offset: 40 + 32, field: 40 + 16 })
  })

  it('notes a router alert, and refuses one of another length (LESSONS: router-alert length)', () => {
    expect(walk(HopByHop, [TCP, 0, 5, 2, 0, 0, 1, 0]).routerAlert).toBe(true)
    expect(walk(HopByHop, [TCP, 0, 5, 1, 0, 0, 0, 0])).toMatchObject({ end: ChainEnd.Option, action: OptionAction.Malformed, pointer: 43 })
    expect(walk(HopByHop, [TCP, 0, 5, 4, 0, 0, 0, 0])).toMatchObject({ end: ChainEnd.Option, action: OptionAction.Malformed, pointer: 43 })
  })

  // RFC 8200 §4.2
  it.each([
    [0x1e, ChainEnd.Upper, OptionAction.Accept],
    [0x5e, ChainEnd.Option, OptionAction.Discard],
    [0x9e, ChainEnd.Option, OptionAction.Report],
    [0xde, ChainEnd.Option, OptionAction.ReportUnicast],
  ])('an unknown option of type %i does what its highest bits say', (type, end, action) => {
    const chain = walk(Destination, [TCP, 0, 0, type, 1, 0, 0, 0])
    expect(chain).toMatchObject({ end, action })
    if (end === ChainEnd.Option) expect(chain.pointer).toBe(43)
  })

  it('an option that runs past its header is malformed', () => {
    expect(walk(Destination, [TCP, 0, 1, 5, 0, 0, 0, 0])).toMatchObject({ end: ChainEnd.Option, action: OptionAction.Malformed, pointer: 43 })
    expect(walk(Destination, [TCP, 0, 1, 3, 0, 0, 0, 0x1e])).toMatchObject({ action: OptionAction.Malformed, pointer: 47 })
  })

  it('a routing header with segments left is pointed at by its type (RFC 8200 §4.4)', () => {
    expect(walk(Routing, [TCP, 0, 0, 1, 0, 0, 0, 0])).toMatchObject({ end: ChainEnd.Routing, pointer: 42 })
  })

  it('hop-by-hop options elsewhere than in front are pointed at by the field that names them', () => {
    expect(walk(Destination, [HopByHop, 0, 1, 4, 0, 0, 0, 0, TCP, 0, 1, 4, 0, 0, 0, 0])).toMatchObject({ end: ChainEnd.Misplaced, pointer: 40 })
  })

  it('a header that runs beyond the packet is truncated', () => {
    expect(walk(Destination, [TCP, 1, 1, 4, 0, 0, 0, 0]).end).toBe(ChainEnd.Truncated)
    expect(walk(Destination, [TCP]).end).toBe(ChainEnd.Truncated)
    expect(walk(Fragment, [TCP, 0, 0, 0]).end).toBe(ChainEnd.Truncated)
  })

  it('stops at a fragment; passes over the header of a packet that is whole (RFC 6946)', () => {
    expect(walk(Fragment, [TCP, 0, 0, 1, 0, 0, 0, 7, 1])).toMatchObject({ end: ChainEnd.Fragment, offset: 40, fragmentOffset: 0 })
    expect(walk(Fragment, [TCP, 0, 0, 8, 0, 0, 0, 7, 1])).toMatchObject({ end: ChainEnd.Fragment, fragmentOffset: 8 })
    expect(walk(Fragment, [TCP, 0, 0, 0, 0, 0, 0, 7, 1])).toMatchObject({ end: ChainEnd.Upper, nextHeader: TCP, offset: 48 })
  })

  it('a quoted first fragment is looked through, a later one is not', () => {
    expect(walk(Fragment, [TCP, 0, 0, 1, 0, 0, 0, 7, 1], false)).toMatchObject({ end: ChainEnd.Upper, offset: 48 })
    expect(walk(Fragment, [TCP, 0, 0, 9, 0, 0, 0, 7, 1], false).end).toBe(ChainEnd.Fragment)
  })

  it('a fragment of a fragment, and a chain without end, are given up [RFC8504-5.3-headers]', () => {
    expect(walk(Fragment, [Fragment, 0, 0, 0, 0, 0, 0, 7, TCP, 0, 0, 0, 0, 0, 0, 7]).end).toBe(ChainEnd.TooMany)
    const headers = Array.from({ length: MAX_EXTENSION_HEADERS + 1 }, () => [Destination, 0, 1, 4, 0, 0, 0, 0]).flat()
    expect(walk(Destination, headers).end).toBe(ChainEnd.TooMany)
  })

  it('"no next header" ends it', () => {
    expect(walk(None, [1, 2, 3]).end).toBe(ChainEnd.None)
  })

  it('never reads beyond the packet, whatever is in it', () => {
    const random = seededRandom(8200)
    const kinds = [HopByHop, Routing, Fragment, Destination, None, TCP]
    const chain = newChain()
    for (let i = 0; i < 20_000; i++) {
      const length = Math.floor(random.next() * 120)
      const bytes = new Uint8Array(40 + length)
      for (let at = 40; at < bytes.length; at++) {
        // Small lengths and known types, so that walks get far.
        const kind = kinds[Math.floor(random.next() * kinds.length)]!
        bytes[at] = at % 8 === 0 ? kind : at % 8 === 1 ? Math.floor(random.next() * 3) : random.uint32()
      }
      const view = new DataView(bytes.buffer)
      writeIpv6Header(view, 0, 0, 0, length, kinds[i % kinds.length]!, 64)
      walkChain(view, 0, bytes.length, i % 2 === 0, chain)
      expect(chain.offset).toBeLessThanOrEqual(bytes.length)
      expect(chain.field).toBeLessThan(bytes.length)
      if (chain.end === ChainEnd.Option) expect(chain.pointer).toBeLessThan(bytes.length)
    }
  })
})

describe('options of neighbour discovery', () => {
  const view = (bytes: readonly number[]): DataView => new DataView(Uint8Array.from(bytes).buffer)

  it('a zero length or one beyond the end makes the message invalid (RFC 4861 §7.1) [RFC4861-4.6-options]', () => {
    expect(checkNdpOptions(view([1, 1, 0, 0, 0, 0, 0, 0]), 0, 8)).toBe(true)
    expect(checkNdpOptions(view([1, 0, 0, 0, 0, 0, 0, 0]), 0, 8)).toBe(false)
    expect(checkNdpOptions(view([1, 2, 0, 0, 0, 0, 0, 0]), 0, 8)).toBe(false)
    expect(checkNdpOptions(view([1]), 0, 1)).toBe(false)
    expect(checkNdpOptions(view([]), 0, 0)).toBe(true)
  })

  it('finds an option behind unknown ones, and takes link addresses of six bytes only [RFC4861-4.6-options]', () => {
    const options = view([99, 1, 0, 0, 0, 0, 0, 0, 2, 1, 2, 0, 0, 0, 0, 9, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    expect(findNdpOption(options, 0, 32, 2)).toBe(8)
    expect(readLinkAddressOption(options, 8)).toEqual(Uint8Array.of(2, 0, 0, 0, 0, 9))
    expect(readLinkAddressOption(options, findNdpOption(options, 0, 32, 1))).toBeNull()
    expect(findNdpOption(options, 0, 32, 5)).toBe(-1)
  })
})
