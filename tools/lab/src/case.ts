/** One run against the outside world. It fails by throwing. */
export interface LabCase {
  readonly name: string
  /** Milliseconds until `signal` aborts, 60,000 by default. The case itself must then end and clean up. */
  readonly limit?: number
  readonly run: (signal: AbortSignal) => Promise<void>
}

/** Thrown by a case that this machine cannot run: no root, or a tool is missing. */
export class Skipped extends Error {}
