import { describe, expect, test } from 'vitest'
import { makeImmutable } from '../../lib/immutable-bindings.mjs'

/** Runs a module, and answers what it exports. */
async function load(code: string): Promise<Record<string, unknown>> {
  return await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`) as Record<string, unknown>
}

/** Imports and exports aside: the names that are bound otherwise than as constants. */
function mutableNames(code: string): readonly string[] {
  return [...code.matchAll(/(?:^|[;}\n])\s*(?:async )?(?:var|let|function\*?|class) (\w+)/g)].map(([, name]) => name!)
}

describe('what is published binds its names as constants', () => {
  const source = `
import { join, sep as slash } from 'node:path';
var TABLE = { one: 1 };
const first = later(2);
function later(n) { return n + TABLE.one + early; }
function* count() { yield 1; }
async function wait() { return join('a', 'b').split(slash).length; }
var Base = class { who() { return 'base'; } };
class Own extends Base { static made = new Own(); }
export { Own, count as counter, first, later, wait };
`.replace('+ early', '')

  test('functions, classes, variables, imports and exports', async () => {
    const { code } = makeImmutable(source)
    expect(mutableNames(code)).toEqual([])
    expect(code).toContain('const join = join$in, slash = slash$in;')
    expect(code).toContain('export { Own$out as Own, count$out as counter')
    const module = await load(source)
    const made = await load(code)
    expect(Object.keys(made)).toEqual(Object.keys(module))
  })

  test('a function may be called above its place, as before', async () => {
    const { first } = await load(makeImmutable('const first = later(2);\nfunction later(n) { return n + 1; }\nexport { first };').code)
    expect(first).toBe(3)
  })

  test('names of functions and classes are those of the source', async () => {
    const { code } = makeImmutable('function later() {}\nclass Own {}\nvar Base = class {};\nexport { later, Own, Base };')
    const made = await load(code) as Record<string, { readonly name: string }>
    expect(Object.values(made).map(({ name }) => name)).toEqual(['Base', 'Own', 'later'])
  })

  test('a class may ask for itself while it is made', async () => {
    const { Own } = await load(makeImmutable('class Own { static made = new Own(); }\nexport { Own };').code) as { Own: { readonly made: unknown } }
    expect(Own.made).toBeInstanceOf(Own)
  })

  test('what is passed on from another module stays as it is', () => {
    const code = 'export * from "node:path";\nexport { join } from "node:path";'
    expect(makeImmutable(code).code).toBe(code)
  })
})
