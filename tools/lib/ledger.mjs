// The ledger of requirements: docs/conformance/rfcNNNN.md and draft-ietf-NAME.md, one table row for each.
//
//   | MUST-1 | 3.1 | what it asks | done | packages/tcp/test/x.test.ts |
//   | MUST-2 | 3.2 | what it asks | refused | why |
//   | MUST-3 | 3.3 | what it asks | open | issue 3 |
//
// The id of a row in the titles of tests is `RFC9293-MUST-1` or `CCWG-BBR-A.1`: document and row.

const STATUSES = ['done', 'refused', 'open']
const OPEN = /^(issue \d+|later)\b/
const ID = /\b(?:RFC\d+|CCWG-BBR)-[\w.]+(?:-[\w.]+)*\b/g

/** The ids that a title or a file names. */
export function idsIn(text) {
  // A full stop or hyphen that ends a sentence is none of the id.
  return [...text.matchAll(ID)].map(([id]) => id.replace(/[.-]+$/, ''))
}

/** One document: { name, title, rows: [{ id, section, text, status, note, line }], problems }. */
export function parseLedger(name, source) {
  const prefix = name.replace(/\.md$/, '').replace(/^draft-ietf-/, '').toUpperCase()
  const title = /^# (.+)$/m.exec(source)?.[1] ?? name
  const rows = []
  const problems = []
  source.split('\n').forEach((text, index) => {
    if (!text.startsWith('|') || /^\|\s*(id\b|:?-)/.test(text)) return
    const cells = text.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim())
    const at = `${name}:${index + 1}`
    if (cells.length !== 5) {
      problems.push(`${at} has ${cells.length} cells, not 5`)
      return
    }
    const [short, section, asks, status, note] = cells
    const id = `${prefix}-${short}`
    if (idsIn(id)[0] !== id) problems.push(`${at} has an id that a title cannot carry: ${short}`)
    if (!STATUSES.includes(status)) problems.push(`${at} ${id}: status ${status}, not one of ${STATUSES.join(', ')}`)
    if (status === 'refused' && note === '') problems.push(`${at} ${id} is refused without a reason`)
    if (status === 'open' && !OPEN.test(note)) problems.push(`${at} ${id} is open: say 'issue N' or 'later'`)
    if (rows.some((row) => row.id === id)) problems.push(`${at} ${id} stands here twice`)
    rows.push({ id, section, text: asks, status, note, line: index + 1 })
  })
  return { name, title, rows, problems }
}

/** `source` with the test files of each row that is done, as `proofs` (id → paths) knows them. */
export function withProofs(name, source, proofs) {
  const { rows } = parseLedger(name, source)
  const lines = source.split('\n')
  for (const { id, line, status } of rows) {
    if (status !== 'done') continue
    const cells = lines[line - 1].split(/(?<!\\)\|/)
    cells[5] = ` ${(proofs.get(id) ?? []).join(', ')} `
    lines[line - 1] = cells.join('|')
  }
  return lines.join('\n')
}

/** What is wrong between the rows and the tests that passed: `passed` are full titles. */
export function compare(documents, passed) {
  const rows = new Map(documents.flatMap(({ rows: all }) => all.map((row) => [row.id, row])))
  const proved = new Set()
  const problems = []
  for (const title of passed) {
    if (title.includes('expected failure')) continue
    for (const id of idsIn(title)) {
      proved.add(id)
      if (!rows.has(id)) problems.push(`'${title}' names ${id}, which is not in the ledger`)
      else if (rows.get(id).status !== 'done') problems.push(`${id} is ${rows.get(id).status}, but '${title}' passes`)
    }
  }
  for (const { id, status } of rows.values()) if (status === 'done' && !proved.has(id)) problems.push(`${id} is done, but no test that passed has it in its title`)
  return [...new Set(problems)]
}

/** The table of documents for the README. */
export function featureTable(documents) {
  const lines = ['| document | done | refused, with the reason | open |', '|---|---|---|---|']
  for (const { name, title, rows } of documents) {
    const count = (status) => rows.filter((row) => row.status === status).length
    lines.push(`| [${title}](docs/conformance/${name}) | ${count('done')} of ${rows.length} | ${count('refused') || ''} | ${count('open') || ''} |`)
  }
  return lines.join('\n')
}

const START = '<!-- features: made by `npm run ledger -- --update` -->'
const END = '<!-- /features -->'

/** `readme` with the table between its two marks. */
export function withFeatures(readme, documents) {
  const [from, to] = [readme.indexOf(START), readme.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`README.md has no place for the table: ${START} … ${END}`)
  return `${readme.slice(0, from + START.length)}\n${featureTable(documents)}\n${readme.slice(to)}`
}
