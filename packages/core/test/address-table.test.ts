import { describe, expect, it } from 'vitest'
import { address, isMapped, mappedAddress, type Address, type Prefix } from '../src/address/address.ts'
import { isStackError } from '../src/errors/stack-error.ts'
import { createAddressTable, type NicAddressTable } from '../src/nic/address-table.ts'
import { fakeHost, type FakeHost } from './support/fake-host.ts'

const v4 = (a: number, b: number, c: number, d: number): Address => mappedAddress((a << 24) | (b << 16) | (c << 8) | d)
const prefix = (x: Address, length: number): Prefix => ({ address: x, length })
const A = v4(10, 0, 0, 1)
const HOLDER = Uint8Array.of(2, 0, 0, 0, 0, 9)

interface World extends FakeHost {
  readonly table: NicAddressTable
  readonly log: string[]
  trace(): string[]
  up: boolean
}

function world(o: { detect?: boolean; loopback?: boolean; up?: boolean; family?: 4 | 6 } = {}): World {
  const fake = fakeHost()
  const log: string[] = []
  const name = (x: Address): string => (isMapped(x) ? String(x.d & 255) : `v6:${x.d}`)
  const w: World = {
    ...fake,
    log,
    up: o.up ?? true,
    trace: () => log.splice(0),
    table: createAddressTable({
      host: fake.host,
      nicId: 1,
      protocol: {
        name: o.family === 6 ? 'ipv6' : 'ipv4',
        ownsAddress: (x) => isMapped(x) === (o.family !== 6),
        isMulticast: (x) => (isMapped(x) ? x.d >>> 28 === 14 : x.a >>> 24 === 0xff),
        isLinkLocal: (x) => (isMapped(x) ? x.d >>> 16 === 0xa9fe : x.a >>> 22 === 0x3fa),
      },
      isLoopback: o.loopback ?? false,
      isEnabled: () => w.up,
      detector: () =>
        o.detect === true
          ? {
              duplicateDetectionProtocol: 0x0800,
              checkDuplicate: (x) => log.push(`check ${name(x)}`),
              cancelDuplicateCheck: (x) => log.push(`cancel ${name(x)}`),
              addressAssigned: (x) => log.push(`announce ${name(x)}`),
              addressRemoved: (x) => log.push(`withdraw ${name(x)}`),
            }
          : null,
      rangesChanged: () => log.push('ranges'),
      changed: (record, holder) => log.push(`${name(record.address)} ${record.state}${holder === null ? '' : ' held'}`),
    }),
  }
  return w
}

const isLocal = (w: World, x: Address): boolean => w.table.isLocal(x.a, x.b, x.c, x.d)

function codeOf(call: () => void): string | null {
  try {
    call()
    return null
  } catch (error) {
    return isStackError(error) ? error.code : 'not a StackError'
  }
}

describe('assignment', () => {
  it('assigns at once without a detector', () => {
    const w = world()
    const record = w.table.add(prefix(A, 24))
    expect(record).toMatchObject({ state: 'assigned', prefixLength: 24, origin: 'manual', preferredUntil: Infinity, validUntil: Infinity })
    expect(record.id.localAddress).toBe(A)
    expect(isLocal(w, A)).toBe(true)
    expect(isLocal(w, v4(10, 0, 0, 2))).toBe(false)
    expect(w.table.get(A)).toBe(record)
    expect(w.trace()).toEqual(['1 assigned'])
  })

  it('is tentative, and nobody’s, until detection says it is free', () => {
    const w = world({ detect: true })
    w.table.add(prefix(A, 24))
    expect(w.trace()).toEqual(['1 tentative', 'check 1'])
    expect(isLocal(w, A)).toBe(false)
    expect(w.table.selectSource(v4(10, 0, 0, 9))).toBeNull()
    w.table.markAssigned(A)
    expect(w.trace()).toEqual(['1 assigned', 'announce 1'])
    expect(isLocal(w, A)).toBe(true)
    w.table.markAssigned(A)
    expect(w.trace()).toEqual([])
  })

  it.each([
    ['on loopback', { loopback: true }, {}],
    ['where the caller says so', {}, { skipDuplicateDetection: true }],
  ])('skips detection %s', (_, how, options) => {
    const w = world({ detect: true, ...how })
    w.table.add(prefix(A, 24), options)
    expect(w.trace()).toEqual(['1 assigned', 'announce 1'])
  })

  it('keeps a duplicate for people to see, and tries again when it is added again', () => {
    const w = world({ detect: true })
    w.table.add(prefix(A, 24))
    w.trace()
    w.table.markDuplicate(A, HOLDER)
    w.table.markDuplicate(A, HOLDER)
    expect(w.trace()).toEqual(['1 duplicate held', 'withdraw 1'])
    expect(w.table.records).toHaveLength(1)
    expect(isLocal(w, A)).toBe(false)
    w.table.markAssigned(A)
    expect(w.table.get(A)!.state).toBe('duplicate')
    w.table.add(prefix(A, 24))
    expect(w.trace()).toEqual(['1 tentative', 'check 1'])
    w.table.markAssigned(A)
    expect(isLocal(w, A)).toBe(true)
  })

  it('gives up an assigned address that somebody else defends', () => {
    const w = world({ detect: true })
    w.table.add(prefix(A, 24), { skipDuplicateDetection: true })
    w.table.markDuplicate(A, null)
    expect(isLocal(w, A)).toBe(false)
    expect(w.trace().slice(-2)).toEqual(['1 duplicate', 'withdraw 1'])
    w.table.remove(A)
    expect(w.trace()).toEqual(['1 removed'])
  })

  it('removes, and cancels a check under way', () => {
    const w = world({ detect: true })
    w.table.add(prefix(A, 24))
    w.trace()
    expect(w.table.remove(A)).toBe(true)
    expect(w.trace()).toEqual(['cancel 1', '1 removed', 'withdraw 1'])
    expect(w.table.remove(A)).toBe(false)
    expect(w.table.get(A)).toBeNull()
    w.table.markAssigned(A)
    w.table.markDuplicate(A, null)
    expect(w.trace()).toEqual([])
  })

  it('updates what is added again', () => {
    const w = world()
    const record = w.table.add(prefix(A, 24))
    w.trace()
    expect(w.table.add(prefix(A, 16), { origin: 'dhcp', validLifetime: 1000 })).toBe(record)
    expect(record).toMatchObject({ prefixLength: 16, origin: 'dhcp', state: 'assigned' })
    expect(w.table.isSubnetBroadcast(v4(10, 0, 255, 255).d)).toBe(true)
    expect(w.table.isSubnetBroadcast(v4(10, 0, 0, 255).d)).toBe(false)
    w.advance(1000)
    expect(w.table.records).toHaveLength(0)
  })

  it('assigns a tentative address when the caller decides to skip detection after all', () => {
    const w = world({ detect: true })
    w.table.add(prefix(A, 24))
    w.trace()
    w.table.add(prefix(A, 24), { skipDuplicateDetection: true })
    expect(w.trace()).toEqual(['cancel 1', '1 assigned', 'announce 1'])
  })
})

describe('an optimistic address', () => {
  it('is in use from the start, and told apart until it is checked', () => {
    const w = world({ detect: true })
    w.table.add(prefix(A, 24), { optimistic: true })
    expect(w.trace()).toEqual(['1 optimistic', 'check 1'])
    expect(isLocal(w, A)).toBe(true)
    expect(w.table.selectSource(v4(10, 0, 0, 9))).toEqual(A)
    w.table.markAssigned(A)
    expect(w.trace()).toEqual(['1 assigned', 'announce 1'])
  })

  it('is a source only when nothing is assigned', () => {
    const w = world({ detect: true })
    w.table.add(prefix(A, 24), { optimistic: true })
    w.table.add(prefix(v4(10, 0, 0, 2), 24), { skipDuplicateDetection: true })
    expect(w.table.selectSource(v4(10, 0, 0, 9))).toEqual(v4(10, 0, 0, 2))
  })

  it('goes when it is a duplicate; its check ends when it is removed, or detection is skipped after all', () => {
    const w = world({ detect: true })
    w.table.add(prefix(A, 24), { optimistic: true })
    w.trace()
    w.table.markDuplicate(A, null)
    expect(w.trace()).toEqual(['1 duplicate', 'withdraw 1'])
    expect(isLocal(w, A)).toBe(false)
    w.table.add(prefix(A, 24))
    expect(w.trace()).toEqual(['1 optimistic', 'check 1'])
    w.table.add(prefix(A, 24), { skipDuplicateDetection: true })
    expect(w.trace()).toEqual(['cancel 1', '1 assigned', 'announce 1'])
    w.table.add(prefix(v4(10, 0, 0, 2), 24), { optimistic: true })
    w.trace()
    w.table.remove(v4(10, 0, 0, 2))
    expect(w.trace()).toEqual(['cancel 2', '2 removed', 'withdraw 2'])
  })
})

describe('up and down', () => {
  it('checks and announces nothing before the NIC is up', () => {
    const w = world({ detect: true, up: false })
    w.table.add(prefix(A, 24))
    w.table.add(prefix(v4(10, 0, 0, 2), 24), { skipDuplicateDetection: true })
    expect(w.trace()).toEqual(['1 tentative', '2 assigned'])
    w.up = true
    w.table.enable()
    expect(w.trace()).toEqual(['check 1', 'announce 2'])
  })

  it('stops probes when it goes down and checks everything anew when it comes up', () => {
    const w = world({ detect: true })
    w.table.add(prefix(A, 24))
    w.table.add(prefix(v4(10, 0, 0, 2), 24))
    w.table.markAssigned(A)
    w.trace()
    w.up = false
    w.table.disable()
    expect(w.trace()).toEqual(['cancel 2'])
    w.up = true
    w.table.enable()
    // What was in use stays so while it is checked.
    expect(w.trace()).toEqual(['1 optimistic', 'check 1', 'check 2'])
    expect([isLocal(w, A), isLocal(w, v4(10, 0, 0, 2))]).toEqual([true, false])
    w.table.markAssigned(A)
    expect(w.trace()).toEqual(['1 assigned', 'announce 1'])
  })

  it('takes an address out of use, for those who want the letter of RFC 4862', () => {
    const w = world({ detect: true })
    w.table.add(prefix(A, 24), { optimistic: false })
    w.table.markAssigned(A)
    w.trace()
    w.table.disable()
    w.table.enable()
    expect(w.trace()).toEqual(['1 tentative', 'check 1'])
    expect(isLocal(w, A)).toBe(false)
  })

  it('tries a duplicate of a person again, one of autoconfiguration not', () => {
    const w = world({ detect: true })
    w.table.add(prefix(A, 24))
    w.table.add(prefix(v4(10, 0, 0, 2), 24), { origin: 'autoconf' })
    w.table.markDuplicate(A, null)
    w.table.markDuplicate(v4(10, 0, 0, 2), null)
    w.trace()
    w.table.enable()
    expect(w.trace()).toEqual(['1 tentative', 'check 1'])
  })

  it('removes everything with the NIC', () => {
    const w = world()
    w.table.add(prefix(A, 24), { validLifetime: 1000 })
    w.table.add(prefix(v4(10, 0, 0, 2), 24))
    w.trace()
    w.table.clear()
    expect(w.trace()).toEqual(['1 removed', '2 removed'])
    expect(w.table.records).toEqual([])
    expect(w.host.timers.armed).toBe(0)
  })
})

describe('lifetimes', () => {
  it('deprecates at the end of the preferred and removes at the end of the valid lifetime [RFC4862-5.5.4-expiry]', () => {
    const w = world({ detect: true })
    w.table.add(prefix(A, 24), { preferredLifetime: 10_000, validLifetime: 20_000, skipDuplicateDetection: true })
    w.trace()
    w.advance(9999)
    expect(w.trace()).toEqual([])
    w.advance(1)
    expect(w.trace()).toEqual(['1 deprecated'])
    expect(isLocal(w, A)).toBe(true)
    expect(w.table.selectSource(v4(10, 0, 0, 9))).toEqual(A)
    w.advance(10_000)
    expect(w.trace()).toEqual(['1 removed', 'withdraw 1'])
    expect(isLocal(w, A)).toBe(false)
    expect(w.host.timers.armed).toBe(0)
  })

  it('counts from when it was added, detection included', () => {
    const w = world({ detect: true })
    w.table.add(prefix(A, 24), { preferredLifetime: 1000, validLifetime: 5000 })
    w.advance(500)
    w.table.markAssigned(A)
    w.advance(500)
    expect(w.table.get(A)!.state).toBe('deprecated')
  })

  it('is deprecated from the start when the preferred lifetime is over before detection', () => {
    const w = world({ detect: true })
    w.table.add(prefix(A, 24), { preferredLifetime: 0, validLifetime: 5000 })
    w.table.markAssigned(A)
    expect(w.trace().slice(-2)).toEqual(['1 deprecated', 'announce 1'])
  })

  it('lets a refreshed address be preferred again, and zero end it', () => {
    const w = world()
    w.table.add(prefix(A, 24), { preferredLifetime: 1000, validLifetime: 5000 })
    w.advance(1000)
    w.trace()
    w.table.setLifetimes(A, 1000, 5000)
    expect(w.trace()).toEqual(['1 assigned'])
    w.advance(1000)
    expect(w.trace()).toEqual(['1 deprecated'])
    w.table.setLifetimes(A, Infinity, Infinity)
    w.advance(1e9)
    expect(w.trace()).toEqual(['1 assigned'])
    w.table.setLifetimes(A, 0, 0)
    expect(w.trace()).toEqual(['1 removed'])
    w.table.setLifetimes(A, 5, 5)
    expect(w.trace()).toEqual([])
  })

  it('serves several addresses with one timer', () => {
    const w = world()
    for (const n of [3, 1, 2]) w.table.add(prefix(v4(10, 0, 0, n), 24), { validLifetime: n * 1000 })
    expect(w.host.timers.armed).toBe(1)
    w.trace()
    for (const n of [1, 2, 3]) {
      w.advance(1000)
      expect(w.trace()).toEqual([`${n} removed`])
    }
    expect(w.host.timers.armed).toBe(0)
  })
})

describe('subnet broadcast', () => {
  it('comes from interface subnets, and /31 and /32 have none', () => {
    const w = world()
    w.table.add(prefix(v4(10, 0, 0, 1), 24))
    w.table.add(prefix(v4(10, 1, 0, 1), 31))
    w.table.add(prefix(v4(10, 2, 0, 1), 32))
    w.table.add(prefix(v4(10, 3, 0, 1), 30))
    const is = (x: Address): boolean => w.table.isSubnetBroadcast(x.d)
    expect(is(v4(10, 0, 0, 255))).toBe(true)
    expect(is(v4(10, 0, 0, 0))).toBe(false)
    expect(is(v4(10, 1, 0, 1))).toBe(false)
    expect(is(v4(10, 2, 0, 1))).toBe(false)
    expect(is(v4(10, 3, 0, 3))).toBe(true)
    w.table.remove(v4(10, 0, 0, 1))
    expect(is(v4(10, 0, 0, 255))).toBe(false)
  })

  it('has no part in IPv6', () => {
    const w = world({ family: 6 })
    w.table.add(prefix(address(0x20010db8, 0, 0, 1), 64))
    expect(w.table.isSubnetBroadcast(-1)).toBe(false)
    expect(w.table.isLocal(0x20010db8, 0, 0, 1)).toBe(true)
  })
})

describe('source selection', () => {
  it('prefers the subnet of the remote, then the longest common prefix, then the oldest [RFC1122-3.3.4-multihomed]', () => {
    const w = world()
    w.table.add(prefix(v4(192, 168, 1, 1), 24))
    w.table.add(prefix(v4(10, 0, 0, 1), 24))
    w.table.add(prefix(v4(10, 9, 0, 1), 16))
    expect(w.table.selectSource(v4(10, 9, 200, 1))).toEqual(v4(10, 9, 0, 1))
    expect(w.table.selectSource(v4(10, 0, 1, 1))).toEqual(v4(10, 0, 0, 1))
    expect(w.table.selectSource(v4(192, 168, 1, 7))).toEqual(v4(192, 168, 1, 1))
    expect(world().table.selectSource(v4(1, 1, 1, 1))).toBeNull()
  })

  it('takes a deprecated address only when there is no other [RFC4862-5.5.4-expiry]', () => {
    const w = world()
    w.table.add(prefix(v4(10, 0, 0, 1), 24), { preferredLifetime: 0 })
    expect(w.table.selectSource(v4(10, 0, 0, 9))).toEqual(v4(10, 0, 0, 1))
    w.table.add(prefix(v4(192, 168, 1, 1), 24))
    expect(w.table.selectSource(v4(10, 0, 0, 9))).toEqual(v4(192, 168, 1, 1))
  })

  it('does not send from a link-local address to the world, however alike the bits', () => {
    const w = world({ family: 6 })
    const linkLocal = address(0xfe800000, 0, 0, 1)
    const global = address(0x20010db8, 0, 0, 1)
    w.table.add(prefix(linkLocal, 64))
    w.table.add(prefix(global, 64))
    expect(w.table.selectSource(address(0xfd000000, 0, 0, 9))).toEqual(global)
    expect(w.table.selectSource(address(0xfe800000, 0, 0, 9))).toEqual(linkLocal)
    expect(w.table.selectSource(address(0xff020000, 0, 0, 1))).not.toBeNull()
  })
})

describe('what cannot be added', () => {
  it.each<[string, Address, number, string]>([
    ['an address of another family', address(0x20010db8, 0, 0, 1), 64, 'EAFNOSUPPORT'],
    ['a group', v4(224, 0, 0, 1), 24, 'ERR_STACK_INVALID_ARGUMENT'],
    ['the unspecified address', v4(0, 0, 0, 0), 24, 'ERR_STACK_INVALID_ARGUMENT'],
    ['a prefix that is too long', A, 33, 'ERR_STACK_INVALID_ARGUMENT'],
    ['a negative prefix', A, -1, 'ERR_STACK_INVALID_ARGUMENT'],
    ['half a bit', A, 24.5, 'ERR_STACK_INVALID_ARGUMENT'],
  ])('%s', (_, x, length, code) => {
    const w = world()
    expect(codeOf(() => w.table.add(prefix(x, length)))).toBe(code)
    expect(w.table.records).toHaveLength(0)
    expect(w.trace()).toEqual([])
  })

  it.each([{ validLifetime: 0 }, { validLifetime: NaN }, { preferredLifetime: -1 }, { preferredLifetime: NaN }])('lifetimes like %j', (options) => {
    expect(codeOf(() => world().table.add(prefix(A, 24), options))).toBe('ERR_STACK_INVALID_ARGUMENT')
  })

  it('more than 256', () => {
    const w = world()
    for (let n = 0; n < 256; n++) w.table.add(prefix(v4(10, 0, 1, n), 24))
    expect(codeOf(() => w.table.add(prefix(v4(10, 0, 2, 0), 24)))).toBe('ERR_STACK_LIMIT')
    w.table.add(prefix(v4(10, 0, 1, 7), 16))
    expect(w.table.records).toHaveLength(256)
  })
})

describe('ranges', () => {
  const accepts = (w: World, x: Address): boolean => w.table.accepts(x.a, x.b, x.c, x.d)

  it('are accepted, and are not local', () => {
    const w = world()
    w.table.add(prefix(A, 24))
    w.trace()
    expect(accepts(w, A)).toBe(true)
    w.table.addRange(prefix(v4(203, 0, 113, 77), 25))
    expect(w.trace()).toEqual(['ranges'])
    expect(w.table.ranges).toEqual([prefix(v4(203, 0, 113, 0), 25)])
    expect([v4(203, 0, 113, 0), v4(203, 0, 113, 127), v4(203, 0, 113, 128), v4(203, 0, 112, 255)].map((x) => accepts(w, x))).toEqual([true, true, false, false])
    expect(isLocal(w, v4(203, 0, 113, 1))).toBe(false)
    expect(w.table.records).toHaveLength(1)
  })

  it('of any length', () => {
    const w = world()
    w.table.addRange(prefix(v4(1, 2, 3, 4), 32))
    expect([v4(1, 2, 3, 4), v4(1, 2, 3, 5)].map((x) => accepts(w, x))).toEqual([true, false])
    w.table.addRange(prefix(v4(0, 0, 0, 0), 0))
    expect([v4(9, 9, 9, 9), v4(255, 0, 0, 0)].map((x) => accepts(w, x))).toEqual([true, true])
    // All of IPv4 is not all of IPv6.
    expect(accepts(w, address(0x20010db8, 0, 0, 1))).toBe(false)
    const six = world({ family: 6 })
    six.table.addRange(prefix(address(0x20010db8, 5, 6, 7), 48))
    expect(six.table.ranges[0]!.address).toEqual(address(0x20010db8, 0, 0, 0))
    expect([address(0x20010db8, 0xffff, 1, 2), address(0x20010db8, 0x10000, 1, 2)].map((x) => accepts(six, x))).toEqual([true, false])
  })

  it('are removed, and the same is one', () => {
    const w = world()
    for (let i = 0; i < 2; i++) w.table.addRange(prefix(v4(203, 0, 113, i), 24))
    expect(w.table.ranges).toHaveLength(1)
    expect(w.table.removeRange(prefix(v4(203, 0, 113, 9), 25))).toBe(false)
    expect(w.table.removeRange(prefix(v4(203, 0, 113, 9), 24))).toBe(true)
    expect(accepts(w, v4(203, 0, 113, 1))).toBe(false)
    expect(w.trace()).toEqual(['ranges', 'ranges'])
  })

  it('are of the family, and no more than 256', () => {
    const w = world()
    expect(codeOf(() => w.table.addRange(prefix(address(0x20010db8, 0, 0, 0), 32)))).toBe('EAFNOSUPPORT')
    for (let i = 0; i < 256; i++) w.table.addRange(prefix(v4(10, 0, i, 0), 24))
    expect(codeOf(() => w.table.addRange(prefix(v4(11, 0, 0, 0), 24)))).toBe('ERR_STACK_LIMIT')
    expect(codeOf(() => w.table.addRange(prefix(v4(10, 0, 5, 0), 24)))).toBeNull()
  })
})
