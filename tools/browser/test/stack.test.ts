import { defaultPacketMemory } from '@stack/buffer'
import { createStack } from '@stack/core'
import { pipe } from '@stack/link-pipe'
import { internet } from '@stack/preset-internet'
import { leaksOf } from '@stack/testing'
import { expect, test } from 'vitest'

test('the packet memory is the small one, with SIMD kernels', () => {
  expect(defaultPacketMemory()).toMatchObject({ size: 32 << 20, simd: true })
})

test.each(['ip', 'ethernet'] as const)('two stacks ping, exchange datagrams and 8 MB over TCP on the system clock (%s)', async (framing) => {
  const [left, right] = pipe({ framing })
  const a = createStack({ plugins: [internet()] })
  const b = createStack({ plugins: [internet()] })
  await a.addNic(left, { addresses: ['10.0.0.1/24'], skipDuplicateDetection: true })
  await b.addNic(right, { addresses: ['10.0.0.2/24'], skipDuplicateDetection: true })

  expect((await a.icmp.ping('10.0.0.2')).host).toBe('10.0.0.2')

  const server = b.udp.bind({ port: 53 })
  const client = a.udp.connect({ host: '10.0.0.2', port: 53 })
  client.send(Uint8Array.of(1, 2, 3))
  expect((await server.receive())?.data).toEqual(Uint8Array.of(1, 2, 3))

  const size = 8 << 20
  const listener = b.tcp.listen({ port: 80 })
  const accepted = listener.accept()
  const connection = await a.tcp.connect({ host: '10.0.0.2', port: 80 })
  const peer = (await accepted)!
  const data = new Uint8Array(size).map((_value, i) => i >> 3)
  const written = connection.write(data, { end: true })
  const received = new Uint8Array(size)
  let offset = 0
  for await (const chunk of peer) {
    received.set(chunk, offset)
    offset += chunk.length
  }
  await written
  expect(offset).toBe(size)
  const digests = await Promise.all([data, received].map((bytes) => crypto.subtle.digest('SHA-256', bytes)))
  expect(new Uint8Array(digests[1]!)).toEqual(new Uint8Array(digests[0]!))

  await Promise.all([peer.close(), connection.close(), a.close(), b.close()])
  expect([...leaksOf(a), ...leaksOf(b)]).toEqual([])
})
