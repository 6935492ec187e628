/** Reads a list of options as IPv4 and TCP have them, up to its end or the first that lies, which is a problem. */
export function readOptions<T>(protocol: string, bytes: Uint8Array, problems: string[], readOne: (number: number, data: Uint8Array) => T): (T | { readonly kind: 'nop' })[] {
  const options: (T | { readonly kind: 'nop' })[] = []
  let at = 0
  while (at < bytes.length) {
    const number = bytes[at]!
    if (number === 0) break
    if (number === 1) {
      options.push({ kind: 'nop' })
      at++
      continue
    }
    const length = bytes[at + 1] ?? 0
    if (length < 2 || at + length > bytes.length) {
      problems.push(`${protocol}: option ${String(number)} has the length ${String(length)}`)
      break
    }
    options.push(readOne(number, bytes.slice(at + 2, at + length)))
    at += length
  }
  return options
}
