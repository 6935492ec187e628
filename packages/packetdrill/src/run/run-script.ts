import type { Script, ShellCommand } from '../language/ast.ts'
import { ScriptError, Unsupported } from '../language/error.ts'
import { pcapFile } from '../packet/pcap.ts'
import type { Posix, PosixOptions } from '../posix/index.ts'
import { configure, interpret } from '../profile/interpret.ts'
import type { Draft, Profile } from '../profile/profile.ts'
import type { Family, ScriptResult } from '../report/result.ts'
import { familiesOf, ofAddresses } from './families.ts'
import { Mismatch } from './mismatch.ts'
import { createNetwork, defaultAddresses, type Addresses } from './network.ts'
import { readOptions, type RunOptions } from './options.ts'
import { Session, type CodeSample } from './session.ts'
import { Trace } from './trace.ts'

/** Options of {@link runScript}. */
export interface RunScriptOptions {
  readonly profile: Profile
  /** Over which networks. Default: the profile's. What the script says goes first. */
  readonly families?: readonly Family[]
  /** Makes the calls; default: those of `@stack`. */
  readonly createPosix: (options: PosixOptions) => Posix
  /** Runs the blocks of code: what is wrong, or null. */
  readonly evaluateCode: (samples: readonly CodeSample[]) => CodeFailure | null
}

/** An assertion that does not hold. */
interface CodeFailure {
  readonly sample: CodeSample
  readonly message: string
}

const DEFAULT_MTU = 1500
/** The MSS of IPv6 is made that of IPv4 (1460) for scripts that are written for all. */
const DEFAULT_MTU_IPV6 = 1520
/** Of IPv6 and TCP. */
const HEADERS_IPV6 = 60

/**
 * Runs a script in virtual time, over each family, until one fails.
 *
 * A script that passes over all families has `family` null unless there was only one.
 */
export async function runScript(script: Script, options: RunScriptOptions): Promise<ScriptResult> {
  const results: ScriptResult[] = []
  let read: RunOptions
  try {
    read = readOptions(script)
  } catch (error) {
    return resultOf(error, script, null, [], null)
  }
  if (read.dryRun) return resultOf(null, script, null, [], null)
  for (const family of read.families ?? familiesOf(script, ofAddresses(read, options.families ?? options.profile.families))) {
    const result = await runOver(script, family, read, options)
    if (result.status === 'failed') return result
    results.push(result)
  }
  const passed = results.find(({ status }) => status === 'passed')
  return results.length === 1 ? results[0]! : { ...(passed ?? results[0]!), family: null }
}

async function runOver(script: Script, family: Family, read: RunOptions, options: RunScriptOptions): Promise<ScriptResult> {
  const trace = new Trace()
  const { profile } = options
  let network: Awaited<ReturnType<typeof createNetwork>> | null = null
  let session: Session | null = null
  let failure: unknown = null
  try {
    const draft = draftOf(script, profile, read, family)
    const addresses = addressesOf(read, family)
    network = await createNetwork(draft, addresses, (sent) => {
      trace.sent(sent)
    })
    const posix = options.createPosix({
      stack: network.stack, clock: network.clock, family, localAddress: addresses.local, remoteAddress: addresses.remote, system: profile.system, defaults: draft.socket, readsAfterShutdown: profile.readsAfterShutdown ?? false,
      ...(read.bindPort === null ? {} : { localPort: read.bindPort }),
      ...(read.connectPort === null ? {} : { remotePort: read.connectPort }),
      ...(read.toleranceMicroseconds === null ? {} : { tolerance: read.toleranceMicroseconds / 1000 }),
      ...(read.md5Secret === null ? {} : { md5Secret: read.md5Secret }),
    })
    session = new Session(script, profile, read, network, posix, trace, draft)
    await session.run()
    const wrong = options.evaluateCode(session.samples)
    if (wrong !== null) throw new Mismatch('other', wrong.sample.event, wrong.message, wrong.sample.code.trim(), wrong.message, [wrong.message])
    posix.end()
  } catch (error) {
    failure = error
  }
  const lines = session === null ? [] : trace.lines(session.flows)
  const pcap = network === null ? null : pcapFile(network.captured)
  network?.end()
  return resultOf(failure, script, family, lines, pcap)
}

function resultOf(error: unknown, script: Script, family: Family | null, trace: readonly string[], pcap: Uint8Array | null): ScriptResult {
  const base = { path: script.path, family, failure: null, trace, pcap }
  if (error === null) return { ...base, status: 'passed', reason: null, line: null }
  if (error instanceof Unsupported) return { ...base, status: 'skipped', reason: error.reason, line: error.line }
  if (error instanceof ScriptError) return { ...base, status: 'failed', reason: error.reason, line: error.line }
  if (error instanceof Mismatch) return { ...base, status: 'failed', reason: error.reason, line: error.failure.at.line, failure: error.failure }
  // A fault of ours: it is a failed script, and the others go on.
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : 'something was thrown that is no error'
  return { ...base, status: 'failed', reason, line: null, trace: error instanceof Error && error.stack !== undefined ? [...trace, ...error.stack.split('\n')] : trace }
}

/** The stack's options: the profile's, then what the script sets before its first event of another kind. */
function draftOf(script: Script, profile: Profile, read: RunOptions, family: Family): Draft {
  const mtu = read.mtu ?? (family === 'ipv6' ? mtuOfIpv6(script, read) : DEFAULT_MTU)
  const draft: Draft = { tcp: { ...profile.tcp }, ipv4: {}, ipv6: {}, socket: { ...profile.socket }, mtu, missing: [] }
  for (const command of commandsAhead(script)) {
    for (const step of interpret(command, profile)) configure(step, draft, command)
  }
  return draft
}

/** The first MSS that the script expects tells what it was written for; else it is for all families, unless it says that it is not. */
function mtuOfIpv6(script: Script, read: RunOptions): number {
  for (const { action } of script.events) {
    if (action.kind !== 'packet' || action.direction !== 'expect' || action.body.kind !== 'tcp') continue
    const { options } = action.body
    const mss = options === null || options === 'any' ? undefined : options.find((option) => option.kind === 'mss')
    if (mss?.kind !== 'mss') continue
    if (mss.value === DEFAULT_MTU - HEADERS_IPV6 || mss.value === DEFAULT_MTU_IPV6 - HEADERS_IPV6) return mss.value + HEADERS_IPV6
    break
  }
  return read.families === null ? DEFAULT_MTU_IPV6 : DEFAULT_MTU
}

function commandsAhead(script: Script): ShellCommand[] {
  const commands: ShellCommand[] = script.init === null ? [] : [script.init]
  for (const { action } of script.events) {
    if (action.kind !== 'shell') break
    commands.push(action)
  }
  return commands
}

function addressesOf(read: RunOptions, family: Family): Addresses {
  const base = defaultAddresses(family)
  return {
    local: read.localAddress ?? base.local,
    remote: read.remoteAddress ?? base.remote,
    gateway: read.gateway ?? base.gateway,
    prefixLength: read.prefixLength ?? base.prefixLength,
  }
}
