import { createSipHash } from '@stack/core'
import type { Address, Milliseconds, SecureRandom, SipHash } from '@stack/core'

/** Initial sequence numbers and timestamp offsets of one stack, each with a secret of its own. */
export interface Secrets {
  /** RFC 6528 §3: ISN = M + F(four-tuple, secret), M a 4 µs clock. int32. */
  initialSequence(local: Address, localPort: number, remote: Address, remotePort: number, now: Milliseconds): number
  /** What is added to the millisecond clock of a connection's timestamps (RFC 7323 §7.1). int32. */
  timestampOffset(local: Address, localPort: number, remote: Address, remotePort: number): number
}

/** Makes {@link Secrets} with fresh keys. */
export function createSecrets(random: SecureRandom): Secrets {
  const sequences = createSipHash(random)
  const timestamps = createSipHash(random)
  const words = new Int32Array(9)

  function hash(key: SipHash, local: Address, localPort: number, remote: Address, remotePort: number): number {
    words[0] = local.a
    words[1] = local.b
    words[2] = local.c
    words[3] = local.d
    words[4] = remote.a
    words[5] = remote.b
    words[6] = remote.c
    words[7] = remote.d
    words[8] = (localPort << 16) | remotePort
    return key.low(words, 9)
  }

  return {
    initialSequence(local, localPort, remote, remotePort, now) {
      return (Math.floor((now * 250) % 0x1_0000_0000) + hash(sequences, local, localPort, remote, remotePort)) | 0
    },
    timestampOffset(local, localPort, remote, remotePort) {
      return hash(timestamps, local, localPort, remote, remotePort)
    },
  }
}
