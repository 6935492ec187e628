import { checkOptions, StackError } from '@stack/core'
import type { Milliseconds, OptionSchema } from '@stack/core'
import type { FastOpenListenOptions, ListenOptions } from './api.ts'
import { FastOpenKeys, KEY_LENGTH } from './fast-open-keys.ts'
import type { FastOpenLimits } from './fast-open-server.ts'

const LISTEN_SCHEMA: OptionSchema<FastOpenListenOptions> = {
  queue: { type: 'number', integer: true, min: 0, max: 65_535 },
  requireCookie: { type: 'boolean' },
  key: { type: 'any' },
}

const CONNECT_SCHEMA: OptionSchema<{ requireCookie?: boolean }> = { requireCookie: { type: 'boolean' } }

const OFF: FastOpenLimits = { queue: 0, requireCookie: true, keys: null }

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function checkFastOpenListen(what: string, value: unknown): void {
  if (value === undefined || value === false) return
  if (typeof value !== 'object' || value === null) throw bad(what, "option 'fastOpen' must be false or { queue, requireCookie?, key? }")
  const options = value as FastOpenListenOptions
  checkOptions(`${what}: fastOpen`, options, LISTEN_SCHEMA)
  if ((options.queue as unknown) === undefined) throw bad(what, "option 'fastOpen' needs queue, the requests that may be pending")
  checkFastOpenKey(`${what}: fastOpen`, 'key', options.key)
}

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function checkFastOpenConnect(what: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return
  if (typeof value !== 'object' || value === null) throw bad(what, "option 'fastOpen' must be true, false or { requireCookie? }")
  checkOptions(`${what}: fastOpen`, value, CONNECT_SCHEMA)
}

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function checkFastOpenKey(what: string, name: string, value: unknown): void {
  if (value === undefined) return
  if (value instanceof Uint8Array && (value.length === KEY_LENGTH || value.length === 2 * KEY_LENGTH)) return
  throw bad(what, `option '${name}' must be a Uint8Array of 16 bytes, or of 32: the key, and the one before it`)
}

/** What the option of a listener means. */
export function fastOpenLimits(option: NonNullable<ListenOptions['fastOpen']>, now: Milliseconds): FastOpenLimits {
  if (option === false) return OFF
  const { queue, requireCookie = true, key } = option
  return { queue, requireCookie, keys: key === undefined ? null : new FastOpenKeys(key, now) }
}

function bad(what: string, why: string): StackError {
  return new StackError('ERR_STACK_INVALID_OPTION', `${what}: ${why}.`)
}
