// The scripts of the root package.json. Uses nothing but Node, so that a fresh clone needs no other step:
// installs what the lockfile says when that was not done yet, then does what was asked.
import { existsSync, mkdtempSync, readFileSync, statSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, ROOT, run } from './lib/process.mjs'

const LOCKFILE = join(ROOT, 'pnpm-lock.yaml')
const INSTALLED = join(ROOT, 'node_modules/.modules.yaml')

async function install() {
  if (existsSync(INSTALLED) && statSync(INSTALLED).mtimeMs >= statSync(LOCKFILE).mtimeMs) return
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  console.log(`Installing with ${packageManager} …`)
  // Without a terminal pnpm would ask, and fail, before it replaces a foreign node_modules.
  await must(['npx', '-y', packageManager, 'install', '--frozen-lockfile', '--prefer-offline', '--config.confirmModulesPurge=false'])
  // pnpm leaves the file alone when nothing changed.
  const now = new Date()
  utimesSync(INSTALLED, now, now)
}

async function must(command, options) {
  const { code } = await run(command, options)
  if (code !== 0) process.exit(code)
}

// tsx asks for the files that a configuration is about; else class fields would not be compiled as they are for npm.
process.env.TSX_TSCONFIG_PATH ??= join(ROOT, 'tsconfig.run.json')
const source = ['node', '--conditions=@stack/source', '--import', 'tsx']

/** Where the runs leave what they counted: for the ledger, and for .ci/run when it asks. */
const reports = process.env.STACK_REPORTS ?? mkdtempSync(join(tmpdir(), 'stack-reports-'))

function report(name) {
  return ['--reporter=default', '--reporter=json', `--outputFile.json=${join(reports, `${name}.json`)}`]
}

const commands = {
  start: (args) => must([...source, 'packages/cli/src/main.ts', 'demo', ...args]),
  lab: (args) => must([...source, 'tools/lab/src/main.ts', ...args]),
  packetdrill: (args) => must([...source, 'packages/packetdrill/src/main.ts', ...args]),
  simulate: (args) => must([...source, 'tools/simulate/src/main.ts', ...args]),
  fuzz: (args) => must([...source, 'tools/fuzz/src/main.ts', ...args]),
  corpus: (args) => must([...source, 'tools/fuzz/src/corpus/main.ts', ...args]),
  build: (args) => must(['turbo', 'run', 'build', ...args]),
  check: (args) => must(['node', 'tools/check.mjs', ...args]),
  mutation: (args) => must(['node', 'tools/mutation.mjs', ...args]),
  ledger: async (args) => (await run(['node', 'tools/ledger.mjs', ...args])).code,

  async test(args) {
    const { code } = await run(['vitest', 'run', ...report('test'), ...args])
    // A filter means one package: the rest is for the whole.
    if (args.length > 0) process.exit(code)
    const slots = await commands['test-slots']([])
    const browser = await commands['test-browser']([])
    const ledger = await commands.ledger(['--report', join(reports, 'test.json')])
    process.exit(code || slots || browser || ledger)
  },

  /** Of what is published, not of the sources: the engine makes something else of one file than of many (docs/decisions/0018). */
  async bench(args) {
    if (!args.includes('--docs')) await must(['turbo', 'run', 'build', '--output-logs=errors-only'])
    await must(['node', '--import', 'tsx', 'tools/bench/src/main.ts', ...args])
  },

  /** The suite once more, with 64 packet slots and without offloads. */
  async 'test-slots'(args) {
    const { code } = await run(['vitest', 'run', '--config', 'tools/tests/vitest.slots.config.ts', ...report('slots'), ...args])
    return code
  },

  async 'test-browser'(args) {
    const executable = chromium()
    if (executable === undefined) {
      console.log('Browser tests skipped: no /usr/bin/chromium, and CHROMIUM names none.')
      return 0
    }
    const { code } = await run(['vitest', 'run', '--config', 'tools/browser/vitest.browser.config.ts', ...report('browser'), ...args])
    return code
  },

  async 'version-packages'() {
    await must(['changeset', 'version'])
    await must(['pnpm', 'install', '--lockfile-only'])
  },
}

const [name, ...args] = process.argv.slice(2)
const command = Object.hasOwn(commands, name ?? '') ? commands[name] : undefined
if (command === undefined) {
  console.error(`usage: node tools/run.mjs ${Object.keys(commands).join(' | ')}`)
  process.exit(2)
}
await install()
process.exitCode = (await command(args)) ?? 0
