import { sameAddress, StackError, type Address, type Route } from '@stack/core'
import type { Endpoint } from './api.ts'

/** Where datagrams go: an endpoint as text with its address read and its route remembered. */
export interface Destination extends Endpoint {
  readonly address: Address
  route: Route | null
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

  /** Throws `EINVAL` for a port out of range, `ERR_STACK_INVALID_ADDRESS`, `ERR_STACK_INVALID_ARGUMENT`. */
  get(to: Endpoint): Destination {
    const { last } = this
    // Called with whatever JavaScript hands in, whatever the type says.
    const given = to as Partial<Endpoint> | null | undefined
    if (last !== null && last.port === given?.port && last.host === given.host) return last
    if (typeof given?.host !== 'string') {
      throw new StackError('ERR_STACK_INVALID_ARGUMENT', 'A destination is { host, port }, and its host a text.', { syscall: 'send' })
    }
    const { host, port } = to
    const key = `${host} ${port}`
    let destination = this.known.get(key)
    if (destination === undefined) {
      // Port 0 is no destination.
      if (!Number.isInteger(port) || port < 1 || port > 65535) {
        throw new StackError('EINVAL', `The destination port must be 1 to 65535, not ${port}.`, { syscall: 'send', address: host })
      }
      destination = { host, port, address: this.host.parseAddress(host), route: null }
      if (this.known.size >= LIMIT) this.known.delete(this.known.keys().next().value!)
      this.known.set(key, destination)
    }
    this.last = destination
    return destination
  }

  /** Did a datagram go to this end? Yes when more have been used than are remembered. */
  mayKnow(address: Address, port: number): boolean {
    if (this.known.size >= LIMIT) return true
    for (const known of this.known.values()) if (known.port === port && sameAddress(known.address, address)) return true
    return false
  }

  /** Forgets what routes depend on: the source or an option changed. */
  clear(): void {
    this.known.clear()
    this.last = null
  }
}
