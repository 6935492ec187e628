/** Sequence numbers are int32 and compared modulo 2³² (RFC 9293 §3.4). */

/** `a < b`. */
export function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0
}

/** `a > b`. */
export function after(a: number, b: number): boolean {
  return ((a - b) | 0) > 0
}

/** The later of two sequence numbers. */
export function later(a: number, b: number): number {
  return ((a - b) | 0) > 0 ? a : b
}
