import type { Outcome } from '../pending-call.ts'
import type { TcpSocket } from '../tcp-socket.ts'
import { integer, type SocketOption } from './option.ts'

/** What the systems begin with: s, s and probes. */
const DEFAULTS = { TCP_KEEPIDLE: 7200, TCP_KEEPINTVL: 75, TCP_KEEPCNT: 9 } as const
const LONGEST = 32_767

type Name = keyof typeof DEFAULTS

function valueOf(socket: TcpSocket, name: Name): number {
  return socket.remembered.get(name) ?? socket.defaultOf(name) ?? DEFAULTS[name]
}

/** Puts SO_KEEPALIVE and its three numbers together. */
export function applyKeepAlive(socket: TcpSocket): Outcome {
  const isOn = (socket.remembered.get('SO_KEEPALIVE') ?? 0) !== 0
  const idle = valueOf(socket, 'TCP_KEEPIDLE') * 1000
  const interval = valueOf(socket, 'TCP_KEEPINTVL') * 1000
  return socket.configure({ keepAlive: isOn ? { idle, interval, count: valueOf(socket, 'TCP_KEEPCNT') } : false })
}

/** TCP_KEEPIDLE, TCP_KEEPINTVL or TCP_KEEPCNT. */
export function keepAliveOption(name: Name): SocketOption<TcpSocket> {
  return integer<TcpSocket>(
    (socket) => valueOf(socket, name),
    (socket, value) => {
      socket.remembered.set(name, value)
      return applyKeepAlive(socket)
    },
    1,
    name === 'TCP_KEEPCNT' ? 127 : LONGEST,
  )
}
