import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES, isStackError, StackError, type ErrorCode } from '@stack/core'

const codes = Object.keys(ERROR_CODES) as ErrorCode[]

it('docs/errors.md says what the table says: node --import tsx tools/generate-errors.mjs', () => {
  const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(([, code, text]) => [code, text])
  expect(Object.fromEntries(rows)).toEqual(ERROR_CODES)
  expect(rows).toHaveLength(codes.length)
})

describe('a StackError', () => {
  it.each(codes)('carries %s', (code) => {
    const error = new StackError(code, 'What is wrong. What to do.')
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'StackError', code, message: 'What is wrong. What to do.' })
    expect(isStackError(error)).toBe(true)
  })

  it('names operation, address, port and cause where known, and nothing where not', () => {
    const cause = new Error('why')
    const error = new StackError('ECONNREFUSED', 'Nobody listens.', { syscall: 'connect', address: '10.0.0.1', port: 80, cause })
    expect(error).toMatchObject({ syscall: 'connect', address: '10.0.0.1', port: 80 })
    expect(error.cause).toBe(cause)
    expect(Object.keys(new StackError('EPIPE', 'Closed.')).sort()).toEqual(['code', 'name'])
  })

  it('is told apart across copies of this package, and from everything else', () => {
    const copy = Object.assign(new Error('from another copy'), { code: 'EPIPE' })
    Object.defineProperty(copy, Symbol.for('@stack/core/error'), { value: true })
    expect(isStackError(copy)).toBe(true)
    for (const other of [new Error('x'), { code: 'EPIPE' }, null, undefined, 'EPIPE', 3]) expect(isStackError(other)).toBe(false)
  })
})
