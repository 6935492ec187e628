/** Called when a datagram was handed to the stack, or why it was not. */
export type SendCallback = (error: Error | null, bytes?: number) => void

/** Reads the argument forms of `dgram.Socket.send`. */
export function sendArguments(
  message: string | Uint8Array | readonly (string | Uint8Array)[], args: readonly unknown[], isConnected: boolean, anyHost: string,
): { readonly bytes: Uint8Array; readonly to: { readonly host: string; readonly port: number } | undefined; readonly callback: SendCallback | undefined } {
  const callback = args.find((arg) => typeof arg === 'function') as SendCallback | undefined
  const rest = args.filter((arg) => typeof arg !== 'function' && arg !== undefined && arg !== null)
  // Offset and length come first when there is more than the peer: `port, address`, or nothing once connected.
  const numbers = rest.filter((arg) => typeof arg === 'number')
  const hasRange = numbers.length >= (isConnected ? 2 : 3)
  const bytes = bytesOf(message)
  const range = hasRange ? bytes.subarray(...checkedRange(numbers, bytes.length)) : bytes
  if (isConnected) return { bytes: range, to: undefined, callback }
  const [port, host] = hasRange ? rest.slice(2) : rest
  return { bytes: range, to: { host: typeof host === 'string' ? host : anyHost, port: Number(port) }, callback }
}

function bytesOf(message: string | Uint8Array | readonly (string | Uint8Array)[]): Uint8Array {
  if (typeof message === 'string') return Buffer.from(message)
  if (message instanceof Uint8Array) return message
  return Buffer.concat(message.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
}

function checkedRange([offset, length]: readonly number[], size: number): [number, number] {
  if (offset! < 0 || length! < 0 || offset! + length! > size) {
    throw new RangeError(`The message has ${String(size)} bytes: it has no ${String(length)} from ${String(offset)} on.`)
  }
  return [offset!, offset! + length!]
}
