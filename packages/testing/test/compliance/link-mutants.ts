import { ChecksumState } from '@stack/buffer'
import type { GoodLink } from './good-link.ts'

/** For each case a fault that it alone catches. A mutant replaces members of a good link. */
export const LINK_MUTANTS: Readonly<Record<string, (link: GoodLink) => void>> = {
  // --- life ---
  'describes itself': (link) => {
    link.kind = 'No Name'
  },
  'has an Ethernet address when it carries Ethernet': (link) => {
    link.arpHardwareType = 0xffff
  },
  'knows whether it is attached': (link) => {
    Object.defineProperty(link, 'isAttached', { value: true })
  },
  'delivers nothing without a NIC'(link) {
    const { attach, arrive } = link
    let last = link.dispatcher
    link.attach = (dispatcher) => {
      last = dispatcher ?? last
      attach(dispatcher)
    }
    link.arrive = (bytes) => {
      if (link.dispatcher !== null || link.isClosed) {
        arrive(bytes)
        return
      }
      const packet = last!.host.memory.allocate(0, bytes.length)!
      packet.append(bytes, 0, bytes.length)
      last!.deliverNetworkPacket(link.protocolOf(bytes), packet)
    }
  },
  'releases what waits when its NIC goes'(link) {
    const { attach } = link
    link.attach = (dispatcher) => {
      if (dispatcher === null) link.inbox.length = 0
      attach(dispatcher)
    }
  },
  'releases what it takes without a NIC'(link) {
    const { push } = link
    link.push = (packet) => {
      if (link.dispatcher !== null || link.isClosed) push(packet)
    }
  },
  'works for another NIC after the first has gone'(link) {
    const { attach } = link
    let count = 0
    link.attach = (dispatcher) => {
      attach(dispatcher !== null && count++ > 0 ? null : dispatcher)
    }
  },
  'closed resolves after close, and not before': (link) => {
    link.closed = Promise.resolve()
  },
  'may be closed twice'(link) {
    const { close } = link
    link.close = () => {
      if (link.isClosed) throw new Error('The device is closed.')
      close()
    }
  },
  'delivers nothing after close'(link) {
    const { close } = link
    link.close = () => {
      const { dispatcher } = link
      const waiting = link.inbox.splice(0)
      close()
      dispatcher?.host.scheduler.pollLink({
        queued: false,
        poll() {
          for (const { protocol, packet } of waiting) dispatcher.deliverNetworkPacket(protocol, packet)
          dispatcher.flush()
          return waiting.length
        },
      })
    }
  },
  'releases what it takes after close'(link) {
    const { push } = link
    link.push = (packet) => {
      if (!link.isClosed) push(packet)
    }
  },
  'leaves no timer behind'(link) {
    const { attach } = link
    link.attach = (dispatcher) => {
      dispatcher?.host.scheduler.timers.create(() => {}).armAfter(1e9)
      attach(dispatcher)
    }
  },
  'does not hold the process after close'(link) {
    const { attach } = link
    link.attach = (dispatcher) => {
      dispatcher?.host.ref?.()
      attach(dispatcher)
    }
  },
  'open is over at once when its signal is': (link) => {
    link.open = () => Promise.resolve()
  },
  'setMtu sets the MTU': (link) => {
    link.setMtu = () => {}
  },
  'setLinkAddress sets the link address': (link) => {
    link.setLinkAddress = () => {}
  },
  'says when the carrier goes': (link) => {
    link.disconnect = () => {}
  },
  'says when the carrier comes back': (link) => {
    link.connect = () => {}
  },

  // --- out ---
  'carries what is written, in order, byte for byte'(link) {
    const { receive } = link
    link.receive = () => [...receive()].reverse()
  },
  'carries packets as large as its MTU'(link) {
    const { push } = link
    link.push = (packet) => {
      if (packet.length === link.mtu + link.maxHeaderLength) packet.release()
      else push(packet)
    }
  },
  'does not keep the array of a batch'(link) {
    const { writePackets } = link
    link.writePackets = (batch) => {
      if (link.dispatcher === null || batch.length < 2 || link.outbox.length > 0) return writePackets(batch)
      const { length } = batch
      void Promise.resolve().then(() => writePackets(batch))
      return length
    }
  },
  'releases what it has sent'(link) {
    link.receive = () => link.drain().map((packet, i) => {
      const bytes = link.bytesOf(packet)
      if (i !== 1) packet.release()
      return { bytes }
    })
  },
  'releases what it has sent once'(link) {
    link.receive = () => link.drain().map((packet) => {
      const bytes = link.bytesOf(packet)
      packet.release()
      packet.release()
      return { bytes }
    })
  },
  'returns the credit of a packet that has left'(link) {
    const { push } = link
    link.push = (packet) => {
      packet.credit = null
      push(packet)
    }
  },
  'leaves what it does not take as it is'(link) {
    const { writePackets } = link
    link.writePackets = (batch) => {
      for (const packet of batch) packet.mark = 0
      return writePackets(batch)
    }
  },
  'sends what it takes and nothing else when it fills up'(link) {
    const { writePackets } = link
    link.writePackets = (batch) => {
      const copy = link.isFull ? batch[0]!.clone(link.dispatcher!.host.memory) : null
      if (copy !== null) link.push(copy)
      return writePackets(batch)
    }
  },
  'says writable when it has room again': (link) => {
    link.writable = () => {}
  },
  'takes packets again when it has room again'(link) {
    const { writePackets } = link
    let isStuck = false
    link.writePackets = (batch) => {
      isStuck ||= link.isFull
      if (!isStuck) return writePackets(batch)
      link.refused = true
      return 0
    }
  },
  'writeRawPacket sends a finished packet as it is'(link) {
    const { writeRawPacket } = link
    link.writeRawPacket = (packet) => {
      packet.append(Uint8Array.of(0), 0, 1)
      return writeRawPacket(packet)
    }
    link.injectOutbound = (_destination, bytes) => {
      const packet = link.packetOf(bytes)
      return packet !== null && writeRawPacket(packet)
    }
  },
  'writeRawPacket owns the packet even if it drops it'(link) {
    const { writeRawPacket } = link
    link.writeRawPacket = (packet) => !link.isFull && writeRawPacket(packet)
  },
  'finishes partial checksums or hands them on as partial'(link) {
    const { push } = link
    link.push = (packet) => {
      packet.checksumState = ChecksumState.None
      push(packet)
    }
  },
  'carries the payload range of a packet'(link) {
    link.bytesOf = (packet) => packet.bytes.slice(packet.start, packet.end)
  },
  'carries super-packets, whole or cut': (link) => {
    link.gsoMaxSize = 1000
  },
  'does not deliver from within a write'(link) {
    const { writePackets } = link
    link.writePackets = (batch) => {
      link.poll(64)
      return writePackets(batch)
    }
  },

  // --- in ---
  'delivers what comes in, in order, byte for byte'(link) {
    link.enqueue = (inbound) => {
      link.inbox.unshift(inbound)
      link.dispatcher?.host.scheduler.pollLink(link)
    }
  },
  'delivers packets as large as its MTU'(link) {
    const { arrive } = link
    link.arrive = (bytes) => {
      if (bytes.length < link.mtu) arrive(bytes)
    }
  },
  'delivers all that waits, however much'(link) {
    const { poll } = link
    link.poll = (budget) => Math.min(poll(budget), budget - 1)
  },
  'delivers one budget of packets at most in a batch'(link) {
    const { poll } = link
    link.poll = () => poll(Infinity)
  },
  'delivers inside turns'(link) {
    const { enqueue } = link
    link.enqueue = (inbound) => {
      enqueue(inbound)
      link.poll(1)
    }
  },
  'says flush behind a batch'(link) {
    const { poll } = link
    link.poll = (budget) => {
      const { dispatcher } = link
      if (dispatcher === null) return 0
      const flush = dispatcher.flush.bind(dispatcher)
      dispatcher.flush()
      dispatcher.flush = () => {}
      const count = poll(budget)
      dispatcher.flush = flush
      return count
    }
  },
  'tells the protocol of bare packets': (link) => {
    link.protocolOf = () => (link.framing === 'ethernet' ? 0 : 0x0800)
  },
  'vouches for no checksum that it has not verified'(link) {
    const { enqueue } = link
    link.enqueue = (inbound) => {
      inbound.packet.checksumState = ChecksumState.Verified
      enqueue(inbound)
    }
  },
  'charges what it delivers to nobody but its NIC, and gives it away'(link) {
    const { poll } = link
    link.poll = (budget) => {
      const first = link.inbox[0]
      const count = poll(budget)
      if (count > 0) first?.packet.release()
      return count
    }
  },
  'delivers nothing more when its NIC goes in the midst of a batch'(link) {
    link.poll = (budget) => {
      const { dispatcher } = link
      if (dispatcher === null) return 0
      const batch = link.inbox.splice(0, budget)
      for (const { protocol, packet } of batch) dispatcher.deliverNetworkPacket(protocol, packet)
      dispatcher.flush()
      return batch.length
    }
  },
  'injectInbound delivers as if from the wire': (link) => {
    link.injectInbound = (_protocol, packet) => packet.release()
  },
  'injectInbound owns the packet when nobody is attached'(link) {
    const { injectInbound } = link
    link.injectInbound = (protocol, packet) => {
      if (link.dispatcher !== null) injectInbound(protocol, packet)
    }
  },
  'injectOutbound sends bytes as they are': (link) => {
    link.injectOutbound = () => true
  },

  // --- link header ---
  'parseHeader reads the protocol that addHeader wrote'(link) {
    const parse = link.parseHeader
    if (parse === undefined) return
    link.parseHeader = (packet) => {
      const protocol = parse(packet)
      return protocol === 0x88b5 ? -1 : protocol
    }
  },
  'parseHeader leaves the network packet'(link) {
    const parse = link.parseHeader
    if (parse === undefined) return
    link.parseHeader = (packet) => {
      const protocol = parse(packet)
      packet.trimStart(1)
      return protocol
    }
  },
  'addHeader needs no more headroom than it says': (link) => {
    link.maxHeaderLength = Math.max(0, link.maxHeaderLength - 4)
  },
  'addHeader without headroom does nothing'(link) {
    const add = link.addHeader
    if (add === undefined) return
    link.addHeader = (packet) => {
      const isAdded = add(packet)
      if (!isAdded) packet.trimStart(1)
      return isAdded
    }
  },
  'addHeader writes the source that the packet names'(link) {
    const add = link.addHeader
    if (add === undefined) return
    link.addHeader = (packet) => {
      packet.linkSource = null
      return add(packet)
    }
  },
  'parseHeader refuses headers that are cut off'(link) {
    const parse = link.parseHeader
    if (parse === undefined) return
    link.parseHeader = (packet) => (packet.length === 13 ? 0x0800 : parse(packet))
  },
  'parseHeader tells packets of other hosts'(link) {
    const parse = link.parseHeader
    if (parse === undefined) return
    link.parseHeader = (packet) => {
      const protocol = parse(packet)
      return protocol === -2 ? packet.networkProtocol : protocol
    }
  },
  'parseHeader marks broadcasts'(link) {
    const parse = link.parseHeader
    if (parse === undefined) return
    link.parseHeader = (packet) => {
      const { flags } = packet
      const protocol = parse(packet)
      packet.flags = flags
      return protocol
    }
  },
}
