import type { PacketBatch, Pollable } from '@stack/core'
import { fakeLink, type FakeLink } from '@stack/testing'
import type { Variant } from './variant.ts'

const IPV4 = 0x0800
const IPV6 = 0x86dd

/** A link whose other end is a case: frames go in by batches, the stack's packets are read one by one, and somebody looks on. */
export interface FuzzLink {
  readonly link: FakeLink
  /** Hands frames in; returns how many there was memory for. */
  receive(frames: readonly Uint8Array[]): number
}

/** @param onSent - gets everything that the stack sent, when it is read */
export function fuzzLink(framing: 'ip' | 'ethernet', mtu: number, { linkBatch, inbox }: Variant, onSent: (bytes: Uint8Array) => void): FuzzLink {
  const link = fakeLink({ framing, mtu })
  if (linkBatch < 64) {
    const write = link.writePackets.bind(link)
    const room = new Room(link)
    link.writePackets = (batch: PacketBatch): number => {
      // There is room for more as soon as this turn has time.
      if (batch.length > linkBatch) link.dispatcher?.host.scheduler.enqueue(room)
      return write(batch.slice(0, linkBatch))
    }
  }
  const read = link.tryRead.bind(link)
  link.tryRead = () => {
    const bytes = read()
    if (bytes !== null) onSent(bytes)
    return bytes
  }
  const feed = new Feed(link)
  return {
    link,
    receive(frames) {
      let count = 0
      for (let i = 0; i < frames.length; i += inbox) count += feed.take(frames.slice(i, i + inbox))
      return count
    },
  }
}

/** Says that the link takes more. */
class Room implements Pollable {
  queued = false
  private readonly link: FakeLink

  constructor(link: FakeLink) {
    this.link = link
  }

  poll(): number {
    this.link.dispatcher?.writable()
    return 0
  }
}

/** One batch of a link: all of its packets, then the flush. */
class Feed implements Pollable {
  queued = false
  private readonly link: FakeLink
  private waiting: readonly Uint8Array[] = []
  private taken = 0

  constructor(link: FakeLink) {
    this.link = link
  }

  take(frames: readonly Uint8Array[]): number {
    const { dispatcher } = this.link
    if (dispatcher === null) return 0
    this.waiting = frames
    this.taken = 0
    dispatcher.host.scheduler.pollLink(this)
    dispatcher.host.scheduler.run()
    return this.taken
  }

  poll(): number {
    const frames = this.waiting
    this.waiting = []
    const { dispatcher, framing } = this.link
    for (const bytes of frames) {
      if (this.link.dispatcher === null) return this.taken
      const packet = dispatcher!.host.memory.allocate(0, bytes.length)
      if (packet === null) continue
      packet.append(bytes, 0, bytes.length)
      this.taken++
      dispatcher!.deliverNetworkPacket(framing === 'ethernet' ? 0 : (bytes[0] ?? 0) >> 4 === 6 ? IPV6 : IPV4, packet)
    }
    dispatcher!.flush()
    return frames.length
  }
}
