import { foldSum } from '@stack/buffer'
import type { AddressWords } from './header.ts'

/**
 * The folded sum of the pseudo-header (RFC 8200 §8.1).
 *
 * @param length - bytes of the upper-layer packet
 * @param protocol - its Next Header value
 */
export function pseudoHeaderSum(source: AddressWords, destination: AddressWords, length: number, protocol: number): number {
  return pseudoHeaderSumWords(
    source.a, source.b, source.c, source.d, destination.a, destination.b, destination.c, destination.d, length, protocol,
  )
}

/** {@link pseudoHeaderSum} for words that are not in objects. */
export function pseudoHeaderSumWords(
  a: number, b: number, c: number, d: number, e: number, f: number, g: number, h: number, length: number, protocol: number,
): number {
  const source = (a >>> 0) + (b >>> 0) + (c >>> 0) + (d >>> 0)
  const destination = (e >>> 0) + (f >>> 0) + (g >>> 0) + (h >>> 0)
  return foldSum(source + destination + length + protocol)
}
