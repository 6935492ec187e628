import { ipv4 } from '@stack/ipv4'
import { createTestStack, fakeLink, ipv4 as ipv4Layer, packet, udp as udpLayer } from '@stack/testing'
import { udp } from '@stack/udp'
import { expect, test } from 'vitest'

const TO = { host: '10.0.0.2', port: 7 }

test.each(['in', 'out'])('a tap that removes the NIC, %s: no packet is left', async (direction) => {
  const bench = await createTestStack({ plugins: [ipv4(), udp()] })
  bench.nic.tap((seen) => {
    if (seen === direction) void bench.nic.remove()
  })
  const socket = bench.stack.udp.bind({ port: 9 })
  if (direction === 'out') socket.send(new Uint8Array(10), TO)
  else bench.link.inject(packet(ipv4Layer(), udpLayer({ destinationPort: 9 }), [1, 2, 3]))
  await bench.settle()
  expect(bench.stack.memory.packets).toBe(0)
  await bench.end()
})

const ANSWERS: readonly (readonly [string, () => unknown])[] = [
  ['throws', () => { throw new Error('The device is gone.') }],
  ['returns nothing', () => undefined],
  ['returns NaN', () => NaN],
  ['returns less than none', () => -1],
  ['returns more than there are', () => 1000],
]

test.each(ANSWERS)('a link whose writePackets %s is told of, and goes on', async (_what, broken) => {
  const link = fakeLink()
  const working = link.writePackets.bind(link)
  const bench = await createTestStack({ plugins: [ipv4(), udp()], link })
  const { errors } = bench
  link.writePackets = broken as typeof working
  const socket = bench.stack.udp.bind({ port: 9 })
  socket.send(new Uint8Array(10), TO)
  await bench.settle()
  expect(errors).toHaveLength(1)
  expect(String(errors[0])).toMatch(/device is gone|must return how many/)
  expect(bench.nic.statistics).toMatchObject({ dropLinkFailed: 1, txPackets: 0, txBytes: 0 })
  link.writePackets = working
  socket.send(new Uint8Array(10), TO)
  await bench.settle()
  expect(link.sent).toHaveLength(1)
  expect(bench.nic.statistics).toMatchObject({ dropLinkFailed: 1, txPackets: 1, txBytes: 38 })
  bench.stack.destroy()
})
