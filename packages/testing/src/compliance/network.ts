import { bindCases, type ComplianceCase } from './case.ts'
import { NetworkBench, type MakeNetwork } from './network-bench.ts'
import { NETWORK_HOOK_CASES } from './network-hooks.ts'
import { NETWORK_IN_CASES } from './network-in.ts'
import { NETWORK_LIFE_CASES } from './network-life.ts'
import { NETWORK_OUT_CASES } from './network-out.ts'

/**
 * The cases that every network protocol passes, in a stack of core with a link and a transport protocol of the suite.
 * `make` is called once or twice for each case.
 *
 * @example
 * ```ts
 * import { arp } from '@stack/arp'
 * import { ipv4 } from '@stack/ipv4'
 * import { networkCompliance } from '@stack/testing'
 *
 * const cases = networkCompliance(() => ({
 *   plugin: arp(), others: [ipv4()], number: 0x0806, framing: 'ethernet', addresses: ['10.0.0.1/24'],
 * }))
 * for (const { run } of cases) await run()
 * ```
 */
export function networkCompliance(make: MakeNetwork): ComplianceCase[] {
  const cases = [...NETWORK_LIFE_CASES, ...NETWORK_IN_CASES, ...NETWORK_OUT_CASES, ...NETWORK_HOOK_CASES]
  return bindCases(cases, () => NetworkBench.setUp(make), (bench) => bench.tearDown())
}
