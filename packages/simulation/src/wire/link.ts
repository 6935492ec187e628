import { PacketList, type Packet } from '@stack/buffer'
import { detachPacket } from '@stack/core'
import type { Framing, LinkCapabilities, LinkEndpoint, Milliseconds, NetworkDispatcher, PacketBatch, Pollable, Timer } from '@stack/core'
import type { Direction } from './direction.ts'

/** ARP hardware type of links without addresses. */
const ARP_NONE = 0xffff

/** One end of a wire, as the NIC of a node has it: what arrives waits here until it is due. */
export class WireEnd implements LinkEndpoint, Pollable {
  readonly apiVersion = 1
  readonly kind = 'wire'
  readonly framing: Framing = 'ip'
  readonly capabilities: LinkCapabilities
  readonly maxHeaderLength = 0
  readonly linkAddress = null
  readonly arpHardwareType: number = ARP_NONE
  readonly mtu: number
  readonly closed: Promise<void>
  queued = false
  peer!: WireEnd
  private readonly out: Direction
  private dispatcher: NetworkDispatcher | null = null
  private timer: Timer | null = null
  private readonly inOrder = new PacketList()
  /** Packets that others overtake, the one that is due first last. */
  private readonly late: Packet[] = []
  private resolveClosed!: () => void

  constructor(out: Direction, mtu: number, checksums: boolean) {
    this.out = out
    this.mtu = mtu
    this.capabilities = {
      resolutionRequired: false, txChecksumOffload: !checksums, rxChecksumOffload: !checksums, scatterGather: !checksums,
    }
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
  }

  get isAttached(): boolean {
    return this.dispatcher !== null
  }

  attach(dispatcher: NetworkDispatcher | null): void {
    this.timer?.cancel()
    this.timer = null
    this.dispatcher = dispatcher
    if (dispatcher === null) {
      this.inOrder.release()
      for (const packet of this.late.splice(0)) packet.release()
      return
    }
    this.timer = dispatcher.host.scheduler.timers.create(() => dispatcher.host.scheduler.pollLink(this))
  }

  writePackets(batch: PacketBatch): number {
    const { now } = this.dispatcher!.host.scheduler
    for (let i = 0; i < batch.length; i++) this.send(batch[i]!, now)
    return batch.length
  }

  writeRawPacket(packet: Packet): boolean {
    this.send(packet, this.dispatcher!.host.scheduler.now)
    return true
  }

  close(): void {
    this.attach(null)
    this.resolveClosed()
  }

  poll(budget: number): number {
    const { dispatcher } = this
    if (dispatcher === null) return 0
    const { now } = dispatcher.host.scheduler
    let count = 0
    while (count < budget) {
      const packet = this.takeDue(now)
      if (packet === null) break
      packet.earliestDeparture = 0
      count++
      this.peer.out.arrived(packet.length)
      dispatcher.deliverNetworkPacket(packet.networkProtocol, packet)
      // Delivery may remove the NIC.
      if (this.dispatcher !== dispatcher) return count
    }
    if (count > 0) dispatcher.flush()
    if (count < budget) this.wait()
    return count
  }

  private send(packet: Packet, now: Milliseconds): void {
    // Here the packet leaves its host: what is under way does not count as queued in the sender.
    const { out } = this
    const isOnItsWay = out.enter(packet, now)
    detachPacket(packet)
    if (isOnItsWay) this.peer.receive(packet, out.arrival, out.isLate)
    else packet.release()
  }

  private receive(packet: Packet, due: Milliseconds, isLate: boolean): void {
    if (this.dispatcher === null) {
      this.peer.out.counters.droppedDetached++
      packet.release()
      return
    }
    packet.earliestDeparture = due
    if (isLate) this.insertLate(packet)
    else this.inOrder.push(packet)
    const isFirst = isLate ? this.late.at(-1) === packet : this.inOrder.head === packet
    if (isFirst) this.wait()
  }

  private insertLate(packet: Packet): void {
    const { late } = this
    let at = late.length
    while (at > 0 && late[at - 1]!.earliestDeparture <= packet.earliestDeparture) at--
    late.splice(at, 0, packet)
  }

  private takeDue(now: Milliseconds): Packet | null {
    const late = this.late.at(-1)
    const { head } = this.inOrder
    if (late !== undefined && late.earliestDeparture <= now && (head === null || late.earliestDeparture < head.earliestDeparture)) {
      this.late.pop()
      return late
    }
    return head !== null && head.earliestDeparture <= now ? this.inOrder.shift() : null
  }

  private wait(): void {
    const due = Math.min(this.inOrder.head?.earliestDeparture ?? Infinity, this.late.at(-1)?.earliestDeparture ?? Infinity)
    if (due !== Infinity) this.timer!.arm(due)
  }
}
