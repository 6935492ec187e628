import { ChecksumState } from '@stack/buffer'
import { expectEqual, expectPackets, expectThat, notApplicable, type CaseOf } from './case.ts'
import { bytesOf, type LinkBench } from './link-bench.ts'
import { IPV4, IPV6, ipv6Packet, numbered } from './packets.ts'

/** Packets of one link in one batch: see `Scheduler`. */
const BUDGET = 64

/** From the link to the NIC. */
export const IN_CASES: readonly CaseOf<LinkBench>[] = [
  {
    name: 'delivers what comes in, in order, byte for byte',
    clause: 'NetworkDispatcher.deliverNetworkPacket',
    async check(bench) {
      const frames = [28, 61, 576].map((length, i) => bench.incoming(i + 1, length))
      bench.arrive(...frames)
      await bench.pass()
      expectPackets(bench.nic.arrivals.map(({ bytes }) => bytes), frames, 'packets delivered')
    },
  },
  {
    name: 'delivers packets as large as its MTU',
    clause: 'LinkEndpoint.mtu',
    async check(bench) {
      const frame = bench.incoming(1, bench.link.mtu)
      bench.arrive(frame)
      await bench.pass()
      expectThat(bench.nic.arrivals.some(({ bytes }) => bytes.length === frame.length), `A packet of ${String(bench.link.mtu)} bytes, the MTU, was not delivered.`)
    },
  },
  {
    name: 'delivers all that waits, however much',
    clause: 'Pollable.poll: returning the budget means that more may wait',
    async check(bench) {
      const count = arriveMany(bench, 3 * BUDGET + 1)
      await bench.pass()
      expectEqual(bench.nic.arrivals.length, count, 'The number of packets delivered of a burst')
    },
  },
  {
    name: 'delivers one budget of packets at most in a batch',
    clause: 'Pollable.poll: handles at most budget packets; NetworkDispatcher.flush: end of this link\'s batch',
    async check(bench) {
      arriveMany(bench, 2 * BUDGET + 2)
      await bench.pass()
      const largest = Math.max(0, bench.nic.unflushed, ...bench.nic.batches)
      expectThat(largest <= BUDGET, `${String(largest)} packets were delivered without a flush between them; a batch has ${String(BUDGET)} at most.`)
    },
  },
  {
    name: 'delivers inside turns',
    clause: 'NetworkDispatcher.deliverNetworkPacket: call from poll, inside a turn',
    async check(bench) {
      bench.arriving(3)
      await bench.pass()
      expectThat(bench.nic.arrivals.every(({ inTurn }) => inTurn), 'A packet was delivered outside of a turn.')
    },
  },
  {
    name: 'says flush behind a batch',
    clause: 'NetworkDispatcher.deliverNetworkPacket: then flush once',
    async check(bench) {
      bench.arriving(3)
      await bench.pass()
      expectEqual(bench.nic.unflushed, 0, 'The number of packets delivered after the last flush')
    },
  },
  {
    name: 'tells the protocol of bare packets',
    clause: 'NetworkDispatcher.deliverNetworkPacket: protocol is the EtherType, or 0 on a link with a link-layer header',
    async check(bench) {
      const { link, nic } = bench
      const hasHeader = link.framing === 'ethernet' || link.parseHeader !== undefined
      bench.arriving(1)
      await bench.pass()
      expectEqual(nic.arrivals[0]?.protocol, hasHeader ? 0 : IPV4, 'The protocol of an IPv4 packet')
      const packet = bench.frame(ipv6Packet(numbered(1, 40)), IPV6)
      if (bench.peer !== null) bench.peer.send(packet)
      else bench.send([bench.packet(packet, { protocol: IPV6 })])
      await bench.pass()
      expectEqual(nic.arrivals[1]?.protocol, hasHeader ? 0 : IPV6, 'The protocol of an IPv6 packet')
    },
  },
  {
    name: 'vouches for no checksum that it has not verified',
    clause: 'LinkCapabilities.rxChecksumOffload: received packets have verified (or partial) checksums',
    async check(bench) {
      if (bench.link.capabilities.rxChecksumOffload !== true) notApplicable('The link has no rxChecksumOffload: the stack verifies checksums.')
      bench.arriving(1)
      await bench.pass()
      expectThat(bench.nic.arrivals[0]?.checksumState !== ChecksumState.Verified, 'A packet of a protocol that the link cannot know is said to be verified.')
    },
  },
  {
    name: 'charges what it delivers to nobody but its NIC, and gives it away',
    clause: 'NetworkDispatcher.deliverNetworkPacket: takes ownership',
    async check(bench) {
      bench.arriving(3)
      await bench.pass()
      expectEqual(bench.memory.statistics.doubleRelease, 0, 'The number of delivered packets that the link released as well')
    },
  },
  {
    name: 'delivers nothing more when its NIC goes in the midst of a batch',
    clause: 'LinkEndpoint.attach: null when the NIC goes: deliver nothing any more',
    async check(bench) {
      const { nic, link } = bench
      let after = 0
      nic.onArrival = () => {
        if (link.isAttached) link.attach(null)
        else after++
      }
      bench.arriving(5)
      await bench.pass()
      expectEqual(after, 0, 'The number of packets delivered after a NIC detached its link in the midst of a batch')
    },
  },
  {
    name: 'injectInbound delivers as if from the wire',
    clause: 'InjectableLinkEndpoint.injectInbound: takes ownership',
    async check(bench) {
      const { link, nic } = bench
      if (!('injectInbound' in link)) notApplicable('The link is not injectable.')
      const frame = bench.incoming(1)
      inject(bench, frame)
      await bench.pass()
      expectPackets(nic.arrivals.map(({ bytes }) => bytes), [frame], 'packets injected')
    },
  },
  {
    name: 'injectInbound owns the packet when nobody is attached',
    clause: 'InjectableLinkEndpoint.injectInbound: takes ownership',
    async check(bench) {
      const { link } = bench
      if (!('injectInbound' in link)) notApplicable('The link is not injectable.')
      const frame = bench.incoming(1)
      link.attach(null)
      const before = bench.pool.packets
      inject(bench, frame)
      await bench.pass()
      expectEqual(bench.pool.packets, before, 'The number of packets held after one was injected without a NIC')
    },
  },
  {
    name: 'injectOutbound sends bytes as they are',
    clause: 'InjectableLinkEndpoint.injectOutbound: false when nobody is there',
    async check(bench) {
      const { link } = bench
      if (!isInjectable(link)) notApplicable('The link is not injectable.')
      const packet = bench.packet(bench.outgoing(1))
      const bytes = bytesOf(packet)
      packet.release()
      const destination = link.framing === 'ethernet' ? bytes.slice(0, 6) : bytes.slice(16, 20)
      expectEqual(link.injectOutbound(destination, bytes), true, 'What injectOutbound returned')
      expectPackets((await bench.sent()).map((out) => out.bytes), [bytes], 'packets on the wire')
    },
  },
]

interface Injectable {
  injectInbound(protocol: number, packet: ReturnType<LinkBench['packet']>): void
  injectOutbound(destination: Uint8Array, bytes: Uint8Array): boolean
}

function isInjectable<L extends object>(link: L): link is L & Injectable {
  return 'injectOutbound' in link
}

function inject(bench: LinkBench, frame: Uint8Array): void {
  const { link } = bench
  if (isInjectable(link)) link.injectInbound(link.framing === 'ethernet' ? 0 : IPV4, bench.packet(frame, { header: false }))
}

/** A burst; a loopback link is written to as far as it takes packets. */
function arriveMany(bench: LinkBench, count: number): number {
  if (bench.peer !== null) return bench.arriving(count).length
  return bench.send(bench.batch(count))
}
