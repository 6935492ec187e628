import { describe, expect, it } from 'vitest'
import { address, ANY_ADDRESS, ANY_MAPPED_ADDRESS, mappedAddress } from '../src/address/address.ts'
import { createPortAllocator } from '../src/demux/port-allocator.ts'
import type { PortReservation } from '../src/demux/ports.ts'
import { countingRandom } from './support/random.ts'

const TCP = 6
const v4 = mappedAddress(0x0a000001)
const v6 = address(0x20010db8, 0, 0, 1)

function held(answer: unknown): PortReservation {
  expect(answer).toBeTypeOf('object')
  return answer as PortReservation
}

describe('reservations', () => {
  it.each([
    ['the same address', v4, v4, false],
    ['another address of the family', v4, mappedAddress(0x0a000002), true],
    ['0.0.0.0 against an IPv4 address', ANY_MAPPED_ADDRESS, v4, false],
    ['0.0.0.0 against an IPv6 address', ANY_MAPPED_ADDRESS, v6, true],
    [':: against an IPv4 address', ANY_ADDRESS, v4, false],
    [':: against an IPv6 address', v6, ANY_ADDRESS, false],
    [':: against 0.0.0.0', ANY_ADDRESS, ANY_MAPPED_ADDRESS, false],
    ['0.0.0.0 against ::', ANY_MAPPED_ADDRESS, ANY_ADDRESS, false],
  ])('%s', (_, first, second, free) => {
    const ports = createPortAllocator(countingRandom())
    const one = held(ports.reserve({ protocol: TCP, address: first, port: 80 }))
    const two = ports.reserve({ protocol: TCP, address: second, port: 80 })
    if (free) expect(two).toBeTypeOf('object')
    else expect(two).toBe('EADDRINUSE')
    one.release()
    one.release()
    if (!free) held(ports.reserve({ protocol: TCP, address: second, port: 80 }))
  })

  it('keeps NICs apart and shares only when both sides agree', () => {
    const ports = createPortAllocator(countingRandom())
    held(ports.reserve({ protocol: TCP, address: v4, port: 80, nicId: 1, reusePort: true }))
    held(ports.reserve({ protocol: TCP, address: v4, port: 80, nicId: 2 }))
    expect(ports.reserve({ protocol: TCP, address: v4, port: 80, nicId: 1 })).toBe('EADDRINUSE')
    held(ports.reserve({ protocol: TCP, address: v4, port: 80, nicId: 1, reusePort: true }))
    held(ports.reserve({ protocol: 17, address: v4, port: 80 }))
  })

  it('gives a port of its own for port 0 even with reuseAddress, until all 16,384 are taken', () => {
    const ports = createPortAllocator(countingRandom())
    const seen = new Set<number>()
    for (let i = 0; i < 16384; i++) seen.add(held(ports.reserve({ protocol: TCP, address: v4, port: 0, reuseAddress: true })).port)
    expect(seen.size).toBe(16384)
    expect(Math.min(...seen)).toBe(49152)
    expect(ports.reserve({ protocol: TCP, address: v4, port: 0, reuseAddress: true })).toBe('EADDRINUSE')
  })
})

describe('ephemeral ports (RFC 6056 §3.3.4)', () => {
  it('walks on for one destination and starts elsewhere for another [RFC6056-3.3-random]', () => {
    const ports = createPortAllocator(countingRandom())
    const pick = (remotePort: number): number => ports.pickEphemeral(TCP, v4, v6, remotePort, () => true)
    const first = pick(80)
    expect([pick(80), pick(80)]).toEqual([next(first), next(next(first))])
    expect(Math.abs(pick(81) - first)).toBeGreaterThan(3)
  })

  it('skips what is reserved or not usable, and says 0 when nothing is left [RFC6056-3.3-free]', () => {
    const ports = createPortAllocator(countingRandom())
    const first = ports.pickEphemeral(TCP, v4, v6, 80, () => true)
    held(ports.reserve({ protocol: TCP, address: ANY_ADDRESS, port: next(first) }))
    expect(ports.pickEphemeral(TCP, v4, v6, 80, () => true)).toBe(next(next(first)))
    expect(ports.pickEphemeral(TCP, v4, v6, 80, () => false)).toBe(0)
  })
})

function next(port: number): number {
  return port === 65535 ? 49152 : port + 1
}
