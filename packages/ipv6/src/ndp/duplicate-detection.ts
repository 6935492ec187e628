import type { Address } from '@stack/core'
import { createProbeRun } from '@stack/ip-common'
import type { ProbeRun } from '@stack/ip-common'
import type { EndpointContext } from '../endpoint/context.ts'
import type { AddressWords } from '../wire/header.ts'

/** MAX_RTR_SOLICITATION_DELAY of RFC 4861 §10, ms. */
const MAX_INITIAL_DELAY = 1000
/** RETRANS_TIMER of RFC 4861 §10, ms. */
const RETRANS_TIMER = 1000

/** A six-byte nonce (RFC 7527 §4.1). */
export interface Nonce {
  readonly high: number
  readonly low: number
}

interface Check {
  readonly address: Address
  readonly run: ProbeRun
  nonce: Nonce
}

/** Duplicate address detection of one endpoint (RFC 4862 §5.4). */
export interface DuplicateDetection {
  start(address: Address): void
  cancel(address: Address): void
  cancelAll(): void
  /** The interface comes up: the next probe may be its first message. */
  restart(): void
  /** Somebody else solicits a tentative address from `::`: he wants it too, unless it is our own probe come back. */
  solicited(target: AddressWords, nonce: Nonce | null, holder: Uint8Array | null): void
  /** Somebody advertises a tentative address: he has it. */
  advertised(target: AddressWords, holder: Uint8Array | null): void
}

/**
 * @param probe - sends one solicitation
 * @param failed - told of an address that is somebody else's, behind the address table
 */
export function createDuplicateDetection(
  context: EndpointContext,
  probe: (target: Address, nonce: Nonce) => void,
  failed: (address: Address) => void,
): DuplicateDetection {
  const { addresses, counters, shared } = context
  const { host } = shared
  const checks: Check[] = []
  // RFC 4862 §5.4.2: a node that comes up together with others waits a random time before its first message.
  let isFresh = true

  function start(address: Address): void {
    cancel(address)
    const check: Check = {
      address,
      nonce: { high: 0, low: 0 },
      run: createProbeRun(
        host,
        {
          count: shared.settings.duplicateAddressDetectTransmits,
          maximumDelay: isFresh ? MAX_INITIAL_DELAY : 0,
          minimumInterval: RETRANS_TIMER,
          maximumInterval: RETRANS_TIMER,
          finalWait: RETRANS_TIMER,
        },
        () => {
          isFresh = false
          // RFC 7527 §4.1: each probe has a nonce of its own.
          check.nonce = { high: host.secureRandom.uint32() & 0xffff, low: host.secureRandom.uint32() >>> 0 }
          probe(address, check.nonce)
        },
        () => {
          forget(check)
          addresses.markAssigned(address)
        },
      ),
    }
    checks.push(check)
    check.run.start()
  }

  function cancel(address: AddressWords): void {
    const check = find(address)
    if (check === null) return
    check.run.cancel()
    forget(check)
  }

  function conflict(check: Check, holder: Uint8Array | null): void {
    check.run.cancel()
    forget(check)
    counters.duplicatesDetected++
    addresses.markDuplicate(check.address, holder)
    failed(check.address)
  }

  function find(x: AddressWords): Check | null {
    for (const check of checks) {
      const own = check.address
      if (own.d === x.d && own.c === x.c && own.b === x.b && own.a === x.a) return check
    }
    return null
  }

  function forget(check: Check): void {
    const at = checks.indexOf(check)
    if (at >= 0) checks.splice(at, 1)
  }

  return {
    start,
    cancel,
    cancelAll() {
      for (const check of checks) check.run.cancel()
      checks.length = 0
    },
    restart() {
      isFresh = true
    },
    solicited(target, nonce, holder) {
      const check = find(target)
      if (check === null) return
      // RFC 7527 §4.2
      if (nonce !== null && nonce.high === check.nonce.high && nonce.low === check.nonce.low) counters.ndpLoopedBack++
      else conflict(check, holder)
    },
    advertised(target, holder) {
      const check = find(target)
      if (check !== null) conflict(check, holder)
    },
  }
}
