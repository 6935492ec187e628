import { createStack } from '@stack/core'
import { ipv6 } from '@stack/ipv6'
import { pipe } from '@stack/link-pipe'
import { manualClock, leaksOf } from '@stack/testing'
import { udp } from '@stack/udp'
import { icmp } from '@stack/icmp'
import { expect, it } from 'vitest'

it('two stacks exchange datagrams and pings over an Ethernet pipe (IPv6)', async () => {
  const clock = manualClock()
  const [left, right] = pipe({ framing: 'ethernet' })
  const a = createStack({ plugins: [ipv6(), udp(), icmp()], clock })
  const b = createStack({ plugins: [ipv6(), udp(), icmp()], clock })
  await clock.until(a.addNic(left, { addresses: ['fd00::1/64'] }))
  await clock.until(b.addNic(right, { addresses: ['fd00::2/64'] }))
  await clock.advance(5000)
  const server = b.udp.bind({ port: 7 })
  const client = a.udp.connect({ host: 'fd00::2', port: 7 })
  expect(client.send(new TextEncoder().encode('hello'))).toBe(true)
  const datagram = await clock.until(server.receive())
  expect(new TextDecoder().decode(datagram!.data)).toBe('hello')
  expect(datagram!.remote.host).toBe('fd00::1')
  server.send(datagram!.data, datagram!.remote)
  const back = await clock.until(client.receive())
  expect(back!.data).toEqual(datagram!.data)
  const reply = await clock.until(a.icmp.ping('fd00::2'))
  expect(reply.host).toBe('fd00::2')
  a.destroy()
  b.destroy()
  expect(leaksOf(a)).toEqual([])
  expect(leaksOf(b)).toEqual([])
})
