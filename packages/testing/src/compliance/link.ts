import { bindCases, type ComplianceCase } from './case.ts'
import { LinkBench, type MakeLink } from './link-bench.ts'
import { HEADER_CASES } from './link-header.ts'
import { IN_CASES } from './link-in.ts'
import { LIFE_CASES } from './link-life.ts'
import { OUT_CASES } from './link-out.ts'

/**
 * The cases that every link passes. `make` is called once for each case, on a manual clock of its own.
 *
 * @example
 * ```ts
 * import { pipe } from '@stack/link-pipe'
 * import { fakeNic, linkCompliance } from '@stack/testing'
 *
 * const cases = linkCompliance(({ clock, memory }) => {
 *   const [link, other] = pipe()
 *   const nic = fakeNic(clock, { memory: memory.pool() })
 *   nic.attach(other)
 *   return {
 *     link,
 *     peer: { receive: () => nic.received.splice(0), send: (bytes) => void nic.send(bytes), disconnect: () => other.close() },
 *   }
 * })
 * for (const { run } of cases) await run()
 * ```
 */
export function linkCompliance(make: MakeLink): ComplianceCase[] {
  return bindCases([...LIFE_CASES, ...OUT_CASES, ...IN_CASES, ...HEADER_CASES], () => LinkBench.setUp(make), (bench) => bench.tearDown())
}
