/**
 * The ```ts blocks of a Markdown file, or of the first comment of a source file. Each is padded
 * with empty lines, so that the compiler's line numbers are those of the text it came from.
 */
export function blocksOf(path, text) {
  const lines = path.endsWith('.ts') ? commentLines(text) : text.split('\n')
  const blocks = []
  let open
  lines.forEach((line, index) => {
    if (open === undefined) {
      const fence = /^(\s*)```(.*)$/.exec(line)
      if (fence !== null) open = { indent: fence[1].length, info: fence[2].trim(), start: index + 1, code: [] }
    } else if (/^\s*```\s*$/.test(line)) {
      if (open.info === 'ts') blocks.push(block(path, blocks.length + 1, open))
      open = undefined
    } else {
      open.code.push(line.slice(open.indent))
    }
  })
  return blocks
}

function block(path, number, { start, code }) {
  return {
    path,
    line: start + 1,
    file: `${path.replace(/[^a-zA-Z0-9]+/g, '-')}-${number}.ts`,
    code: '\n'.repeat(start) + code.join('\n') + '\nexport {}\n',
    runs: code.find((line) => line.trim() !== '')?.trim() === '// run',
  }
}

function commentLines(text) {
  const lines = text.split('\n')
  const end = lines.findIndex((line) => line.includes('*/'))
  return text.startsWith('/**') ? lines.slice(0, end).map((line) => line.replace(/^\/\*\*|^ \* ?/, '')) : []
}
