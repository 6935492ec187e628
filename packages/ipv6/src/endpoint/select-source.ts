import { isUsableAddress, type Address, type AddressEndpoint } from '@stack/core'
import { commonPrefixLength, scopeOf } from '../address/scope.ts'

/**
 * Source address selection (RFC 6724 §5) among the addresses of one NIC: rules 1, 2, 3 and 8. Rules 4 to 7 are about
 * home addresses, several interfaces, policy labels and temporary addresses, which are not here.
 *
 * @returns null when no address is usable
 */
export function selectSource(records: readonly AddressEndpoint[], remote: Address): Address | null {
  let best: AddressEndpoint | null = null
  for (const record of records) {
    if (!isUsableAddress(record)) continue
    if (best === null || isBetter(record, best, remote)) best = record
  }
  return best === null ? null : best.address
}

function isBetter(x: AddressEndpoint, y: AddressEndpoint, remote: Address): boolean {
  // Rule 1: the destination itself.
  if (isSame(x.address, remote) !== isSame(y.address, remote)) return isSame(x.address, remote)
  // Rule 2: the narrowest scope that is wide enough.
  const scopeX = scopeOf(x.address)
  const scopeY = scopeOf(y.address)
  if (scopeX !== scopeY) return scopeX < scopeY ? scopeX >= scopeOf(remote) : scopeY < scopeOf(remote)
  // Rule 3: not deprecated, nor optimistic, which counts as deprecated here (RFC 4429 §2.1).
  if ((x.state === 'assigned') !== (y.state === 'assigned')) return x.state === 'assigned'
  // Rule 8: the longest common prefix, within the prefix of the source (RFC 6724 §2.2).
  return matching(x, remote) > matching(y, remote)
}

function matching(record: AddressEndpoint, remote: Address): number {
  return Math.min(commonPrefixLength(record.address, remote), record.prefixLength)
}

function isSame(x: Address, y: Address): boolean {
  return x.d === y.d && x.c === y.c && x.b === y.b && x.a === y.a
}
