import { StackError } from '@stack/core'
import type { ErrorCode } from '@stack/core'
import type { Endpoint } from './api.ts'

const MESSAGES: Partial<Record<ErrorCode, string>> = {
  EADDRINUSE: 'the address and port are taken, or no ephemeral port is free',
  EADDRNOTAVAIL: 'the local address does not belong to this stack',
  EAFNOSUPPORT: 'no installed network protocol owns the address; add ipv4() or ipv6() to the plugins',
  ECONNABORTED: 'the connection was aborted locally',
  ECONNREFUSED: 'the peer refused the connection: nobody listens there',
  ECONNRESET: 'the peer reset the connection',
  EHOSTDOWN: 'the next hop did not answer address resolution',
  EHOSTUNREACH: 'the host cannot be reached; check the routes and the gateway',
  EINVAL: 'the address is a broadcast, multicast or unspecified one; TCP talks to one host',
  ENETUNREACH: 'no route leads to the network; add one, or a gateway',
  ENOPROTOOPT: 'the peer does not speak TCP',
  EPIPE: 'the sending side is closed; nothing can be written after shutdown or end',
  ETIMEDOUT: 'the peer did not answer in time',
  ERR_STACK_CLOSED: 'the connection, listener or stack is closed',
  ERR_STACK_LIMIT: 'the limit of connections is reached; raise tcp({ maxConnections })',
}

/** The StackError of a code at the API edge. `detail` says more than the code does. */
export function tcpError(code: ErrorCode, syscall: string, where?: Endpoint, detail?: string, cause?: unknown): StackError {
  const place = where === undefined ? '' : ` ${where.host} port ${where.port}`
  return new StackError(code, `${syscall}${place}: ${detail ?? MESSAGES[code] ?? code}.`, {
    syscall,
    ...(where === undefined ? {} : { address: where.host, port: where.port }),
    ...(cause === undefined ? {} : { cause }),
  })
}
