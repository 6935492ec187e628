import { createStack, seededRandom, type Random, type SecureRandom, type StackBase } from '@stack/core'
import { icmp } from '@stack/icmp'
import { ipv4, type Ipv4Options } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { channel, type ChannelLink } from '@stack/link-channel'
import { bbr, dctcp, tcp, type Tcp } from '@stack/tcp'
import { manualClock, type ManualClock } from '@stack/testing'
import { udp, type Udp } from '@stack/udp'
import { parsePacket, type LivePacket } from '../packet/live.ts'
import type { CapturedPacket } from '../packet/pcap.ts'
import type { Draft } from '../profile/profile.ts'
import type { Family } from '../report/result.ts'

/** Addresses of a run, as text. */
export interface Addresses {
  readonly local: string
  readonly remote: string
  readonly prefixLength: number
  readonly gateway: string
}

/** As the tool that the language comes from has them. */
const DEFAULTS: Readonly<Record<'ipv4' | 'ipv6', Addresses>> = {
  ipv4: { local: '192.168.0.1', remote: '192.0.2.1', prefixLength: 16, gateway: '192.168.0.2' },
  ipv6: { local: 'fd3d:a0b:17d6::1', remote: 'fd3d:fa7b:d17d::1', prefixLength: 48, gateway: 'fd3d:a0b:17d6:8888::1' },
}

export function defaultAddresses(family: Family): Addresses {
  return DEFAULTS[family === 'ipv6' ? 'ipv6' : 'ipv4']
}

/** A packet that left the stack; `at` in ms since the start. */
export interface SentPacket {
  readonly at: number
  readonly packet: LivePacket
}

/** What a script runs against: a stack with one link whose other end is the script, in virtual time. */
export interface Network {
  readonly clock: ManualClock
  readonly stack: StackBase & { readonly tcp: Tcp; readonly udp: Udp }
  readonly local: Uint8Array
  readonly remote: Uint8Array
  /** ms since the start. */
  readonly now: number
  /** ms of the clock as ms since the start. */
  sinceStart(time: number): number
  /** What left and no event has taken yet. */
  readonly sent: SentPacket[]
  /** All that went either way. */
  readonly captured: readonly CapturedPacket[]
  /** Advances to `at`; does nothing when that is over. */
  advanceTo(at: number): Promise<void>
  /** Advances to the next timer, at most to `limit`; false: there is none before. */
  step(limit: number): Promise<boolean>
  inject(bytes: Uint8Array): Promise<void>
  end(): void
}

/** Makes the stack. `onSent` is called for each packet that leaves. */
export async function createNetwork(draft: Draft, addresses: Addresses, onSent: (sent: SentPacket) => void): Promise<Network> {
  const clock = manualClock()
  const random = seededRandom(1)
  const stack = createStack({
    plugins: [
      ipv4(draft.ipv4 as Ipv4Options), ipv6({ linkLocal: false, ...draft.ipv6 }), tcp({ congestionControls: [bbr(), dctcp()], ...draft.tcp }), udp(), icmp(),
    ],
    clock, random, secureRandom: seededSecure(seededRandom(2)), name: 'packetdrill',
  })
  const link = channel({ mtu: draft.mtu })
  await clock.until(stack.addNic(link, {
    addresses: [`${addresses.local}/${String(addresses.prefixLength)}`], gateway: addresses.gateway, skipDuplicateDetection: true,
  }))
  await clock.settle()
  while (link.tryRead() !== null) { /* What a NIC says when it comes up is not the script's. */ }
  return new VirtualNetwork(clock, stack, link, addresses, onSent)
}

class VirtualNetwork implements Network {
  readonly clock: ManualClock
  readonly stack: Network['stack']
  readonly local: Uint8Array
  readonly remote: Uint8Array
  readonly sent: SentPacket[] = []
  readonly captured: CapturedPacket[] = []
  private readonly link: ChannelLink
  private readonly start: number

  constructor(clock: ManualClock, stack: Network['stack'], link: ChannelLink, addresses: Addresses, onSent: (sent: SentPacket) => void) {
    this.clock = clock
    this.stack = stack
    this.link = link
    this.local = addressBytes(stack, addresses.local)
    this.remote = addressBytes(stack, addresses.remote)
    this.start = clock.now()
    link.setHandler((bytes) => {
      const copy = bytes.slice()
      this.captured.push({ seconds: this.now / 1000, bytes: copy })
      const packet = parsePacket(copy)
      if (packet === null) return
      const sent = { at: this.now, packet }
      this.sent.push(sent)
      onSent(sent)
    })
  }

  get now(): number {
    return this.sinceStart(this.clock.now())
  }

  sinceStart(time: number): number {
    return micro(time - this.start)
  }

  async advanceTo(at: number): Promise<void> {
    await this.clock.advance(Math.max(0, this.start + at - this.clock.now()))
  }

  async step(limit: number): Promise<boolean> {
    const { nextAlarm } = this.clock
    if (nextAlarm > this.start + limit + 1e-6) return false
    await this.clock.advance(Math.max(0, nextAlarm - this.clock.now()))
    return true
  }

  async inject(bytes: Uint8Array): Promise<void> {
    this.captured.push({ seconds: this.now / 1000, bytes })
    this.link.inject(bytes)
    await this.clock.settle()
  }

  end(): void {
    this.link.setHandler(null)
    this.stack.destroy()
  }
}

/** To the microsecond: sums of decimal times are not exact. */
export function micro(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000
}

function addressBytes(stack: StackBase, text: string): Uint8Array {
  const { a, b, c, d } = stack.parseAddress(text)
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  for (const [index, word] of [a, b, c, d].entries()) view.setInt32(index * 4, word)
  return text.includes(':') ? bytes : bytes.slice(12)
}

/** Runs repeat exactly: nobody attacks a script. */
function seededSecure(random: Random): SecureRandom {
  return {
    uint32: () => random.uint32(),
    fill(bytes) {
      for (let at = 0; at < bytes.length; at++) bytes[at] = random.uint32() & 0xff
    },
  }
}
