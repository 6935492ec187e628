// Run in a package's folder after tsc: one file for each entry point, and one for what they share, instead of one for each
// source. A module costs Node 0.3 ms and 30 KB however small it is (docs/decisions/0013). Names are kept, so that a stack trace
// says where; source maps lead to src, which is published too.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const entryPoints = Object.values(manifest.exports).flatMap((entry) => entry['@stack/source'] ?? [])
// What a program in bin/ imports.
if (existsSync('src/main.ts')) entryPoints.push('./src/main.ts')

// Those of an earlier build go: the names of shared files change.
for (const file of readdirSync('dist', { recursive: true })) {
  if (/\.js(\.map)?$/.test(file)) rmSync(join('dist', file))
}
await build({
  entryPoints,
  outdir: 'dist',
  outbase: 'src',
  bundle: true,
  splitting: true,
  chunkNames: 'shared-[hash]',
  packages: 'external',
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
  sourcemap: true,
  sourcesContent: false,
  // Comments and indentation are half of the text, which the engine keeps, in two bytes a character if one of them needs it.
  minifyWhitespace: true,
  lineLimit: 160,
  charset: 'ascii',
  logLevel: 'warning',
})
