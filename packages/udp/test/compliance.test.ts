import { ipv4, packet, transportCompliance, udp as udpHeader } from '@stack/testing'
import { it } from 'vitest'
import { udp } from '../src/index.ts'

const IPV4_HEADER = 20

const cases = transportCompliance(() => ({
  plugin: udp(),
  number: 17,
  messages: true,
  checksumOffset: 6,
  open(stack, heard) {
    const socket = stack.udp.bind({ port: 5000 })
    socket.setHandler({ datagram: heard })
    return { port: 5000, close: () => socket.close() }
  },
  build: ({ source, destination, sourcePort, destinationPort, payload }) =>
    packet(ipv4({ source: source.join('.'), destination: destination.join('.') }), udpHeader({ sourcePort, destinationPort }), payload).slice(IPV4_HEADER),
}))

for (const { name, run } of cases) it(`udp: ${name}`, run)
