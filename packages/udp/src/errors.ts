import { StackError, type ErrorCode } from '@stack/core'
import type { Endpoint } from './api.ts'

const MESSAGES: Partial<Record<ErrorCode, string>> = {
  EACCES: 'it is a broadcast address and the socket lacks { broadcast: true }, or a router prohibits it',
  EADDRNOTAVAIL: 'no address of this stack fits as the source',
  EAFNOSUPPORT: 'no installed network protocol owns the address, or the socket is bound to the other family',
  ECONNREFUSED: 'nobody listens on the port',
  EHOSTDOWN: 'the next hop does not answer address resolution',
  EHOSTUNREACH: 'the host cannot be reached, or a router prohibits it; check the routes and the gateway',
  EMSGSIZE: 'the datagram is larger than the path carries',
  ENETDOWN: 'the interface is down',
  ENETUNREACH: 'no route leads there; add one, or a gateway',
  ENODEV: 'the interface is gone',
  ENOPROTOOPT: 'the host does not speak UDP',
  EPROTO: 'a router did not like a header of the datagram',
}

/** Why datagrams do not get to `to`. */
export function sendError(code: ErrorCode, to: Endpoint, syscall = 'send'): StackError {
  const message = `UDP to ${to.host} port ${to.port}: ${MESSAGES[code] ?? code}.`
  return new StackError(code, message, { syscall, address: to.host, port: to.port })
}
