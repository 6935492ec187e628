import type { Terminal } from './terminal.ts'

const TTY_INTERVAL = 100
const LINE_INTERVAL = 1000
const CLEAR_LINE = '\r\u001B[K'

/**
 * Shows a line that changes: rewritten in place on a terminal, once a second elsewhere. Returns its end, which leaves the
 * cursor at the start of an empty line.
 */
export function showProgress(terminal: Terminal, line: () => string): () => void {
  const show = terminal.isTty
    ? () => terminal.write(`${CLEAR_LINE}${line()}`)
    : () => terminal.write(`${line()}\n`)
  const timer = setInterval(show, terminal.isTty ? TTY_INTERVAL : LINE_INTERVAL)
  return () => {
    clearInterval(timer)
    if (terminal.isTty) terminal.write(CLEAR_LINE)
  }
}
