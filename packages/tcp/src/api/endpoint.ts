/** One end of a connection as text. */
export interface Endpoint {
  /** An address, with `%zone` where it has one. */
  readonly host: string
  readonly port: number
}

/** RFC 9293 §3.3.2 states. */
export type TcpState =
  | 'closed' | 'listen' | 'syn-sent' | 'syn-received' | 'established' | 'fin-wait-1' | 'fin-wait-2'
  | 'close-wait' | 'closing' | 'last-ack' | 'time-wait'
