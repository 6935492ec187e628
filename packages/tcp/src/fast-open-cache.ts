import type { Address, Milliseconds } from '@stack/core'
import { MAX_COOKIE } from './wire.ts'
import type { SegmentHeader } from './wire.ts'

/** How long a cookie is kept unused, ms. Servers change their keys; an old cookie costs nothing but a refusal. */
const LIFETIME = 24 * 3_600_000
/** How long no text goes with a SYN after the first failure, ms; it doubles with each one that follows. */
const FIRST_PAUSE = 60_000
const LONGEST_PAUSE = LIFETIME
/** Requests in a row that were lost before no more are made for a while. */
const LOST_REQUESTS = 2
/** Doublings of the pause of the whole stack: 64 hours, for an hour to begin with. */
const MOST_DOUBLINGS = 6

/** In which form a server is asked for a cookie: the next one after a refusal, then for ever the first (RFC 7413 §4.1.1, RFC 6994). */
const Form = { Assigned: 0, Experimental: 1, Settled: 2 } as const
type Form = (typeof Form)[keyof typeof Form]

/** What a client keeps of a server (RFC 7413 §4.1.3). */
export class ServerMemory {
  readonly cookie: Uint8Array = new Uint8Array(MAX_COOKIE)
  /** 0 = there is no cookie. */
  length = 0
  /** The cookie has the old form. */
  isExperimental = false
  /** As its SYN-ACK told it; 0 = none yet. */
  mss = 0
  usedAt: Milliseconds = 0
  private form: Form = Form.Assigned
  private failures = 0
  private lostRequests = 0
  private textAfter: Milliseconds = 0
  private requestsAfter: Milliseconds = 0

  takesText(now: Milliseconds): boolean {
    return now >= this.textAfter
  }

  takesRequests(now: Milliseconds): boolean {
    return now >= this.requestsAfter
  }

  /** Is it asked in the old form? */
  get asksExperimental(): boolean {
    return this.form === Form.Experimental
  }

  /** The SYN-ACK brought a cookie. */
  keepCookie(header: SegmentHeader): void {
    this.length = header.fastOpenLength
    this.isExperimental = header.fastOpenExperimental
    this.cookie.set(header.fastOpenCookie)
    this.answered()
  }

  /** It was asked in a form, and answered without a cookie. */
  refused(isExperimental: boolean): void {
    if (this.length === 0 && this.form !== Form.Settled) this.form = isExperimental ? Form.Settled : Form.Experimental
  }

  /** The same where there is one form: no more requests for a while. */
  denied(now: Milliseconds): void {
    this.requestsAfter = now + pause(this.failures++)
  }

  /** A cookie came, or text that went with a SYN was acknowledged. */
  answered(): void {
    this.failures = this.lostRequests = 0
    this.textAfter = this.requestsAfter = 0
  }

  /** §4.1.3.1: text with a SYN was refused, or brought no answer. */
  failed(now: Milliseconds): void {
    this.textAfter = now + pause(this.failures++)
  }

  /** A request for a cookie brought no answer, the SYN without it did. */
  lostRequest(now: Milliseconds): void {
    this.lostRequests++
    if (this.lostRequests >= LOST_REQUESTS) this.requestsAfter = now + pause(this.lostRequests - LOST_REQUESTS)
  }
}

function pause(failures: number): Milliseconds {
  return Math.min(FIRST_PAUSE * 2 ** failures, LONGEST_PAUSE)
}

/** What servers gave, by their address and ours; who was not asked for longest gives way. */
export class FastOpenCache {
  private readonly servers = new Map<string, ServerMemory>()
  private readonly limit: number
  private readonly firstPause: Milliseconds
  private readonly triesExperimental: boolean
  private holes = 0
  private pausedUntil: Milliseconds = 0

  /**
   * @param limit - servers kept
   * @param firstPause - ms without Fast Open after a black hole was found, doubled with each one; 0 = never
   * @param triesExperimental - who refuses is asked in the experimental form next
   */
  constructor(limit: number, firstPause: Milliseconds, triesExperimental: boolean) {
    this.limit = limit
    this.firstPause = firstPause
    this.triesExperimental = triesExperimental
  }

  get size(): number {
    return this.servers.size
  }

  find(key: string, now: Milliseconds): ServerMemory | null {
    const memory = this.servers.get(key)
    if (memory === undefined) return null
    this.servers.delete(key)
    if (now - memory.usedAt > LIFETIME) return null
    memory.usedAt = now
    this.servers.set(key, memory)
    return memory
  }

  /** As {@link find}, and makes one. */
  obtain(key: string, now: Milliseconds): ServerMemory {
    const known = this.find(key, now)
    if (known !== null) return known
    if (this.servers.size >= this.limit) for (const oldest of this.servers.keys()) {
      this.servers.delete(oldest)
      break
    }
    const memory = new ServerMemory()
    memory.usedAt = now
    this.servers.set(key, memory)
    return memory
  }

  clear(): void {
    this.servers.clear()
  }

  isPaused(now: Milliseconds): boolean {
    return now < this.pausedUntil
  }

  /** Something on the way swallows such connections (§7.1): no more of them for a while. */
  foundHole(now: Milliseconds): void {
    if (this.firstPause === 0) return
    this.pausedUntil = now + this.firstPause * 2 ** Math.min(this.holes++, MOST_DOUBLINGS)
  }

  /** A server was asked in a form, and answered without a cookie. */
  refused(memory: ServerMemory, isExperimental: boolean, now: Milliseconds): void {
    if (this.triesExperimental) memory.refused(isExperimental)
    else memory.denied(now)
  }

  /** Fast Open went well. */
  succeeded(): void {
    this.holes = 0
  }
}

/** Would text go with a SYN now? */
export function isFastOpenReady(cache: FastOpenCache, local: Address, remote: Address, now: Milliseconds): boolean {
  const memory = cache.find(serverKey(local, remote), now)
  return memory !== null && memory.length > 0 && memory.takesText(now) && !cache.isPaused(now)
}

/** The name of a pair of addresses. */
export function serverKey(local: Address, remote: Address): string {
  return `${local.a},${local.b},${local.c},${local.d}>${remote.a},${remote.b},${remote.c},${remote.d}`
}
