import { isMapped, prefixContains, type Address } from '../address/address.ts'
import type { AddressEndpoint, NetworkProtocol } from '../registration/network.ts'
import { isUsableAddress } from './usable.ts'

/**
 * The default source for `remote`: assigned before deprecated and optimistic (RFC 4429 §3.3), then the fitting scope (a link-local source reaches no
 * farther than the link), then the remote's own subnet, then the longest common prefix, then the oldest. IPv6 overrides
 * it with RFC 6724.
 */
export function selectAddress(
  records: readonly AddressEndpoint[],
  remote: Address,
  protocol: Pick<NetworkProtocol, 'isLinkLocal'>,
): Address | null {
  const remoteIsLinkLocal = protocol.isLinkLocal?.(remote) ?? false
  let best: Address | null = null
  let bestScore = -1
  for (const record of records) {
    const { state, address, prefixLength } = record
    if (!isUsableAddress(record)) continue
    const score =
      (state === 'assigned' ? 2048 : 0) +
      ((protocol.isLinkLocal?.(address) ?? false) === remoteIsLinkLocal ? 1024 : 0) +
      (prefixContains({ address, length: prefixLength }, remote) ? 512 : 0) +
      commonPrefixLength(address, remote)
    if (score <= bestScore) continue
    bestScore = score
    best = address
  }
  return best
}

/** Leading bits that two addresses share, 0 to 128; 0 when their families differ. */
function commonPrefixLength(x: Address, y: Address): number {
  if (isMapped(x) !== isMapped(y)) return 0
  let bits = Math.clz32(x.a ^ y.a)
  if (bits === 32) bits += Math.clz32(x.b ^ y.b)
  if (bits === 64) bits += Math.clz32(x.c ^ y.c)
  return bits === 96 ? bits + Math.clz32(x.d ^ y.d) : bits
}
