import { address } from '@stack/core'
import type { AddressEndpoint, AddressState } from '@stack/core'
import { describe, expect, it } from 'vitest'
import { selectSource } from '../src/endpoint/select-source.ts'
import { formatIpv6, parseIpv6 } from '../src/wire.ts'

function record(text: string, state: AddressState = 'assigned', prefixLength = 64): AddressEndpoint {
  const { a, b, c, d } = parseIpv6(text)!
  const x = address(a, b, c, d)
  return { id: { localAddress: x }, address: x, prefixLength, state, preferredUntil: Infinity, validUntil: Infinity, origin: 'manual' }
}

function choose(remote: string, records: readonly AddressEndpoint[]): string | null {
  const { a, b, c, d } = parseIpv6(remote)!
  // The order must not matter.
  const chosen = [records, [...records].reverse()].map((list) => selectSource(list, address(a, b, c, d)))
  expect(chosen[0]).toBe(chosen[1])
  return chosen[0] === null ? null : formatIpv6(chosen[0]!)
}

describe('source address selection (RFC 6724 §5)', () => {
  it('rule 1: the destination itself', () => {
    expect(choose('2001:db8::1', [record('2001:db8::1', 'deprecated'), record('2001:db8::2')])).toBe('2001:db8::1')
  })

  it('rule 2: the narrowest scope that is wide enough', () => {
    const both = [record('fe80::1'), record('2001:db8::2')]
    expect(choose('2001:db8:1::1', both)).toBe('2001:db8::2')
    expect(choose('fe80::99', both)).toBe('fe80::1')
    expect(choose('ff02::1', both)).toBe('fe80::1')
    expect(choose('ff0e::1', both)).toBe('2001:db8::2')
    expect(choose('fe80::99', [record('2001:db8::2')])).toBe('2001:db8::2')
  })

  it('rule 2 comes before rule 3', () => {
    expect(choose('2001:db8:1::1', [record('fe80::1'), record('2001:db8::2', 'deprecated')])).toBe('2001:db8::2')
  })

  it('rule 3: not deprecated', () => {
    expect(choose('2001:db8::9', [record('2001:db8::8', 'deprecated'), record('2001:db8:1::1')])).toBe('2001:db8:1::1')
  })

  it('rule 8: the longest common prefix, within the prefix of the source', () => {
    const three = [record('2001:db8:1::1'), record('2001:db8:2::1'), record('2001:db8:3::1')]
    expect(choose('2001:db8:2::99', three)).toBe('2001:db8:2::1')
    expect(choose('2001:db8:3:1::1', three)).toBe('2001:db8:3::1')
  })

  it('tentative and duplicate addresses are never chosen', () => {
    expect(choose('2001:db8::9', [record('2001:db8::8', 'tentative'), record('2001:db8::7', 'duplicate')])).toBeNull()
  })
})
