// Compiles and runs every examples/*.ts. One that needs root, or never ends, begins with `// manual: why`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, run } from './lib/process.mjs'
import { list } from './lib/files.mjs'

const problems = []
const examples = list(/^examples\/[^/]+\.ts$/)
const runnable = examples.filter((path) => !readFileSync(join(ROOT, path), 'utf8').startsWith('// manual'))
if (examples.length > 0) {
  const { code, output } = await run(['tsc', '-p', 'examples', '--pretty', 'false'], { capture: true })
  if (code !== 0) problems.push(output)
}
for (const path of runnable) {
  const { code, output } = await run(['node', '--conditions=@stack/source', '--import', 'tsx', path], { capture: true, limit: 60_000 })
  if (code !== 0) problems.push(`${path} ended with ${code}\n${output}`)
}

console.log(`${runnable.length} of ${examples.length} examples run`)
if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exitCode = 1
}
