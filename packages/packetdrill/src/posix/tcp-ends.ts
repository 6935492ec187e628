import type { StackError, TransportError } from '@stack/core'
import type { Connection } from '@stack/tcp'

/** Bytes of the timestamps option in each segment, with padding. */
export const TIMESTAMPS_LENGTH = 12
/** In the flags of a segment. */
export const RST = 4

const UNREACHABLE: readonly string[] = ['protocolUnreachable', 'hostUnreachable', 'netUnreachable', 'prohibited']
const FIN_RECEIVED: readonly string[] = ['close-wait', 'closing', 'last-ack', 'time-wait']
const FIN_ACKNOWLEDGED: readonly string[] = ['fin-wait-2', 'time-wait', 'closed']

export function isUnreachable({ cause }: StackError): boolean {
  return UNREACHABLE.includes((cause as TransportError | undefined)?.kind ?? '')
}

export function isFinReceived(connection: Connection): boolean {
  return FIN_RECEIVED.includes(connection.state)
}

export function isFinAcknowledged(connection: Connection): boolean {
  return FIN_ACKNOWLEDGED.includes(connection.state)
}
