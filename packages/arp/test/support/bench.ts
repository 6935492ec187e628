import { createStack } from '@stack/core'
import type { Installed, Nic, NicOptions, StackBase } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import type { Ipv4Plugin } from '@stack/ipv4'
import { formatIpv4Address, parseIpv4Address } from '@stack/ipv4/wire'
import { channel } from '@stack/link-channel'
import type { ChannelLink, ChannelOptions } from '@stack/link-channel'
import { leaksOf, manualClock } from '@stack/testing'
import type { ManualClock } from '@stack/testing'
import { expect } from 'vitest'
import { arp } from '../../src/index.ts'
import type { ArpCounters, ArpOptions, ArpPlugin } from '../../src/index.ts'
import { arpMessage, ArpOperation, parseArp, writeArp } from '../../src/wire.ts'

export const OWN = '10.0.0.1'
export const OWN_MAC = '02:00:00:00:00:01'
export const PEER = '10.0.0.2'
export const PEER_MAC = '02:00:00:00:00:02'
export const OTHER_MAC = '02:00:00:00:00:03'
export const ALL = 'ff:ff:ff:ff:ff:ff'
const NOBODY = '00:00:00:00:00:00'

export function mac(text: string): Uint8Array {
  return Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16))
}

function macText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}

/** An Ethernet frame with an ARP message. */
export function frame(operation: 'request' | 'reply', sender: string, senderMac: string, target: string, targetMac = NOBODY, to = operation === 'request' ? ALL : OWN_MAC): Uint8Array {
  const bytes = new Uint8Array(14 + 28)
  bytes.set(mac(to), 0)
  bytes.set(mac(senderMac), 6)
  bytes.set([8, 6], 12)
  writeArp(new DataView(bytes.buffer), 14, {
    operation: operation === 'request' ? ArpOperation.Request : ArpOperation.Reply,
    senderHardware: mac(senderMac),
    sender: parseIpv4Address(sender)!,
    targetHardware: mac(targetMac),
    target: parseIpv4Address(target)!,
  })
  return bytes
}

export const request = (sender: string, senderMac: string, target: string): Uint8Array => frame('request', sender, senderMac, target)
export const reply = (sender: string, senderMac: string, target: string = OWN, to: string = OWN_MAC): Uint8Array => frame('reply', sender, senderMac, target, to, to)

/** An echo request from the peer, so that the stack has something to send. */
export function pingFrame(): Uint8Array {
  const ip = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0x66, 0xdf, 10, 0, 0, 2, 10, 0, 0, 1, 8, 0, 0xf7, 0xfd, 0, 1, 0, 1]
  return Uint8Array.from([...mac(OWN_MAC), ...mac(PEER_MAC), 8, 0, ...ip])
}

/** One line of a trace. */
function show(bytes: Uint8Array): string {
  const to = macText(bytes.subarray(0, 6))
  const message = arpMessage()
  if (bytes[12] !== 8 || bytes[13] !== 6) return `[${to}] ip`
  if (!parseArp(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 14, bytes.length - 14, message)) return `[${to}] bad arp`
  const [sender, target] = [formatIpv4Address(message.sender), formatIpv4Address(message.target)]
  if (message.operation === ArpOperation.Reply) return `[${to}] ${sender} is at ${macText(message.senderHardware)}, ${target}`
  if (message.sender === 0) return `[${to}] probe ${target}`
  return message.sender === message.target ? `[${to}] announce ${target}` : `[${to}] who has ${target}, tell ${sender}`
}

export interface Bench {
  readonly clock: ManualClock
  readonly stack: StackBase & Installed<readonly [Ipv4Plugin, ArpPlugin]>
  readonly nic: Nic
  readonly link: ChannelLink
  receive(...frames: readonly Uint8Array[]): void
  sent(): string[]
  /** `address state link-address` of each neighbour. */
  neighbors(): string[]
  counted(): Partial<ArpCounters>
  end(): void
}

/** A stack on Ethernet; its address 10.0.0.1/24 is assigned without probing unless told otherwise. */
export async function bench(options: ArpOptions = { announce: false }, nicOptions: NicOptions = { addresses: [`${OWN}/24`], skipDuplicateDetection: true }, linkOptions: ChannelOptions = {}): Promise<Bench> {
  const clock = manualClock()
  const stack = createStack({ plugins: [ipv4(), arp(options)], clock })
  const link = channel({ framing: 'ethernet', ...linkOptions })
  const nic = await stack.addNic(link, nicOptions)

  function sent(): string[] {
    const lines: string[] = []
    for (let bytes = link.tryRead(); bytes !== null; bytes = link.tryRead()) lines.push(show(bytes))
    return lines
  }

  return {
    clock,
    stack,
    nic,
    link,
    sent,
    receive(...frames) {
      for (const bytes of frames) expect(link.inject(bytes)).toBe(true)
    },
    neighbors: () => nic.neighbors.list().map(({ address, state, linkAddress }) => `${address} ${state} ${linkAddress ?? '-'}`),
    counted: () => Object.fromEntries(Object.entries(stack.arp.statistics).filter(([, value]) => value !== 0)),
    end() {
      sent()
      stack.destroy()
      expect(leaksOf(stack)).toEqual([])
    },
  }
}
