import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseScript, ScriptError } from '../language/index.ts'
import type { Script } from '../language/index.ts'
import { formatResult, formatTotals, jsonReport, judge, unparsed } from '../report/index.ts'
import type { Family, ScriptResult } from '../report/index.ts'
import { helpText, parseArguments, UsageError } from './arguments.ts'
import type { CommandOptions } from './arguments.ts'
import { collectScripts } from './collect.ts'

const OK = 0
const FAILED = 1
const USAGE = 2

/** What a script is run with. */
export interface RunRequest {
  /** The name of a profile. */
  readonly profile: string
  /** Null: what the script says. */
  readonly families: readonly Family[] | null
}

/** What the command needs around itself. */
export interface CommandHost {
  readonly profiles: readonly string[]
  /** What names stand for in the scripts of a profile, unless the command line says otherwise. */
  definesOf(profile: string): Readonly<Record<string, string>>
  run(script: Script, request: RunRequest): Promise<ScriptResult>
  write(text: string): void
  error(text: string): void
}

/**
 * Runs one command line, without the name of the program.
 *
 * @returns the exit code: 0 no script failed, 1 one did, 2 it was called wrongly. Never rejects
 */
export async function main(args: readonly string[], host: CommandHost): Promise<number> {
  try {
    const options = parseArguments(args, host.profiles)
    if (options.help) {
      host.write(helpText(host.profiles))
      return OK
    }
    return await runAll(collectScripts(options.paths), options, host)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    host.error(`packetdrill: ${error.message}\n(packetdrill --help says what there is)\n`)
    return USAGE
  }
}

async function runAll(paths: readonly string[], options: CommandOptions, host: CommandHost): Promise<number> {
  if (paths.length === 0) throw new UsageError(`there are no scripts (*.pkt) below ${options.paths.join(', ')}`)
  const results: ScriptResult[] = []
  for (const path of paths) {
    const result = await runOne(path, options, host)
    const pcapPath = keepPackets(result, options)
    if (!options.json && (options.verbose || result.status !== 'passed')) host.write(`${formatResult(result, pcapPath)}\n`)
    // The packets of a thousand scripts are not held until the report.
    results.push({ ...result, trace: [], pcap: null })
  }
  host.write(options.json ? `${JSON.stringify(jsonReport(results), null, 2)}\n` : `${formatTotals(results)}\n`)
  return results.some((result) => result.status === 'failed') ? FAILED : OK
}

async function runOne(path: string, options: CommandOptions, host: CommandHost): Promise<ScriptResult> {
  let script: Script
  try {
    script = parseScript(readFileSync(path, 'utf8'), path, { defines: { ...host.definesOf(options.profile), ...options.defines } })
  } catch (error) {
    if (error instanceof ScriptError) return unparsed(error, path)
    throw error
  }
  const families = options.families.length > 0 ? options.families : familiesByName(path)
  return judge(script, await host.run(script, { profile: options.profile, families }))
}

/** Suites say in the names of scripts which family they are written for. */
function familiesByName(path: string): readonly Family[] | null {
  if (path.endsWith('v6.pkt')) return ['ipv6']
  return path.endsWith('v4.pkt') ? ['ipv4', 'ipv4-mapped-ipv6'] : null
}

/** Writes the packets of a failed run; null = there are none, or nobody wants them. */
function keepPackets(result: ScriptResult, options: CommandOptions): string | null {
  if (result.status !== 'failed' || result.pcap === null || (options.json && options.pcap === null)) return null
  const folder = options.pcap ?? join(tmpdir(), 'stack-packetdrill')
  const path = join(folder, `${result.path.replace(/\.pkt$/, '').replace(/[^\w.-]+/g, '_')}.pcap`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(path, result.pcap)
  return path
}
