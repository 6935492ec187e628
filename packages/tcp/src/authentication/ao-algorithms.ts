import { StackError } from '@stack/core'

/**
 * A message authentication code: of `message` under `key`, in full length. Called for every segment; the arguments are only
 * good during the call.
 */
export type Mac = (key: Uint8Array, message: Uint8Array) => Uint8Array

/** A pair of key derivation function and MAC (RFC 5926 §3). */
export interface AoAlgorithm {
  /** Bytes of a traffic key. */
  readonly keyLength: number
  readonly mac: Mac
  /** The key that traffic keys are derived with, from the master key. */
  readonly derivationKey: (master: Uint8Array) => Uint8Array
}

/** Longest output of an HMAC that is taken, bytes: SHA-512's. */
const LONGEST_HMAC = 64
const AES_KEY = 16

/**
 * KDF_HMAC_SHA1 with HMAC-SHA-1-96 (RFC 5926 §3.1.1.1, §3.2.1), or the same with another hash, as Linux has it.
 *
 * @param mac - HMAC of the hash
 * @param outputLength - bytes of the hash: 20 (default) for SHA-1, 32 for SHA-256; 16–64
 * @throws StackError `ERR_STACK_INVALID_OPTION`
 *
 * @example
 * ```ts
 * import { createHmac } from 'node:crypto'
 * import { hmac } from '@stack/tcp/ao'
 *
 * const algorithm = hmac((key, message) => createHmac('sha1', key).update(message).digest())
 * console.log(algorithm.keyLength)
 * ```
 */
export function hmac(mac: Mac, outputLength: number = 20): AoAlgorithm {
  if (!Number.isInteger(outputLength) || outputLength < AES_KEY || outputLength > LONGEST_HMAC) {
    throw new StackError('ERR_STACK_INVALID_OPTION', `hmac(): the output length must be ${AES_KEY} to ${LONGEST_HMAC} bytes, received ${outputLength}.`)
  }
  return { keyLength: outputLength, mac, derivationKey: (master) => master }
}

/**
 * KDF_AES_128_CMAC with AES-128-CMAC-96 (RFC 5926 §3.1.1.2, §3.2.2).
 *
 * @param mac - AES-128-CMAC (RFC 4493); its keys are 16 bytes
 */
export function aes128Cmac(mac: Mac): AoAlgorithm {
  // A master key of another length is made one of 128 bits first (RFC 5926 §3.1.1.2, figure 1).
  return { keyLength: AES_KEY, mac, derivationKey: (master) => (master.length === AES_KEY ? master : new Uint8Array(mac(new Uint8Array(AES_KEY), master))) }
}
