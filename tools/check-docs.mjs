// Compiles every ```ts block of the READMEs and of the opening comment of each index.ts and wire.ts,
// and runs those that begin with `// run`. A block marked ```ts fragment is left alone. What a package's README says to
// install has to be what its blocks import: readers copy both.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, run } from './lib/process.mjs'
import { blocksOf } from './lib/blocks.mjs'
import { list } from './lib/files.mjs'

// Inside a workspace package that depends on all others, so that every import resolves.
const folder = join(ROOT, 'tools/tests/.docs')

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const blocks = list(/^(README\.md|packages\/[^/]+\/(README\.md|src\/(index|wire)\.ts))$/).flatMap((path) =>
  blocksOf(path, readFileSync(join(ROOT, path), 'utf8')))
for (const block of blocks) writeFileSync(join(folder, block.file), block.code)
writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
  extends: '../../../tsconfig.json',
  include: ['*.ts'],
}))

/** Of a package of this repository. */
const NAME = /@stack\/[a-z0-9-]+/g
const problems = []
const explain = (output) => blocks.reduce((text, { file, path }) => text.replaceAll(`tools/tests/.docs/${file}`, path), output)

for (const path of list(/^packages\/[^/]+\/README\.md$/)) {
  const commands = readFileSync(join(ROOT, path), 'utf8').match(/^npm install .*$/gm) ?? []
  const installed = new Set(commands.join(' ').match(NAME))
  const imported = blocks.filter((block) => block.path === path).flatMap(({ code }) => code.match(/(?<=from '|import\(')@stack\/[a-z0-9-]+/g) ?? [])
  const missing = [...new Set(imported)].filter((name) => !installed.has(name))
  if (missing.length > 0) problems.push(`${path} says nowhere to install ${missing.join(' ')}, which its examples import`)
}

if (blocks.length > 0) {
  const { code, output } = await run(['tsc', '-p', folder, '--pretty', 'false'], { capture: true })
  if (code !== 0) problems.push(explain(output))
  for (const block of blocks.filter(({ runs }) => runs)) {
    const command = ['node', '--conditions=@stack/source', '--import', 'tsx', join(folder, block.file)]
    const result = await run(command, { capture: true, limit: 60_000 })
    if (result.code !== 0) problems.push(`${block.path}:${block.line} ended with ${result.code}\n${explain(result.output)}`)
  }
}

console.log(`${blocks.length} blocks compiled, ${blocks.filter(({ runs }) => runs).length} run`)
if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exitCode = 1
}
