import { seededRandom } from '@stack/core'
import { expectEqual, expectPackets, expectThat, notApplicable, type CaseOf } from './case.ts'
import type { NetworkBench } from './network-bench.ts'
import { numbered } from './packets.ts'

/** From the NIC through the protocol to the transports. */
export const NETWORK_IN_CASES: readonly CaseOf<NetworkBench>[] = [
  {
    name: 'hands the payload up, byte for byte',
    clause: 'TransportDispatcher.deliverTransportPacket: start at the transport header',
    async check(bench) {
      const payloads = [1, 40, 1000].map((length) => numbered(length, length))
      const got = await bench.receive(...payloads.map((payload) => bench.incoming({ payload })))
      expectPackets(got.map(({ payload }) => payload), payloads, 'payloads handed up')
    },
  },
  {
    name: 'fills in who sent it to whom',
    clause: 'TransportDispatcher.deliverTransportPacket: address words filled in',
    async check(bench) {
      const [got] = await bench.receive(bench.incoming())
      expectEqual(got?.source, wordsOf(bench, bench.family.remote), 'The source words')
      expectEqual(got?.destination, wordsOf(bench, bench.local), 'The destination words')
    },
  },
  {
    name: 'cuts off what the link padded',
    clause: 'RFC 894: padding is not part of the packet',
    async check(bench) {
      const [got] = await bench.receive(Uint8Array.of(...bench.incoming({ payload: numbered(1, 5) }), ...new Uint8Array(20)))
      expectEqual(got?.payload.length, 5, 'The length of a payload with padding behind it')
    },
  },
  {
    name: 'drops what is malformed',
    clause: 'NetworkEndpoint.handlePacket; every drop has a counter',
    async check(bench) {
      for (const bytes of bench.given.malformed ?? []) {
        const got = await bench.receive(bytes)
        expectEqual(got.length, 0, `The number of packets handed up for the malformed ${String(bytes.length)} bytes that begin with ${String(bytes[0])} ${String(bytes[1])} …`)
      }
    },
  },
  {
    name: 'releases what is malformed',
    clause: 'NetworkEndpoint.handlePacket: takes ownership',
    async check(bench) {
      const { malformed = [], family } = bench.given
      if (malformed.length === 0) notApplicable('No malformed packets are given.')
      await bench.receive(...malformed)
      if (family !== undefined) {
        const whole = bench.incoming()
        for (let length = 0; length < whole.length; length++) await bench.receive(whole.slice(0, length))
      }
      expectEqual(bench.pool.packets, 0, 'The number of packets held after malformed ones')
    },
  },
  {
    name: 'drops what is for others',
    clause: 'RFC 1122 §3.2.1.3, RFC 8200 §4: a host silently discards what is not for it',
    async check(bench) {
      const got = await bench.receive(bench.incoming({ destination: bench.family.other }))
      expectEqual(got.length, 0, 'The number of packets handed up that were for another host')
    },
  },
  {
    name: 'takes what is for others when the NIC is promiscuous',
    clause: 'NetworkInterface.promiscuous: accepts packets to any address',
    async check(bench) {
      bench.nic.setPromiscuous(true)
      const got = await bench.receive(bench.incoming({ destination: bench.family.other }))
      expectEqual(got.length, 1, 'The number of packets for another host handed up on a promiscuous NIC')
    },
  },
  {
    name: 'drops what is for an address that was removed',
    clause: 'NetworkEndpoint.addresses; AddressTable.isLocal',
    async check(bench) {
      await bench.receive(bench.incoming())
      bench.nic.removeAddress(bench.local)
      const got = await bench.receive(bench.incoming())
      expectEqual(got.length, 0, 'The number of packets handed up for an address that was removed')
    },
  },
  {
    name: 'takes what is for its groups, as long as it is in them',
    clause: 'GroupAddressableEndpoint.joinGroup, leaveGroup',
    async check(bench) {
      const { group } = bench.family
      if (group === undefined) notApplicable('No group is given.')
      const { host } = bench.probe
      const packet = bench.incoming({ destination: group, ttl: 1 })
      const address = bench.addressOf(group)
      expectEqual((await bench.receive(packet)).length, 0, 'The number of packets handed up for a group before joinGroup')
      expectEqual(host.joinGroup(bench.nic.id, address), null, 'What joinGroup returned')
      expectEqual((await bench.receive(packet)).length, 1, 'The number of packets handed up for a group after joinGroup')
      expectEqual(host.leaveGroup(bench.nic.id, address), null, 'What leaveGroup returned')
      expectEqual((await bench.receive(packet)).length, 0, 'The number of packets handed up for a group after leaveGroup')
    },
  },
  {
    name: 'gives away what it hands up',
    clause: 'TransportDispatcher.deliverTransportPacket: takes ownership',
    async check(bench) {
      await bench.receive(bench.incoming(), bench.incoming())
      expectEqual(bench.memory.statistics.doubleRelease, 0, 'The number of packets that were handed up and released')
    },
  },
  {
    name: 'releases what no transport wants',
    clause: 'TransportDispatcher.deliverTransportPacket: with an unreachable the packet stays the caller\'s',
    async check(bench) {
      await bench.receive(bench.incoming({ protocol: 254 }))
      bench.probe.listen(false)
      await bench.receive(bench.incoming())
      await bench.clock.advance(10_000)
      expectEqual(bench.pool.packets, 0, 'The number of packets held after two that were unreachable')
    },
  },
  {
    name: 'counts what it receives',
    clause: 'NetworkCounters.received',
    async check(bench) {
      const { received: before } = bench.endpoint.statistics as { received: number }
      await bench.receive(bench.incoming(), bench.incoming())
      expectEqual((bench.endpoint.statistics as { received: number }).received - before, 2, 'What 2 packets added to statistics.received')
    },
  },
  {
    name: 'survives random bytes',
    clause: 'A bad packet is a return code and a counter, never an exception; NetworkEndpoint.handlePacket takes ownership',
    async check(bench) {
      const random = seededRandom(7)
      const { family } = bench.given
      const base = family === undefined ? (bench.given.malformed?.[0] ?? new Uint8Array(40)) : bench.incoming()
      for (let i = 0; i < 500; i++) {
        const bytes = i % 2 === 0 ? Uint8Array.from({ length: 1 + Math.floor(random.next() * 100) }, () => random.uint32() & 0xff) : base.slice()
        for (let flips = 1 + Math.floor(random.next() * 3); flips > 0; flips--) bytes[Math.floor(random.next() * bytes.length)] = random.uint32() & 0xff
        await bench.receive(bytes)
      }
      // Fragments among them are forgotten by then.
      await bench.clock.advance(300_000)
      expectEqual(bench.pool.packets, 0, 'The number of packets held after 500 random ones')
    },
  },
  {
    name: 'puts fragments together, whatever their order',
    clause: 'RFC 791 §3.2, RFC 8200 §4.5',
    async check(bench) {
      const payload = numbered(5, 4000)
      const receiver = await bench.other()
      try {
        const got = await receiver.receive(...(await fragments(bench, payload)).reverse())
        expectPackets(got.map((delivery) => delivery.payload), [payload], 'payloads put together of fragments')
      } finally {
        await receiver.tearDown()
      }
    },
  },
  {
    name: 'forgets fragments that stay alone',
    clause: 'RFC 1122 §3.3.2: 60 to 120 seconds; RFC 8200 §4.5: 60 seconds',
    async check(bench) {
      const receiver = await bench.other()
      try {
        await receiver.receive(...(await fragments(bench, numbered(5, 4000))).slice(1))
        await receiver.clock.advance(121_000)
        expectEqual(receiver.pool.packets, 0, 'The number of packets held 121 s after a datagram that lacks a fragment')
      } finally {
        await receiver.tearDown()
      }
    },
  },
]

/** The packets that `payload` needs on the wire. */
async function fragments(bench: NetworkBench, payload: Uint8Array): Promise<Uint8Array[]> {
  bench.link.sent.length = 0
  const failure = await bench.send(payload)
  if (failure === 'EMSGSIZE') notApplicable('The protocol does not fragment.')
  const sent = bench.link.sent.splice(0)
  expectThat(sent.length > 1, `A payload of ${String(payload.length)} bytes went out in ${String(sent.length)} packets.`)
  return sent.map(({ bytes }) => bytes)
}

function wordsOf(bench: NetworkBench, text: string): string {
  const { a, b, c, d } = bench.addressOf(text)
  return [a, b, c, d].join()
}
