/** What a test runner hands to a test, as far as the suites use it. Both vitest's and node:test's contexts fit. */
export interface RunContext {
  skip?(reason?: string): void
}

/**
 * One case of a compliance suite: one clause of a contract. `run` rejects with an Error that says what is wrong. What the
 * implementation does not offer is skipped with the reason, where the runner hands in a context that can skip.
 */
export interface ComplianceCase {
  readonly name: string
  /** Where the clause is written down: the member of the interface, or the RFC. */
  readonly clause: string
  readonly run: (context?: RunContext) => Promise<void>
}

/** A case as a suite writes it, on what its set-up makes. */
export interface CaseOf<Bench> {
  readonly name: string
  readonly clause: string
  readonly check: (bench: Bench) => void | Promise<void>
}

/** Thrown by a case that has nothing to check in this implementation. */
class NotApplicable extends Error {
  override readonly name = 'NotApplicable'
}

/** Ends a case without verdict: the implementation does not offer what it is about. */
export function notApplicable(reason: string): never {
  throw new NotApplicable(reason)
}

/** Ends a case unless `condition` holds. */
export function expectThat(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message)
}

/** Ends a case unless both are the same. */
export function expectEqual(got: unknown, expected: unknown, what: string): void {
  if (!Object.is(got, expected)) throw new Error(`${what} is ${show(got)}; expected ${show(expected)}.`)
}

/** Ends a case unless both are the same byte strings in the same order. */
export function expectPackets(got: readonly Uint8Array[], expected: readonly Uint8Array[], what: string): void {
  expectEqual(got.length, expected.length, `The number of ${what}`)
  for (let i = 0; i < expected.length; i++) expectEqual(hexOf(got[i]!), hexOf(expected[i]!), `Number ${String(i + 1)} of the ${what}`)
}

/** Runs each case on a bench of its own. */
export function bindCases<Bench>(cases: readonly CaseOf<Bench>[], setUp: () => Promise<Bench>, tearDown: (bench: Bench) => Promise<void>): ComplianceCase[] {
  return cases.map(({ name, clause, check }) => ({
    name,
    clause,
    // The default keeps `run.length` at 0: other runners would take a parameter for a callback.
    run: async (context: RunContext = {}) => {
      const bench = await setUp()
      try {
        await check(bench)
      } catch (error) {
        if (!(error instanceof NotApplicable)) throw error
        context.skip?.(error.message)
      } finally {
        await tearDown(bench)
      }
    },
  }))
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}
