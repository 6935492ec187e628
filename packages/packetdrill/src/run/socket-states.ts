import type { StackBase } from '@stack/core'
import type { Tcp, TcpState } from '@stack/tcp'

/** States by the names that FreeBSD's tools have for them. */
const NAMES: Readonly<Record<string, TcpState>> = {
  CLOSED: 'closed', LISTEN: 'listen', SYN_SENT: 'syn-sent', SYN_RCVD: 'syn-received', SYN_RECEIVED: 'syn-received', ESTABLISHED: 'established',
  CLOSE_WAIT: 'close-wait', FIN_WAIT_1: 'fin-wait-1', FIN_WAIT_2: 'fin-wait-2', CLOSING: 'closing', LAST_ACK: 'last-ack', TIME_WAIT: 'time-wait',
}

/** Connections of a stack in a state; null = it keeps no list of these. */
export function countSockets(stack: StackBase & { readonly tcp: Tcp }, state: string): number | null {
  const wanted = NAMES[state]
  if (wanted === undefined || wanted === 'closed' || wanted === 'listen') return null
  const connections = stack.tcp.connections().filter((connection) => connection.state === wanted).length
  const counters = stack.statistics().protocols['tcp']
  // Records, not connections: yet, or any more.
  if (wanted === 'time-wait') return counters?.['timeWait'] ?? 0
  return wanted === 'syn-received' ? connections + (counters?.['halfOpen'] ?? 0) : connections
}
