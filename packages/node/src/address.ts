/** An end of a socket, as `node:net` and `node:dgram` tell it. */
export interface SocketAddress {
  readonly address: string
  readonly port: number
  readonly family: 'IPv4' | 'IPv6'
}

/** The family of an address as text. */
export function familyOf(host: string): 'IPv4' | 'IPv6'
export function familyOf(host: string | undefined): 'IPv4' | 'IPv6' | undefined
export function familyOf(host: string | undefined): 'IPv4' | 'IPv6' | undefined {
  if (host === undefined) return undefined
  return host.includes(':') ? 'IPv6' : 'IPv4'
}
