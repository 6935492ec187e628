import { createCipheriv, createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'

const CHUNK = 65_536
/** Chunks between two breaths of the event loop. */
const BREATH = 64

/** Bytes that look like chance and are the same for the same seed. */
export interface Content {
  readonly size: number
  /** SHA-256, base64. */
  readonly digest: string
  /** The bytes, from the start. */
  read(): Iterable<Uint8Array>
}

/** Prepares `size` bytes; they are made when read, not kept. */
export async function pseudoRandom(size: number, seed: number): Promise<Content> {
  const hash = createHash('sha256')
  let chunks = 0
  for (const chunk of keystream(size, seed)) {
    hash.update(chunk)
    if (++chunks % BREATH === 0) await setImmediate()
  }
  return { size, digest: hash.digest('base64'), read: () => keystream(size, seed) }
}

/** A stream cipher over zeros: as even as noise, and much faster than a generator in JavaScript. */
function* keystream(size: number, seed: number): Generator<Uint8Array> {
  const key = createHash('sha256').update(`@stack/cli ${String(seed)}`).digest().subarray(0, 16)
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16))
  const zeros = Buffer.alloc(CHUNK)
  for (let left = size; left > 0; left -= CHUNK) yield cipher.update(left < CHUNK ? zeros.subarray(0, left) : zeros)
}
