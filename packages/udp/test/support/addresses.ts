/** `10.0.0.1` as four bytes. */
export function ipv4(text: string): Uint8Array {
  return Uint8Array.from(text.split('.'), Number)
}

/** `fd00::1` as sixteen bytes. */
export function ipv6(text: string): Uint8Array {
  const [head = '', tail = ''] = text.split('::')
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const left = groups(head)
  const right = groups(tail)
  const all = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 255]))
}
