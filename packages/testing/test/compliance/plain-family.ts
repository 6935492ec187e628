import { EXPERIMENT, ipv4Packet, numbered } from '../../src/compliance/packets.ts'
import type { NetworkFamily } from '../../src/index.ts'

const LOCAL = Uint8Array.of(10, 0, 0, 1)
const REMOTE = Uint8Array.of(10, 0, 0, 2)

/** Packets of the suite's own network protocol as bytes. */
export const PLAIN_FAMILY: NetworkFamily = {
  local: '10.0.0.1/24',
  remote: '10.0.0.2',
  other: '10.0.0.3',
  group: '239.1.2.3',
  build: ({ source, destination, protocol, ttl, payload }) => ipv4Packet({ source: addressOf(source), destination: addressOf(destination), protocol, ttl }, payload),
  read(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    if (bytes.length < 20 || (view.getUint16(6) & 0x3fff) !== 0) return null
    return { source: textOf(bytes.subarray(12, 16)), destination: textOf(bytes.subarray(16, 20)), protocol: bytes[9]!, ttl: bytes[8]!, payload: bytes.slice(20) }
  },
}

/** A wrong sum, and 33 bytes of which the header says that they are 40. */
export const PLAIN_MALFORMED: readonly Uint8Array[] = [
  changed(ipv4Packet({ source: REMOTE, destination: LOCAL, protocol: EXPERIMENT }, numbered(1, 40)), 8, 1),
  ipv4Packet({ source: REMOTE, destination: LOCAL, protocol: EXPERIMENT }, numbered(1, 20)).slice(0, 33),
]

function changed(bytes: Uint8Array, at: number, by: number): Uint8Array {
  bytes[at]! += by
  return bytes
}

function addressOf(text: string): Uint8Array {
  return Uint8Array.from(text.split('.'), Number)
}

function textOf(bytes: Uint8Array): string {
  return bytes.join('.')
}
