/**
 * npm run lab [-- WORD…]: runs against other TCP/IP stacks, in network namespaces that each case makes for itself.
 * Without words every case; else those whose name contains one. The last line counts, as JSON.
 */
import { cases } from './cases.ts'
import { Skipped } from './case.ts'
import { runInNamespace } from './requirements.ts'

const status = runInNamespace()
if (status !== null) process.exit(status)

const words = process.argv.slice(2)
const chosen = cases.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
const counts = { passed: 0, failed: 0, skipped: 0 }

for (const { name, run, limit = 60_000 } of chosen) {
  const start = performance.now()
  let verdict: keyof typeof counts = 'passed'
  let remark = ''
  try {
    await run(AbortSignal.timeout(limit))
  } catch (error) {
    verdict = error instanceof Skipped ? 'skipped' : 'failed'
    remark = error instanceof Skipped ? `: ${error.message}` : `\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  }
  counts[verdict]++
  console.log(`${verdict.padEnd(7)} ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)${remark}`)
}

console.log(JSON.stringify(counts))
process.exit(counts.failed === 0 ? 0 : 1)
