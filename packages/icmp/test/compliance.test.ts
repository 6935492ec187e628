import { icmpv4, ipv4, packet, transportCompliance } from '@stack/testing'
import { it } from 'vitest'
import { icmp } from '../src/index.ts'

const IPV4_HEADER = 20

const cases = transportCompliance(() => ({
  plugin: icmp(),
  number: 1,
  // An echo reply names one end only.
  sourcePort: 0,
  checksumOffset: 2,
  open(stack) {
    const socket = stack.icmp.open('10.0.0.2')
    return { port: socket.identifier, close: () => socket.close() }
  },
  build: ({ source, destination, destinationPort, payload }) =>
    packet(
      ipv4({ source: source.join('.'), destination: destination.join('.') }),
      icmpv4({ type: 'echo-reply', identifier: destinationPort, sequence: 1 }),
      payload,
    ).slice(IPV4_HEADER),
}))

for (const { name, run } of cases) it(`icmp: ${name}`, run)
