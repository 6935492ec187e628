/** The two ends of the link in one address family. */
export interface Addresses {
  readonly name: 'IPv4' | 'IPv6'
  readonly stack: string
  readonly kernel: string
  readonly prefixLength: number
  /** How the address stands in a URL. */
  url(address: string): string
}

export const IPV4: Addresses = { name: 'IPv4', stack: '10.77.0.2', kernel: '10.77.0.1', prefixLength: 24, url: (address) => address }
export const IPV6: Addresses = { name: 'IPv6', stack: 'fd77::2', kernel: 'fd77::1', prefixLength: 64, url: (address) => `[${address}]` }
