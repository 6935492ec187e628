/** Addresses that builders use when none is given: the peer of a test sends to the stack. */
export const PEER = { ipv4: '10.0.0.2', ipv6: 'fd00::2', link: '02:00:00:00:00:02' } as const
/** The stack's own addresses in tests. */
export const STACK = { ipv4: '10.0.0.1', ipv6: 'fd00::1', link: '02:00:00:00:00:01' } as const

export function ipv4Bytes(text: string): Uint8Array {
  const parts = text.split('.').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256))
  if (parts.length !== 4 || parts.some((part) => part > 255)) throw new Error(`'${text}' is not an IPv4 address.`)
  return Uint8Array.from(parts)
}

export function ipv4Text(bytes: Uint8Array): string {
  return bytes.join('.')
}

/** RFC 4291 §2.2 forms, an IPv4 tail included; no zone. */
export function ipv6Bytes(text: string): Uint8Array {
  const fail = (): never => {
    throw new Error(`'${text}' is not an IPv6 address.`)
  }
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  let plain = text
  if (tail !== null) {
    const [a, b, c, d] = ipv4Bytes(tail[2]!)
    plain = `${tail[1]!}${(a! * 256 + b!).toString(16)}:${(c! * 256 + d!).toString(16)}`
  }
  const halves = plain.split('::')
  const groupsOf = (half: string | undefined): string[] => (half === undefined || half === '' ? [] : half.split(':'))
  const left = groupsOf(halves[0])
  const right = groupsOf(halves[1])
  const missing = 8 - left.length - right.length
  if (halves.length > 2 || (halves.length === 2 ? missing < 1 : missing !== 0)) fail()
  const groups = [...left, ...new Array<string>(missing).fill('0'), ...right]
  if (groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) fail()
  return Uint8Array.from(groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]))
}

/** RFC 5952 §4. */
export function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes[2 * i]! * 256 + bytes[2 * i + 1]!)
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) return `::ffff:${ipv4Text(bytes.subarray(12, 16))}`
  let [start, length] = [0, 1]
  for (let i = 0; i < 8; i++) {
    let n = 0
    while (i + n < 8 && groups[i + n] === 0) n++
    if (n > length) [start, length] = [i, n]
  }
  const text = groups.map((group) => group.toString(16))
  return length < 2 ? text.join(':') : `${text.slice(0, start).join(':')}::${text.slice(start + length).join(':')}`
}

/** Six bytes of `02:00:00:00:00:01`. */
export function linkBytes(text: string): Uint8Array {
  const parts = text.split(/[:-]/)
  if (parts.length !== 6 || parts.some((part) => !/^[0-9a-f]{1,2}$/i.test(part))) throw new Error(`'${text}' is not a link address of 6 bytes.`)
  return Uint8Array.from(parts, (part) => Number.parseInt(part, 16))
}

export function linkText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')
}
