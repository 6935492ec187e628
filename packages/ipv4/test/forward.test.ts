import { HookPoint } from '@stack/core'
import type { ChannelLink } from '@stack/link-channel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bench, PEER } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { checksum, icmp, ip, ping, udp } from './support/packets.ts'

const FAR = '172.16.0.9'

describe('forwarding', () => {
  let b: Bench
  let far: ChannelLink
  beforeEach(async () => {
    b = await bench({ forwarding: true })
    far = (await b.addNic({ mtu: 600 }, { addresses: ['172.16.0.1/24'] })).link
  })
  afterEach(() => b.end())

  test('a datagram goes on with its time to live one less [RFC1812-4.2.2.9-ttl]', () => {
    b.receive(udp(PEER, FAR, 7, 'on', { ttl: 9 }))
    expect(b.sent(far)).toEqual(['10.0.0.2 > 172.16.0.9 ttl 8 udp 1000 > 7 "on"'])
    expect(b.counted()).toEqual({ forwarded: 1 })
  })

  test('RFC 1624: the checksum follows for every value [RFC1812-4.2.2.5-checksum]', () => {
    for (let ttl = 2; ttl < 256; ttl++) {
      b.receive(udp(PEER, FAR, 7, 'on', { ttl, id: ttl * 257 }))
      expect(b.sentBytes(far).map((bytes) => checksum(bytes.subarray(0, 20)))).toEqual([0])
    }
  })

  test('it is off by default', async () => {
    const other = await bench()
    other.receive(udp(PEER, FAR, 7, 'on'))
    expect(other.counted()).toEqual({ dropOtherHost: 1 })
    other.end()
  })

  test('it can be turned off', () => {
    b.stack.ipv4.forwarding = false
    b.receive(udp(PEER, FAR, 7, 'on'))
    expect(b.sent(far)).toEqual([])
    expect(b.counted()).toEqual({ dropOtherHost: 1 })
  })

  test('time to live runs out: time exceeded, from the side it came [RFC1812-4.3.3.4-exceeded, RFC1812-4.3.2.4-source, RFC1812-4.3.2.5-tos]', () => {
    b.receive(udp(PEER, FAR, 7, 'on', { ttl: 1 }))
    expect(b.sent()).toEqual(['10.0.0.1 > 10.0.0.2 tos 192 time exceeded 0 [10.0.0.2 > 172.16.0.9, 30 bytes]'])
    expect(b.sent(far)).toEqual([])
  })

  test('but never about an ICMP error, or one too short to tell [RFC1812-4.3.2.7-never, RFC1122-3.2.2-never]', () => {
    b.receive(icmp(PEER, FAR, 3, 3, 0, new Uint8Array(28), { ttl: 1 }), ip(PEER, FAR, 1, new Uint8Array(0), { ttl: 1 }))
    expect(b.sent()).toEqual([])
    b.receive(ping(PEER, FAR, 'x', { ttl: 1 }))
    expect(b.sent()).toEqual(['10.0.0.1 > 10.0.0.2 tos 192 time exceeded 0 [10.0.0.2 > 172.16.0.9, 29 bytes]'])
  })

  test('LESSONS §7: options in forwarded ICMP: the quotation has them, its data is where it belongs', () => {
    const packet = udp(PEER, FAR, 7, 'on', { ttl: 1, options: [148, 4, 0, 0] })
    b.receive(packet)
    expect(b.sentBytes()[0]!.subarray(28)).toEqual(packet)
  })

  test('no route: net unreachable [RFC1812-4.3.3.1-unreachable]', () => {
    b.receive(udp(PEER, '192.0.2.1', 7, 'on'))
    expect(b.sent()).toEqual(['10.0.0.1 > 10.0.0.2 tos 192 unreachable 0 [10.0.0.2 > 192.0.2.1, 30 bytes]'])
  })

  test('too large: fragmented, or the sender hears the MTU [RFC1812-4.2.2.6-fragments, RFC1812-5.2.7.1-mtu]', () => {
    b.receive(udp(PEER, FAR, 7, new Uint8Array(1000), { id: 3, ttl: 9 }))
    expect(b.sent(far)).toEqual(['10.0.0.2 > 172.16.0.9 ttl 8 frag 0+576+', '10.0.0.2 > 172.16.0.9 ttl 8 frag 576+432'])
    b.receive(udp(PEER, FAR, 7, new Uint8Array(1000), { df: true }))
    expect(b.sent(far)).toEqual([])
    expect(b.sent()).toEqual(['10.0.0.1 > 10.0.0.2 tos 192 unreachable 4 mtu 600 [10.0.0.2 > 172.16.0.9, 548 bytes]'])
  })

  test('a fragment is cut further [RFC1812-4.2.2.6-fragments]', () => {
    b.receive(udp(PEER, FAR, 7, new Uint8Array(1000), { id: 3, offset: 80, mf: true }))
    expect(b.sent(far)).toEqual(['10.0.0.2 > 172.16.0.9 ttl 63 frag 80+576+', '10.0.0.2 > 172.16.0.9 ttl 63 frag 656+432+'])
  })

  test('record route and timestamp are filled in [RFC1812-5.3.13-options]', () => {
    b.receive(udp(PEER, FAR, 7, 'on', { options: [7, 7, 4, 0, 0, 0, 0, 0] }))
    expect(b.sent(far)).toEqual(['10.0.0.2 > 172.16.0.9 ttl 63 options [7 7 8 172 16 0 1 0] udp 1000 > 7 "on"'])
  })

  test.each([
    ['LESSONS §7: link-local source is not forwarded', '169.254.1.1', FAR, 'dropNotForwardable'],
    ['LESSONS §7: link-local destination is not forwarded', PEER, '169.254.1.1', 'dropNotForwardable'],
    ['LESSONS §7: unspecified source is not routed', '0.0.0.0', FAR, 'dropMartianSource'],
    ['a reserved destination is not forwarded', PEER, '240.0.0.1', 'dropNotForwardable'],
    ['a directed broadcast of another subnet is not forwarded', PEER, '172.16.0.255', 'dropNotForwardable'],
    ['a group is not forwarded', PEER, '239.1.1.1', 'dropNotJoined'],
    ['LESSONS §7: martian loopback', PEER, '127.0.0.1', 'dropMartianDestination'],
  ])('%s [RFC1812-4.2.2.11-addresses, RFC1812-5.3.5-broadcast, RFC1812-5.3.7-martian, RFC1812-link-local]', (_, source, destination, counter) => {
    b.stack.routes.add({ destination: 'default', gateway: FAR })
    b.receive(udp(source, destination, 7, 'on'))
    expect(b.sent(far)).toEqual([])
    expect(b.sent()).toEqual([])
    expect(b.counted()).toMatchObject({ [counter]: 1 })
  })

  test('the limited broadcast is heard and goes no further [RFC1812-5.3.5-broadcast]', () => {
    b.receive(udp(PEER, '255.255.255.255', 7, 'all'))
    expect(b.stack.probe.received).toEqual(['10.0.0.2 > 255.255.255.255:7 "all"'])
    expect(b.sent(far)).toEqual([])
  })

  test('the address of another NIC is ours [RFC1812-5.2.3-local]', () => {
    b.receive(udp(PEER, '172.16.0.1', 7, 'me', { ttl: 1 }))
    expect(b.stack.probe.received).toEqual(['10.0.0.2 > 172.16.0.1:7 "me"'])
    b.receive(udp(PEER, '172.16.0.1', 9, 'me'))
    expect(b.sent()).toEqual(['172.16.0.1 > 10.0.0.2 tos 192 unreachable 3 [10.0.0.2 > 172.16.0.1, 30 bytes]'])
  })

  test('hooks see it at Prerouting, Forward and Postrouting [RFC1812-5.3.9-filter]', () => {
    const seen: string[] = []
    for (const [name, point] of Object.entries(HookPoint)) {
      b.stack.hooks.add(point, (_, context) => {
        seen.push(`${name} ${context.inputNic}>${context.outputNic}`)
        return 'accept'
      })
    }
    b.receive(udp(PEER, FAR, 7, 'on'))
    expect(seen).toEqual(['Prerouting 1>0', 'Forward 1>2', 'Postrouting 1>2'])
    expect(b.sent(far).length).toBe(1)
  })

  test('a hook may take it on its way and give it back', async () => {
    b.stack.hooks.add(HookPoint.Forward, (packet) => {
      b.nic.networkInterface.host.timers.create(() => b.stack.hooks.reinject(packet)).armAfter(100)
      return 'steal'
    })
    b.receive(udp(PEER, FAR, 7, 'on'))
    expect(b.sent(far)).toEqual([])
    await b.clock.advance(100)
    expect(b.sent(far)).toEqual(['10.0.0.2 > 172.16.0.9 ttl 63 udp 1000 > 7 "on"'])
  })
})
