import type { OptionSchema } from '@stack/core'
import type { EchoOptions, EchoRequestOptions, PingOptions } from './api.ts'

/** Largest payload that fits an IPv4 packet. */
const MAX_SIZE = 65_507
const byte = { type: 'number', integer: true, min: 0, max: 255 } as const

export const OPEN_SCHEMA: OptionSchema<EchoOptions> = { nic: { type: 'any' }, localHost: { type: 'string' } }

export const REQUEST_SCHEMA: OptionSchema<EchoRequestOptions> = {
  size: { type: 'number', integer: true, min: 0, max: MAX_SIZE },
  timeout: { type: 'number', min: 0, max: 2 ** 31 },
  ttl: byte,
  tos: byte,
  sequence: { type: 'number', integer: true, min: 0, max: 65_535 },
  dontFragment: { type: 'boolean' },
  signal: { type: 'signal' },
}

export const PING_SCHEMA: OptionSchema<PingOptions> = { ...OPEN_SCHEMA, ...REQUEST_SCHEMA }
