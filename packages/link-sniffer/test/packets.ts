import { addSums, checksumOf, sumBytes } from '@stack/buffer'

// Whole packets, with real checksums, for the decoder and for tshark.

type Bytes = readonly number[] | Uint8Array

export const u16 = (n: number): number[] => [(n >> 8) & 0xff, n & 0xff]
export const u32 = (n: number): number[] => [n >>> 24, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff]

export const A4 = [10, 0, 0, 1]
const B4 = [10, 0, 0, 2]
export const A6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
export const B6 = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]
export const MAC_A = [2, 0, 0, 0, 0, 1]
export const MAC_B = [2, 0, 0, 0, 0, 2]

export function ethernet(type: number, payload: Bytes, destination = MAC_B, source = MAC_A): Uint8Array {
  return Uint8Array.from([...destination, ...source, ...u16(type), ...payload])
}

export function ipv4(protocol: number, payload: Bytes, { id = 1, fragment = 0x4000, source = A4, destination = B4 } = {}): Uint8Array {
  const header = [0x45, 0, ...u16(20 + payload.length), ...u16(id), ...u16(fragment), 64, protocol, 0, 0, ...source, ...destination]
  header.splice(10, 2, ...u16(checksum(header)))
  return Uint8Array.from([...header, ...payload])
}

export function ipv6(next: number, payload: Bytes, { source = A6, destination = B6, hopLimit = 255 } = {}): Uint8Array {
  return Uint8Array.from([0x60, 0, 0, 0, ...u16(payload.length), next, hopLimit, ...source, ...destination, ...payload])
}

/** Puts the checksum over pseudo-header and payload at `at`. */
export function summed(payload: Bytes, at: number, protocol: number, source: Bytes = A4, destination: Bytes = B4): Uint8Array {
  const bytes = Uint8Array.from(payload)
  bytes.set(u16(checksumOf(addSums(pseudoSum(bytes.length, protocol, source, destination), sum(bytes)))), at)
  return bytes
}

export function pseudoSum(length: number, protocol: number, source: Bytes = A4, destination: Bytes = B4): number {
  return sum([...source, ...destination, 0, protocol, ...u16(length)])
}

export function checksum(bytes: Bytes): number {
  return checksumOf(sum(bytes))
}

export interface TcpOptions {
  readonly flags?: number
  readonly seq?: number
  readonly ack?: number
  readonly window?: number
  readonly options?: readonly number[]
  readonly payload?: readonly number[]
}

/** From port 49152 to 80, checksum at 16 still 0. */
export function tcp({ flags = 0x10, seq = 1000, ack = 0, window = 65535, options = [], payload = [] }: TcpOptions): number[] {
  return [...u16(49152), ...u16(80), ...u32(seq), ...u32(ack), (5 + options.length / 4) << 4, flags, ...u16(window), 0, 0, 0, 0, ...options, ...payload]
}

/** From port 5000 to 53, checksum at 6 still 0. */
export function udp(payload: readonly number[]): number[] {
  return [...u16(5000), ...u16(53), ...u16(8 + payload.length), 0, 0, ...payload]
}

export function arp(operation: number, sender = A4, target = B4, senderMac = MAC_A, targetMac = [0, 0, 0, 0, 0, 0]): number[] {
  return [...u16(1), ...u16(0x0800), 6, 4, ...u16(operation), ...senderMac, ...sender, ...targetMac, ...target]
}

export const SYN_OPTIONS: readonly number[] = [2, 4, ...u16(1460), 4, 2, 8, 10, ...u32(77), ...u32(0), 1, 3, 3, 7]

function sum(bytes: Bytes): number {
  return sumBytes(Uint8Array.from(bytes), 0, bytes.length)
}
