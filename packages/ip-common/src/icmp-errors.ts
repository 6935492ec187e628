import { PacketFlag } from '@stack/buffer'
import type { Packet } from '@stack/buffer'
import type { Scheduler } from '@stack/core'

/** Options of {@link createIcmpErrorLimiter}. */
export interface IcmpErrorLimiterOptions {
  /** Errors a second in the long run. 0 = none at all. Default 100. */
  readonly rate?: number
  /** Errors at once after a quiet time. Default 50. */
  readonly burst?: number
}

/** A token bucket for ICMP errors (RFC 1812 §4.3.2.8, RFC 4443 §2.4 (f)). */
export interface IcmpErrorLimiter {
  /** May one more error be sent now? A yes takes a token. */
  allow(): boolean
}

export function createIcmpErrorLimiter(scheduler: Pick<Scheduler, 'now'>, options: IcmpErrorLimiterOptions = {}): IcmpErrorLimiter {
  const rate = options.rate ?? 100
  const burst = options.burst ?? 50
  let tokens = burst
  let filledAt = scheduler.now
  return {
    allow() {
      const now = scheduler.now
      tokens = Math.min(burst, tokens + ((now - filledAt) * rate) / 1000)
      filledAt = now
      if (rate <= 0 || tokens < 1) return false
      tokens--
      return true
    },
  }
}

/** What the family knows of the packet that an error would be about. */
export interface ErrorSubject {
  /** Fragment offset, bytes: only first fragments are answered. IPv6 knows no such rule and says 0. */
  readonly fragmentOffset: number
  /** It is an ICMP error itself, or an ICMP packet too short to tell. */
  readonly isIcmpError: boolean
  /** Its source names one host: not unspecified, multicast, broadcast (nor loopback off a loopback link). */
  readonly isSourceUnicast: boolean
  /** Its network destination is a multicast or broadcast address. */
  readonly isDestinationGroup: boolean
  /** IPv6 Packet Too Big and unknown-option parameter problems answer multicast as well (RFC 4443 §2.4 (e.3)). */
  readonly allowGroupDestination: boolean
}

/** The rules about when an ICMP error must not be sent: RFC 1122 §3.2.2, RFC 1812 §4.3.2.7, RFC 4443 §2.4 (e). */
export function mayAnswerWithError(packet: Packet, subject: ErrorSubject): boolean {
  if (subject.isIcmpError || subject.fragmentOffset !== 0 || !subject.isSourceUnicast) return false
  if (subject.allowGroupDestination) return true
  return !subject.isDestinationGroup && (packet.flags & (PacketFlag.Broadcast | PacketFlag.Multicast)) === 0
}
