import { closeSync, openSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Nic } from '@stack/core'
import { capture, type Capture } from '@stack/link-sniffer'
import { IPV4, IPV6 } from './addresses.ts'
import type { Peer, Service } from './peer.ts'
import { unfinishedFrames } from './unfinished.ts'

/** Enough to see every kind of packet of a long transfer, and little enough to decode in a second. */
const PACKETS = 20_000
/** Bytes of a capture file without a packet: more than the header of pcap, less than that and a packet. */
const EMPTY = 24

const CHECKSUMS = ['tcp.checksum.status', 'udp.checksum.status', 'icmp.checksum.status', 'icmpv6.checksum.status']
/** What TCP carries is not tested here: dissectors chosen by its ports mind a retransmission, and any body that they take for a header. */
const OPAQUE = '-d tcp.port==1-65535,data'
const DECODE = `tshark ${['ip', 'tcp', 'udp'].map((protocol) => `-o ${protocol}.check_checksum:TRUE`).join(' ')} ${OPAQUE}`
/** Linux finishes TCP checksums in software with 0xffff for 0: the same number, but tshark minds. */
const FROM_KERNEL = `(ip.src == ${IPV4.kernel} or ipv6.src == ${IPV6.kernel})`
const KERNEL_ZERO = `(tcp.checksum == 0xffff and ${FROM_KERNEL})`
/** An ICMP error quotes a packet as it came: with offload the kernel gets one whose checksum is the sum of its pseudo-header. */
const QUOTED = `(icmp.type == 3 or icmpv6.type == 1) and ${FROM_KERNEL}`
const MALFORMED = '_ws.malformed or _ws.short or ip.checksum.status == "Bad"'
const BAD_CHECKSUM = CHECKSUMS.map((field) => `(${field} == "Bad" and not ${field.startsWith('icmp') ? KERNEL_ZERO : `(${KERNEL_ZERO} or (${QUOTED}))`})`).join(' or ')

/**
 * Two captures of a device: tcpdump's at the kernel's end, where checksums are those of the wire or, with offload, the sum of
 * the pseudo-header, and our own at the stack's.
 */
export class Captures {
  private readonly peer: Peer
  private readonly offload: boolean
  private readonly kernelFile: string
  private readonly stackFile: string
  private kernelCapture: Service | null = null
  private stackCapture: Capture | null = null
  private descriptor = -1

  constructor(peer: Peer, folder: string, offload: boolean) {
    this.peer = peer
    this.offload = offload
    this.kernelFile = join(folder, 'kernel.pcap')
    this.stackFile = join(folder, 'stack.pcapng')
  }

  async startAtKernel(device: string): Promise<void> {
    const options = `-U --immediate-mode -B 32768 -s 0 -c ${PACKETS} -Z root`
    this.kernelCapture = await this.peer.start(`tcpdump -i ${device} -w ${this.kernelFile} ${options}`, /listening on/)
  }

  startAtStack(nic: Nic): void {
    const descriptor = (this.descriptor = openSync(this.stackFile, 'w'))
    const running = (this.stackCapture = capture(nic, {
      onBlock: (bytes) => {
        writeSync(descriptor, bytes)
        if (running.packets >= PACKETS) running.stop()
      },
    }))
  }

  /** Ends them. */
  async stop(): Promise<void> {
    this.stackCapture?.stop()
    this.stackCapture = null
    if (this.descriptor >= 0) closeSync(this.descriptor)
    this.descriptor = -1
    await this.kernelCapture?.stop()
  }

  /** Has tshark decode them: no malformed packet and no bad checksum, but for those that a device has yet to finish. */
  async check(): Promise<void> {
    await Promise.all([this.checkFile(this.kernelFile, this.offload), this.checkFile(this.stackFile, false)])
  }

  private async checkFile(file: string, offload: boolean): Promise<void> {
    if (statSync(file).size <= EMPTY) throw new Error(`nothing is in ${file}`)
    const faults = await this.peer.run(`${DECODE} -r ${file} -Y '${MALFORMED} or ${BAD_CHECKSUM}' 2>/dev/null`)
    let lines = faults.split('\n').filter((line) => line !== '')
    if (offload) {
      const unfinished = unfinishedFrames(file)
      const malformed = await this.peer.run(`${DECODE} -r ${file} -Y '${MALFORMED}' 2>/dev/null`)
      lines = lines.filter((line) => !unfinished.has(parseInt(line, 10)) || malformed.includes(line))
    }
    if (lines.length === 0) return
    const first = await this.peer.run(`${DECODE} -r ${file} -Y 'frame.number == ${parseInt(lines[0]!, 10)}' -V -x 2>/dev/null`)
    throw new Error(`tshark does not like in ${file}:\n${lines.slice(0, 20).join('\n')}\nThe first of them:\n${first}`)
  }
}
