import type { Position } from '../language/ast.ts'

/** The network below a script: its option `ip_version`. */
export type Family = 'ipv4' | 'ipv6' | 'ipv4-mapped-ipv6'

/** What became of one script. `runScript` gives the first three; `expected-failure` is decided by the report. */
export type ScriptStatus = 'passed' | 'failed' | 'skipped' | 'expected-failure'

/** One script, run once. */
export interface ScriptResult {
  readonly path: string
  readonly status: ScriptStatus
  /** What it ran over; null when it was not run at all. */
  readonly family: Family | null
  /** One line: why it failed or was skipped; null = it passed. */
  readonly reason: string | null
  /** Where in the script, from 1; null = nowhere in particular. */
  readonly line: number | null
  /** Said in full; null unless an event failed. */
  readonly failure: Failure | null
  /** What happened up to the end, one line for each packet and call, in script notation with times. */
  readonly trace: readonly string[]
  /** All packets of the run as the bytes of a pcap file; null = none were kept. */
  readonly pcap: Uint8Array | null
}

/** An event that did not go as the script says. */
export interface Failure {
  readonly at: Position
  /** The event's own text. */
  readonly event: string
  /** What the script wants, in script notation. */
  readonly expected: string
  /** What came instead, in script notation, so that it lines up with `expected`. */
  readonly got: string
  /** Field by field what differs: `ack: expected 1, got 1001`. */
  readonly differences: readonly string[]
}
