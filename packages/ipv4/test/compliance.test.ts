import { networkCompliance } from '@stack/testing'
import { it } from 'vitest'
import { ipv4 } from '../src/index.ts'
import { ip } from './support/packets.ts'

const LOCAL = '10.0.0.1'
const REMOTE = '10.0.0.2'
const PROBE = 253

function dotted(bytes: Uint8Array): string {
  return bytes.join('.')
}

const whole = ip(REMOTE, LOCAL, PROBE, new Uint8Array(40))

function changed(at: number, value: number): Uint8Array {
  const bytes = whole.slice()
  bytes[at] = value
  return bytes
}

const cases = networkCompliance(() => ({
  plugin: ipv4(),
  number: 0x0800,
  family: {
    local: `${LOCAL}/24`,
    remote: REMOTE,
    other: '10.0.0.3',
    group: '239.1.2.3',
    build: ({ source, destination, protocol, ttl, payload }) => ip(source, destination, protocol, payload, { ttl }),
    read(bytes) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      if (bytes.length < 20 || (view.getUint16(6) & 0x3fff) !== 0) return null
      const headerLength = (bytes[0]! & 15) * 4
      return {
        source: dotted(bytes.subarray(12, 16)), destination: dotted(bytes.subarray(16, 20)), protocol: bytes[9]!, ttl: bytes[8]!,
        payload: bytes.slice(headerLength, view.getUint16(2)),
      }
    },
  },
  // Version 5, a header of 16 bytes, a length beyond the packet, a wrong sum.
  malformed: [changed(0, 0x55), changed(0, 0x44), changed(2, 1), changed(10, whole[10]! ^ 1)],
}))

for (const { name, run } of cases) it(`ipv4: ${name}`, run)
