import { isSignal } from '../edge/pending-call.ts'
import { StackError } from '../errors/stack-error.ts'

/** What one option may be. Bounds are inclusive; a number is never NaN. */
export interface OptionRule {
  readonly type: 'number' | 'boolean' | 'string' | 'function' | 'object' | 'array' | 'signal' | 'any'
  readonly min?: number
  readonly max?: number
  readonly integer?: boolean
  readonly oneOf?: readonly (string | number | boolean)[]
}

/** A rule for every option of `T`, so that a new option without a rule does not compile. */
export type OptionSchema<T extends object = Record<string, unknown>> = { readonly [K in keyof T]-?: OptionRule }

/**
 * Checks options given by a user. A missing or `undefined` option is fine: defaults are the caller's.
 *
 * @param what - whose options, for the message: `'tcp()'`
 * @throws StackError `ERR_STACK_INVALID_OPTION` for unknown names, wrong types and values out of range; the message
 * says the name, what was received, and what is allowed
 *
 * @example
 * ```ts
 * import { checkOptions, type OptionSchema } from '@stack/core'
 *
 * interface EchoOptions {
 *   readonly backlog?: number
 * }
 * const schema: OptionSchema<EchoOptions> = { backlog: { type: 'number', min: 1, max: 65_535, integer: true } }
 * checkOptions('echo()', { backlog: 16 }, schema)
 * ```
 */
export function checkOptions(what: string, given: object, schema: OptionSchema): void {
  // Called with whatever JavaScript hands in, whatever the type says.
  if (typeof given !== 'object' || (given as object | null) === null || Array.isArray(given)) {
    throw new StackError('ERR_STACK_INVALID_OPTION', `${what}: options must be an object, received ${show(given)}.`)
  }
  for (const name of Object.keys(given)) {
    const value = (given as Record<string, unknown>)[name]
    if (!Object.hasOwn(schema, name)) {
      const known = Object.keys(schema).join(', ')
      throw new StackError(
        'ERR_STACK_INVALID_OPTION',
        `${what}: there is no option '${name}' (received ${show(value)}). ${known === '' ? 'It takes none' : `Options are: ${known}`}.`,
      )
    }
    const rule = schema[name]!
    if (value !== undefined && !allows(rule, value)) {
      throw new StackError(
        'ERR_STACK_INVALID_OPTION',
        `${what}: option '${name}' must be ${describe(rule)}, received ${show(value)}.`,
      )
    }
  }
}

function allows(rule: OptionRule, value: unknown): boolean {
  if (rule.oneOf !== undefined && !(rule.oneOf as readonly unknown[]).includes(value)) return false
  switch (rule.type) {
    case 'any':
      return true
    case 'object':
      return typeof value === 'object' && value !== null
    case 'array':
      return Array.isArray(value)
    case 'signal':
      return isSignal(value)
    case 'number':
      return (
        typeof value === 'number' &&
        value >= (rule.min ?? -Infinity) &&
        value <= (rule.max ?? Infinity) &&
        (rule.integer !== true || Number.isInteger(value))
      )
    default:
      return typeof value === rule.type
  }
}

function describe(rule: OptionRule): string {
  if (rule.oneOf !== undefined) return `one of ${rule.oneOf.map(show).join(', ')}`
  switch (rule.type) {
    case 'any':
      return 'anything'
    case 'object':
    case 'array':
      return `an ${rule.type}`
    case 'signal':
      return 'an AbortSignal'
    case 'number':
      return `${rule.integer === true ? 'an integer' : 'a number'}${range(rule)}`
    default:
      return `a ${rule.type}`
  }
}

function range({ min, max }: OptionRule): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`
  if (min !== undefined) return ` of at least ${min}`
  return max === undefined ? '' : ` of at most ${max}`
}

function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `'${value.length > 60 ? `${value.slice(0, 60)}...` : value}'`
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? 'an array' : 'an object'
    case 'function':
      return 'a function'
    case 'bigint':
      return `${value.toString()}n`
    default:
      return String(value)
  }
}
