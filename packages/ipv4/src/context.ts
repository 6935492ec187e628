import { createFragmentIds, createIcmpErrorLimiter, createReassembler } from '@stack/ip-common'
import type { Fragment, FragmentCut, FragmentIds, IcmpErrorLimiter, Reassembler } from '@stack/ip-common'
import type { Packet } from '@stack/buffer'
import type { Host, NetworkHeaderParams } from '@stack/core'
import { ICMP_PROTOCOL } from './numbers.ts'
import type { Ipv4Settings } from './options.ts'
import { ipv4Header } from './wire/header.ts'
import type { Ipv4Header } from './wire/header.ts'
import { optionsFound } from './wire/options.ts'
import type { OptionsFound } from './wire/options.ts'

/**
 * What the IPv4 endpoints of all NICs of a stack share. The objects at the end are filled anew by each use, which spares
 * the packet path an allocation; nobody keeps them across a call that may send or deliver.
 */
export interface Ipv4Context {
  readonly host: Host
  readonly settings: Ipv4Settings
  readonly reassembler: Reassembler
  readonly ids: FragmentIds
  readonly icmpLimiter: IcmpErrorLimiter
  /** Header of the packet that is received. */
  readonly received: Ipv4Header
  readonly foundOptions: OptionsFound
  readonly fragment: Fragment
  /** Header that an ICMP error quotes. */
  readonly quoted: Ipv4Header
  /** Header that is written. */
  readonly written: Ipv4Header
  readonly cut: FragmentCut
  /** Room for the options of a fragment or reply. */
  readonly optionBytes: Uint8Array
  /** Parameters of ICMP messages. */
  readonly icmpParams: NetworkHeaderParams
}

export function createContext(host: Host, settings: Ipv4Settings, timeExceeded: (first: Packet) => void): Ipv4Context {
  return {
    host,
    settings,
    reassembler: createReassembler(host, { timeout: 30_000, ...settings.reassembly }, timeExceeded),
    ids: createFragmentIds(host.secureRandom),
    icmpLimiter: createIcmpErrorLimiter(host.scheduler, { rate: settings.icmpRateLimit, burst: settings.icmpBurst }),
    received: ipv4Header(),
    foundOptions: optionsFound(),
    fragment: { id: 0, protocol: 0, zone: 0, offset: 0, more: false, headerStart: 0, headerLength: 0, dataStart: 0, nextHeader: 0, limit: 0 },
    quoted: ipv4Header(),
    written: ipv4Header(),
    cut: { mtu: 0, headroom: 0, firstHeaderLength: 0, headerLength: 0 },
    optionBytes: new Uint8Array(40),
    icmpParams: { protocol: ICMP_PROTOCOL, ttl: 0, tos: 0, dontFragment: false, flowLabel: 0, options: null },
  }
}
