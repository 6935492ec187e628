import { createPacketMemory, type PacketPool } from '@stack/buffer'
import { createStack, type Nic, type NicOptions, type StackBase } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { channel, type ChannelLink } from '@stack/link-channel'
import { pipe, type PipeOptions } from '@stack/link-pipe'
import { leaksOf, manualClock, type ManualClock } from '@stack/testing'
import { expect } from 'vitest'
import { udp, type Datagram, type Udp, type UdpOptions } from '../../src/index.ts'
import { IPV4, IPV6 } from './families.ts'
import { show } from './packets.ts'

type UdpStack = StackBase & { readonly udp: Udp }

export interface Host {
  readonly clock: ManualClock
  readonly stack: UdpStack
  readonly errors: unknown[]
}

export interface StackSettings {
  readonly clock?: ManualClock
  readonly memory?: PacketPool
  readonly options?: UdpOptions
}

/** Memory for what holds hundreds of packets at once, however little the default memory gives. */
export const ample = (): PacketPool => createPacketMemory({ size: 8 << 20 }).pool()

/** A stack with both families, without a NIC. */
export function host({ clock = manualClock(), memory, options }: StackSettings = {}): Host {
  const errors: unknown[] = []
  const stack = createStack({
    plugins: [ipv4(), ipv6({ linkLocal: false }), udp(options)],
    clock,
    onError: (error) => errors.push(error),
    ...(memory === undefined ? {} : { memory }),
  })
  return { clock, stack, errors }
}

const addresses = (side: 'us' | 'peer'): string[] => [IPV4, IPV6].map((family) => `${family[side]}/${family.prefix}`)

/** Two hosts on a wire. */
export interface Pair {
  readonly clock: ManualClock
  readonly us: UdpStack
  readonly peer: UdpStack
  readonly errors: unknown[]
  /** Destroys both and looks for leaks. */
  readonly end: () => void
}

export async function pair(link: PipeOptions = {}, settings: StackSettings = {}): Promise<Pair> {
  const us = host(settings)
  const peer = host({ clock: us.clock })
  const [left, right] = pipe(link)
  await us.stack.addNic(left, { addresses: addresses('us'), skipDuplicateDetection: true })
  await peer.stack.addNic(right, { addresses: addresses('peer'), skipDuplicateDetection: true })
  return {
    clock: us.clock,
    us: us.stack,
    peer: peer.stack,
    errors: us.errors,
    end() {
      us.stack.destroy()
      peer.stack.destroy()
      expect([...leaksOf(us.stack), ...leaksOf(peer.stack)]).toEqual([])
    },
  }
}

/** One host on a wire whose other end is the test. */
export interface Wire extends Host {
  readonly nic: Nic
  readonly link: ChannelLink
  /** Puts a packet on the wire. */
  readonly inject: (packet: Uint8Array) => Promise<void>
  /** What the stack has sent since the last call. */
  readonly sent: () => Uint8Array[]
  readonly trace: () => string[]
  readonly counters: () => Readonly<Record<string, number>>
  readonly end: () => void
}

export async function wire(options: NicOptions = {}, settings: StackSettings = {}): Promise<Wire> {
  const { clock, stack, errors } = host(settings)
  const link = channel()
  const nic = await stack.addNic(link, { addresses: addresses('us'), skipDuplicateDetection: true, ...options })
  const sent = (): Uint8Array[] => {
    const list: Uint8Array[] = []
    for (let bytes = link.tryRead(); bytes !== null; bytes = link.tryRead()) list.push(bytes)
    return list
  }
  return {
    clock, stack, errors, nic, link, sent,
    async inject(packet) {
      expect(link.inject(packet)).toBe(true)
      await clock.settle()
    },
    trace: () => sent().map(show),
    counters: () => stack.statistics().protocols['udp']!,
    end() {
      sent()
      stack.destroy()
      expect(leaksOf(stack)).toEqual([])
    },
  }
}

export const text = (datagram: Datagram | null | undefined): string => new TextDecoder().decode(datagram?.data)
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The error that `act` throws; fails when it does not. */
export function thrownBy(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('Nothing was thrown.')
}
