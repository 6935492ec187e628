/** What differs between the families, for tests that run over both. */
export interface Family {
  readonly name: 'IPv4' | 'IPv6'
  /** Own address of the stack under test, and its peer's. */
  readonly us: string
  readonly peer: string
  /** A third host. */
  readonly other: string
  readonly prefix: number
  readonly group: string
  readonly any: string
  /** Largest datagram. */
  readonly maximum: number
}

export const IPV4: Family = { name: 'IPv4', us: '10.0.0.1', peer: '10.0.0.2', other: '10.0.0.3', prefix: 24, group: '239.1.2.3', any: '0.0.0.0', maximum: 65_507 }
export const IPV6: Family = { name: 'IPv6', us: 'fd00::1', peer: 'fd00::2', other: 'fd00::3', prefix: 64, group: 'ff15::123', any: '::', maximum: 65_527 }
export const FAMILIES: readonly Family[] = [IPV4, IPV6]
