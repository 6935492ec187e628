import type { ErrorCode } from '@stack/core'
import type { ConnectionOptions } from './api.ts'
import type { TcpContext } from './context.ts'
import { TcpEndpoint } from './endpoint.ts'
import type { EndpointOwner } from './endpoint.ts'
import type { Request } from './forwarder-request.ts'
import { settle } from './options.ts'
import { sendSyn } from './output.ts'
import { halfOpen, promote } from './passive-open.ts'
import { armRetransmit } from './sender.ts'

/**
 * A connection in SYN-RECEIVED for a forwarder's request: SYN-ACK and its retransmissions are its own, as after a
 * simultaneous open. An error code when nothing was opened.
 */
export function openRequest(context: TcpContext, owner: EndpointOwner, request: Request, options: ConnectionOptions): TcpEndpoint | ErrorCode {
  const { flow, header, iss } = request
  const { now } = context.host.scheduler
  // Unless it is said here, as many as a listener sends.
  const settings = settle(settle(context.defaults, { synRetries: context.handshake.synAckRetries }), options)
  const record = halfOpen(context, flow, header, settings, iss)
  if (record === null) return 'EHOSTUNREACH'
  const endpoint = new TcpEndpoint(context, owner, flow.localAddress, flow.localPort, flow.remoteAddress, flow.remotePort, flow.nicId, settings)
  const failure = endpoint.register(null)
  if (failure !== null) return failure
  context.counters.passiveOpens++
  promote(endpoint, record, now)
  endpoint.snd.unackedSince = Math.floor(now)
  sendSyn(endpoint)
  armRetransmit(endpoint)
  return endpoint
}
