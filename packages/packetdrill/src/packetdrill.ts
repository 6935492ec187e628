import { evaluateBlocks } from './code/blocks.ts'
import type { Script } from './language/index.ts'
import { createPosix } from './posix/index.ts'
import { freebsd, linux, own } from './profile/profiles.ts'
import type { Profile } from './profile/profile.ts'
import type { Family, ScriptResult } from './report/index.ts'
import { runScript as run } from './run/run-script.ts'

/** Options of {@link runScript}. */
export interface RunOptions {
  /** How to compare and to configure. Default: {@link own}. */
  readonly profile?: Profile
  /** Over which networks, one after the other until the script fails. Default: the profile's, all but for {@link freebsd}. A script that says `--ip_version` has its own way. */
  readonly families?: readonly Family[]
}

/** The profiles by their names. */
export const profiles: Readonly<Record<string, Profile>> = { own, linux, freebsd }

/**
 * Runs a script against a stack of its own, in virtual time.
 *
 * @returns passed, failed with all that is known about it, or skipped with the reason. Never rejects
 * @example
 * ```ts
 * const result = await runScript(parseScript(text, 'mine.pkt'), { profile: linux })
 * if (result.status === 'failed') console.log(formatResult(result))
 * ```
 */
export function runScript(script: Script, options: RunOptions = {}): Promise<ScriptResult> {
  return run(script, {
    profile: options.profile ?? own,
    ...(options.families === undefined ? {} : { families: options.families }),
    createPosix,
    evaluateCode: evaluateBlocks,
  })
}
