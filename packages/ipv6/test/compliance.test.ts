import { networkCompliance } from '@stack/testing'
import { it } from 'vitest'
import { ipv6 } from '../src/index.ts'
import { formatIpv6, readAddress } from '../src/wire.ts'
import { ip } from './support/packets.ts'

const LOCAL = '2001:db8::1'
const REMOTE = '2001:db8::2'
const PROBE = 253
const HEADER = 40

const whole = ip(REMOTE, LOCAL, PROBE, new Uint8Array(40))

function changed(at: number, value: number): Uint8Array {
  const bytes = whole.slice()
  bytes[at] = value
  return bytes
}

const cases = networkCompliance(() => ({
  plugin: ipv6(),
  number: 0x86dd,
  family: {
    local: `${LOCAL}/64`,
    remote: REMOTE,
    other: '2001:db8::3',
    group: 'ff02::1234',
    build: ({ source, destination, protocol, ttl, payload }) => ip(source, destination, protocol, payload, { hops: ttl }),
    read(bytes) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      if (bytes.length < HEADER) return null
      return {
        source: formatIpv6(readAddress(view, 8)), destination: formatIpv6(readAddress(view, 24)), protocol: bytes[6]!, ttl: bytes[7]!,
        payload: bytes.slice(HEADER, HEADER + view.getUint16(4)),
      }
    },
  },
  // Version 5, a length beyond the packet, a fragment header that is not there, a multicast source.
  malformed: [changed(0, 0x50), changed(4, 1), changed(6, 44).slice(0, HEADER + 4), changed(8, 0xff)],
}))

for (const { name, run } of cases) it(`ipv6: ${name}`, run)
