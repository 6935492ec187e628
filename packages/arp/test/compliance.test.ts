import { ipv4 } from '@stack/ipv4'
import { networkCompliance } from '@stack/testing'
import { it } from 'vitest'
import { arp } from '../src/index.ts'
import { OWN, PEER, PEER_MAC, request } from './support/bench.ts'

const message = request(PEER, PEER_MAC, OWN).slice(14)

function changed(at: number, value: number): Uint8Array {
  const bytes = message.slice()
  bytes[at] = value
  return bytes
}

const cases = networkCompliance(() => ({
  plugin: arp(),
  others: [ipv4()],
  number: 0x0806,
  framing: 'ethernet',
  addresses: [`${OWN}/24`],
  // Another hardware, addresses of another length, an operation that there is not, and one cut off.
  malformed: [changed(1, 6), changed(4, 8), changed(7, 9), message.slice(0, 27)],
}))

for (const { name, run } of cases) it(`arp: ${name}`, run)
