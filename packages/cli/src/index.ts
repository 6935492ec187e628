/**
 * A TCP/IP stack from the command line: a demo, ping and a server of files. This entry runs the commands inside a program.
 *
 * @example
 * ```ts
 * import { main } from '@stack/cli'
 *
 * const code = await main(['ping', '--count', '1'], {
 *   write: (text) => process.stdout.write(text),
 *   error: (text) => process.stderr.write(text),
 *   isTty: false,
 *   interrupted: new AbortController().signal,
 *   invocation: (args) => `stack ${args}`,
 * })
 * process.exitCode = code
 * ```
 *
 * @packageDocumentation
 */
export { main } from './program.ts'
export type { Terminal } from './terminal.ts'
