/** Adds the 16-bit words of `bytes[from, end)` to `start` (RFC 1071); an odd byte counts as if a zero followed. */
export function sum(bytes: Uint8Array, from: number, end: number, start: number): number {
  let total = start
  for (let at = from; at < end; at += 2) total += (bytes[at]! << 8) | (at + 1 < end ? bytes[at + 1]! : 0)
  return total
}

/** Folds a sum and takes its complement: what stands in a checksum field; 0 when a sum over a field in place is right. */
export function finish(total: number): number {
  let folded = total
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000)
  return 0xffff - folded
}

/** Sum of the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1). */
export function pseudoHeaderSum(source: Uint8Array, destination: Uint8Array, protocol: number, length: number): number {
  return sum(destination, 0, destination.length, sum(source, 0, source.length, protocol + (length >>> 16) + (length & 0xffff)))
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
