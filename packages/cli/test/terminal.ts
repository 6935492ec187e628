import { main, type Terminal } from '@stack/cli'

/** What a command wrote, and how it ended. */
export interface Result {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A command that runs with its output kept. */
export interface Running {
  readonly result: Promise<Result>
  /** As Ctrl-C. */
  interrupt(): void
  /** Resolves with the first match in what it has written, or fails when it ends without. */
  says(pattern: RegExp): Promise<RegExpExecArray>
}

export function start(args: readonly string[], options: { readonly isTty?: boolean } = {}): Running {
  const control = new AbortController()
  const written = { out: '', err: '' }
  let changed = (): void => undefined
  const terminal: Terminal = {
    write(text) {
      written.out += text
      changed()
    },
    error(text) {
      written.err += text
    },
    isTty: options.isTty ?? false,
    interrupted: control.signal,
    invocation: (hint) => `stack ${hint}`,
  }
  const result = main(args, terminal).then((code) => ({ code, ...written }))
  return {
    result,
    interrupt() {
      control.abort()
    },
    says: (pattern) => new Promise((resolve, reject) => {
      changed = () => {
        const match = pattern.exec(written.out)
        if (match !== null) resolve(match)
      }
      changed()
      void result.then(({ out, err }) => {
        reject(new Error(`It ended without saying ${String(pattern)}:\n${out}${err}`))
      })
    }),
  }
}

/** Runs a command to its end. */
export function run(...args: readonly string[]): Promise<Result> {
  return start(args).result
}
