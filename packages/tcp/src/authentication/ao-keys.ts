import { checkOptions, StackError } from '@stack/core'
import type { Address, OptionSchema } from '@stack/core'
import type { AoAlgorithm } from './ao-algorithms.ts'
import type { Message } from './message.ts'
import { PEER_SCHEMA, secretBytes } from './peers.ts'
import type { PeerPattern } from './peers.ts'

/** MAC bytes that are sent (RFC 5926 §3.2). */
const DEFAULT_MAC_LENGTH = 12
/** More would leave no room for what a SYN has to say. */
const LONGEST_MAC = 16
const SHORTEST_MAC = 4

/** A master key tuple (RFC 5925 §3.1). */
export interface AoKey extends PeerPattern {
  /** KeyID in the segments that we sign with it, 0–255. */
  readonly sendId: number
  /** KeyID in the segments that the peer signs with it, 0–255. */
  readonly receiveId: number
  /** The master key, text as UTF-8. */
  readonly secret: Uint8Array | string
  /** `hmac(…)` or `aes128Cmac(…)`. */
  readonly algorithm: AoAlgorithm
  /** Bytes of the MAC in a segment, 4–16. Default 12. */
  readonly macLength?: number
  /** Does the MAC cover the other options? False lets boxes on the way change them. Default true. */
  readonly coverOptions?: boolean
}

/** An {@link AoKey} that was checked. */
export interface MasterKey extends PeerPattern {
  readonly sendId: number
  readonly receiveId: number
  readonly derivationKey: Uint8Array
  readonly algorithm: AoAlgorithm
  readonly macLength: number
  readonly coverOptions: boolean
}

const ID = { type: 'number', integer: true, min: 0, max: 255 } as const
const KEY_SCHEMA: OptionSchema<AoKey> = {
  ...PEER_SCHEMA,
  sendId: ID,
  receiveId: ID,
  secret: { type: 'any' },
  algorithm: { type: 'object' },
  macLength: { type: 'number', integer: true, min: SHORTEST_MAC, max: LONGEST_MAC },
  coverOptions: { type: 'boolean' },
}

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function readKeys(keys: unknown): MasterKey[] {
  if (!Array.isArray(keys)) throw new StackError('ERR_STACK_INVALID_OPTION', "ao(): option 'keys' must be an array.")
  return (keys as AoKey[]).map((given) => {
    checkOptions('ao(): keys', given, KEY_SCHEMA)
    for (const name of ['sendId', 'receiveId', 'secret', 'algorithm'] as const) {
      if ((given[name] as unknown) === undefined) throw new StackError('ERR_STACK_INVALID_OPTION', `ao(): keys: option '${name}' is missing.`)
    }
    const { secret, macLength = DEFAULT_MAC_LENGTH, coverOptions = true, algorithm, ...rest } = given
    return { ...rest, algorithm, macLength, coverOptions, derivationKey: algorithm.derivationKey(secretBytes('ao()', secret)) }
  })
}

/**
 * The traffic key of one direction (RFC 5925 §5.2, RFC 5926 §3.1.1). A SYN's destination has no initial sequence number yet: 0.
 */
export function trafficKey(
  message: Message, key: MasterKey, source: Address, sourcePort: number, destination: Address, destinationPort: number, sourceIsn: number, destinationIsn: number,
): Uint8Array {
  const { keyLength, mac } = key.algorithm
  message.begin(64).put8(1)
  for (const letter of LABEL) message.put8(letter)
  message.putAddress(source).putAddress(destination).put16(sourcePort).put16(destinationPort).put32(sourceIsn).put32(destinationIsn)
  message.put16(8 * keyLength)
  return new Uint8Array(mac(key.derivationKey, message.done())).subarray(0, keyLength)
}

/** `TCP-AO` */
const LABEL = [0x54, 0x43, 0x50, 0x2d, 0x41, 0x4f] as const
