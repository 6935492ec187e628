import { parseArgs } from 'node:util'
import type { Family } from '../report/index.ts'

/** What the command line asks for. */
export interface CommandOptions {
  readonly profile: string
  readonly json: boolean
  readonly verbose: boolean
  readonly help: boolean
  /** Empty: what each script says. */
  readonly families: readonly Family[]
  readonly defines: Readonly<Record<string, string>>
  /** Where packets of failed scripts are written; null = a folder for temporary files. */
  readonly pcap: string | null
  readonly paths: readonly string[]
}

/** The command was called wrongly; the message says how. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError'
}

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6', 'ipv4-mapped-ipv6']

/** @throws UsageError */
export function parseArguments(args: readonly string[], profiles: readonly string[]): CommandOptions {
  const { values, positionals } = read(args)
  const profile = values.profile ?? 'own'
  if (!profiles.includes(profile)) throw new UsageError(`there is no profile ${profile}: there are ${profiles.join(', ')}`)
  const families = values.family.flatMap((list) => list.split(','))
  for (const family of families) {
    if (!FAMILIES.includes(family as Family)) throw new UsageError(`there is no family ${family}: there are ${FAMILIES.join(', ')}`)
  }
  if (positionals.length === 0 && !values.help) throw new UsageError('name the scripts, or folders with scripts')
  return {
    profile,
    json: values.json,
    verbose: values.verbose,
    help: values.help,
    families: families as Family[],
    defines: Object.fromEntries(values.define.map(parseDefine)),
    pcap: values.pcap ?? null,
    paths: positionals,
  }
}

const OPTIONS = {
  profile: { type: 'string' },
  json: { type: 'boolean', default: false },
  verbose: { type: 'boolean', short: 'v', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  family: { type: 'string', multiple: true, default: [] as string[] },
  define: { type: 'string', short: 'D', multiple: true, default: [] as string[] },
  pcap: { type: 'string' },
} as const

function read(args: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>> {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function parseDefine(text: string): [string, string] {
  const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) throw new UsageError(`-D reads NAME=value, not ${text}`)
  return [name, value]
}

export function helpText(profiles: readonly string[]): string {
  return `packetdrill [options] PATH…

Runs packetdrill scripts against @stack, in virtual time. A PATH is a script, or a folder
whose scripts (*.pkt) are run, those of its folders too.

  --profile NAME      how to compare and to configure: ${profiles.join(', ')}; default own
  --family FAMILY     ipv4, ipv6 or ipv4-mapped-ipv6, several with commas; default: what the script
                      says, or else its name (…v4.pkt, …v6.pkt), or else all
  -D NAME=value       defines a name that scripts use
  --json              prints the report as JSON
  --pcap FOLDER       where the packets of failed scripts are written; default: a folder for
                      temporary files, and nowhere with --json
  -v, --verbose       prints scripts that pass too
  -h, --help          prints this

It ends with 0 when no script failed, with 1 when one did, and with 2 when it was called wrongly.
`
}
