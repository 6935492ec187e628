// What Stryker's JSON report says, for a terminal and for docs/testing.md.

/** A mutant that hangs the tests was noticed as well. One that does not compile proves nothing either way. */
const KILLED = new Set(['Killed', 'Timeout'])
const SURVIVED = new Set(['Survived', 'NoCoverage'])

function count(mutants, statuses) {
  return mutants.filter(({ status }) => statuses.has(status)).length
}

/** A row for each file, and one for all. */
export function table(files) {
  const rows = files.filter(({ mutants }) => mutants.length > 0).map(({ path, mutants }) => row(`\`${path.replace(/^packages\//, '')}\``, mutants))
  const all = files.flatMap(({ mutants }) => mutants)
  return ['| file | mutants | killed | survived | score |', '|---|--:|--:|--:|--:|', ...rows, row('together', all)].join('\n')
}

function row(name, mutants) {
  const killed = count(mutants, KILLED)
  const survived = count(mutants, SURVIVED)
  const score = killed + survived === 0 ? '–' : `${((100 * killed) / (killed + survived)).toFixed(1)} %`
  return `| ${name} | ${killed + survived} | ${killed} | ${survived} | ${score} |`
}

/** A line for each survivor: where, what was there, what no test missed. */
export function survivors(files) {
  return files.flatMap(({ path, source, mutants }) => {
    const lines = source.split('\n')
    return mutants.filter(({ status }) => SURVIVED.has(status)).sort((a, b) => a.location.start.line - b.location.start.line).map((mutant) => {
      const { start, end } = mutant.location
      const text = lines.slice(start.line - 1, end.line)
      // The end first: on a single line, cutting the start would move it.
      text[text.length - 1] = text.at(-1).slice(0, end.column - 1)
      text[0] = text[0].slice(start.column - 1)
      const unreached = mutant.status === 'NoCoverage' ? ' (no test comes here)' : ''
      return `${path}:${start.line}:${start.column} ${brief(text.join(' '))}  →  ${brief(mutant.replacement ?? mutant.mutatorName)}${unreached}`
    })
  }).join('\n')
}

function brief(text) {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 70 ? `${line.slice(0, 67)}…` : line
}
