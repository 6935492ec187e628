import { createStack, type StackBase } from '@stack/core'
import type { PacketPool } from '@stack/buffer'
import { arp } from '@stack/arp'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { pipe, type PipeOptions } from '@stack/link-pipe'
import { leaksOf, manualClock, type ManualClock } from '@stack/testing'
import { expect } from 'vitest'
import { raw, type Raw } from '../../src/index.ts'

type RawStack = StackBase & { readonly raw: Raw }

export interface Family {
  readonly name: string
  readonly networkProtocol: number
  readonly us: string
  readonly peer: string
  readonly headerLength: number
}

export const IPV4: Family = { name: 'IPv4', networkProtocol: 0x0800, us: '10.0.0.1', peer: '10.0.0.2', headerLength: 20 }
export const IPV6: Family = { name: 'IPv6', networkProtocol: 0x86dd, us: 'fd00::1', peer: 'fd00::2', headerLength: 40 }

export interface Pair {
  readonly clock: ManualClock
  readonly us: RawStack
  readonly peer: RawStack
  readonly errors: unknown[]
  readonly end: () => void
}

/** Two hosts on a wire, each with raw sockets, both families, and nothing above. */
export async function pair(options: PipeOptions = {}, memory?: PacketPool, peerMemory?: PacketPool): Promise<Pair> {
  const clock = manualClock()
  const errors: unknown[] = []
  const stackOf = (pool?: PacketPool): RawStack =>
    createStack({
      plugins: [ipv4(), arp(), ipv6({ linkLocal: false }), raw()], clock, onError: (error) => errors.push(error), ...(pool === undefined ? {} : { memory: pool }),
    })
  const us = stackOf(memory)
  const peer = stackOf(peerMemory)
  const [left, right] = pipe(options)
  await us.addNic(left, { name: 'wire', addresses: ['10.0.0.1/24', 'fd00::1/64'], skipDuplicateDetection: true })
  await peer.addNic(right, { name: 'wire', addresses: ['10.0.0.2/24', 'fd00::2/64'], skipDuplicateDetection: true })
  await clock.settle()
  return {
    clock, us, peer, errors,
    end() {
      us.destroy()
      peer.destroy()
      expect([...leaksOf(us), ...leaksOf(peer)]).toEqual([])
    },
  }
}

export const bytes = (...parts: readonly (string | number | readonly number[] | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...(typeof part === 'string' ? new TextEncoder().encode(part) : part)])))

export const text = (data: Uint8Array | undefined): string => new TextDecoder().decode(data)

/** RFC 1071 by the book: 0 over what has a right checksum in it. */
export function checksum(...parts: readonly Uint8Array[]): number {
  let sum = 0
  for (const part of parts) for (let i = 0; i < part.length; i += 2) sum += (part[i]! << 8) | (part[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** The code of the StackError that `act` throws. */
export function codeOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    return (error as { readonly code: string }).code
  }
  return 'nothing thrown'
}
