import { describe, expect, it } from 'vitest'
import { checkOptions, isStackError, type OptionSchema } from '@stack/core'

interface Options {
  readonly ttl?: number
  readonly interval?: number
  readonly noDelay?: boolean
  readonly name?: string
  readonly onError?: (error: unknown) => void
  readonly memory?: object
  readonly mode?: 'tun' | 'tap'
  readonly names?: readonly string[]
  readonly signal?: AbortSignal
  readonly anything?: unknown
}

const schema: OptionSchema<Options> = {
  ttl: { type: 'number', min: 1, max: 255, integer: true },
  interval: { type: 'number', min: 0 },
  noDelay: { type: 'boolean' },
  name: { type: 'string' },
  onError: { type: 'function' },
  memory: { type: 'object' },
  mode: { type: 'string', oneOf: ['tun', 'tap'] },
  names: { type: 'array' },
  signal: { type: 'signal' },
  anything: { type: 'any' },
}

function problem(given: unknown, rules: OptionSchema = schema): string {
  try {
    checkOptions('ipv4()', given as object, rules)
  } catch (error) {
    if (isStackError(error) && error.code === 'ERR_STACK_INVALID_OPTION') return error.message
    throw error
  }
  return 'none'
}

describe('options', () => {
  it.each<Options>([
    {},
    { ttl: 1, interval: 0 },
    { ttl: 255, interval: Infinity },
    { noDelay: false, name: '', onError: () => {}, memory: {}, mode: 'tap', anything: null },
    { anything: 7 },
    { names: [], signal: AbortSignal.abort() },
  ])('that are right pass: %o', (given) => {
    expect(problem(given)).toBe('none')
  })

  it('that are undefined take their default', () => {
    expect(problem({ ttl: undefined, mode: undefined })).toBe('none')
  })

  it.each([
    [{ ttl: 0 }, "ipv4(): option 'ttl' must be an integer from 1 to 255, received 0."],
    [{ ttl: 256 }, "ipv4(): option 'ttl' must be an integer from 1 to 255, received 256."],
    [{ ttl: 1.5 }, "ipv4(): option 'ttl' must be an integer from 1 to 255, received 1.5."],
    [{ ttl: '64' }, "ipv4(): option 'ttl' must be an integer from 1 to 255, received '64'."],
    [{ ttl: 64n }, "ipv4(): option 'ttl' must be an integer from 1 to 255, received 64n."],
    [{ interval: NaN }, "ipv4(): option 'interval' must be a number of at least 0, received NaN."],
    [{ noDelay: 1 }, "ipv4(): option 'noDelay' must be a boolean, received 1."],
    [{ name: Symbol('x') }, "ipv4(): option 'name' must be a string, received Symbol(x)."],
    [{ names: 'a' }, "ipv4(): option 'names' must be an array, received 'a'."],
    [{ names: {} }, "ipv4(): option 'names' must be an array, received an object."],
    [{ signal: new AbortController() }, "ipv4(): option 'signal' must be an AbortSignal, received an object."],
    [{ onError: {} }, "ipv4(): option 'onError' must be a function, received an object."],
    [{ memory: null }, "ipv4(): option 'memory' must be an object, received null."],
    [{ memory: () => {} }, "ipv4(): option 'memory' must be an object, received a function."],
    [{ mode: 'bridge' }, "ipv4(): option 'mode' must be one of 'tun', 'tap', received 'bridge'."],
  ])('that are wrong say name, what is allowed, and what came: %o', (given, message) => {
    expect(problem(given)).toBe(message)
  })

  it.each([{ tll: 64 }, { toString: () => '' }, JSON.parse('{"__proto__": 1}') as object])('that are unknown: %o', (given) => {
    expect(problem(given)).toMatch(/^ipv4\(\): there is no option '(tll|toString|__proto__)' \(received .*\)\. Options are: ttl, /)
    expect(problem(given, {})).toMatch(/It takes none\.$/)
  })

  it.each([null, undefined, 3, 'ttl', [1], () => {}])('must be an object: %o', (given) => {
    expect(problem(given)).toMatch(/^ipv4\(\): options must be an object, received /)
  })

  it('bounds may be one-sided', () => {
    expect(problem({ x: 3 }, { x: { type: 'number', max: 2 } })).toMatch('a number of at most 2, received 3')
    expect(problem({ x: '3' }, { x: { type: 'number' } })).toMatch("must be a number, received '3'")
  })

  it('long texts are cut', () => {
    expect(problem({ mode: 'x'.repeat(10_000) }).length).toBeLessThan(200)
  })
})
