import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { addDemo } from './commands/demo.ts'
import { addPing } from './commands/ping.ts'
import { addServe } from './commands/serve.ts'
import { explain } from './failure.ts'
import type { Terminal } from './terminal.ts'

const OK = 0
const FAILED = 1
const USAGE = 2

/**
 * Runs one command line, without the name of the program.
 *
 * @returns the exit code: 0 it went well, 1 it failed, 2 it was called wrongly. Never rejects
 */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  let code = OK
  const program = createProgram(terminal, (result) => {
    code = result
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? OK : USAGE
    terminal.error(`stack: ${explain(error)}\n`)
    return FAILED
  }
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string }
  return version
}

function createProgram(terminal: Terminal, done: (code: number) => void): Command {
  const program = new Command('stack')
    .description('A TCP/IP stack that runs in your program, from the command line.')
    .configureOutput({
      writeOut: (text) => {
        terminal.write(text)
      },
      writeErr: (text) => {
        terminal.error(text)
      },
    })
    .configureHelp({ showGlobalOptions: false })
    .helpCommand(false)
    .version(version(), '-V, --version', 'print the version')
    .exitOverride()
    .addHelpText('after', '\n`stack demo` is a good start. Each command has its own --help.')
  for (const add of [addDemo, addPing, addServe]) add(program, terminal, done)
  for (const command of program.commands) command.showHelpAfterError(`(stack ${command.name()} --help says what there is)`)
  return program
}
