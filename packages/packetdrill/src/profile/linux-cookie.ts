import { sipHashWithKey } from '@stack/core'

/** The Fast Open cookie that Linux gives: SipHash-2-4 over both addresses as they stand in the packet, the lowest byte first. */
export function linuxCookie(key: Uint8Array, client: Uint8Array, server: Uint8Array): Uint8Array {
  const [k0, k1, k2, k3] = wordsOf(key)
  const words = wordsOf(Uint8Array.of(...client, ...server))
  const hash = sipHashWithKey(k0!, k1!, k2!, k3!)
  const cookie = new Uint8Array(8)
  const view = new DataView(cookie.buffer)
  view.setInt32(0, hash.low(words, words.length), true)
  view.setInt32(4, hash.high, true)
  return cookie
}

function wordsOf(bytes: Uint8Array): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Int32Array.from({ length: bytes.length / 4 }, (_, at) => view.getInt32(4 * at, true))
}
