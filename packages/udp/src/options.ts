import { checkOptions, StackError, type OptionSchema } from '@stack/core'
import type { UdpSocketOptions } from './api.ts'

const port = { type: 'number', integer: true, min: 0, max: 65535 } as const

/** What a socket may be given. */
export const SOCKET_SCHEMA: OptionSchema = {
  receiveBuffer: { type: 'number', integer: true, min: 2048, max: 1 << 28 },
  broadcast: { type: 'boolean' },
  ttl: { type: 'number', integer: true, min: 0, max: 255 },
  tos: { type: 'number', integer: true, min: 0, max: 255 },
  ipOptions: { type: 'any' },
  multicastTtl: { type: 'number', integer: true, min: 0, max: 255 },
  multicastLoop: { type: 'boolean' },
  reusePort: { type: 'boolean' },
  reuseAddress: { type: 'boolean' },
  nic: { type: 'any' },
}

export const PROTOCOL_SCHEMA: OptionSchema = { ...SOCKET_SCHEMA, maxSockets: { type: 'number', integer: true, min: 1 } }
export const BIND_SCHEMA: OptionSchema = { ...SOCKET_SCHEMA, host: { type: 'string' }, port }
export const CONNECT_SCHEMA: OptionSchema = {
  ...SOCKET_SCHEMA,
  host: { type: 'string' },
  port: { ...port, min: 1 },
  localHost: { type: 'string' },
  localPort: port,
}

/** Most bytes of options of an IPv4 header (RFC 791 §3.1). */
const MAX_IP_OPTIONS = 40

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function checkSocketOptions(what: string, options: UdpSocketOptions, schema: OptionSchema): void {
  checkOptions(what, options, schema)
  const given: unknown = options.ipOptions
  if (given === undefined || given === null) return
  if (given instanceof Uint8Array && given.length % 4 === 0 && given.length <= MAX_IP_OPTIONS) return
  throw new StackError('ERR_STACK_INVALID_OPTION', `${what}: option 'ipOptions' must be null or a Uint8Array whose length is a multiple of 4, at most ${MAX_IP_OPTIONS}.`)
}

/** Options with every default filled in. */
export type SocketSettings = Required<UdpSocketOptions>

export const DEFAULTS: SocketSettings = {
  receiveBuffer: 212_992,
  broadcast: false,
  ttl: 0,
  tos: 0,
  ipOptions: null,
  multicastTtl: 1,
  multicastLoop: true,
  reusePort: false,
  reuseAddress: false,
  nic: 0,
}

/** `options` over `base`, only what a socket knows, `undefined` meaning "not given". */
export function settle(base: SocketSettings, options: UdpSocketOptions): SocketSettings {
  const settings: Record<string, unknown> = { ...base }
  for (const name of Object.keys(base)) {
    const value = (options as Record<string, unknown>)[name]
    if (value !== undefined) settings[name] = value
  }
  return settings as unknown as SocketSettings
}
