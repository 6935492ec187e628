import { StackError, type Address, type Route } from '@stack/core'
import type { Endpoint } from './api.ts'

/** Where datagrams go: an endpoint as text with its address read and its route remembered. */
export interface Destination {
  readonly host: string
  readonly port: number
  readonly text: string
  readonly address: Address
  route: Route | null
  /** Local address chosen when a socket connected to it. */
  source: Address | null
}

/** Destinations a socket remembers; a server answers few peers at a time more often than many. */
const LIMIT = 64

/** Reads address texts once per peer, not once per datagram. Bounded: the oldest goes. */
export class DestinationCache {
  private readonly host: { parseAddress(text: string): Address }
  private readonly known = new Map<string, Destination>()
  private last: Destination | null = null

  constructor(host: { parseAddress(text: string): Address }) {
    this.host = host
  }

  get(to: Endpoint): Destination {
    const { host, port } = to
    if (this.last !== null && this.last.port === port && this.last.host === host) return this.last
    const key = `${host} ${String(port)}`
    let destination = this.known.get(key)
    if (destination === undefined) {
      if (!Number.isInteger(port) || port < 1 || port > 65535) {
        throw new StackError('EINVAL', `The destination port must be 1–65535, not ${String(port)}.`, { syscall: 'send', address: host })
      }
      destination = { host, port, text: `${host} port ${String(port)}`, address: this.host.parseAddress(host), route: null, source: null }
      if (this.known.size >= LIMIT) this.known.delete(this.known.keys().next().value!)
      this.known.set(key, destination)
    }
    this.last = destination
    return destination
  }
}
