import { checkOptions } from '@stack/core'
import type { OptionSchema } from '@stack/core'

/** Options of {@link arp}. Unknown or invalid ones are `ERR_STACK_INVALID_OPTION`. */
export interface ArpOptions {
  /**
   * Ask whether another host uses an address (RFC 5227 §2.1), which takes 4 to 7 seconds. A NIC or an address may wait for
   * the answer before it is used (`optimistic: false`), or skip it (`skipDuplicateDetection`). Default true.
   */
  readonly probe?: boolean
  /** Announce an address twice when it is assigned (RFC 5227 §2.3). Default true. */
  readonly announce?: boolean
}

export interface ArpSettings {
  readonly probe: boolean
  readonly announce: boolean
}

const SCHEMA: OptionSchema = { probe: { type: 'boolean' }, announce: { type: 'boolean' } }

export function resolveOptions(options: ArpOptions): ArpSettings {
  checkOptions('arp', options, SCHEMA)
  return { probe: options.probe ?? true, announce: options.announce ?? true }
}
