/** Rotations of the four rounds (RFC 1321 §3.4). */
const SHIFTS = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]] as const
/** Which word of the block each step of a round takes: `factor * step + start`. */
const ORDERS = [[1, 0], [5, 1], [3, 5], [7, 0]] as const
const SINES: readonly number[] = Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32))

/** MD5 (RFC 1321), for signatures of segments: scripts run where there is no other that answers at once. */
export function md5(message: Uint8Array): Uint8Array {
  const length = (message.length + 9 + 63) & ~63
  const padded = new Uint8Array(length)
  padded.set(message)
  padded[message.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(length - 8, 8 * message.length, true)
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476)
  for (let at = 0; at < length; at += 64) addBlock(state, view, at)
  const digest = new Uint8Array(16)
  const out = new DataView(digest.buffer)
  for (const [i, word] of state.entries()) out.setInt32(4 * i, word, true)
  return digest
}

function addBlock(state: Int32Array, view: DataView, at: number): void {
  let [a, b, c, d] = [state[0]!, state[1]!, state[2]!, state[3]!]
  for (let step = 0; step < 64; step++) {
    const round = step >> 4
    const [factor, start] = ORDERS[round]!
    const word = view.getInt32(at + 4 * ((factor * step + start) & 15), true)
    const sum = (a + mix(round, b, c, d) + word + SINES[step]!) | 0
    const shift = SHIFTS[round]![step & 3]!
    ;[a, b, c, d] = [d, (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0, b, c]
  }
  for (const [i, word] of [a, b, c, d].entries()) state[i]! += word
}

function mix(round: number, b: number, c: number, d: number): number {
  switch (round) {
    case 0: return (b & c) | (~b & d)
    case 1: return (b & d) | (c & ~d)
    case 2: return b ^ c ^ d
    default: return c ^ (b | ~d)
  }
}
