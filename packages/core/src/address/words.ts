import { isMapped, type Address } from './address.ts'

/** Words that {@link writeAddresses} fills at most. */
export const ADDRESS_WORDS = 8

/**
 * Two addresses as words to hash, from `words[at]` on: of IPv4 addresses only what differs.
 *
 * @returns the index behind them: `at` + 2 or `at` + {@link ADDRESS_WORDS}
 */
export function writeAddresses(words: Int32Array, at: number, local: Address, remote: Address): number {
  if (isMapped(local) && isMapped(remote)) {
    words[at] = local.d
    words[at + 1] = remote.d
    return at + 2
  }
  words[at] = local.a
  words[at + 1] = local.b
  words[at + 2] = local.c
  words[at + 3] = local.d
  words[at + 4] = remote.a
  words[at + 5] = remote.b
  words[at + 6] = remote.c
  words[at + 7] = remote.d
  return at + ADDRESS_WORDS
}
