import { expectEqual, expectThat, notApplicable, type CaseOf } from './case.ts'
import type { NetworkBench } from './network-bench.ts'
import { EXPERIMENT, numbered } from './packets.ts'

/** From the transports through the protocol to the NIC. */
export const NETWORK_OUT_CASES: readonly CaseOf<NetworkBench>[] = [
  {
    name: 'sends a payload along its route',
    clause: 'NetworkEndpoint.writePacket: pushes the header and sends along route',
    async check(bench) {
      const payload = numbered(9, 77)
      expectEqual(await bench.send(payload), null, 'What writePacket returned')
      const [packet] = bench.read()
      expectThat(packet !== undefined, 'No packet is on the wire.')
      expectEqual(packet.source, bench.local, 'The source')
      expectEqual(packet.destination, bench.family.remote, 'The destination')
      expectEqual(packet.payload.join(), payload.join(), 'The payload')
    },
  },
  {
    name: 'sends with the time to live that it is told',
    clause: 'NetworkHeaderParams.ttl',
    async check(bench) {
      await bench.send(numbered(1, 40), { ttl: 17 })
      expectEqual(bench.read()[0]?.ttl, 17, 'The time to live')
    },
  },
  {
    name: 'sends with its own time to live unless it is told one',
    clause: 'NetworkHeaderParams.ttl: 0 = the endpoint\'s default; NetworkEndpoint.defaultTtl',
    async check(bench) {
      await bench.send(numbered(1, 40))
      expectEqual(bench.read()[0]?.ttl, bench.endpoint.defaultTtl, 'The time to live')
    },
  },
  {
    name: 'needs no more headroom than it says',
    clause: 'NetworkEndpoint.maxHeaderLength: the headroom a transport reserves',
    async check(bench) {
      bench.family satisfies object
      expectEqual(await bench.send(numbered(1, 40), { headroom: bench.endpoint.maxHeaderLength }), null, 'What writePacket returned with maxHeaderLength bytes of headroom')
    },
  },
  {
    name: 'sends a payload as large as its MTU whole',
    clause: 'NetworkEndpoint.mtu: largest transport payload with a bare header',
    async check(bench) {
      expectEqual(await bench.send(numbered(1, bench.endpoint.mtu), { dontFragment: true }), null, 'What writePacket returned for a payload as large as the MTU')
      expectEqual(bench.read()[0]?.payload.length, bench.endpoint.mtu, 'The length of the payload on the wire')
    },
  },
  {
    name: 'sends nothing larger than the MTU of the route',
    clause: 'Route.mtu: bytes with network header',
    async check(bench) {
      const { remote } = bench.family
      bench.stack.routes.add({ destination: `${remote}/${bench.addressOf(remote).c === 0xffff ? '32' : '128'}`, nic: bench.nic.id, mtu: 1280 })
      bench.link.sent.length = 0
      await bench.send(numbered(1, 1400))
      const largest = Math.max(0, ...bench.link.sent.map(({ bytes }) => bytes.length))
      expectThat(largest <= 1280, `A packet of ${String(largest)} bytes went out on a route with an MTU of 1,280.`)
    },
  },
  {
    name: 'refuses what is too large and must not be cut',
    clause: 'NetworkHeaderParams.dontFragment: EMSGSIZE',
    async check(bench) {
      bench.family satisfies object
      bench.link.sent.length = 0
      expectEqual(await bench.send(numbered(1, 3000), { dontFragment: true }), 'EMSGSIZE', 'What writePacket returned')
    },
  },
  {
    name: 'owns what it refuses',
    clause: 'NetworkEndpoint.writePacket: takes ownership',
    async check(bench) {
      bench.family satisfies object
      await bench.send(numbered(1, 3000), { dontFragment: true })
      await bench.send(numbered(1, 40), { headroom: 0 })
      await bench.clock.advance(10_000)
      expectEqual(bench.pool.packets, 0, 'The number of packets held after two that were refused')
    },
  },
  {
    name: 'releases what it has sent',
    clause: 'NetworkEndpoint.writePacket: takes ownership',
    async check(bench) {
      await bench.send(numbered(1, 40))
      await bench.send(numbered(1, 4000))
      await bench.clock.advance(10_000)
      expectEqual(bench.pool.packets, 0, 'The number of packets held after all were sent')
    },
  },
  {
    name: 'counts what it sends',
    clause: 'NetworkCounters.sent',
    async check(bench) {
      bench.family satisfies object
      const { sent: before } = bench.endpoint.statistics as { sent: number }
      await bench.send(numbered(1, 40))
      expectEqual((bench.endpoint.statistics as { sent: number }).sent - before, 1, 'What a packet added to statistics.sent')
    },
  },
  {
    name: 'sends packets that have their header',
    clause: 'NetworkEndpoint.writeHeaderIncludedPacket',
    async check(bench) {
      const { family, endpoint, probe: { host } } = bench
      const payload = numbered(4, 60)
      const route = host.findRoute(0, null, bench.addressOf(family.remote))
      if (typeof route !== 'object' || route === null) notApplicable('There is no route.')
      const bytes = family.build({ source: bench.local, destination: family.remote, protocol: EXPERIMENT, ttl: 9, payload })
      expectEqual(endpoint.writeHeaderIncludedPacket(route, bench.packet(bytes)), null, 'What writeHeaderIncludedPacket returned')
      await bench.clock.settle()
      expectEqual(bench.read()[0]?.payload.join(), payload.join(), 'The payload on the wire')
    },
  },
]
