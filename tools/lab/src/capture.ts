import { statSync } from 'node:fs'
import type { Peer, Service } from './peer.ts'

/** Enough to see every kind of packet of a long transfer, and little enough to decode in a second. */
const PACKETS = 20_000

/** Bytes of a capture file without a packet. */
const HEADER = 24

const CHECKSUMS = ['ip.checksum.status', 'tcp.checksum.status', 'udp.checksum.status', 'icmp.checksum.status', 'icmpv6.checksum.status']
/** Reassembling the bodies of HTTP is not what is tested, and stumbles over retransmissions. */
const PREFERENCES = [...['ip', 'tcp', 'udp'].map((protocol) => `${protocol}.check_checksum:TRUE`), 'tcp.desegment_tcp_streams:FALSE']
const FAULTS = ['_ws.malformed', '_ws.short', ...CHECKSUMS.map((field) => `${field} == "Bad"`)].join(' or ')

/** What goes over a device, as the kernel sees it. Without offloads its checksums are those of the wire. */
export class Capture {
  private readonly peer: Peer
  private readonly service: Service
  private readonly file: string

  private constructor(peer: Peer, service: Service, file: string) {
    this.peer = peer
    this.service = service
    this.file = file
  }

  static async start(peer: Peer, device: string, file: string): Promise<Capture> {
    return new Capture(peer, await peer.start(`tcpdump -i ${device} -w ${file} -U --immediate-mode -B 32768 -s 0 -c ${PACKETS} -Z root`, /listening on/), file)
  }

  /** Ends it, and has tshark decode it: no malformed packet and no bad checksum. */
  async check(): Promise<void> {
    await this.service.stop()
    if (statSync(this.file).size <= HEADER) throw new Error('nothing was captured')
    const faults = await this.peer.run(`tshark -r ${this.file} ${PREFERENCES.map((preference) => `-o ${preference}`).join(' ')} -Y '${FAULTS}' 2>/dev/null`)
    if (faults !== '') throw new Error(`tshark does not like:\n${faults.split('\n').slice(0, 20).join('\n')}`)
  }
}
