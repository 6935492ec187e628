import type { Ipv6Counters } from './statistics.ts'

/** IPv6 of a stack: `stack.ipv6`. */
export interface Ipv6 {
  /** Hop limit of packets whose sender does not say, 1–255. Setting another throws `ERR_STACK_INVALID_ARGUMENT`. */
  defaultHopLimit: number
  /** Route packets between NICs. */
  forwarding: boolean
  /** Counters over all NICs, a fresh object each time. */
  readonly statistics: Readonly<Ipv6Counters>
}
