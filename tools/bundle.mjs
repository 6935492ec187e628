// Run in a package's folder after tsc: one file for each entry point, and one for what they share, instead of one for each
// source. A module costs Node 0.3 ms and 30 KB however small it is (docs/decisions/0013). Names are kept, so that a stack trace
// says where; source maps lead to src, which is published too.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { rolldown } from 'rolldown'
import { makeImmutable } from './lib/immutable-bindings.mjs'

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const entryPoints = Object.values(manifest.exports).flatMap((entry) => entry['@stack/source'] ?? [])
// What a program in bin/ imports.
if (existsSync('src/main.ts')) entryPoints.push('./src/main.ts')

// Those of an earlier build go: the names of shared files change.
for (const file of readdirSync('dist', { recursive: true })) {
  if (/\.js(\.map)?$/.test(file)) rmSync(join('dist', file))
}
const bundle = await rolldown({
  input: Object.fromEntries(entryPoints.map((path) => [relative('src', path).replace(/\.ts$/, ''), path])),
  platform: 'neutral',
  tsconfig: 'tsconfig.json',
  // Packages stay imports.
  external: /^[^./]/,
  plugins: [{ name: 'immutable-bindings', renderChunk: makeImmutable }],
})
const { output } = await bundle.write({
  dir: 'dist',
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'shared-[hash].js',
  sourcemap: true,
  sourcemapExcludeSources: true,
  // Comments and indentation are half of the text, which the engine keeps.
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true, legalComments: 'none' } },
})

// The engine keeps a file in two bytes a character as soon as one of them needs it (docs/decisions/0021).
/** What tests are written with: its messages may cost something. */
const FOR_TESTS = ['@stack/packetdrill', '@stack/simulation', '@stack/testing']
const isWide = output.some(({ type, code }) => type === 'chunk' && /[\u0100-\uffff]/.test(code))
if (isWide && !FOR_TESTS.includes(manifest.name)) {
  throw new Error(`${manifest.name}: a message has a character beyond Latin-1, for which the engine would keep the whole file in two bytes a character`)
}
