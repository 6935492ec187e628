import { Unsupported } from '../../language/error.ts'
import { fail, ok, type Outcome } from '../pending-call.ts'
import { congestionControlOf } from '../congestion-names.ts'
import { tcpInfoOf, unconnectedInfo } from '../tcp-info.ts'
import type { TcpSocket } from '../tcp-socket.ts'
import { field, pointedNumber, stringOf } from '../values.ts'
import { keepAliveOption } from './keep-alive.ts'
import { signatureOption } from './signatures.ts'
import { integer, remembered, unsupported, type OptionTable, type SocketOption } from './option.ts'

/** Linux's bounds of TCP_MAXSEG; 0 takes the cap away. */
const LEAST_MAXSEG = 88
const MOST_MAXSEG = 32_767
/** MSS before there is a peer (RFC 9293 MUST-15). */
const DEFAULT_MSS = 536
/** TCPs of FreeBSD that mean what this one is. */
const BASE_STACKS = new Set(['freebsd', 'default'])
/** Requests that may be pending where nobody can say how many. */
const FREEBSD_QUEUE = 64
const DEFAULT_FIN_WAIT_2 = 60
/** Segments that Linux acknowledges at once. */
const LINUX_QUICK_ACKS = 16
const NO_LIMIT = 0x7fff_ffff
const LARGEST_WINDOW = 65_535 << 14

/** Seconds as Linux keeps them: as many timeouts of a SYN-ACK as it takes, 1, 3, 7 … */
function wholeTimeouts(seconds: number): number {
  let whole = 0
  for (let timeout = 1; whole < seconds; timeout = Math.min(2 * timeout, 120)) whole += timeout
  return whole
}

/** A switch that is an option of the connection. */
function flag(name: 'noDelay' | 'cork'): SocketOption<TcpSocket> {
  return integer<TcpSocket>((socket) => Number(socket.option(name)), (socket, value) => socket.configure({ [name]: value !== 0 }))
}

/** What is held back leaves, as when a cork is drawn. */
function push({ connection }: TcpSocket): void {
  if (connection === null || (connection.state !== 'established' && connection.state !== 'close-wait')) return
  const { cork } = connection.options
  // Nothing more: the promise of MSG_MORE is kept.
  connection.tryWrite(new Uint8Array(0), { more: false })
  connection.configure({ cork: false })
  if (cork) connection.configure({ cork })
}

/** Level IPPROTO_TCP. TCP-AO fails with ENOPROTOOPT: there is no such option yet. */
export const TCP_LEVEL: OptionTable<TcpSocket> = {
  TCP_NODELAY: integer<TcpSocket>((socket) => Number(socket.option('noDelay')), (socket, value, system) => {
    const outcome = socket.configure({ noDelay: value !== 0 })
    // On Linux what is held back leaves, whatever holds it.
    if (value !== 0 && system === 'linux') push(socket)
    return outcome
  }),
  TCP_CORK: flag('cork'),
  TCP_NOPUSH: flag('cork'),
  TCP_MAXSEG: {
    get: (socket, system) => {
      const info = socket.connection?.info()
      if (info === undefined || info.state === 'syn-sent') return Math.min(DEFAULT_MSS, socket.option('maximumSegmentSize'))
      return info.sendMss + (system === 'freebsd' && info.options.timestamps ? 12 : 0)
    },
    set: (socket, expression, names) => {
      const value = pointedNumber(expression, names)
      if (value !== 0 && (value < LEAST_MAXSEG || value > MOST_MAXSEG)) return fail('EINVAL')
      const maximumSegmentSize = value === 0 ? 65_535 : value
      socket.listener?.configure({ maximumSegmentSize })
      return socket.configure({ maximumSegmentSize })
    },
  },
  TCP_KEEPIDLE: keepAliveOption('TCP_KEEPIDLE'),
  TCP_KEEPINTVL: keepAliveOption('TCP_KEEPINTVL'),
  TCP_KEEPCNT: keepAliveOption('TCP_KEEPCNT'),
  TCP_KEEPINIT: integer<TcpSocket>(
    (socket) => socket.connectTimeout === null ? (socket.defaultOf('TCP_KEEPINIT') ?? 75) : Math.round(socket.connectTimeout / 1000),
    (socket, value) => {
      socket.connectTimeout = value * 1000
      return ok()
    },
    1,
  ),
  TCP_SYNCNT: integer<TcpSocket>(
    (socket) => socket.option('synRetries'),
    // Scripts that count SYNs are of the time when each timeout was twice the one before.
    (socket, value) => socket.configure({ synRetries: value, synLinearRetries: 0 }),
    1, 127,
  ),
  TCP_DEFER_ACCEPT: {
    get: (socket) => socket.deferAccept,
    set: (socket, expression, names) => {
      if (socket.listener !== null) throw new Unsupported('TCP_DEFER_ACCEPT of a socket that listens already', expression.at)
      socket.deferAccept = wholeTimeouts(pointedNumber(expression, names))
      return ok()
    },
  },
  TCP_USER_TIMEOUT: integer<TcpSocket>((socket) => socket.option('userTimeout'), (socket, value) => socket.configure({ userTimeout: value }), 0),
  TCP_LINGER2: integer<TcpSocket>(
    (socket) => {
      const timeout = socket.option('finWait2Timeout')
      return timeout === null ? DEFAULT_FIN_WAIT_2 : timeout === 0 ? -1 : timeout / 1000
    },
    (socket, value) => socket.configure({ finWait2Timeout: value < 0 ? 0 : value === 0 ? null : value * 1000 }),
  ),
  TCP_WINDOW_CLAMP: integer<TcpSocket>(
    (socket) => Math.min(socket.option('windowClamp'), socket.bufferSize('receiveBuffer')),
    (socket, value) => socket.configure({ windowClamp: value === 0 ? LARGEST_WINDOW : Math.min(Math.max(1024, value), LARGEST_WINDOW) }),
    0,
  ),
  TCP_QUICKACK: integer<TcpSocket>(
    (socket) => Number(socket.option('quickAcks') > 0),
    (socket, value) => socket.configure(value === 0 ? { quickAcks: 0 } : { quickAcks: LINUX_QUICK_ACKS, quickAckSmall: true }),
  ),
  TCP_NOTSENT_LOWAT: integer<TcpSocket>(
    (socket) => socket.remembered.get('TCP_NOTSENT_LOWAT') ?? 0,
    (socket, value) => {
      socket.remembered.set('TCP_NOTSENT_LOWAT', value)
      return socket.configure({ notSentLowWater: value === 0 ? NO_LIMIT : Math.min(value, NO_LIMIT) })
    },
    0,
  ),
  TCP_MD5SIG: signatureOption,
  TCP_CONGESTION: {
    get: (socket, system) => {
      const name = socket.option('congestionControl')
      return name === 'reno' && system === 'freebsd' ? 'newreno' : name
    },
    set: (socket, expression, _, system) => {
      const name = congestionControlOf(stringOf(expression))
      if (name === undefined) return fail(system === 'linux' ? 'ENOENT' : 'ESRCH')
      return socket.configure({ congestionControl: name })
    },
  },
  TCP_INQ: remembered('TCP_INQ'),
  TCP_FUNCTION_BLK: {
    set: (_, expression): Outcome => {
      const name = field(expression, ['function_set_name'], 0)
      const wanted = name === null ? 'default' : stringOf(name)
      if (BASE_STACKS.has(wanted)) return ok()
      throw new Unsupported(`FreeBSD's TCP '${wanted}' (TCP_FUNCTION_BLK)`, expression.at)
    },
  },
  TCP_INFO: {
    get: (socket) => {
      const info = socket.connection?.info()
      return info === undefined ? unconnectedInfo(socket.listener !== null) : tcpInfoOf(info)
    },
  },
  TCP_FASTOPEN: integer<TcpSocket>(
    (socket) => socket.fastOpen.queue,
    (socket, value, system) => {
      if (socket.connection !== null) return fail('EINVAL')
      // FreeBSD's is a switch; how many may be pending is its own affair.
      socket.fastOpen.queue = system === 'freebsd' ? (value === 0 ? 0 : FREEBSD_QUEUE) : value
      return socket.refreshListener()
    },
    0,
  ),
  TCP_FASTOPEN_CONNECT: integer<TcpSocket>(
    (socket) => Number(socket.fastOpen.connects),
    (socket, value) => {
      if (!socket.fastOpen.isClientEnabled) return fail('EOPNOTSUPP')
      if (socket.connection !== null || socket.listener !== null) return fail('EINVAL')
      socket.fastOpen.connects = value !== 0
      return ok()
    },
    0, 1,
  ),
  TCP_FASTOPEN_NO_COOKIE: integer<TcpSocket>(
    (socket) => Number(socket.fastOpen.needsNoCookie),
    (socket, value) => {
      if (socket.connection !== null) return fail('EINVAL')
      socket.fastOpen.needsNoCookie = value !== 0
      return socket.refreshListener()
    },
    0, 1,
  ),
  TCP_FASTOPEN_KEY: {
    set: (socket, expression) => {
      const outcome = socket.fastOpen.setKey(stringOf(expression))
      return outcome.errno === undefined ? socket.refreshListener() : outcome
    },
  },
  TCP_NOOPT: unsupported('SYNs without an MSS (TCP_NOOPT)'),
  TCP_REPAIR: unsupported('connections put together by hand (TCP_REPAIR)'),
  TCP_REPAIR_QUEUE: unsupported('connections put together by hand (TCP_REPAIR_QUEUE)'),
  TCP_QUEUE_SEQ: unsupported('connections put together by hand (TCP_QUEUE_SEQ)'),
  TCP_REPAIR_OPTIONS: unsupported('connections put together by hand (TCP_REPAIR_OPTIONS)'),
  TCP_REPAIR_WINDOW: unsupported('connections put together by hand (TCP_REPAIR_WINDOW)'),
  TCP_ULP: unsupported('protocols above TCP in the kernel (TCP_ULP)'),
  TCP_TXTLS_ENABLE: unsupported('TLS in the kernel (TCP_TXTLS_ENABLE)'),
  TCP_ZEROCOPY_RECEIVE: unsupported('zerocopy (TCP_ZEROCOPY_RECEIVE)'),
  TCP_TX_DELAY: unsupported("the kernel's own delay line (TCP_TX_DELAY)"),
  TCP_LOG: unsupported("FreeBSD's black box (TCP_LOG)"),
  TCP_LOGBUF: unsupported("FreeBSD's black box (TCP_LOGBUF)"),
  TCP_LOGID: unsupported("FreeBSD's black box (TCP_LOGID)"),
  TCP_LOGDUMP: unsupported("FreeBSD's black box (TCP_LOGDUMP)"),
  TCP_LOGDUMPID: unsupported("FreeBSD's black box (TCP_LOGDUMPID)"),
  TCP_PCAP_IN: unsupported("FreeBSD's packet rings (TCP_PCAP_IN)"),
  TCP_PCAP_OUT: unsupported("FreeBSD's packet rings (TCP_PCAP_OUT)"),
  TCP_REMOTE_UDP_ENCAPS_PORT: unsupported('TCP over UDP (TCP_REMOTE_UDP_ENCAPS_PORT)'),
}
