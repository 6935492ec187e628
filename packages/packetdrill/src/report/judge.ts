import type { Script } from '../language/ast.ts'
import type { ScriptError } from '../language/error.ts'
import type { ScriptResult } from './result.ts'

/**
 * Holds a result against the script's `expect-fail` marker: a failure that is expected is counted apart, and
 * a pass that is not expected is a failure, so that the marker goes away when what it waits for is done.
 */
export function judge(script: Script, result: ScriptResult): ScriptResult {
  const marker = script.expectedFailure
  if (marker === null) return result
  if (result.status === 'failed') return { ...result, status: 'expected-failure', reason: `${marker.why}: ${result.reason ?? 'it fails'}` }
  if (result.status !== 'passed') return result
  return { ...result, status: 'failed', reason: `it passes, and is marked \`expect-fail: ${marker.why}\`: remove the marker`, line: marker.at.line }
}

/** The result of a script that cannot be parsed: that is a failure, not a skip. */
export function unparsed(error: ScriptError, path: string): ScriptResult {
  const at = { line: error.line, column: error.column }
  const [, ...excerpt] = error.message.split('\n')
  const failure = { at, event: excerpt.map((line) => line.slice(2)).join('\n'), expected: 'a script that can be parsed', got: error.reason, differences: [] }
  return { path, status: 'failed', family: null, reason: `it cannot be parsed: ${error.reason}`, line: error.line, failure, trace: [], pcap: null }
}
