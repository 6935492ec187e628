import { createProbeRun } from '@stack/ip-common'
import type { ProbeRun, ProbeSchedule } from '@stack/ip-common'
import type { Address, AddressTable, Host, Milliseconds } from '@stack/core'
import type { ArpCounters } from './counters.ts'

// RFC 5227 §1.1
const PROBES: ProbeSchedule = { count: 3, maximumDelay: 1000, minimumInterval: 1000, maximumInterval: 2000, finalWait: 2000 }
const ANNOUNCEMENTS: ProbeSchedule = { count: 2, maximumDelay: 0, minimumInterval: 2000, maximumInterval: 2000, finalWait: 0 }
const MAX_CONFLICTS = 10
const RATE_LIMIT_INTERVAL = 60_000
const DEFEND_INTERVAL = 10_000

/** What is going on about one own address. */
interface Claim {
  readonly address: Address
  readonly probes: ProbeRun
  readonly announcements: ProbeRun
  /** When it was last defended. */
  defendedAt: Milliseconds
}

/** What {@link createConflictDetector} needs of its endpoint. */
export interface ConflictContext {
  readonly host: Host
  readonly addresses: AddressTable
  readonly counters: ArpCounters
  readonly probe: boolean
  readonly announce: boolean
  sendProbe(address: Address): void
  sendAnnouncement(address: Address): void
}

/** IPv4 address conflict detection (RFC 5227): probe before use, announce, then defend once and give up. */
export interface ConflictDetector {
  check(address: Address): void
  cancel(address: Address): void
  assigned(address: Address): void
  removed(address: Address): void
  /** Another host sent something as `word`. True = it is an address of ours, and nothing is to be learnt from the message. */
  claimedBy(word: number, hardware: Uint8Array): boolean
  /** Another host probes for `word`. True = it is one that we probe for ourselves. */
  probedBy(word: number, hardware: Uint8Array): boolean
  /** The NIC goes down or away. */
  stop(): void
}

export function createConflictDetector(context: ConflictContext): ConflictDetector {
  const { host, addresses, counters } = context
  // At most one claim for each address of the table, which is bounded.
  const claims = new Map<number, Claim>()
  let conflicts = 0
  let lastProbing = -Infinity

  function claimOf(address: Address): Claim {
    const known = claims.get(address.d)
    if (known !== undefined) return known
    const claim: Claim = {
      address,
      probes: createProbeRun(host, PROBES, () => context.sendProbe(address), () => addresses.markAssigned(address)),
      announcements: createProbeRun(host, ANNOUNCEMENTS, () => context.sendAnnouncement(address), () => undefined),
      defendedAt: -Infinity,
    }
    claims.set(address.d, claim)
    return claim
  }

  function forget(address: Address): void {
    const claim = claims.get(address.d)
    if (claim === undefined) return
    claim.probes.cancel()
    claim.announcements.cancel()
    claims.delete(address.d)
  }

  function giveUp(claim: Claim, hardware: Uint8Array): void {
    conflicts++
    counters.conflicts++
    forget(claim.address)
    addresses.markDuplicate(claim.address, hardware.slice())
  }

  return {
    check(address) {
      if (!context.probe) {
        addresses.markAssigned(address)
        return
      }
      // RFC 5227 §2.1.1: behind ten conflicts, one address a minute.
      const now = host.scheduler.now
      const wait = conflicts >= MAX_CONFLICTS ? Math.max(0, lastProbing + RATE_LIMIT_INTERVAL - now) : 0
      lastProbing = now + wait
      claimOf(address).probes.start(wait)
    },
    cancel: forget,
    removed: forget,
    assigned(address) {
      const claim = claimOf(address)
      if (context.announce) claim.announcements.start()
    },
    claimedBy(word, hardware) {
      const claim = claims.get(word)
      if (claim?.probes.isRunning === true) {
        giveUp(claim, hardware)
        return true
      }
      if (claim === undefined) return addresses.isLocal(0, 0, 0xffff, word)
      // RFC 5227 §2.4 (b): one announcement in ten seconds; who persists gets the address.
      const now = host.scheduler.now
      if (now - claim.defendedAt < DEFEND_INTERVAL) {
        giveUp(claim, hardware)
        return true
      }
      counters.conflicts++
      counters.defended++
      claim.defendedAt = now
      context.sendAnnouncement(claim.address)
      return true
    },
    probedBy(word, hardware) {
      const claim = claims.get(word)
      if (claim?.probes.isRunning !== true) return false
      giveUp(claim, hardware)
      return true
    },
    stop() {
      for (const claim of claims.values()) {
        claim.probes.cancel()
        claim.announcements.cancel()
      }
      conflicts = 0
    },
  }
}
