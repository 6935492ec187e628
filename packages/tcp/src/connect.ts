import { isUnspecified } from '@stack/core'
import type { Address, ErrorCode, PortReservation, Route } from '@stack/core'
import type { ConnectOptions } from './api.ts'
import { TCP_PROTOCOL } from './context.ts'
import type { TcpContext } from './context.ts'
import { offerEcn } from './ecn-handshake.ts'
import { TcpEndpoint } from './endpoint.ts'
import type { EndpointOwner } from './endpoint.ts'
import { FastOpenClient } from './fast-open-client.ts'
import { zoneOf } from './flow.ts'
import { announcedMss, initializeReceiver, initializeSender } from './handshake.ts'
import { settle } from './options.ts'
import { sendSyn } from './output.ts'
import { armRetransmit } from './sender.ts'
import { State } from './state.ts'
import { setState } from './tcb.ts'

/** ms that a SYN which may take text along waits for the first write: long enough for what follows the call in the program. */
const FIRST_WRITE = 1

/** Active OPEN (RFC 9293 §3.10.1): an endpoint in SYN-SENT whose SYN is on its way, or why there is none. */
export function openActive(context: TcpContext, owner: EndpointOwner, options: ConnectOptions): TcpEndpoint | ErrorCode {
  const { host } = context
  const remote = host.parseAddress(options.host)
  if (host.networkProtocolOf(remote) === 0) return 'EAFNOSUPPORT'
  // RFC 9293 §3.9.2.3: to one host only.
  if (isUnspecified(remote)) return 'EINVAL'
  const bound = options.nic === undefined ? remote.zone : host.nicId(options.nic)
  const wanted = options.localHost === undefined ? null : host.parseAddress(options.localHost)
  if (wanted !== null && !isUnspecified(wanted) && host.checkLocalAddress(bound, wanted) === 0) return 'EADDRNOTAVAIL'
  const route = host.findRoute(bound, wanted === null || isUnspecified(wanted) ? null : wanted, remote)
  if (route === null || typeof route === 'string') return route ?? 'EHOSTUNREACH'
  if (route.isBroadcast || route.isMulticast) return 'EINVAL'
  // Of the route, which connections to one host share.
  const { localAddress: local, remoteAddress } = route
  const nicId = options.nic === undefined ? zoneOf(remote.a, route.nic.id) : bound
  const port = localPort(context, options, local, remote, nicId)
  if (typeof port === 'string') return port
  const settings = settle(context.defaults, options)
  settings.authentication?.prepare((text) => host.parseAddress(text))
  const endpoint = new TcpEndpoint(context, owner, local, port.port, remoteAddress, options.port, nicId, settings)
  const failure = endpoint.register(port.reservation)
  if (failure !== null) {
    port.reservation?.release()
    return failure
  }
  start(context, endpoint, route, options)
  return endpoint
}

function start(context: TcpContext, endpoint: TcpEndpoint, route: Route, options: ConnectOptions): void {
  const { localAddress, localPort: port, remoteAddress, remotePort, snd, rcv, timers, settings } = endpoint
  // Once: outside of a turn each look is a look at the clock.
  const { now } = context.host.scheduler
  endpoint.route = route
  endpoint.authenticator = settings.authentication?.forFlow(endpoint) ?? null
  initializeReceiver(endpoint, announcedMss(route, remoteAddress, settings))
  rcv.tsOffset = context.secrets.timestampOffset(localAddress, port, remoteAddress, remotePort)
  initializeSender(endpoint, context.secrets.initialSequence(localAddress, port, remoteAddress, remotePort, now))
  setState(endpoint, State.SynSent)
  snd.timing = true
  snd.timedSequence = snd.nxt
  snd.timedAt = (now * 1000) | 0
  snd.unackedSince = Math.floor(now)
  context.counters.activeOpens++
  if (options.timeout !== undefined) {
    timers.deadline = now + options.timeout
    timers.schedule(timers.deadline)
  }
  offerEcn(endpoint)
  if (options.fastOpen !== undefined && options.fastOpen !== false) {
    endpoint.fastOpen = new FastOpenClient(endpoint, context.fastOpen.cache, options.fastOpen)
    if (endpoint.fastOpen.isWaiting) {
      timers.retransmit = now + FIRST_WRITE
      timers.schedule(timers.retransmit)
      return
    }
  }
  sendSyn(endpoint)
  armRetransmit(endpoint)
}

function localPort(
  context: TcpContext, options: ConnectOptions, local: Address, remote: Address, nicId: number,
): { readonly port: number; readonly reservation: PortReservation | null } | ErrorCode {
  const { host, timeWait } = context
  if (options.localPort !== undefined && options.localPort !== 0) {
    if (timeWait.has(local, options.localPort, remote, options.port, nicId)) return 'EADDRINUSE'
    const reservation = host.ports.reserve({ protocol: TCP_PROTOCOL, address: local, port: options.localPort, nicId, reuseAddress: true })
    if (reservation === null || typeof reservation === 'string') return reservation ?? 'EADDRINUSE'
    return { port: reservation.port, reservation }
  }
  const usable = (port: number): boolean =>
    !host.endpoints.has(TCP_PROTOCOL, local, port, remote, options.port, nicId) && !timeWait.has(local, port, remote, options.port, nicId)
  const port = host.ports.pickEphemeral(TCP_PROTOCOL, local, remote, options.port, usable)
  return port === 0 ? 'EADDRINUSE' : { port, reservation: null }
}
