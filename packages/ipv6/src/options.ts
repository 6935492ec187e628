import { StackError, checkOptions } from '@stack/core'
import type { OptionSchema } from '@stack/core'
import type { IcmpErrorLimiterOptions, ReassemblyOptions } from '@stack/ip-common'

/** Options of {@link ipv6}. Unknown or invalid ones are `ERR_STACK_INVALID_OPTION`. */
export interface Ipv6Options {
  /** Hop limit of packets whose sender does not say, 1–255. Default 64. */
  readonly defaultHopLimit?: number
  /** Route packets between NICs. Default false. */
  readonly forwarding?: boolean
  /**
   * How each NIC gets its link-local address when it comes up: from its link address (RFC 4291 appendix A), as a stable
   * opaque identifier (RFC 7217), or not at all. A link without a 6-byte address gets a stable one. Loopback links get
   * none. Default `'eui64'`: link addresses of a user-space stack are made up, so there is no device to hide, and a
   * reader of a trace sees who is who.
   */
  readonly linkLocal?: 'eui64' | 'stable' | false
  /** 16 bytes that stable identifiers depend on. Keep them to get the same addresses at the next start. Default: random. */
  readonly secret?: Uint8Array
  /** Probes for a duplicate of a new address, 0–16; 0 = none (RFC 4862 §5.1 DupAddrDetectTransmits). Default 1. */
  readonly duplicateAddressDetectTransmits?: number
  /** Give flows a keyed label (RFC 6437) where the sender gives none. Default true. */
  readonly flowLabels?: boolean
  /** ICMPv6 errors per second, and at once (RFC 4443 §2.4(f)). Default 100 and 50. */
  readonly icmpErrors?: IcmpErrorLimiterOptions
  /** Quotas of reassembly. The timeout defaults to 60,000 ms (RFC 8200 §4.5). */
  readonly reassembly?: ReassemblyOptions
}

const SCHEMA: OptionSchema<Ipv6Options> = {
  defaultHopLimit: { type: 'number', integer: true, min: 1, max: 255 },
  forwarding: { type: 'boolean' },
  linkLocal: { type: 'any', oneOf: ['eui64', 'stable', false] },
  secret: { type: 'object' },
  duplicateAddressDetectTransmits: { type: 'number', integer: true, min: 0, max: 16 },
  flowLabels: { type: 'boolean' },
  icmpErrors: { type: 'object' },
  reassembly: { type: 'object' },
}
const LIMITER_SCHEMA: OptionSchema<IcmpErrorLimiterOptions> = { rate: { type: 'number', min: 0 }, burst: { type: 'number', min: 0 } }
const REASSEMBLY_SCHEMA: OptionSchema<ReassemblyOptions> = {
  timeout: { type: 'number', min: 1 },
  maxBytes: { type: 'number', min: 0 },
  maxBytesPerSource: { type: 'number', min: 0 },
  maxDatagrams: { type: 'number', integer: true, min: 1 },
  maxDatagramsPerSource: { type: 'number', integer: true, min: 1 },
}
/** Bytes of {@link Ipv6Options.secret}. */
const SECRET_LENGTH = 16

/** Throws `ERR_STACK_INVALID_OPTION` for what is unknown, of the wrong type or out of range. */
export function checkIpv6Options(options: Ipv6Options): void {
  checkOptions('ipv6()', options, SCHEMA)
  if (options.icmpErrors !== undefined) checkOptions('ipv6({ icmpErrors })', options.icmpErrors, LIMITER_SCHEMA)
  if (options.reassembly !== undefined) checkOptions('ipv6({ reassembly })', options.reassembly, REASSEMBLY_SCHEMA)
  if (options.secret !== undefined && (!(options.secret instanceof Uint8Array) || options.secret.length !== SECRET_LENGTH)) {
    throw new StackError('ERR_STACK_INVALID_OPTION', `ipv6(): option 'secret' must be a Uint8Array of ${SECRET_LENGTH} bytes.`)
  }
}

/** {@link Ipv6Options} with defaults in place. `defaultHopLimit` and `forwarding` may change at run time. */
export interface Settings {
  defaultHopLimit: number
  forwarding: boolean
  readonly linkLocal: 'eui64' | 'stable' | false
  readonly duplicateAddressDetectTransmits: number
  readonly flowLabels: boolean
}

/** Fills in defaults. */
export function settingsOf(options: Ipv6Options): Settings {
  return {
    defaultHopLimit: options.defaultHopLimit ?? 64,
    forwarding: options.forwarding ?? false,
    linkLocal: options.linkLocal ?? 'eui64',
    duplicateAddressDetectTransmits: options.duplicateAddressDetectTransmits ?? 1,
    flowLabels: options.flowLabels ?? true,
  }
}
