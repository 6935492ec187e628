import type { ConnectionOptions } from './api.ts'
import type { TcpEndpoint } from './endpoint.ts'
import { pacerFor } from './pacer.ts'
import { isQuick, startQuickAcks } from './quick-ack.ts'
import { settle } from './options.ts'
import { startKeepAlive } from './retransmit.ts'
import { updateMss } from './segment-size.ts'
import { State } from './state.ts'
import { announceUserTimeout } from './user-timeout.ts'

/** Options of a connection that lives, all of them checked: settled, and what runs by the old ones started anew. */
export function configureEndpoint(endpoint: TcpEndpoint, options: ConnectionOptions): void {
  const { congestionControl } = options
  const isOtherControl = congestionControl !== undefined && congestionControl !== endpoint.settings.congestionControl
  const settings = settle(endpoint.settings, options)
  endpoint.settings = settings
  if (endpoint.finished) return
  if (options.keepAlive !== undefined) startKeepAlive(endpoint)
  if (isOtherControl) endpoint.changeControl()
  endpoint.snd.pacer = pacerFor(endpoint.cc, settings, endpoint.snd.pacer)
  if (options.quickAcks !== undefined) ackQuickly(endpoint)
  if (options.userTimeout !== undefined || options.userTimeoutOption !== undefined) announceUserTimeout(endpoint)
  if (options.maximumSegmentSize !== undefined && endpoint.state >= State.Established) updateMss(endpoint)
}

/** What waits for its ACK does not any more (`TCP_QUICKACK`). */
function ackQuickly(endpoint: TcpEndpoint): void {
  const { rcv } = endpoint
  startQuickAcks(endpoint)
  if (rcv.nxt !== rcv.acked && isQuick(endpoint, (rcv.nxt - rcv.acked) | 0)) rcv.ackNow = true
}
