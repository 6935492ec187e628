import { expect, test } from 'vitest'

declare global {
  interface ImportMeta {
    /** Vite's: modules by path, loaded when called. */
    glob(patterns: readonly string[]): Record<string, () => Promise<Record<string, unknown>>>
  }
}

// All but the packages that are there for Node.
const packages = import.meta.glob([
  '../../../packages/*/src/index.ts',
  '../../../packages/*/src/wire.ts',
  '!../../../packages/{cli,node,link-tun}/**',
])

test('this is a browser', () => {
  expect('window' in globalThis).toBe(true)
  expect('Buffer' in globalThis).toBe(false)
})

test.each(Object.entries(packages))('%s loads', async (_path, load) => {
  await expect(load()).resolves.toBeTypeOf('object')
})
