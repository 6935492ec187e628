// What .ci/run runs: tests, checks, simulations and lab one after the other, whatever fails, then the sum of what they counted.
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, run } from './lib/process.mjs'

const reports = mkdtempSync(join(tmpdir(), 'stack-reports-'))
const read = (name) => JSON.parse(readFileSync(join(reports, `${name}.json`), 'utf8'))

function vitestCounts(name) {
  const result = read(name)
  // A file that could not be loaded has no test that could fail.
  const unloaded = result.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length
  return { passed: result.numPassedTests, failed: result.numFailedTests + unloaded, skipped: result.numPendingTests + result.numTodoTests }
}

/** The lab and the simulations end with one line of JSON: { "passed": n, "failed": n, "skipped": n }. */
function countsLine(output) {
  return JSON.parse(output.split('\n').findLast((line) => line.startsWith('{')))
}

const minutes = 60_000
const parts = [
  { name: 'test', limit: 25 * minutes, counts: [() => vitestCounts('test'), () => vitestCounts('slots'), ...(chromium() === undefined ? [] : [() => vitestCounts('browser')])] },
  { name: 'check', limit: 25 * minutes, counts: [() => read('check')] },
  { name: 'simulate', limit: 20 * minutes, counts: [countsLine] },
  { name: 'lab', limit: 30 * minutes, counts: [countsLine] },
]

const total = { passed: 0, failed: 0, skipped: 0 }
const remarks = []
for (const { name, limit, counts } of parts) {
  console.log(`\n━━ npm run ${name}`)
  const { code, output } = await run(['node', 'tools/run.mjs', name], { tee: true, limit, env: { STACK_REPORTS: reports } })
  let failed = 0
  for (const count of counts) {
    try {
      const result = count(output)
      for (const key of Object.keys(total)) total[key] += result[key] ?? 0
      failed += result.failed
      if (!(result.passed + result.failed + (result.skipped ?? 0) > 0)) throw new Error('counted nothing')
    } catch (error) {
      failed++
      total.failed++
      remarks.push(`${name}: no counts (${error.message})`)
    }
  }
  if (code !== 0 && failed === 0) {
    total.failed++
    remarks.push(`${name}: ended with ${code}${code === 124 ? `, stopped after ${limit / minutes} minutes` : ''}`)
  }
}

console.log(`\n${remarks.map((remark) => `${remark}\n`).join('')}`)
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`)
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1
