import { describe, expect, it } from 'vitest'
import { address, mappedAddress, type Address } from '../src/address/address.ts'
import { isStackError } from '../src/errors/stack-error.ts'
import { createRoutingTable, type RouteRow } from '../src/route/routing-table.ts'

const v4 = (a: number, b: number, c: number, d: number): Address => mappedAddress((a << 24) | (b << 16) | (c << 8) | d)

function row(network: Address, length: number, more: Partial<RouteRow> = {}): RouteRow {
  return { prefix: { address: network, length }, gateway: null, nicId: 1, source: null, mtu: 0, metric: 0, ...more }
}

function codeOf(call: () => void): string | null {
  try {
    call()
    return null
  } catch (error) {
    return isStackError(error) ? error.code : 'not a StackError'
  }
}

describe('routing table', () => {
  it('finds the longest prefix [RFC1812-5.2.4.3-longest]', () => {
    const table = createRoutingTable()
    table.add(row(v4(0, 0, 0, 0), 0, { gateway: v4(10, 0, 0, 1) }))
    table.add(row(v4(10, 0, 0, 0), 8))
    table.add(row(v4(10, 1, 0, 0), 16, { nicId: 2 }))
    table.add(row(v4(10, 1, 1, 1), 32, { nicId: 3 }))
    const nicFor = (to: Address): number | undefined => table.lookup(to, 0)?.nicId
    expect(table.lookup(v4(8, 8, 8, 8), 0)?.gateway).toEqual(v4(10, 0, 0, 1))
    expect(nicFor(v4(10, 2, 0, 1))).toBe(1)
    expect(nicFor(v4(10, 1, 0, 1))).toBe(2)
    expect(nicFor(v4(10, 1, 1, 1))).toBe(3)
  })

  it('keeps the families apart: ::/0 catches no IPv4, 0.0.0.0/0 no IPv6', () => {
    const table = createRoutingTable()
    table.add(row(address(0, 0, 0, 0), 0, { nicId: 6 }))
    expect(table.lookup(v4(8, 8, 8, 8), 0)).toBeNull()
    table.add(row(v4(0, 0, 0, 0), 0, { nicId: 4 }))
    expect(table.lookup(v4(8, 8, 8, 8), 0)?.nicId).toBe(4)
    expect(table.lookup(address(0x20010db8, 0, 0, 1), 0)?.nicId).toBe(6)
    expect(table.remove({ prefix: { address: address(0, 0, 0, 0), length: 0 } })).toBe(1)
    expect(table.list().map((r) => r.nicId)).toEqual([4])
  })

  it('clears the bits beyond the prefix', () => {
    const table = createRoutingTable()
    table.add(row(v4(10, 1, 2, 3), 8))
    expect(table.list()[0]!.prefix).toEqual({ address: v4(10, 0, 0, 0), length: 8 })
    expect(table.remove({ prefix: { address: v4(10, 9, 9, 9), length: 8 } })).toBe(1)
    expect(table.lookup(v4(10, 1, 2, 3), 0)).toBeNull()
  })

  it('prefers the lower metric, then the older row [RFC1122-3.3.1.2-gateway]', () => {
    const table = createRoutingTable()
    const add = (metric: number, gateway: Address): void => table.add(row(v4(0, 0, 0, 0), 0, { metric, gateway }))
    const gateway = (): Address | null | undefined => table.lookup(v4(1, 1, 1, 1), 0)?.gateway
    add(10, v4(10, 0, 0, 10))
    add(5, v4(10, 0, 0, 5))
    add(5, v4(10, 0, 0, 6))
    expect(gateway()).toEqual(v4(10, 0, 0, 5))
    table.remove({ gateway: v4(10, 0, 0, 5) })
    expect(gateway()).toEqual(v4(10, 0, 0, 6))
    table.remove({ metric: 5 })
    expect(gateway()).toEqual(v4(10, 0, 0, 10))
  })

  it('passes over rows of NICs that are down or not the one asked for, to shorter prefixes if need be', () => {
    const down = new Set<number>()
    const table = createRoutingTable({ usable: (nicId) => !down.has(nicId) })
    table.add(row(v4(0, 0, 0, 0), 0, { nicId: 1 }))
    table.add(row(v4(10, 0, 0, 0), 8, { nicId: 2 }))
    table.add(row(v4(10, 0, 0, 0), 8, { nicId: 3, metric: 1 }))
    const to = v4(10, 0, 0, 1)
    expect(table.lookup(to, 0)?.nicId).toBe(2)
    expect(table.lookup(to, 3)?.nicId).toBe(3)
    expect(table.lookup(to, 9)).toBeNull()
    down.add(2)
    expect(table.lookup(to, 0)?.nicId).toBe(3)
    down.add(3)
    expect(table.lookup(to, 0)?.nicId).toBe(1)
    expect(table.lookup(to, 2)).toBeNull()
  })

  it('reads the NIC of a link-local destination from its zone', () => {
    const table = createRoutingTable()
    for (const nicId of [1, 2]) table.add(row(address(0xfe800000, 0, 0, 0), 64, { nicId }))
    expect(table.lookup(address(0xfe800000, 0, 0, 7, 2), 0)?.nicId).toBe(2)
    expect(table.lookup(address(0xfe800000, 0, 0, 7), 0)?.nicId).toBe(1)
  })

  it('replaces a row that leads the same way', () => {
    const table = createRoutingTable()
    table.add(row(v4(10, 0, 0, 0), 8))
    table.add(row(v4(10, 0, 0, 0), 8, { mtu: 1400 }))
    expect(table.size).toBe(1)
    expect(table.lookup(v4(10, 0, 0, 1), 0)?.mtu).toBe(1400)
  })

  it('removes what agrees in every field given, and all rows of a NIC', () => {
    const table = createRoutingTable()
    table.add(row(v4(10, 0, 0, 0), 8, { nicId: 1 }))
    table.add(row(v4(10, 0, 0, 0), 8, { nicId: 2 }))
    table.add(row(v4(10, 1, 0, 0), 16, { nicId: 2 }))
    expect(table.remove({ prefix: { address: v4(10, 0, 0, 0), length: 8 }, nicId: 3 })).toBe(0)
    expect(table.remove({ gateway: v4(10, 0, 0, 1) })).toBe(0)
    expect(table.removeNic(2)).toBe(2)
    expect(table.list().map((r) => r.nicId)).toEqual([1])
    expect(table.remove({})).toBe(1)
    expect(table.lookup(v4(10, 0, 0, 1), 0)).toBeNull()
  })

  it.each([-1, 33, 1.5, NaN])('refuses the IPv4 prefix length %d', (length) => {
    expect(codeOf(() => createRoutingTable().add(row(v4(10, 0, 0, 0), length)))).toBe('ERR_STACK_INVALID_ARGUMENT')
  })

  it('is bounded', () => {
    const table = createRoutingTable({ maxRows: 2 })
    table.add(row(v4(10, 0, 0, 0), 8))
    table.add(row(v4(11, 0, 0, 0), 8))
    expect(codeOf(() => table.add(row(v4(12, 0, 0, 0), 8)))).toBe('ERR_STACK_LIMIT')
    table.add(row(v4(11, 0, 0, 0), 8, { mtu: 1000 }))
    expect(table.lookup(v4(12, 0, 0, 1), 0)).toBeNull()
  })
})
