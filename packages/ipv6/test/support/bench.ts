import type { PacketPool } from '@stack/buffer'
import { createStack } from '@stack/core'
import type { Nic, NicOptions } from '@stack/core'
import { channel } from '@stack/link-channel'
import type { ChannelLink, ChannelOptions } from '@stack/link-channel'
import { leaksOf, manualClock } from '@stack/testing'
import type { ManualClock } from '@stack/testing'
import { expect } from 'vitest'
import { ipv6 } from '../../src/index.ts'
import type { Ipv6, Ipv6Counters, Ipv6Options } from '../../src/index.ts'
import { ethernet, show } from './packets.ts'
import { probe } from './probe.ts'
import type { Probe } from './probe.ts'

/** The stack under test: 02:00:00:00:00:01 on Ethernet, so fe80::ff:fe00:1. */
export const OWN_MAC = '02:00:00:00:00:01'
/** The neighbour that a test plays. */
export const PEER_MAC = '02:00:00:00:00:02'

export interface Bench {
  readonly clock: ManualClock
  readonly ipv6: Ipv6
  readonly probe: Probe
  readonly nic: Nic
  readonly link: ChannelLink
  addNic(link: ChannelOptions, options: NicOptions): Promise<{ nic: Nic; link: ChannelLink }>
  /** Puts a packet on the wire (in a frame from the peer on Ethernet). */
  send(packet: Uint8Array, to?: string): void
  /** What the stack has sent since the last call, one line a packet; frames with `[destination]` in front. */
  sent(): string[]
  sentBytes(): Uint8Array[]
  counters(): Readonly<Ipv6Counters>
  protocols(name: string): Readonly<Record<string, number>>
  /** Destroys the stack and looks for leaks. */
  end(): void
}

export interface BenchOptions {
  readonly options?: Ipv6Options
  readonly link?: ChannelOptions
  readonly nic?: NicOptions
  readonly memory?: PacketPool
}

/** A stack with one NIC: on a link of bare packets, without a link-local address, unless told otherwise. */
export async function bench({ options = { linkLocal: false }, link: linkOptions = {}, nic: nicOptions = {}, memory }: BenchOptions = {}): Promise<Bench> {
  const clock = manualClock()
  const stack = createStack({ plugins: [ipv6(options), probe()], clock, ...(memory === undefined ? {} : { memory }) })
  const link = channel(linkOptions)
  const nic = await stack.addNic(link, { skipDuplicateDetection: true, ...nicOptions })

  function sentBytes(from: ChannelLink = link): Uint8Array[] {
    const list: Uint8Array[] = []
    for (let bytes = from.tryRead(); bytes !== null; bytes = from.tryRead()) list.push(bytes)
    return list
  }

  return {
    clock,
    ipv6: stack.ipv6,
    probe: stack.probe,
    nic,
    link,
    sentBytes: () => sentBytes(),
    async addNic(otherLink, otherOptions) {
      const other = channel(otherLink)
      return { nic: await stack.addNic(other, { skipDuplicateDetection: true, ...otherOptions }), link: other }
    },
    send(packet, to = OWN_MAC) {
      expect(link.inject(link.framing === 'ethernet' ? ethernet(to, PEER_MAC, packet) : packet)).toBe(true)
    },
    sent() {
      return sentBytes().map((bytes) => (link.framing === 'ethernet' ? `[${macOf(bytes)}] ${show(bytes.subarray(14))}` : show(bytes)))
    },
    counters: () => stack.ipv6.statistics,
    protocols: (name) => stack.statistics().protocols[name]!,
    end() {
      sentBytes()
      stack.destroy()
      expect(leaksOf(stack)).toEqual([])
    },
  }
}

/** What another link of a bench got. */
export function sentOn(link: ChannelLink): string[] {
  const lines: string[] = []
  for (let bytes = link.tryRead(); bytes !== null; bytes = link.tryRead()) lines.push(show(bytes))
  return lines
}

function macOf(frame: Uint8Array): string {
  return [...frame.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}
