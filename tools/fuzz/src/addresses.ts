import type { Family } from '@stack/testing'

/** Addresses by index: the peer, the stack, and those that a host has to be careful about. */
export const ADDRESSES: Readonly<Record<Family, readonly string[]>> = {
  ipv4: [
    '10.0.0.2', '10.0.0.1', '10.0.0.9', '10.0.0.255', '255.255.255.255', '0.0.0.0', '127.0.0.1', '224.0.0.1', '239.1.2.3', '192.0.2.7',
    '169.254.1.1', '240.0.0.1', '10.9.0.5',
  ],
  ipv6: [
    'fd00::2', 'fd00::1', 'fd00::9', 'ff02::1', 'ff02::1:ff00:1', '::', '::1', 'ff02::2', 'ff05::1:3', '2001:db8::7', 'fe80::2', '::ffff:10.0.0.1', 'fd09::5',
  ],
}

export const PEER = 0
export const STACK = 1

export const LINK_ADDRESSES = ['02:00:00:00:00:02', '02:00:00:00:00:01', '02:00:00:00:00:09', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '00:00:00:00:00:00'] as const

/** The address with this index, whatever it is. */
export function addressAt(family: Family, index: number): string {
  const list = ADDRESSES[family]
  return list[index % list.length]!
}

export function linkAddressAt(index: number): string {
  return LINK_ADDRESSES[index % LINK_ADDRESSES.length]!
}
