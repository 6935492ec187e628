import { PacketFlag } from '@stack/buffer'
import { expectEqual, expectThat, notApplicable, type CaseOf } from './case.ts'
import { bytesOf, type LinkBench } from './link-bench.ts'
import { IPV4, IPV6 } from './packets.ts'

const OTHER = Uint8Array.of(2, 0, 0, 0, 0, 0x77)
const BROADCAST = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
const MALFORMED = -1
const NOT_FOR_US = -2

/** Links with a header of their own: what `addHeader` writes `parseHeader` reads. */
export const HEADER_CASES: readonly CaseOf<LinkBench>[] = [
  {
    name: 'parseHeader reads the protocol that addHeader wrote',
    clause: 'LinkEndpoint.addHeader: from packet.networkProtocol; parseHeader: sets packet.networkProtocol and returns it',
    check(bench) {
      for (const protocol of [IPV4, IPV6, 0x88b5]) {
        const { packet, parse } = received(bench, bench.link.linkAddress, protocol)
        const found = parse(packet)
        expectEqual(found, protocol, 'What parseHeader returned')
        expectEqual(packet.networkProtocol, protocol, 'networkProtocol after parseHeader')
        packet.release()
      }
    },
  },
  {
    name: 'parseHeader leaves the network packet',
    clause: 'LinkEndpoint.parseHeader: consumes the link header',
    check(bench) {
      const { packet, parse } = received(bench, bench.link.linkAddress)
      parse(packet)
      const bytes = bytesOf(packet)
      packet.release()
      const expected = bench.outgoing(1)
      expectThat(expected.every((byte, i) => bytes[i] === byte), 'What is behind the link header is not the packet that was sent.')
    },
  },
  {
    name: 'addHeader needs no more headroom than it says',
    clause: 'LinkEndpoint.maxHeaderLength',
    check(bench) {
      needsHeader(bench)
      const packet = bench.packet(bench.outgoing(1), { headroom: bench.link.maxHeaderLength, header: false })
      const isAdded = bench.addHeader(packet)
      packet.release()
      expectThat(isAdded, `addHeader found no room in ${String(bench.link.maxHeaderLength)} bytes of headroom, its maxHeaderLength.`)
    },
  },
  {
    name: 'addHeader without headroom does nothing',
    clause: 'LinkEndpoint.addHeader: false = no headroom',
    check(bench) {
      needsHeader(bench)
      const packet = bench.packet(bench.outgoing(1, 576), { headroom: 0, header: false })
      const before = packet.length
      const isAdded = bench.addHeader(packet)
      const after = packet.length
      packet.release()
      expectEqual(isAdded, false, 'What addHeader returned without headroom')
      expectEqual(after, before, 'The length of a packet that addHeader refused')
    },
  },
  {
    name: 'addHeader writes the source that the packet names',
    clause: 'LinkEndpoint.addHeader: from packet.linkSource ?? linkAddress',
    check(bench) {
      needsHeader(bench)
      const headers = [OTHER, null].map((source) => {
        const packet = bench.packet(bench.outgoing(1), { header: false })
        packet.linkSource = source
        bench.addHeader(packet)
        const header = bytesOf(packet).slice(0, packet.linkHeaderLength)
        packet.release()
        return header
      })
      expectThat(contains(headers[0]!, OTHER), 'The header does not name packet.linkSource.')
      expectThat(bench.link.linkAddress === null || contains(headers[1]!, bench.link.linkAddress), 'Without packet.linkSource the header does not name the link\'s address.')
    },
  },
  {
    name: 'parseHeader refuses headers that are cut off',
    clause: 'LinkEndpoint.parseHeader: -1 = malformed',
    check(bench) {
      const { packet, headerLength, parse } = received(bench, bench.link.linkAddress)
      const frame = bytesOf(packet)
      packet.release()
      for (let length = 0; length < headerLength; length++) {
        const short = bench.packet(frame.slice(0, length), { header: false })
        const found = parse(short)
        short.release()
        expectEqual(found, MALFORMED, `What parseHeader returned for ${String(length)} bytes`)
      }
    },
  },
  {
    name: 'parseHeader tells packets of other hosts',
    clause: 'LinkEndpoint.parseHeader: -2 = not for this host; packet.networkProtocol says which protocol',
    check(bench) {
      if (bench.link.linkAddress === null) notApplicable('The link has no address.')
      const { packet, parse } = received(bench, OTHER)
      const found = parse(packet)
      const { networkProtocol } = packet
      packet.release()
      expectEqual(found, NOT_FOR_US, 'What parseHeader returned for a frame to another host')
      expectEqual(networkProtocol, IPV4, 'networkProtocol of a frame to another host')
    },
  },
  {
    name: 'parseHeader marks broadcasts',
    clause: 'PacketFlag.Broadcast: the link destination is a broadcast address',
    check(bench) {
      if (bench.link.framing !== 'ethernet') notApplicable('The link does not carry Ethernet.')
      const { packet, parse } = received(bench, BROADCAST)
      packet.flags = 0
      const found = parse(packet)
      const { flags } = packet
      packet.release()
      expectEqual(found, IPV4, 'What parseHeader returned for a broadcast')
      expectThat((flags & PacketFlag.Broadcast) !== 0, 'A broadcast is not marked as such.')
    },
  },
]

function needsHeader({ link }: LinkBench): void {
  if (link.addHeader === undefined || link.parseHeader === undefined) notApplicable('The link has no link header of its own.')
}

/** A packet with the header of `addHeader`, as if just received. */
function received(bench: LinkBench, destination: Uint8Array | null, protocol = IPV4) {
  needsHeader(bench)
  const { link } = bench
  const out = bench.packet(bench.outgoing(1), { protocol, header: false })
  out.linkDestination = destination
  expectThat(bench.addHeader(out), 'addHeader refused a packet with 64 bytes of headroom.')
  const headerLength = out.linkHeaderLength
  const packet = bench.packet(bytesOf(out), { protocol: 0, header: false })
  out.release()
  return { packet, headerLength, parse: (given: typeof packet) => link.parseHeader!(given) }
}

function contains(bytes: Uint8Array, part: Uint8Array): boolean {
  return bytes.some((_, at) => part.every((byte, i) => bytes[at + i] === byte))
}
