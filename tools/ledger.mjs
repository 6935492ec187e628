// npm run ledger [-- --update] [-- --report FILE…]: do the rows of docs/conformance and the tests agree?
//   (nothing)   the form of the rows, and that the files they name hold their ids
//   --update    writes the files that prove each row, and the table in README.md
//   --report    vitest's JSON: each row that is done has a test that ran and passed with its id in the title
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { list } from './lib/files.mjs'
import { compare, idsIn, parseLedger, withFeatures, withProofs } from './lib/ledger.mjs'
import { ROOT } from './lib/process.mjs'

const FOLDER = 'docs/conformance'
const read = (path) => readFileSync(join(ROOT, path), 'utf8')
const [mode, ...reports] = process.argv.slice(2)
if (mode !== undefined && mode !== '--update' && mode !== '--report') {
  console.error('usage: npm run ledger [-- --update | --report FILE…]')
  process.exit(2)
}

// RFCs by number, then drafts.
const number = (name) => Number(/^rfc(\d+)/.exec(name)?.[1] ?? Infinity)
const names = readdirSync(join(ROOT, FOLDER)).filter((name) => /^(rfc\d+|draft-ietf-[a-z-]+)\.md$/.test(name)).sort((a, b) => number(a) - number(b) || a.localeCompare(b))
const problems = []

function load() {
  return names.map((name) => parseLedger(name, read(join(FOLDER, name))))
}

// Where the ids stand: a title may be put together, so that only the run tells whether a test has it.
const proofs = new Map()
for (const path of list(/(\.test\.ts|\.pkt)$/)) {
  for (const id of new Set(idsIn(read(path)))) proofs.set(id, [...(proofs.get(id) ?? []), path])
}
const wanted = new Map(names.map((name) => [join(FOLDER, name), withProofs(name, read(join(FOLDER, name)), proofs)]))
wanted.set('README.md', withFeatures(read('README.md'), load()))
for (const [path, text] of wanted) {
  if (read(path) === text) continue
  if (mode === '--update') writeFileSync(join(ROOT, path), text)
  else problems.push(`${path} is not up to date: run npm run ledger -- --update`)
}

const documents = load()
for (const document of documents) problems.push(...document.problems)
const rows = documents.flatMap((document) => document.rows)
for (const { id, status } of rows) if (status === 'done' && !proofs.has(id)) problems.push(`${id} is done, but no test names it`)

if (mode === '--report') {
  const passed = reports.flatMap((path) => JSON.parse(readFileSync(path, 'utf8')).testResults)
    .flatMap((file) => file.assertionResults).filter((test) => test.status === 'passed').map((test) => test.fullName)
  problems.push(...compare(documents, passed))
}

const count = (status) => rows.filter((row) => row.status === status).length
console.log(`Ledger: ${rows.length} requirements of ${documents.length} documents: ${count('done')} done, ${count('refused')} refused, ${count('open')} open.`)
if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exitCode = 1
}
