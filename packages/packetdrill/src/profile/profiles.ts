import { COMMANDS } from './commands.ts'
import { FREEBSD_SETTINGS } from './freebsd-settings.ts'
import { LINUX_SETTINGS } from './linux-settings.ts'
import type { Profile } from './profile.ts'

const MIB = 1024 * 1024

/**
 * Scripts of Linux: SYN options in its order, 15 MiB of receive buffer at most (window scale 8), 256 KiB to send, ACKs
 * delayed by 40 ms.
 */
export const linux: Profile = {
  name: 'linux',
  system: 'linux',
  rules: { options: 'exact' },
  remoteSequence: 'relative',
  tcp: { receiveBuffer: 15 * MIB, sendBuffer: 256 * 1024, delayedAck: 40 },
  settings: LINUX_SETTINGS,
  commands: COMMANDS,
}

/** Scripts of FreeBSD: options compared as a set, 64 KiB to receive, 32 KiB to send, ACKs delayed by 40 ms. */
export const freebsd: Profile = {
  name: 'freebsd',
  system: 'freebsd',
  rules: { options: 'set' },
  remoteSequence: 'literal',
  tcp: { receiveBuffer: 64 * 1024, sendBuffer: 32 * 1024, delayedAck: 40 },
  settings: FREEBSD_SETTINGS,
  commands: COMMANDS,
}

/** Scripts written for this stack: everything exact, defaults as they are; `stack tcp.NAME=VALUE mtu=N` sets options. */
export const own: Profile = {
  name: 'own',
  system: 'linux',
  rules: { options: 'exact' },
  remoteSequence: 'literal',
  tcp: {},
  settings: [],
  commands: COMMANDS,
}
