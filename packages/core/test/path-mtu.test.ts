import { describe, expect, it } from 'vitest'
import { address, mappedAddress } from '../src/address/address.ts'
import { createPathMtuCache } from '../src/route/path-mtu.ts'

const here = mappedAddress(0x0a000001)
const there = mappedAddress(0x0a000002)
const here6 = address(0x20010db8, 0, 0, 1)
const there6 = address(0x20010db8, 0, 0, 2)

describe('path MTU cache', () => {
  it('knows nothing at first, then what it was told, per pair [RFC8201-5.2-store]', () => {
    const cache = createPathMtuCache({ scheduler: { now: 0 } })
    expect(cache.get(here, there)).toBe(0)
    expect(cache.update(here, there, 1400)).toBe(true)
    expect(cache.get(here, there)).toBe(1400)
    expect(cache.get(there, here)).toBe(0)
    expect(cache.get(here6, there6)).toBe(0)
    cache.clear()
    expect(cache.get(here, there)).toBe(0)
    expect(cache.size).toBe(0)
  })

  it('only ever shrinks a path [RFC1191-3-raise, RFC8201-4-increase]', () => {
    const cache = createPathMtuCache({ scheduler: { now: 0 } })
    cache.update(here, there, 1400)
    expect(cache.update(here, there, 1400)).toBe(false)
    expect(cache.update(here, there, 1500)).toBe(false)
    expect(cache.update(here, there, 1300)).toBe(true)
    expect(cache.get(here, there)).toBe(1300)
    expect(cache.size).toBe(1)
  })

  it('discards what is below the minimum of the family: 68 and 1280 [RFC1191-3-floor, RFC8201-4-floor, RFC8504-5.7-minimum]', () => {
    const cache = createPathMtuCache({ scheduler: { now: 0 } })
    expect(cache.update(here, there, 67)).toBe(false)
    expect(cache.update(here, there, 68)).toBe(true)
    // True perhaps, and believed as far as it does no harm.
    expect(cache.get(here, there)).toBe(552)
    expect(cache.update(here, there, 500)).toBe(false)
    expect(cache.update(here6, there6, 1279)).toBe(false)
    expect(cache.update(here6, there6, 1280)).toBe(true)
  })

  it('forgets after ten minutes, so that the path is tried at full size again [RFC1191-6.3-age, RFC8201-5.3-age]', () => {
    const scheduler = { now: 5 }
    const cache = createPathMtuCache({ scheduler })
    cache.update(here, there, 1400)
    scheduler.now = 5 + 599_999
    expect(cache.get(here, there)).toBe(1400)
    scheduler.now = 5 + 600_000
    expect(cache.get(here, there)).toBe(0)
    expect(cache.update(here, there, 1450)).toBe(true)
  })

  it('is bounded: the path updated longest ago makes room', () => {
    const cache = createPathMtuCache({ scheduler: { now: 0 }, maxEntries: 3 })
    const to = (n: number): ReturnType<typeof mappedAddress> => mappedAddress(n)
    for (const n of [1, 2, 3]) cache.update(here, to(n), 1400)
    cache.update(here, to(1), 1300)
    cache.update(here, to(4), 1400)
    expect([1, 2, 3, 4].map((n) => cache.get(here, to(n)))).toEqual([1300, 0, 1400, 1400])
    for (let n = 0; n < 1000; n++) cache.update(here, to(n), 1000)
    expect(cache.size).toBe(3)
  })

  it('holds 4,096 paths and finds each', () => {
    const cache = createPathMtuCache({ scheduler: { now: 0 }, seed: 99 })
    for (let n = 0; n < 5000; n++) cache.update(here, mappedAddress(n), 1000 + (n % 400))
    expect(cache.size).toBe(4096)
    for (let n = 0; n < 5000; n++) expect(cache.get(here, mappedAddress(n))).toBe(n < 904 ? 0 : 1000 + (n % 400))
  })
})
