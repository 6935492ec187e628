/** What a scripted peer needs of a connection. */
export interface ConnectionLike {
  /** A name of RFC 9293 §3.3.2 in lower case, `'fin-wait-1'`. */
  readonly state: string
  shutdown(how: 'write'): void
}

/** What a scripted peer needs of a listener. */
export interface ListenerLike {
  accept(): Promise<ConnectionLike | null>
}

/** What a scripted peer needs of a TCP: `@stack/tcp` has it, and so may yours. */
export interface TcpLike {
  connect(options: never): Promise<ConnectionLike>
  listen(options: never): ListenerLike
  connections(): readonly ConnectionLike[]
}

/** The connections of a TCP. */
export type ConnectionOf<T extends TcpLike> = Awaited<ReturnType<T['connect']>>
/** What its `connect` takes. */
export type ConnectOptionsOf<T extends TcpLike> = Parameters<T['connect']>[0]
/** What its `listen` takes. */
export type ListenOptionsOf<T extends TcpLike> = Parameters<T['listen']>[0]
