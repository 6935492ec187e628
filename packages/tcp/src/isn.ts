import { ADDRESS_WORDS, createSipHash, writeAddresses } from '@stack/core'
import type { Address, Milliseconds, SecureRandom } from '@stack/core'

/** Initial sequence numbers and timestamp offsets of one stack. */
export interface Secrets {
  /** RFC 6528 §3: ISN = M + F(four-tuple, secret), M a 4 µs clock. int32. */
  initialSequence(local: Address, localPort: number, remote: Address, remotePort: number, now: Milliseconds): number
  /** What is added to the millisecond clock of a connection's timestamps (RFC 7323 §7.1). int32. */
  timestampOffset(local: Address, localPort: number, remote: Address, remotePort: number): number
}

/** Words that {@link writeTuple} fills at most. */
export const TUPLE_WORDS: number = ADDRESS_WORDS + 1

/** A four-tuple as words to hash; returns how many: of IPv4 addresses only what differs. */
export function writeTuple(words: Int32Array, local: Address, localPort: number, remote: Address, remotePort: number): number {
  const n = writeAddresses(words, 0, local, remote)
  words[n] = (localPort << 16) | remotePort
  return n + 1
}

/** Makes {@link Secrets} with a fresh key. */
export function createSecrets(random: SecureRandom): Secrets {
  // The halves of one hash: whoever learns the one, from timestamps, knows nothing of the other.
  const secret = createSipHash(random)
  const words = new Int32Array(TUPLE_WORDS)
  // Both are asked for when a connection begins, with the same addresses.
  let lastLocal: Address | null = null
  let lastRemote: Address | null = null
  let lastPorts = 0
  let low = 0
  let high = 0

  function hash(local: Address, localPort: number, remote: Address, remotePort: number): void {
    const ports = (localPort << 16) | remotePort
    if (local === lastLocal && remote === lastRemote && ports === lastPorts) return
    lastLocal = local
    lastRemote = remote
    lastPorts = ports
    low = secret.low(words, writeTuple(words, local, localPort, remote, remotePort))
    high = secret.high
  }

  return {
    initialSequence(local, localPort, remote, remotePort, now) {
      hash(local, localPort, remote, remotePort)
      return (Math.floor((now * 250) % 0x1_0000_0000) + low) | 0
    },
    timestampOffset(local, localPort, remote, remotePort) {
      hash(local, localPort, remote, remotePort)
      return high
    },
  }
}
