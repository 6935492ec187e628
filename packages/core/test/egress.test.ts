import { describe, expect, it } from 'vitest'
import { ChecksumState, PacketFlag, type Packet } from '@stack/buffer'
import { fifo, type Nic, type Qdisc, type Route } from '@stack/core'
import { advance, bench, settle, type Bench } from './support/bench.ts'
import { FakeLink, type FakeLinkOptions } from './support/fake-link.ts'
import { FAKE_HEADER, FAKE_PROTOCOL, fakeAddress } from './support/fake-network.ts'
import type { FakeSocket } from './support/fake-transport.ts'

const PEER = fakeAddress(1, 9)
const PEER_LINK = '02:00:00:00:00:09'

interface Line extends Bench {
  readonly link: FakeLink
  readonly nic: Nic
  readonly socket: FakeSocket
}

/** A stack with one NIC, f:1.1, and a socket on port 7; the peer f:1.9 is known. */
async function line(options: FakeLinkOptions = {}, qdisc?: Qdisc): Promise<Line> {
  const made = bench()
  const link = new FakeLink(options)
  const nic = await made.stack.addNic(link, { addresses: ['f:1.1'], ...(qdisc === undefined ? {} : { qdisc }) })
  if (options.framing === 'ethernet') nic.neighbors.addStatic('f:1.9', PEER_LINK)
  return { ...made, link, nic, socket: made.stack.datagrams.open(7) }
}

/** Last byte of each frame: tests number their packets there. */
const marks = (link: FakeLink): number[] => link.sent.map((bytes) => bytes.at(-1)!)

function sendMany({ socket, stack }: Line, ...numbers: number[]): void {
  for (const n of numbers) socket.send(PEER, 9, [n], { run: false })
  stack.clock.scheduler.run()
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i & 0xff)

/** Is the fake transport's checksum (over its header and data) right? */
function checksumHolds(bytes: Uint8Array, from: number): boolean {
  let sum = 0
  for (let i = from; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum === 0xffff
}

describe('batches', () => {
  it('holds what one turn sent, in order, 64 at most', async () => {
    const l = await line()
    sendMany(l, ...upTo(150))
    expect(l.link.batches).toEqual([64, 64, 22])
    expect(marks(l.link)).toEqual(upTo(150))
    expect(l.nic.statistics).toMatchObject({ txPackets: 150, txBytes: 150 * (FAKE_HEADER + 9) })
    l.stack.destroy()
  })

  it('is full for who can wait long before the queue refuses', async () => {
    const l = await line()
    const device = l.nic.networkInterface
    l.link.room = 0
    sendMany(l, ...Array.from({ length: 255 }, (_, i) => i))
    expect(device.isFull).toBe(false)
    sendMany(l, 255)
    expect(device.isFull).toBe(true)
    sendMany(l, 0)
    expect(l.nic.statistics.dropQueueFull).toBe(0)
    l.link.room = Infinity
    l.link.dispatcher!.writable()
    expect(device.isFull).toBe(false)
    expect(l.link.sent).toHaveLength(257)
    l.stack.destroy()
  })

  it('wakes one of who waits for room for each sixteen packets that left or fewer, and all when nothing is left to leave', async () => {
    const l = await line({}, fifo({ limit: 3 }))
    const device = l.nic.networkInterface
    const woken: string[] = []
    const waiter = (name: string) => ({
      dirty: false,
      flushOutput() {
        woken.push(name)
      },
    })
    l.link.room = 0
    sendMany(l, 0, 1, 2)
    expect(device.isFull).toBe(false)
    sendMany(l, 3)
    expect([device.isFull, l.nic.statistics.dropQueueFull]).toEqual([true, 1])
    for (const name of ['a', 'b', 'c', 'd']) device.awaitRoom!(waiter(name))
    const again = waiter('a')
    device.awaitRoom!(again)
    device.awaitRoom!(again)
    l.link.room = 1
    l.link.dispatcher!.writable()
    // Three were taken out for the link, which took one and gave two back.
    expect(woken).toEqual(['a'])
    expect(device.isFull).toBe(false)
    l.link.room = Infinity
    l.link.dispatcher!.writable()
    expect(marks(l.link)).toEqual([0, 1, 2])
    expect(woken).toEqual(['a', 'b', 'c', 'd', 'a'])
    l.stack.destroy()
  })

  describe('turns', () => {
    const taker = (name: string, log: string[]) => ({
      dirty: false,
      takeTurn: (bytes: number): void => void log.push(`${name} ${String(bytes)}`),
      flushOutput: (): void => void log.push(`flush ${name}`),
    })

    it('are given to four at a time, in the order of asking, when there is nothing else to do', async () => {
      const l = await line()
      const device = l.nic.networkInterface
      const log: string[] = []
      for (const name of ['a', 'b', 'c', 'd', 'e']) device.awaitTurn!(taker(name, log))
      expect([device.isContended, log]).toEqual([true, []])
      l.clock.runMicrotasks()
      const turns = (...names: string[]): string[] => [...names.map((name) => `${name} 131072`), ...names.map((name) => `flush ${name}`)]
      expect(log).toEqual([...turns('a', 'b', 'c', 'd'), ...turns('e')])
      expect(device.isContended).toBe(false)
      l.stack.destroy()
    })

    it('are short while the link takes nothing, and none while the queue is full', async () => {
      const l = await line()
      const device = l.nic.networkInterface
      const log: string[] = []
      l.link.room = 0
      sendMany(l, 0)
      device.awaitTurn!(taker('a', log))
      l.clock.runMicrotasks()
      expect(log).toEqual(['a 16384', 'flush a'])
      sendMany(l, ...Array.from({ length: 255 }, (_, i) => i))
      expect([device.isFull, device.isContended]).toEqual([true, true])
      device.awaitTurn!(taker('b', log))
      l.clock.runMicrotasks()
      expect(log).toHaveLength(2)
      l.link.room = Infinity
      l.link.dispatcher!.writable()
      l.clock.runMicrotasks()
      expect(log.slice(2)).toEqual(['b 131072', 'flush b'])
      l.stack.destroy()
    })

    it('are everybody\'s when the NIC goes down', async () => {
      const l = await line()
      const log: string[] = []
      l.link.room = 0
      sendMany(l, ...Array.from({ length: 256 }, (_, i) => i))
      for (const name of ['a', 'b', 'c', 'd', 'e']) l.nic.networkInterface.awaitTurn!(taker(name, log))
      l.nic.down()
      l.clock.runMicrotasks()
      expect(log.filter((entry) => entry.startsWith('flush'))).toHaveLength(5)
      l.stack.destroy()
    })
  })

  it('lets nobody wait for a NIC that went down', async () => {
    const l = await line({}, fifo({ limit: 1 }))
    const device = l.nic.networkInterface
    l.link.room = 0
    sendMany(l, 0, 1)
    const waiter = {
      dirty: false,
      woken: 0,
      flushOutput() {
        this.woken++
      },
    }
    device.awaitRoom!(waiter)
    l.nic.down()
    l.clock.scheduler.run()
    expect([waiter.woken, device.isFull]).toEqual([1, false])
    l.stack.destroy()
  })

  it('leaves what the link does not take in the queue, first in line, until it is writable', async () => {
    const l = await line()
    const taps: number[] = []
    l.nic.tap((_direction, _nic, _protocol, packet) => void taps.push(packet.bytes[packet.end - 1]!))
    l.link.room = 3
    sendMany(l, 0, 1, 2, 3, 4)
    sendMany(l, 5)
    expect(marks(l.link)).toEqual([0, 1, 2])
    expect(l.link.batches).toEqual([5])
    l.link.room = 2
    l.link.dispatcher!.writable()
    expect(marks(l.link)).toEqual([0, 1, 2, 3, 4])
    l.link.room = Infinity
    l.link.dispatcher!.writable()
    l.link.dispatcher!.writable()
    expect(marks(l.link)).toEqual([0, 1, 2, 3, 4, 5])
    expect(taps).toEqual([0, 1, 2, 3, 4, 5])
    expect([l.nic.statistics.txPackets, l.nic.statistics.txBytes, l.stack.memory.packets]).toEqual([6, 6 * (FAKE_HEADER + 9), 0])
    l.stack.destroy()
  })

  it('goes on when the link says writable from within the write', async () => {
    const l = await line()
    l.link.room = 1
    l.link.onWrite = () => {
      l.link.room = 1
      l.link.dispatcher!.writable()
    }
    sendMany(l, 0, 1, 2)
    expect(marks(l.link)).toEqual([0, 1, 2])
    l.stack.destroy()
  })

  it('drops and counts behind the limit of the queue', async () => {
    const l = await line({}, fifo({ limit: 2 }))
    l.link.room = 0
    const answers = [1, 2, 3].map((n) => l.socket.send(PEER, 9, [n], { run: false }))
    expect(answers).toEqual([null, null, 'ENOBUFS'])
    expect([l.nic.statistics.dropQueueFull, l.stack.memory.packets]).toEqual([1, 2])
    await l.nic.remove()
    expect([l.stack.memory.packets, l.nic.statistics.dropDisabled]).toEqual([0, 2])
    l.stack.destroy()
  })

  it('comes back for a discipline that holds packets until their time', async () => {
    const held: Packet[] = []
    let dropped = 0
    const slow: Qdisc = {
      name: 'slow',
      paces: true,
      get length() {
        return held.length
      },
      get dropped() {
        return dropped
      },
      get nextDeparture() {
        return held[0]?.earliestDeparture ?? Infinity
      },
      attach() {},
      enqueue(packet) {
        packet.earliestDeparture = 10 * (held.length + 1)
        if (held.length === 2) {
          dropped++
          packet.release()
        } else held.push(packet)
        return true
      },
      dequeue: (now) => (held.length > 0 && held[0]!.earliestDeparture <= now ? held.shift()! : null),
      requeue: (packet) => void held.unshift(packet),
      clear() {
        for (const packet of held.splice(0)) packet.release()
      },
    }
    const l = await line({}, slow)
    sendMany(l, 1, 2, 3)
    expect(marks(l.link)).toEqual([])
    await advance(l.clock, 10)
    expect(marks(l.link)).toEqual([1])
    await advance(l.clock, 9.5)
    expect(marks(l.link)).toEqual([1])
    await advance(l.clock, 0.5)
    expect(marks(l.link)).toEqual([1, 2])
    expect(l.nic.statistics.dropQueueFull).toBe(1)
    l.stack.destroy()
    expect(l.stack.timers.armed).toBe(0)
  })
})

describe('finishing for the link', () => {
  it('adds the Ethernet header from the neighbour', async () => {
    const l = await line({ framing: 'ethernet' })
    sendMany(l, 5)
    expect([...l.link.sent[0]!.subarray(0, 16)]).toEqual([2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 0xff, 0xe0, 0, FAKE_HEADER + 9])
    l.stack.destroy()
  })

  it('leaves the header to a link that brings its own', async () => {
    const l = await line()
    const own = Object.assign(new FakeLink(), {
      maxHeaderLength: 2,
      addHeader(packet: Packet): boolean {
        const at = packet.pushLinkHeader(2)
        if (at >= 0) packet.view.setUint16(at, packet.networkProtocol)
        return at >= 0
      },
      parseHeader: (packet: Packet): number => (packet.consumeLinkHeader(2) < 0 ? -1 : packet.bytes[packet.linkHeader] === 0 ? -2 : FAKE_PROTOCOL),
    })
    const nic = await l.stack.addNic(own, { addresses: ['f:2.1'] })
    l.socket.send(fakeAddress(2, 9), 9, [1])
    expect([...own.sent[0]!.subarray(0, 4)]).toEqual([0xff, 0xe0, 0, FAKE_HEADER + 9])
    own.receive(0, [0, 1, 2])
    own.receive(0, [1])
    expect(nic.statistics).toMatchObject({ dropOtherHost: 1, dropMalformedLinkHeader: 1 })
    l.stack.destroy()
  })

  it.each([
    ['finishes the checksum', {}, false, ChecksumState.None],
    ['finishes the checksum over stream bytes', {}, true, ChecksumState.None],
    ['leaves it to a link that does that', { txChecksumOffload: true }, false, ChecksumState.Partial],
    ['leaves it to such a link over stream bytes', { txChecksumOffload: true }, true, ChecksumState.Partial],
  ])('%s', async (_what, capabilities, chunk, state) => {
    const l = await line({ capabilities })
    l.socket.send(PEER, 9, 300, { chunk })
    expect(l.link.states).toEqual([state])
    expect(l.link.sent[0]).toHaveLength(FAKE_HEADER + 8 + 300)
    expect(l.link.sent[0]!.at(-1)).toBe(299 & 0xff)
    expect(checksumHolds(l.link.sent[0]!, FAKE_HEADER)).toBe(state === ChecksumState.None)
    l.stack.destroy()
    expect([l.stack.memory.packets, l.stack.memory.chunks]).toEqual([0, 0])
  })

  it('hands stream bytes over as they are to a link that gathers', async () => {
    const l = await line({ capabilities: { scatterGather: true, txChecksumOffload: true } })
    let payload = -1
    l.link.onWrite = (batch) => {
      payload = batch[0]!.payloadLength
    }
    l.socket.send(PEER, 9, 300, { chunk: true })
    expect(payload).toBe(300)
    l.stack.destroy()
  })

  it('drops what is larger than the MTU, at once', async () => {
    const l = await line({ mtu: 100 })
    expect(l.socket.send(PEER, 9, 100 - FAKE_HEADER - 8)).toBeNull()
    expect(l.socket.send(PEER, 9, 100 - FAKE_HEADER - 7)).toBe('EMSGSIZE')
    expect([l.link.sent.length, l.nic.statistics.dropTooLarge]).toEqual([1, 1])
    l.stack.destroy()
  })

  it('makes room for a longer link header when a packet comes with none', async () => {
    const l = await line({ framing: 'ethernet' })
    const packet = l.stack.memory.allocate(0, 100)!
    packet.append(Uint8Array.from(upTo(100)), 0, 100)
    packet.checksumState = ChecksumState.Partial
    packet.checksumStart = 20
    packet.checksumOffset = 6
    packet.bytes[26] = packet.bytes[27] = 0
    expect(l.nic.networkInterface.writePacketTo(Uint8Array.of(2, 0, 0, 0, 0, 9), FAKE_PROTOCOL, packet)).toBeNull()
    l.clock.scheduler.run()
    expect([...l.link.sent[0]!.subarray(14, 20)]).toEqual([0, 1, 2, 3, 4, 5])
    expect(checksumHolds(l.link.sent[0]!, 14 + 20)).toBe(true)
    expect(l.nic.statistics.dropLinkHeader).toBe(0)
    l.stack.destroy()
  })

  it('moves the checksum fields along, for a link that finishes them itself', async () => {
    const l = await line({ framing: 'ethernet', capabilities: { txChecksumOffload: true } })
    const packet = l.stack.memory.allocate(0, 100)!
    packet.end = 100
    packet.checksumState = ChecksumState.Partial
    packet.checksumStart = 20
    packet.checksumOffset = 6
    const starts: number[] = []
    l.link.onWrite = (batch) => void starts.push(batch[0]!.checksumStart - batch[0]!.start)
    l.nic.networkInterface.writePacketTo(Uint8Array.of(2, 0, 0, 0, 0, 9), FAKE_PROTOCOL, packet)
    l.clock.scheduler.run()
    expect(starts).toEqual([14 + 20])
    l.stack.destroy()
  })

  it('drops and counts lies about checksum fields, and packets without room or address for the header', async () => {
    const l = await line({ framing: 'ethernet' })
    const send = (change: (packet: Packet) => void, to: Uint8Array | null = Uint8Array.of(2, 0, 0, 0, 0, 9), room = 256): void => {
      const packet = l.stack.memory.allocate(0, room)!
      packet.end = packet.start + room
      change(packet)
      l.nic.networkInterface.writePacketTo(to, FAKE_PROTOCOL, packet)
      l.clock.scheduler.run()
    }
    send((packet) => {
      packet.checksumState = ChecksumState.Partial
      packet.checksumStart = 250
      packet.checksumOffset = 6
    })
    expect(l.nic.statistics.dropBadOffload).toBe(1)
    send(() => undefined)
    send(() => undefined, null, 100)
    expect(l.nic.statistics.dropLinkHeader).toBe(2)
    expect([l.link.sent.length, l.stack.memory.packets]).toEqual([0, 0])
    l.stack.destroy()
  })
})

describe('what a stack sends to itself', () => {
  it('comes in from the run queue, flagged, contiguous, its checksum trusted', async () => {
    const l = await line()
    expect(l.socket.send(fakeAddress(1, 1), 7, 300, { chunk: true, run: false })).toBeNull()
    expect(l.socket.received).toEqual([])
    l.clock.scheduler.run()
    expect(l.socket.received).toMatchObject([{ from: 'f:1.1', flags: PacketFlag.Looped, checksumState: ChecksumState.Partial, nicId: l.nic.id }])
    expect(l.socket.received[0]!.bytes).toHaveLength(300)
    expect([l.link.sent.length, l.nic.statistics.txPackets]).toEqual([0, 0])
    l.stack.destroy()
    expect([l.stack.memory.packets, l.stack.memory.chunks]).toEqual([0, 0])
  })

  it('returns the credit of a flow when it arrives, not when the receiver is through with it', async () => {
    const l = await line()
    const returned: number[] = []
    const packet = l.stack.memory.allocate(0, 40)!
    packet.append(Uint8Array.from(upTo(40)), 0, 40)
    packet.credit = { returned: (bytes) => void returned.push(bytes) }
    l.nic.networkInterface.loopPacket(0x9999, packet)
    l.clock.scheduler.run()
    expect([returned, l.nic.statistics.dropUnknownProtocol]).toEqual([[40], 1])
    l.stack.destroy()
  })

  it('is bounded: 1,000 packets', async () => {
    const l = await line()
    const answers = new Map<string | null, number>()
    for (let i = 0; i < 1010; i++) {
      const answer = l.socket.send(fakeAddress(1, 1), 7, [i & 0xff], { run: false })
      answers.set(answer, (answers.get(answer) ?? 0) + 1)
    }
    expect([...answers]).toEqual([[null, 1000], ['ENOBUFS', 10]])
    expect(l.nic.statistics.dropLoopFull).toBe(10)
    await settle(l.clock)
    expect([l.socket.received.length, l.stack.memory.packets]).toEqual([1000, 0])
    l.stack.destroy()
  })

  it('goes out and back in for multicast, unless told otherwise or on a loopback link', async () => {
    const l = await line()
    const group = fakeAddress(0xffff, 3)
    expect(l.stack.datagrams.host.joinGroup(0, group)).toBeNull()
    expect(l.socket.send(group, 7, [1])).toBeNull()
    expect([l.link.sent.length, l.socket.received.length]).toEqual([1, 1])
    expect((l.stack.datagrams.host.findRoute(0, null, group, { multicastLoop: false }) as Route).loop).toBe(1)
    const loopback = new FakeLink({ capabilities: { loopback: true } })
    const nic = await l.stack.addNic(loopback, { addresses: ['f:127.1'] })
    expect((l.stack.datagrams.host.findRoute(nic.id, null, group) as Route).loop).toBe(1)
    l.stack.destroy()
  })
})
