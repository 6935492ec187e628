// Run in a package's folder: packs it as it would be published and looks at that tarball, not at the sources.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './lib/process.mjs'

const cwd = process.cwd()
const folder = join(cwd, 'node_modules/.cache')
const tarball = join(folder, 'pack.tgz')
mkdirSync(folder, { recursive: true })

const problems = []
async function step(command) {
  const { code, output } = await run(command, { cwd, capture: true })
  if (code !== 0) problems.push(`$ ${command.join(' ')}\n${output.trimEnd()}`)
  return output
}

await step(['pnpm', 'pack', '--out', tarball])
await step(['publint', 'run', tarball, '--strict'])
await step(['attw', tarball, '--profile', 'esm-only', '--no-emoji'])
const manifest = await step(['tar', '-xzOf', tarball, 'package/package.json'])
for (const leftover of ['@stack/source', 'workspace:']) {
  if (manifest.includes(leftover)) problems.push(`The packed package.json still says ${leftover}`)
}
const files = await step(['tar', '-tzf', tarball])
for (const file of ['package/README.md', 'package/dist/index.d.ts', 'package/src/index.ts']) {
  if (!files.includes(`${file}\n`)) problems.push(`${file} is not in the tarball`)
}

if (problems.length > 0) {
  console.error(problems.join('\n\n'))
  process.exitCode = 1
}
