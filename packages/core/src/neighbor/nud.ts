/**
 * Neighbour unreachability detection as a table: for every state and event the next state and what to do (RFC 4861
 * §7.2.5, §7.3 and appendix C). Pure data; `neighbor-table.ts` carries it out. Read RFC 4861 §7.3 first.
 */

/** RFC 4861 §7.3.2, and: `idle` = known by name only, nothing asked yet; `failed` = asked in vain; `static` = set by hand. */
export type NudState = 'idle' | 'incomplete' | 'reachable' | 'stale' | 'delay' | 'probe' | 'failed' | 'static'

/**
 * What can happen. `Same` and `Different` compare the link address in the message with the one known (which is
 * `Different` when none is); `Override` is a different one with the Override flag; `Bare` is a message without one.
 */
export type NudEvent =
  /** A packet is to be sent, or somebody asks for the link address. */
  | 'send'
  /** The same in `failed`, less than a retransmission interval after the last attempt failed. */
  | 'sendHeld'
  /** A solicitation or request from the neighbour (RFC 4861 §7.2.3). */
  | 'probeSame'
  | 'probeDifferent'
  /** An answer to our own request (Solicited flag, ARP reply to us). */
  | 'confirmSolicitedSame'
  | 'confirmSolicitedOverride'
  | 'confirmSolicitedDifferent'
  | 'confirmSolicitedBare'
  /** An advertisement without the Solicited flag. */
  | 'confirmUnsolicitedSame'
  | 'confirmUnsolicitedOverride'
  | 'confirmUnsolicitedDifferent'
  | 'confirmUnsolicitedBare'
  /** Told without being asked: gratuitous ARP, a router or redirect message with a link address. */
  | 'unsolicitedSame'
  | 'unsolicitedDifferent'
  | 'reachableTimeout'
  | 'delayTimeout'
  /** No answer yet, requests left. */
  | 'retransmitTimeout'
  /** No answer to the last request. */
  | 'retransmitExhausted'
  /** The layer above made progress with this neighbour (RFC 4861 §7.3.1). */
  | 'upperConfirm'
  | 'addStatic'
  | 'remove'

/** What to do, in the order listed. */
export type NudAction =
  /** Keep the packet until the link address is known. */
  | 'queue'
  /** Send the packet to the known link address. */
  | 'transmit'
  /** Fail the packet. */
  | 'refuse'
  /** Send what is queued. */
  | 'sendQueue'
  /** Fail what is queued. */
  | 'failQueue'
  /** Take the link address of the message. */
  | 'record'
  /** Forget the link address. */
  | 'forget'
  /** Take the router flag of the message. */
  | 'setRouter'
  /** Count requests from zero. */
  | 'resetCount'
  /** Ask everybody (broadcast, solicited-node multicast). */
  | 'request'
  /** Ask the neighbour itself. */
  | 'probe'
  | 'armReachable'
  | 'armDelay'
  | 'armRetransmit'
  | 'disarm'
  /** No new attempt for a retransmission interval. */
  | 'hold'

export interface NudTransition {
  readonly next: NudState
  readonly actions: readonly NudAction[]
}

function to(next: NudState, ...actions: NudAction[]): NudTransition {
  return { next, actions }
}

/** "Nothing to do": per state, the transition to itself. */
const idle = to('idle')
const incomplete = to('incomplete')
const reachable = to('reachable')
const stale = to('stale')
const delay = to('delay')
const probe = to('probe')
const failed = to('failed')
const fixed = to('static')

const RESOLVE = to('incomplete', 'queue', 'resetCount', 'armRetransmit', 'request')
const RESOLVED_STALE = to('stale', 'record', 'disarm', 'sendQueue')
const RESOLVED_ANSWER_STALE = to('stale', 'record', 'setRouter', 'disarm', 'sendQueue')
const RESOLVED = to('reachable', 'record', 'setRouter', 'armReachable', 'sendQueue')
const LEARNT = to('stale', 'record')
const MOVED = to('stale', 'record', 'disarm')
const MOVED_ANSWER = to('stale', 'record', 'setRouter', 'disarm')
const CONFIRMED = to('reachable', 'setRouter', 'armReachable')
const CONFIRMED_MOVED = to('reachable', 'record', 'setRouter', 'armReachable')
const CONFIRMED_ABOVE = to('reachable', 'armReachable')
/** The neighbour may have moved, or somebody lies: keep the address, ask at the next packet. */
const DOUBTED = to('stale', 'disarm')
const REMOVED = to('idle', 'disarm', 'forget', 'failQueue')
const FIXED = to('static', 'record', 'disarm', 'sendQueue')
/** A late answer to a request of ours: as good as a gratuitous one. */
const LATE_ANSWER = to('stale', 'record', 'setRouter')

export const NUD: Readonly<Record<NudState, Readonly<Record<NudEvent, NudTransition>>>> = {
  idle: {
    send: RESOLVE,
    sendHeld: RESOLVE,
    probeSame: LEARNT,
    probeDifferent: LEARNT,
    // RFC 4861 §7.2.5: an advertisement for a neighbour that was not asked for creates nothing.
    confirmSolicitedSame: idle,
    confirmSolicitedOverride: idle,
    confirmSolicitedDifferent: idle,
    confirmSolicitedBare: idle,
    confirmUnsolicitedSame: idle,
    confirmUnsolicitedOverride: idle,
    confirmUnsolicitedDifferent: idle,
    confirmUnsolicitedBare: idle,
    unsolicitedSame: LEARNT,
    unsolicitedDifferent: LEARNT,
    reachableTimeout: idle,
    delayTimeout: idle,
    retransmitTimeout: idle,
    retransmitExhausted: idle,
    upperConfirm: idle,
    addStatic: FIXED,
    remove: REMOVED,
  },
  incomplete: {
    send: to('incomplete', 'queue'),
    sendHeld: to('incomplete', 'queue'),
    probeSame: RESOLVED_STALE,
    probeDifferent: RESOLVED_STALE,
    // RFC 4861 §7.2.5: in Incomplete the Override flag does not count; without a link address the message is dropped.
    confirmSolicitedSame: RESOLVED,
    confirmSolicitedOverride: RESOLVED,
    confirmSolicitedDifferent: RESOLVED,
    confirmSolicitedBare: incomplete,
    confirmUnsolicitedSame: RESOLVED_ANSWER_STALE,
    confirmUnsolicitedOverride: RESOLVED_ANSWER_STALE,
    confirmUnsolicitedDifferent: RESOLVED_ANSWER_STALE,
    confirmUnsolicitedBare: incomplete,
    unsolicitedSame: RESOLVED_STALE,
    unsolicitedDifferent: RESOLVED_STALE,
    reachableTimeout: incomplete,
    delayTimeout: incomplete,
    retransmitTimeout: to('incomplete', 'armRetransmit', 'request'),
    retransmitExhausted: to('failed', 'hold', 'failQueue'),
    upperConfirm: incomplete,
    addStatic: FIXED,
    remove: REMOVED,
  },
  reachable: {
    send: to('reachable', 'transmit'),
    sendHeld: to('reachable', 'transmit'),
    probeSame: reachable,
    probeDifferent: MOVED,
    confirmSolicitedSame: CONFIRMED,
    confirmSolicitedOverride: CONFIRMED_MOVED,
    confirmSolicitedDifferent: DOUBTED,
    confirmSolicitedBare: CONFIRMED,
    confirmUnsolicitedSame: to('reachable', 'setRouter'),
    confirmUnsolicitedOverride: MOVED_ANSWER,
    confirmUnsolicitedDifferent: DOUBTED,
    confirmUnsolicitedBare: to('reachable', 'setRouter'),
    unsolicitedSame: reachable,
    unsolicitedDifferent: MOVED,
    reachableTimeout: stale,
    delayTimeout: reachable,
    retransmitTimeout: reachable,
    retransmitExhausted: reachable,
    upperConfirm: CONFIRMED_ABOVE,
    addStatic: FIXED,
    remove: REMOVED,
  },
  stale: {
    send: to('delay', 'armDelay', 'transmit'),
    sendHeld: to('delay', 'armDelay', 'transmit'),
    probeSame: stale,
    probeDifferent: MOVED,
    confirmSolicitedSame: CONFIRMED,
    confirmSolicitedOverride: CONFIRMED_MOVED,
    confirmSolicitedDifferent: stale,
    confirmSolicitedBare: CONFIRMED,
    confirmUnsolicitedSame: to('stale', 'setRouter'),
    confirmUnsolicitedOverride: MOVED_ANSWER,
    confirmUnsolicitedDifferent: stale,
    confirmUnsolicitedBare: to('stale', 'setRouter'),
    unsolicitedSame: stale,
    unsolicitedDifferent: MOVED,
    reachableTimeout: stale,
    delayTimeout: stale,
    retransmitTimeout: stale,
    retransmitExhausted: stale,
    upperConfirm: CONFIRMED_ABOVE,
    addStatic: FIXED,
    remove: REMOVED,
  },
  delay: {
    send: to('delay', 'transmit'),
    sendHeld: to('delay', 'transmit'),
    probeSame: delay,
    probeDifferent: MOVED,
    confirmSolicitedSame: CONFIRMED,
    confirmSolicitedOverride: CONFIRMED_MOVED,
    confirmSolicitedDifferent: delay,
    confirmSolicitedBare: CONFIRMED,
    confirmUnsolicitedSame: to('delay', 'setRouter'),
    confirmUnsolicitedOverride: MOVED_ANSWER,
    confirmUnsolicitedDifferent: delay,
    confirmUnsolicitedBare: to('delay', 'setRouter'),
    unsolicitedSame: delay,
    unsolicitedDifferent: MOVED,
    reachableTimeout: delay,
    delayTimeout: to('probe', 'resetCount', 'armRetransmit', 'probe'),
    retransmitTimeout: delay,
    retransmitExhausted: delay,
    upperConfirm: CONFIRMED_ABOVE,
    addStatic: FIXED,
    remove: REMOVED,
  },
  probe: {
    send: to('probe', 'transmit'),
    sendHeld: to('probe', 'transmit'),
    probeSame: probe,
    probeDifferent: MOVED,
    confirmSolicitedSame: CONFIRMED,
    confirmSolicitedOverride: CONFIRMED_MOVED,
    confirmSolicitedDifferent: probe,
    confirmSolicitedBare: CONFIRMED,
    confirmUnsolicitedSame: to('probe', 'setRouter'),
    confirmUnsolicitedOverride: MOVED_ANSWER,
    confirmUnsolicitedDifferent: probe,
    confirmUnsolicitedBare: to('probe', 'setRouter'),
    unsolicitedSame: probe,
    unsolicitedDifferent: MOVED,
    reachableTimeout: probe,
    delayTimeout: probe,
    retransmitTimeout: to('probe', 'armRetransmit', 'probe'),
    // No hold: the neighbour may answer at another link address, so the next packet asks everybody at once.
    retransmitExhausted: to('failed', 'forget'),
    upperConfirm: CONFIRMED_ABOVE,
    addStatic: FIXED,
    remove: REMOVED,
  },
  failed: {
    send: RESOLVE,
    sendHeld: to('failed', 'refuse'),
    probeSame: LEARNT,
    probeDifferent: LEARNT,
    confirmSolicitedSame: LATE_ANSWER,
    confirmSolicitedOverride: LATE_ANSWER,
    confirmSolicitedDifferent: LATE_ANSWER,
    confirmSolicitedBare: failed,
    confirmUnsolicitedSame: failed,
    confirmUnsolicitedOverride: failed,
    confirmUnsolicitedDifferent: failed,
    confirmUnsolicitedBare: failed,
    unsolicitedSame: LEARNT,
    unsolicitedDifferent: LEARNT,
    reachableTimeout: failed,
    delayTimeout: failed,
    retransmitTimeout: failed,
    retransmitExhausted: failed,
    upperConfirm: failed,
    addStatic: FIXED,
    remove: REMOVED,
  },
  // What a person has set is not for the network to change.
  static: {
    send: to('static', 'transmit'),
    sendHeld: to('static', 'transmit'),
    probeSame: fixed,
    probeDifferent: fixed,
    confirmSolicitedSame: fixed,
    confirmSolicitedOverride: fixed,
    confirmSolicitedDifferent: fixed,
    confirmSolicitedBare: fixed,
    confirmUnsolicitedSame: fixed,
    confirmUnsolicitedOverride: fixed,
    confirmUnsolicitedDifferent: fixed,
    confirmUnsolicitedBare: fixed,
    unsolicitedSame: fixed,
    unsolicitedDifferent: fixed,
    reachableTimeout: fixed,
    delayTimeout: fixed,
    retransmitTimeout: fixed,
    retransmitExhausted: fixed,
    upperConfirm: fixed,
    addStatic: FIXED,
    remove: REMOVED,
  },
}
