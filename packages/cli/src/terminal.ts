/** Where a command reads its world from and writes to: the process, or a test. */
export interface Terminal {
  /** Standard output. */
  write(text: string): void
  /** Standard error. */
  error(text: string): void
  /** A line may be rewritten in place. */
  readonly isTty: boolean
  /** Aborts at Ctrl-C. */
  readonly interrupted: AbortSignal
  /** How this program is called with these arguments, to print in hints; null when that is too long to be one. */
  invocation(args: string): string | null
}

/** Writes a line. */
export function say(terminal: Terminal, line = ''): void {
  terminal.write(`${line}\n`)
}

/** Resolves when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
