import { checkOptions } from '@stack/core'
import type { OptionSchema } from '@stack/core'
import type { ReassemblyOptions } from '@stack/ip-common'

/** Options of {@link ipv4}. Unknown or invalid ones are `ERR_STACK_INVALID_OPTION`. */
export interface Ipv4Options {
  /** Time to live of packets whose sender does not say. 1–255, default 64 (RFC 1700). */
  readonly defaultTtl?: number
  /** Send on what is not for this stack (RFC 1812). Default false. */
  readonly forwarding?: boolean
  /** Limits of reassembly; timeout 30,000 ms, 4 MiB in total, 256 KiB and 64 datagrams a source. */
  readonly reassembly?: ReassemblyOptions
  /** ICMP errors a second; 0 = none are sent. Default 100. */
  readonly icmpRateLimit?: number
  /** ICMP errors at once after a quiet time. Default 50. */
  readonly icmpBurst?: number
  /** Answer echo requests to broadcast and multicast addresses (RFC 1122 §3.2.2.6 leaves it open). Default false. */
  readonly acceptBroadcastEcho?: boolean
  /** Multicast groups joined on one NIC. Default 1,024. */
  readonly maxGroups?: number
}

/** Options with their defaults; the first two may change later. */
export interface Ipv4Settings {
  defaultTtl: number
  forwarding: boolean
  readonly reassembly: ReassemblyOptions
  readonly icmpRateLimit: number
  readonly icmpBurst: number
  readonly acceptBroadcastEcho: boolean
  readonly maxGroups: number
}

const SCHEMA: OptionSchema = {
  defaultTtl: { type: 'number', integer: true, min: 1, max: 255 },
  forwarding: { type: 'boolean' },
  reassembly: { type: 'object' },
  icmpRateLimit: { type: 'number', min: 0 },
  icmpBurst: { type: 'number', integer: true, min: 1 },
  acceptBroadcastEcho: { type: 'boolean' },
  maxGroups: { type: 'number', integer: true, min: 0 },
}

const REASSEMBLY_SCHEMA: OptionSchema = {
  timeout: { type: 'number', min: 1 },
  maxBytes: { type: 'number', integer: true, min: 0 },
  maxBytesPerSource: { type: 'number', integer: true, min: 0 },
  maxDatagrams: { type: 'number', integer: true, min: 1 },
  maxDatagramsPerSource: { type: 'number', integer: true, min: 1 },
}

export function resolveOptions(options: Ipv4Options): Ipv4Settings {
  checkOptions('ipv4', options, SCHEMA)
  checkOptions('ipv4 reassembly', options.reassembly ?? {}, REASSEMBLY_SCHEMA)
  return {
    defaultTtl: options.defaultTtl ?? 64,
    forwarding: options.forwarding ?? false,
    reassembly: options.reassembly ?? {},
    icmpRateLimit: options.icmpRateLimit ?? 100,
    icmpBurst: options.icmpBurst ?? 50,
    acceptBroadcastEcho: options.acceptBroadcastEcho ?? false,
    maxGroups: options.maxGroups ?? 1024,
  }
}
