import type { Failure, ScriptResult, ScriptStatus } from './result.ts'
import { byFolder, totalsOf } from './totals.ts'
import type { Totals } from './totals.ts'

const WORDS: Readonly<Record<ScriptStatus, string>> = {
  passed: 'passed',
  failed: 'FAILED',
  skipped: 'skipped',
  'expected-failure': 'expected',
}
const WIDEST_WORD = 8

/**
 * One script: a line, and for a failure what was expected, what came, and all that happened before.
 *
 * @param pcapPath where the packets of the run were written; null = nowhere
 * @example
 * ```text
 * FAILED   scripts/handshake.pkt:12 [ipv4] the segment differs
 *   the event   +0 > S. 0:0(0) ack 1 <mss 1460>
 *   expected    S. 0:0(0) ack 1 <mss 1460>
 *   got         S. 0:0(0) ack 1 <mss 536>
 *     options: expected <mss 1460>, got <mss 536>
 *   what happened
 *     0.000 < S 0:0(0) win 65535
 *     0.000 > S. 0:0(0) ack 1 <mss 536>
 *   packets     /tmp/handshake.pcap
 * ```
 */
export function formatResult(result: ScriptResult, pcapPath: string | null = null): string {
  const place = result.line === null ? result.path : `${result.path}:${result.line}`
  const family = result.family === null ? '' : ` [${result.family}]`
  const reason = result.reason === null ? '' : ` ${indented(result.reason, '  ').trimStart()}`
  const lines = [`${WORDS[result.status].padEnd(WIDEST_WORD)} ${place}${family}${reason}`]
  if (result.status !== 'failed') return lines[0]!
  if (result.failure !== null) lines.push(...formatFailure(result.failure))
  if (result.trace.length > 0) lines.push('  what happened', ...result.trace.map((line) => indented(line, '    ')))
  if (pcapPath !== null) lines.push(labelled('packets', pcapPath))
  return lines.join('\n')
}

function formatFailure({ event, expected, got, differences }: Failure): string[] {
  return [
    labelled('the event', event),
    labelled('expected', expected),
    labelled('got', got),
    ...differences.map((difference) => indented(difference, '    ')),
  ]
}

const LABEL = 12

/** A label and a text that may go on over lines, below itself. */
function labelled(label: string, text: string): string {
  return `  ${label.padEnd(LABEL)}${indented(text, ' '.repeat(LABEL + 2)).slice(LABEL + 2)}`
}

function indented(text: string, indent: string): string {
  return text.split('\n').map((line) => indent + line).join('\n')
}

/** Counts for each folder, and in all. */
export function formatTotals(results: readonly ScriptResult[]): string {
  const rows = [...byFolder(results)].map(([folder, own]) => row(folder, totalsOf(own)))
  const all = row('all', totalsOf(results))
  const table = [['', 'passed', 'failed', 'skipped', 'expected failures'], ...(rows.length > 1 ? rows : []), all]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((cells) => cells[column]!.length)))
  return table.map((cells) => cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  ')).join('\n')
}

function row(name: string, totals: Totals): string[] {
  return [name, ...[totals.passed, totals.failed, totals.skipped, totals.expectedFailures].map(String)]
}
