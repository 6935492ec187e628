import { parseScript } from './language/index.ts'
import type { Script } from './language/index.ts'
import { formatResult, judge } from './report/index.ts'
import type { ScriptResult } from './report/index.ts'

/** A script to be run as a test. */
export interface SuiteScript {
  readonly path: string
  readonly text: string
}

/** A test for any test runner: it rejects when it fails. */
export interface SuiteTest {
  readonly name: string
  readonly run: () => Promise<void>
}

/**
 * Makes tests of scripts. One that a marker expects to fail passes when it fails, and fails when it passes;
 * one that is skipped fails, as nothing was shown. What a script `// proves: …` stands in the name, in square brackets.
 *
 * @param run runs a parsed script
 * @example
 * ```ts
 * for (const { name, run } of packetdrillSuite(scripts, (script) => runScript(script, { profile: own }))) it(name, run)
 * ```
 */
export function packetdrillSuite(scripts: Iterable<SuiteScript>, run: (script: Script) => Promise<ScriptResult>): SuiteTest[] {
  return [...scripts].map(({ path, text }) => ({
    name: titleOf(path, text),
    run: async () => {
      const script = parseScript(text, path)
      const result = judge(script, await run(script))
      if (result.status === 'failed' || result.status === 'skipped') throw new Error(formatResult(result))
    },
  }))
}

/** The ids of the requirements that a `// proves: RFC9293-MUST-10` names stand behind the path; one that is expected to fail proves nothing. */
function titleOf(path: string, text: string): string {
  const ids = [...text.matchAll(/^\/\/ proves: (.+)$/gm)].map(([, line]) => line!.trim())
  return ids.length === 0 || /^\/\/ expect-fail:/m.test(text) ? path : `${path} [${ids.join(' ')}]`
}
