import { Unsupported } from '../../language/error.ts'
import { Timestamping } from '../error-queue.ts'
import { fail, ok, type Outcome } from '../pending-call.ts'
import type { System } from '../posix.ts'
import { linger, timeval } from '../structs.ts'
import { pointedNumber } from '../values.ts'
import { applyKeepAlive } from './keep-alive.ts'
import { integer, readOnly, remembered, unsupported, type OptionTable, type Socket } from './option.ts'

/** What the stack takes as buffers of TCP. */
const LEAST_BUFFER = 4096
const MOST_BUFFER = 16 * 1024 * 1024
/** Linux keeps twice what it was asked for, and no less than this. */
const LEAST_RCVBUF = 2304
const LEAST_SNDBUF = 4608
/** Linux's number for no limit, and the largest of 32 bits. */
const NO_PACING_LIMIT = 0xffff_ffff
/** Least receive buffer of a UDP socket of the stack. */
const LEAST_UDP_BUFFER = 2048

/** Flags of SO_TIMESTAMPING that the error queue serves. */
const KNOWN_TIMES = Object.values(Timestamping).reduce((all, flag) => all | flag, 0)

/** Level SOL_SOCKET. */
export const SOCKET_LEVEL: OptionTable = {
  // TIME-WAIT does not keep a port from being listened on, so that there is nothing to allow.
  SO_REUSEADDR: remembered('SO_REUSEADDR'),
  SO_REUSEPORT: integer(
    (socket) => Number(socket.kind === 'tcp' ? socket.reusePort : (socket.settings.reusePort ?? false)),
    (socket, value) => {
      if (socket.kind === 'tcp') socket.reusePort = value !== 0
      else socket.settings.reusePort = value !== 0
      return ok()
    },
  ),
  SO_ERROR: { get: () => 0 },
  SO_TYPE: readOnly((socket) => (socket.kind === 'tcp' ? 1 : 2)),
  SO_PROTOCOL: readOnly((socket) => (socket.kind === 'tcp' ? 6 : 17)),
  SO_DOMAIN: readOnly((socket) => socket.domain),
  SO_ACCEPTCONN: readOnly((socket) => Number(socket.kind === 'tcp' && socket.listener !== null)),
  SO_KEEPALIVE: integer(
    (socket) => socket.remembered.get('SO_KEEPALIVE') ?? 0,
    (socket, value) => {
      socket.remembered.set('SO_KEEPALIVE', Number(value !== 0))
      return socket.kind === 'tcp' ? applyKeepAlive(socket) : ok()
    },
  ),
  SO_LINGER: {
    get: (socket) => {
      const seconds = socket.kind === 'tcp' ? socket.linger : null
      return { onoff: Number(seconds !== null), linger: seconds ?? 0 }
    },
    set: (socket, expression, names) => {
      const { isOn, seconds } = linger(expression, names)
      if (socket.kind === 'tcp') socket.linger = isOn ? seconds : null
      return ok()
    },
  },
  SO_RCVBUF: integer(receiveBuffer, setReceiveBuffer, 0),
  SO_RCVBUFFORCE: integer(receiveBuffer, setReceiveBuffer, 0),
  SO_SNDBUF: integer(sendBuffer, setSendBuffer, 0),
  SO_SNDBUFFORCE: integer(sendBuffer, setSendBuffer, 0),
  SO_RCVLOWAT: integer(
    (socket) => (socket.kind === 'tcp' ? socket.option('receiveLowWater') : 1),
    (socket, value) => (socket.kind === 'tcp' ? socket.configure({ receiveLowWater: Math.max(1, value) }) : fail('ENOPROTOOPT')),
    0,
  ),
  SO_SNDLOWAT: readOnly(() => 1),
  SO_RCVTIMEO: {
    set: (socket, expression, names) => {
      socket.receiveTimeout = timeval(expression, names) || Infinity
      return ok()
    },
    get: (socket) => timevalOf(socket.receiveTimeout),
  },
  SO_SNDTIMEO: {
    set: (socket, expression, names) => {
      socket.sendTimeout = timeval(expression, names) || Infinity
      return ok()
    },
    get: (socket) => timevalOf(socket.sendTimeout),
  },
  SO_BROADCAST: integer(
    (socket) => (socket.kind === 'udp' ? Number(socket.settings.broadcast ?? false) : (socket.remembered.get('SO_BROADCAST') ?? 0)),
    (socket, value) => {
      if (socket.kind === 'udp') return socket.configure({ broadcast: value !== 0 })
      socket.remembered.set('SO_BROADCAST', value)
      return ok()
    },
  ),
  SO_OOBINLINE: integer(
    (socket) => (socket.kind === 'tcp' ? Number(socket.option('urgentInline')) : 0),
    (socket, value) => (socket.kind === 'tcp' ? socket.configure({ urgentInline: value !== 0 }) : ok()),
  ),
  SO_MAX_PACING_RATE: integer(
    (socket) => (socket.kind === 'tcp' ? (socket.option('maxPacingRate') ?? NO_PACING_LIMIT) : NO_PACING_LIMIT),
    (socket, value) => (socket.kind === 'tcp' ? socket.configure({ maxPacingRate: value < 0 || value >= NO_PACING_LIMIT ? null : Math.max(1, value) }) : ok()),
  ),
  SO_DEBUG: remembered('SO_DEBUG'),
  SO_NOSIGPIPE: remembered('SO_NOSIGPIPE'),
  SO_ZEROCOPY: {
    get: (socket) => Number(socket.kind === 'tcp' && socket.errorQueue?.copies === true),
    set: (socket, expression, names) => {
      const value = pointedNumber(expression, names)
      if (socket.kind !== 'tcp') throw new Unsupported('zerocopy of datagrams (SO_ZEROCOPY)', expression.at)
      if (value !== 0 && value !== 1) return fail('EINVAL')
      socket.useErrorQueue().copies = value === 1
      return ok()
    },
  },
  // Marks are for rules and routes by mark, which no script has.
  SO_MARK: remembered('SO_MARK'),
  SO_TIMESTAMP: unsupported('times of packets as control messages (SO_TIMESTAMP)'),
  SO_TIMESTAMPNS: unsupported('times of packets as control messages (SO_TIMESTAMPNS)'),
  SO_TIMESTAMPING: {
    get: (socket) => (socket.kind === 'tcp' ? (socket.errorQueue?.times ?? 0) : 0),
    set: (socket, expression, names) => {
      const flags = pointedNumber(expression, names)
      if (socket.kind !== 'tcp' || (flags & ~KNOWN_TIMES) !== 0) throw new Unsupported('other times than those of what TCP sends (SO_TIMESTAMPING)', expression.at)
      if ((flags & Timestamping.Id) !== 0 && socket.connection === null) return fail('EINVAL')
      socket.useErrorQueue().ask(flags, socket.connection)
      return ok()
    },
  },
  SO_TXTIME: unsupported('times to send packets at (SO_TXTIME)'),
  SO_BUSY_POLL: unsupported('busy polling of devices (SO_BUSY_POLL)'),
  SO_INCOMING_CPU: unsupported('processors of flows (SO_INCOMING_CPU)'),
  SO_INCOMING_NAPI_ID: unsupported('queues of devices (SO_INCOMING_NAPI_ID)'),
  SO_MEMINFO: unsupported("the kernel's socket memory (SO_MEMINFO)"),
}

function receiveBuffer(socket: Socket, system: System): number {
  if (socket.kind === 'udp') return socket.settings.receiveBuffer ?? 212_992
  if (system === 'linux') return socket.askedReceiveBuffer ?? socket.bufferSize('receiveBuffer')
  return socket.roundedToSegments(socket.askedReceiveBuffer ?? socket.bufferSize('receiveBuffer'))
}

function setReceiveBuffer(socket: Socket, value: number, system: System): Outcome {
  if (socket.kind === 'udp') return socket.configure({ receiveBuffer: Math.max(LEAST_UDP_BUFFER, value) })
  // Half of Linux's is for its own books: what is left is the window.
  socket.askedReceiveBuffer = system === 'linux' ? Math.max(LEAST_RCVBUF, 2 * value) : value
  const isScaled = system === 'linux' && socket.option('windowScale') !== false
  // A buffer that was asked for does not tune itself: windows are scaled for what it holds.
  return socket.configure({ receiveBuffer: within(value), ...(isScaled ? { windowScale: null } : {}) })
}

function sendBuffer(socket: Socket, system: System): number {
  if (socket.kind === 'udp') return socket.remembered.get('SO_SNDBUF') ?? 212_992
  const value = socket.askedSendBuffer ?? socket.bufferSize('sendBuffer')
  return system === 'linux' ? value : socket.roundedToSegments(value)
}

function setSendBuffer(socket: Socket, value: number, system: System): Outcome {
  const kept = system === 'linux' ? Math.max(LEAST_SNDBUF, 2 * value) : value
  if (socket.kind === 'udp') {
    socket.remembered.set('SO_SNDBUF', kept)
    return ok()
  }
  socket.askedSendBuffer = kept
  return socket.configure({ sendBuffer: within(kept) })
}

function within(bytes: number): number {
  return Math.min(Math.max(bytes, LEAST_BUFFER), MOST_BUFFER)
}

function timevalOf(ms: number): Readonly<Record<string, number>> {
  const known = ms === Infinity ? 0 : ms
  return { tv_sec: Math.floor(known / 1000), tv_usec: Math.round((known % 1000) * 1000) }
}
