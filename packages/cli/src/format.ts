/** 67108864 → `67,108,864`. */
export function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** Bytes a second → `34.1 MB/s`. */
export function rate(bytesPerSecond: number): string {
  return `${(bytesPerSecond / 1e6).toFixed(1)} MB/s`
}

/** ms with the digits that matter. */
export function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(3) : ms < 100 ? ms.toFixed(2) : ms.toFixed(1)} ms`
}

/** An address as a URL has it: IPv6 in brackets, the port unless it is HTTP's own. */
export function url(host: string, port = 80, path = '/'): string {
  return `http://${host.includes(':') ? `[${host}]` : host}${port === 80 ? '' : `:${String(port)}`}${path}`
}

/** `1 packet`, `2 packets`. */
export function plural(amount: number, noun: string): string {
  return `${count(amount)} ${noun}${amount === 1 ? '' : 's'}`
}
