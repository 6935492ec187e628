import { ChecksumState, GsoType, type PacketCredit } from '@stack/buffer'
import { isLoopbackLink } from './link-life.ts'
import { expectEqual, expectPackets, expectThat, notApplicable, type CaseOf } from './case.ts'
import { bytesOf, type LinkBench } from './link-bench.ts'
import { numbered } from './packets.ts'

/** From the NIC to the link. */
export const OUT_CASES: readonly CaseOf<LinkBench>[] = [
  {
    name: 'carries what is written, in order, byte for byte',
    clause: 'LinkEndpoint.writePackets',
    async check(bench) {
      const batch = [20, 61, 576].map((length, i) => bench.packet(bench.outgoing(i + 1, length)))
      const expected = batch.map(bytesOf)
      expectEqual(bench.send(batch), 3, 'What writePackets returned for a batch of 3')
      expectPackets((await bench.sent()).map(({ bytes }) => bytes), expected, 'packets on the wire')
    },
  },
  {
    name: 'carries packets as large as its MTU',
    clause: 'LinkEndpoint.mtu: largest network packet, link header not counted',
    async check(bench) {
      const { mtu } = bench.link
      const packet = bench.packet(bench.outgoing(1, mtu))
      const { length } = packet
      expectEqual(bench.send([packet]), 1, `What writePackets returned for a packet of ${String(mtu)} bytes`)
      const out = await bench.sent()
      expectThat(out.some(({ bytes }) => bytes.length === length), `No packet of ${String(mtu)} bytes, the MTU, came out.`)
    },
  },
  {
    name: 'does not keep the array of a batch',
    clause: 'PacketBatch: do not keep the array',
    async check(bench) {
      const batch = bench.batch(3)
      const taken = bench.send(batch)
      batch.length = 0
      expectEqual((await bench.sent()).length, taken, 'The number of packets that came out, of an array that was emptied after the call,')
    },
  },
  {
    name: 'releases what it has sent',
    clause: 'LinkEndpoint.writePackets: takes ownership',
    async check(bench) {
      bench.send(bench.batch(3))
      await bench.sent()
      expectEqual(bench.pool.packets, 0, 'The number of packets held after all were sent')
    },
  },
  {
    name: 'releases what it has sent once',
    clause: 'LinkEndpoint.writePackets: takes ownership',
    async check(bench) {
      bench.send(bench.batch(3))
      await bench.sent()
      expectEqual(bench.memory.statistics.doubleRelease, 0, 'The number of packets released twice')
    },
  },
  {
    name: 'returns the credit of a packet that has left',
    clause: 'Packet.credit: called once, when the packet is released',
    async check(bench) {
      const packet = bench.packet(bench.outgoing(1))
      const returned: number[] = []
      packet.credit = { returned: (bytes) => returned.push(bytes) } satisfies PacketCredit
      packet.creditBytes = 1000
      bench.send([packet])
      await bench.sent()
      expectEqual(returned.join(), '1000', 'The credit returned')
    },
  },
  {
    name: 'leaves what it does not take as it is',
    clause: 'LinkEndpoint.writePackets: the rest stays with the NIC until writable',
    check(bench) {
      const { refused } = bench.fill()
      const before = bytesOf(refused)
      refused.mark = 7
      const taken = bench.write([refused])
      const isOwn = refused.pool === bench.pool
      const isSame = isOwn && refused.mark === 7 && refused.length === before.length && bytesOf(refused).every((byte, i) => byte === before[i])
      if (isOwn) refused.release()
      expectEqual(taken, 0, 'What a full link returned')
      expectThat(isSame, 'A packet that was not taken is released or changed.')
    },
  },
  {
    name: 'sends what it takes and nothing else when it fills up',
    clause: 'LinkEndpoint.writePackets: takes ownership of the first N packets and returns N',
    async check(bench) {
      const { taken, refused } = bench.fill()
      refused.release()
      const batch = bench.batch(3)
      const more = bench.send(batch)
      const out = await bench.sent()
      expectEqual(out.length, taken.length + more, 'The number of packets that came out of a link that took as many and refused others')
    },
  },
  {
    name: 'says writable when it has room again',
    clause: 'NetworkDispatcher.writable: the link can take more packets',
    async check(bench) {
      bench.fill().refused.release()
      bench.nic.writables = 0
      await bench.sent()
      await bench.pass()
      expectThat(bench.nic.writables > 0, 'The link refused a packet, was emptied, and did not say writable.')
    },
  },
  {
    name: 'takes packets again when it has room again',
    clause: 'LinkEndpoint.writePackets: until writable',
    async check(bench) {
      bench.fill().refused.release()
      await bench.sent()
      await bench.pass()
      expectEqual(bench.send(bench.batch(1)), 1, 'What writePackets returned after the link was emptied')
    },
  },
  {
    name: 'writeRawPacket sends a finished packet as it is',
    clause: 'LinkEndpoint.writeRawPacket',
    async check(bench) {
      const packet = bench.packet(bench.outgoing(1, 200))
      const expected = bytesOf(packet)
      expectEqual(bench.link.writeRawPacket(packet), true, 'What writeRawPacket returned')
      expectPackets((await bench.sent()).map(({ bytes }) => bytes), [expected], 'raw packets on the wire')
    },
  },
  {
    name: 'writeRawPacket owns the packet even if it drops it',
    clause: 'LinkEndpoint.writeRawPacket: takes ownership either way; false = dropped',
    check(bench) {
      bench.fill().refused.release()
      const packet = bench.packet(bench.outgoing(1))
      const before = bench.pool.packets
      const isSent = bench.link.writeRawPacket(packet)
      expectThat(isSent || bench.pool.packets === before - 1, 'A raw packet was refused and not released.')
    },
  },
  {
    name: 'finishes partial checksums or hands them on as partial',
    clause: 'LinkCapabilities.txChecksumOffload: the link fills in partial checksums',
    async check(bench) {
      if (bench.link.capabilities.txChecksumOffload !== true) notApplicable('The link has no txChecksumOffload: the NIC finishes checksums.')
      const packet = bench.packet(bench.outgoing(1, 100))
      const field = packet.end - 60
      packet.view.setUint16(field, 0x1234)
      packet.checksumState = ChecksumState.Partial
      packet.checksumStart = packet.end - 70
      packet.checksumOffset = 10
      bench.send([packet])
      const [out] = await bench.sent()
      expectThat(out !== undefined, 'The packet did not come out.')
      const isUnfinished = new DataView(out.bytes.buffer, out.bytes.byteOffset).getUint16(out.bytes.length - 60) === 0x1234
      expectThat(!isUnfinished || out.checksumState === ChecksumState.Partial, 'A partial checksum came out unfinished and is not said to be partial.')
    },
  },
  {
    name: 'carries the payload range of a packet',
    clause: 'LinkCapabilities.scatterGather: takes packets whose payload is a chunk range',
    async check(bench) {
      if (bench.link.capabilities.scatterGather !== true) notApplicable('The link has no scatterGather: the NIC makes packets contiguous.')
      const payload = numbered(3, 300)
      const chunk = bench.pool.chunk(payload.length)
      expectThat(chunk !== null, 'There is no chunk to be had.')
      chunk.append(payload, 0, payload.length)
      const packet = bench.packet(bench.outgoing(1, 100))
      const expected = Uint8Array.of(...bytesOf(packet), ...payload)
      packet.attachPayload(chunk, 0, payload.length)
      chunk.release()
      bench.send([packet])
      expectPackets((await bench.sent()).map(({ bytes }) => bytes), [expected], 'packets on the wire')
    },
  },
  {
    name: 'carries super-packets, whole or cut',
    clause: 'LinkCapabilities.hardwareGso, softwareGso; GsoEndpoint.gsoMaxSize',
    async check(bench) {
      const { capabilities, mtu, gsoMaxSize = 65_536 } = bench.link
      if (capabilities.hardwareGso !== true && capabilities.softwareGso !== true) notApplicable('The link carries no super-packets.')
      expectThat(gsoMaxSize > mtu && gsoMaxSize <= 65_536, `gsoMaxSize is ${String(gsoMaxSize)} bytes, the MTU ${String(mtu)}.`)
      const packet = bench.packet(bench.outgoing(1, Math.min(gsoMaxSize, 65_535)))
      packet.gsoType = GsoType.TcpV4
      packet.gsoMss = mtu - 40
      packet.gsoL3HeaderLength = 20
      expectEqual(bench.send([packet]), 1, 'What writePackets returned for a super-packet')
      const carried = (await bench.sent()).reduce((sum, { bytes }) => sum + bytes.length, 0)
      expectThat(carried >= gsoMaxSize - 1, `Of a super-packet of ${String(gsoMaxSize)} bytes ${String(carried)} came out.`)
    },
  },
  {
    name: 'does not deliver from within a write',
    clause: 'NetworkDispatcher.deliverNetworkPacket: call from poll, inside a turn, never on the call stack of a sender',
    async check(bench) {
      const { scheduler } = bench.clock
      scheduler.enqueue({
        queued: false,
        poll() {
          if (bench.peer !== null) bench.arriving(1)
          bench.send(bench.batch(2))
          return 1
        },
      })
      await bench.pass()
      expectThat(bench.nic.arrivals.length > 0, isLoopbackLink(bench) ? 'Nothing came back.' : 'Nothing came in.')
      expectThat(!bench.nic.arrivals.some(({ whileWriting }) => whileWriting), 'A packet was delivered while writePackets was running.')
    },
  },
]
