/** A simple command of a shell line. */
export interface SimpleCommand {
  /** Name and arguments; a redirection stays as `>` and its target. */
  readonly words: readonly string[]
  /** Its output goes into the next one. */
  readonly piped: boolean
}

/** Tokens that part commands. */
const SEPARATORS = new Set(['\n', ';', '&&', '||', '&'])

/**
 * The simple commands of a shell text, in order: as much of a shell as set-up lines of scripts use. Quotes are taken off,
 * comments and redirections to a descriptor or to /dev/null left out.
 */
export function parseShell(text: string): SimpleCommand[] {
  const commands: SimpleCommand[] = []
  let words: string[] = []
  const end = (piped: boolean): void => {
    const kept = withoutRedirections(words)
    if (kept.length > 0) commands.push({ words: kept, piped })
    words = []
  }
  for (const token of tokens(text)) {
    if (token.text === '|' && !token.quoted) end(true)
    else if (SEPARATORS.has(token.text) && !token.quoted) end(false)
    else words.push(token.text)
  }
  end(false)
  return commands
}

interface Token {
  readonly text: string
  readonly quoted: boolean
}

function* tokens(text: string): Generator<Token> {
  // In turn: comment, joined line, separator, redirection, word with quotes in it.
  const pattern = /(^|(?<=\s))#[^\n]*|\\\n|\n|&&|\|\||[;|&](?!\d)|\d?>{1,2}(?:&\d)?|(?:"[^"]*"|'[^']*'|\$\(\([^)]*\)\)|\$\([^)]*\)|\\.|[^\s;|&>"'\\])+/g
  for (const [match] of text.matchAll(pattern)) {
    if (match.startsWith('#') || match === '\\\n') continue
    const bare = match.replace(/"([^"]*)"|'([^']*)'/g, (_all, double: string | undefined, single: string | undefined) => double ?? single ?? '')
    yield { text: bare, quoted: bare !== match }
  }
}

function withoutRedirections(words: readonly string[]): string[] {
  const kept: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (/^\d?>{1,2}&\d$/.test(word)) continue
    if (/^\d>{1,2}$/.test(word) || (/^>{1,2}$/.test(word) && words[at + 1] === '/dev/null')) at++
    else kept.push(word)
  }
  return kept
}
