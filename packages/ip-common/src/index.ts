/**
 * What the IPv4 and IPv6 packages of @stack share: reassembly, fragmenting, fragment ids, ICMP error policy, group
 * membership and probe schedules. You do not install this; `@stack/ipv4` and `@stack/ipv6` do.
 *
 * @example
 * ```ts
 * import { checkFragment } from '@stack/ip-common'
 *
 * checkFragment(1480, 100, true, 65515) // 'unaligned': only the last fragment may end anywhere
 * ```
 *
 * @packageDocumentation
 */
export { addCounters } from './counters.ts'
export { cutFragments, type FragmentCut } from './fragment.ts'
export { createFragmentIds, type FragmentIds } from './fragment-ids.ts'
export { createGroupMembership, type GroupJoin, type GroupLeave, type GroupMembership } from './groups.ts'
export { createIcmpErrorLimiter, mayAnswerWithError, type ErrorSubject, type IcmpErrorLimiter, type IcmpErrorLimiterOptions } from './icmp-errors.ts'
export { createProbeRun, type ProbeRun, type ProbeSchedule } from './probes.ts'
export { checkFragment, type Fragment, type FragmentFault, type Reassembler, type ReassemblyCounters, type ReassemblyOptions } from './reassembly-types.ts'
export { createReassembler, type ReassemblerHost } from './reassembler.ts'
