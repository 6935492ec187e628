import type { OpenError } from '@stack/tcp'
import { COMMANDS } from './commands.ts'
import { FREEBSD_OPEN_ERRORS, FREEBSD_SETTINGS } from './freebsd-settings.ts'
import { LINUX_SETTINGS } from './linux-settings.ts'
import type { Family } from '../report/result.ts'
import { linuxCookie } from './linux-cookie.ts'
import type { Command, Profile } from './profile.ts'
import { fastOpenKey } from './values.ts'

/** The key that the set-up of Linux's scripts gives to the machine. */
const LINUX_KEY = fastOpenKey('a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4')!

/** The set-up that nearly all of Linux's scripts begin with: what of it is not so with this profile. */
const LINUX_DEFAULTS: Command = { name: 'defaults.sh', effect: 'settings', assignments: () => [['net.ipv4.tcp_ecn', '0'], ['net.ipv4.tcp_slow_start_after_idle', '0']] }

/** Linux takes classic ECN from who asks. With accurate feedback all that it sends is ECT, with an option. */
const LINUX_ECN = { offer: 'none', accept: 'classic', options: 'all', capable: 'all' } as const

/** FreeBSD the same, with accurate feedback that has no options; it does not look for what paths do to it but for SYNs, and repairs have CWR. */
const FREEBSD_ECN = { offer: 'none', accept: 'classic', options: 'none', cwr: 'first', verify: false, retries: 1 } as const

/** Whatever ICMP says ends an open there. */
const LINUX_OPEN_ERRORS: readonly OpenError[] = [
  'portUnreachable', 'protocolUnreachable', 'hostUnreachable', 'netUnreachable', 'prohibited', 'timeExceeded', 'parameterProblem',
]

const ALL_FAMILIES: readonly Family[] = ['ipv4', 'ipv6', 'ipv4-mapped-ipv6']

/**
 * Scripts of Linux: 540,000 bytes to receive and 15 MiB at most (window scale 8), 256 KiB to send, ACKs delayed by 40 ms
 * but for the first ones, timeouts 200 ms longer than the round trip. Numbers of the remote side count from its SYN.
 */
export const linux: Profile = {
  name: 'linux',
  system: 'linux',
  readsAfterShutdown: true,
  rules: { options: 'exact', window: 'exact', push: 'any', acks: 'early', repeatedFin: 'exact' },
  remoteSequence: 'relative',
  families: ALL_FAMILIES,
  tcp: {
    receiveBuffer: 540_000, windowScale: 8, sendBuffer: 262_144, delayedAck: 40, quickAcks: 16, quickAckSmall: true, synRetries: 5, synLinearRetries: 4,
    urgentInline: false, windowProbe: 'empty', rtoFloor: 'variance', ecn: LINUX_ECN, openErrors: LINUX_OPEN_ERRORS, mtuProbing: 'off', fastOpenKey: LINUX_KEY,
  },
  // Client, server, and every listener.
  socket: { TCP_FASTOPEN: 0x403 },
  cookies: (client, server) => ({ TFO_COOKIE: linuxCookie(LINUX_KEY, client, server), TFO_COOKIE_ZERO: linuxCookie(new Uint8Array(16), client, server) }),
  settings: LINUX_SETTINGS,
  commands: [LINUX_DEFAULTS, ...COMMANDS],
}

/** Scripts of FreeBSD: options compared as a set and windows to a segment, 64 KiB to receive (window scale 6), 32 KiB to send, ACKs delayed by 40 ms. */
export const freebsd: Profile = {
  name: 'freebsd',
  system: 'freebsd',
  rules: { options: 'set', window: 'segment', push: 'any', acks: 'early', repeatedFin: 'or-ack' },
  remoteSequence: 'relative',
  families: ['ipv4'],
  tcp: {
    receiveBuffer: 65_536, windowScale: 6, sendBuffer: 32_768, delayedAck: 40, quickAcks: 0, tailLossProbe: false, urgentInline: false,
    ecn: FREEBSD_ECN, openErrors: FREEBSD_OPEN_ERRORS, mtuProbing: 'off', synFin: 'take', fastOpenExperimental: false, maximumRto: 64_000,
    // TCP_KEEPINIT is what ends an open.
    synRetries: 12,
  },
  socket: { TCP_KEEPINIT: 75, TCP_KEEPCNT: 8 },
  settings: FREEBSD_SETTINGS,
  commands: COMMANDS,
}

/** Scripts written for this stack: everything exact, defaults as they are but for ACKs, which wait from the start; `stack tcp.NAME=VALUE mtu=N` sets options. */
export const own: Profile = {
  name: 'own',
  system: 'linux',
  rules: { options: 'exact', window: 'exact', push: 'exact', acks: 'exact', repeatedFin: 'exact' },
  remoteSequence: 'literal',
  families: ALL_FAMILIES,
  tcp: { quickAcks: 0 },
  settings: [],
  commands: COMMANDS,
}
