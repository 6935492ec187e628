import type { PacketPool } from '@stack/buffer'
import { createStack } from '@stack/core'
import type { Installed, Nic, NicOptions, Route, StackBase } from '@stack/core'
import { channel } from '@stack/link-channel'
import type { ChannelLink, ChannelOptions } from '@stack/link-channel'
import { leaksOf, manualClock } from '@stack/testing'
import type { ManualClock } from '@stack/testing'
import { expect } from 'vitest'
import { ipv4 } from '../../src/index.ts'
import type { Ipv4Options, Ipv4Plugin } from '../../src/index.ts'
import { parseIpv4Address } from '../../src/wire.ts'
import { show } from './packets.ts'
import { probe } from './probe.ts'
import type { ProbePlugin } from './probe.ts'

export const OWN = '10.0.0.1'
export const PEER = '10.0.0.2'

/** A stack with one NIC, 10.0.0.1/24 on a link of bare packets. */
export interface Bench {
  readonly clock: ManualClock
  readonly stack: StackBase & Installed<readonly [Ipv4Plugin, ProbePlugin]>
  readonly nic: Nic
  readonly link: ChannelLink
  addNic(link: ChannelOptions, options: NicOptions): Promise<{ nic: Nic; link: ChannelLink }>
  /** Puts packets on the wire. */
  receive(...packets: readonly Uint8Array[]): void
  /** What the stack has sent since the last call. */
  sent(from?: ChannelLink): string[]
  sentBytes(from?: ChannelLink): Uint8Array[]
  route(destination: string, source?: string): Route
  /** Counters that are not zero. */
  counted(): Record<string, number>
  /** Destroys the stack and looks for leaks. */
  end(): void
}

export async function bench(options: Ipv4Options = {}, nicOptions: NicOptions = {}, linkOptions: ChannelOptions = {}, memory?: PacketPool): Promise<Bench> {
  const clock = manualClock()
  const stack = createStack({ plugins: [ipv4(options), probe()], clock, ...(memory === undefined ? {} : { memory }) })
  const link = channel(linkOptions)
  const nic = await stack.addNic(link, { addresses: [`${OWN}/24`], ...nicOptions })
  stack.probe.listen(7)

  function sentBytes(from: ChannelLink = link): Uint8Array[] {
    const list: Uint8Array[] = []
    for (let bytes = from.tryRead(); bytes !== null; bytes = from.tryRead()) list.push(bytes)
    return list
  }

  return {
    clock,
    stack,
    nic,
    link,
    sentBytes,
    async addNic(otherLink, otherOptions) {
      const other = channel(otherLink)
      return { nic: await stack.addNic(other, otherOptions), link: other }
    },
    receive(...packets) {
      for (const packet of packets) expect(link.inject(packet, 0x0800)).toBe(true)
    },
    sent: (from) => sentBytes(from).map(show),
    route(destination, source) {
      const route = stack.probe.route(parseIpv4Address(destination)!, source === undefined ? undefined : parseIpv4Address(source)!)
      if (typeof route !== 'object' || route === null) throw new Error(`no route: ${String(route)}`)
      return route
    },
    counted() {
      const { ipv4: counters, icmp } = stack.ipv4.statistics
      const list = [...Object.entries(counters), ...Object.entries(icmp).map(([name, value]) => [`icmp.${name}`, value] as const)]
      return Object.fromEntries(list.filter(([name, value]) => value !== 0 && name !== 'received' && name !== 'sent' && name !== 'icmp.received' && name !== 'icmp.sent'))
    },
    end() {
      for (const { link: any } of stack.nics) sentBytes(any as ChannelLink)
      stack.destroy()
      expect(leaksOf(stack)).toEqual([])
    },
  }
}
