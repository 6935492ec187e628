import type { ConnectOptions, FastOpenListenOptions } from '@stack/tcp'
import { fail, ok, type Outcome } from './pending-call.ts'
import type { TcpContext } from './tcp-socket.ts'
import type { SocketAddress } from './structs.ts'

/** Bits of Linux's `net.ipv4.tcp_fastopen`. */
const Mode = { Client: 1, Server: 2, ClientWithoutCookie: 4, ServerWithoutCookie: 0x200, EveryListener: 0x400 } as const
/** Nobody set it: both sides, and listeners that say so. */
const DEFAULT_MODE = Mode.Client | Mode.Server
const KEY = 16

/** What a socket was told of Fast Open (RFC 7413), with what the system says. */
export class FastOpenSettings {
  /** TCP_FASTOPEN_CONNECT: `connect` waits for the first write where there is a cookie. */
  connects = false
  /** TCP_FASTOPEN_NO_COOKIE. */
  needsNoCookie = false
  /** TCP_FASTOPEN of a listener: requests that may be pending. */
  queue = 0
  /** A connect that waits for the first write. */
  deferred: SocketAddress | null = null
  private key: Uint8Array | null = null
  private readonly context: TcpContext

  constructor(context: TcpContext) {
    this.context = context
  }

  private has(bit: number): boolean {
    return ((this.context.defaults['TCP_FASTOPEN'] ?? DEFAULT_MODE) & bit) !== 0
  }

  get isClientEnabled(): boolean {
    return this.has(Mode.Client)
  }

  /** Of `tcp.open`. */
  get connectOption(): NonNullable<ConnectOptions['fastOpen']> {
    return this.isBare ? { requireCookie: false } : true
  }

  private get isBare(): boolean {
    return this.needsNoCookie || this.has(Mode.ClientWithoutCookie)
  }

  /** Would text go with a SYN to `host`? */
  isReady(host: string, localHost: string | undefined): boolean {
    return this.isClientEnabled && (this.isBare || this.context.tcp.fastOpenCache.has(host, localHost))
  }

  /** Of `tcp.listen`; `backlog` as `listen` was told. */
  listenOption(backlog: number): false | FastOpenListenOptions {
    if (!this.has(Mode.Server)) return false
    const queue = this.queue > 0 ? this.queue : this.has(Mode.EveryListener) ? Math.max(1, backlog) : 0
    const requireCookie = !this.has(Mode.ServerWithoutCookie) && !this.needsNoCookie
    return { queue: Math.min(queue, 65_535), requireCookie, ...(this.key === null ? {} : { key: this.key }) }
  }

  /** TCP_FASTOPEN_KEY: one key or two, as bytes. */
  setKey(bytes: string): Outcome {
    if (bytes.length !== KEY && bytes.length !== 2 * KEY) return fail('EINVAL')
    this.key = Uint8Array.from(bytes, (character) => character.charCodeAt(0))
    return ok()
  }
}
