import { createPacketMemory, GsoType, type Packet } from '@stack/buffer'
import { fifo, segmentCount, type Failure, type Nic, type NicOptions, type Qdisc } from '@stack/core'
import { describe, expect, it } from 'vitest'
import { bench, type Bench } from './support/bench.ts'
import { FakeLink, type FakeLinkOptions } from './support/fake-link.ts'
import { segmentsOf, superPacket, type SuperFields } from './support/super-packet.ts'

const ETHERTYPE = 0x88b5

interface Line extends Bench {
  readonly link: FakeLink
  readonly nic: Nic
}

async function line(options: FakeLinkOptions = {}, nicOptions: NicOptions = {}, slots?: number): Promise<Line> {
  const made = bench(slots === undefined ? {} : { slots })
  const link = new FakeLink({ mtu: 1500, ...options })
  return { ...made, link, nic: await made.stack.addNic(link, nicOptions) }
}

function send(l: Line, packet: Packet): Failure {
  return l.nic.networkInterface.writePacketTo(l.link.framing === 'ethernet' ? Uint8Array.of(2, 0, 0, 0, 0, 9) : null, ETHERTYPE, packet)
}

function sendNow(l: Line, fields: SuperFields): Failure {
  const failure = send(l, superPacket(l.stack.memory, fields))
  l.clock.scheduler.run()
  return failure
}

const frames = (l: Line): number[][] => l.link.sent.map((bytes) => [...bytes])

function expectNothingHeld(l: Line): void {
  l.stack.destroy()
  expect([l.memory.statistics.packetsOut, l.memory.statistics.chunksOut, l.memory.statistics.doubleRelease]).toEqual([0, 0, 0])
}

describe('a super-packet on a link that cannot cut', () => {
  const FIN_PSH_CWR = 0x10 | 0x01 | 0x08 | 0x80
  it.each([
    ['TCP over IPv4, contiguous', { mss: 100, text: 450 }],
    ['TCP over IPv6, contiguous', { version: 6, mss: 100, text: 450 }],
    ['TCP over IPv4, a range', { mss: 100, text: 450, chunk: 450 }],
    ['TCP over IPv6, a range over chunks of odd size', { version: 6, mss: 100, text: 1450, chunk: 33 }],
    ['an odd segment size', { mss: 101, text: 400, chunk: 77 }],
    ['a multiple of the segment size', { mss: 100, text: 400 }],
    ['segments shorter than their headers', { mss: 7, text: 60 }],
    ['FIN and PSH on the last, CWR on the first', { mss: 100, text: 350, flags: FIN_PSH_CWR }],
    ['a sequence number that wraps', { mss: 100, text: 350, sequence: 0xffffff80 }],
    ['an id each where fragments are allowed', { mss: 100, text: 350, dontFragment: false, id: 0xfffe }],
    ['the id that was given where they are not', { mss: 100, text: 350, id: 7 }],
    ['UDP over IPv4', { udp: true, mss: 100, text: 350, dontFragment: false, id: 3 }],
    ['UDP over IPv6', { udp: true, version: 6, mss: 101, text: 350, chunk: 99 }],
    ['more segments than a batch takes', { mss: 10, text: 1500, chunk: 1500 }],
  ] as const)('leaves as what would have been sent one by one: %s', async (_what, fields: SuperFields) => {
    for (const framing of ['ip', 'ethernet'] as const) {
      const l = await line({ framing })
      const seen: number[] = []
      l.nic.tap((_direction, _nic, _protocol, packet) => void seen.push(packet.length))
      expect(sendNow(l, fields)).toBeNull()
      const expected = segmentsOf(fields)
      const header = framing === 'ip' ? 0 : 14
      expect(frames(l).map((frame) => frame.slice(header))).toEqual(expected)
      expect(seen).toEqual(expected.map((packet) => packet.length + header))
      expect(l.nic.statistics).toMatchObject({ txPackets: expected.length, txBytes: seen.reduce((sum, bytes) => sum + bytes, 0) })
      expectNothingHeld(l)
    }
  })

  it('stays between what was sent before and behind, whatever the link takes at once', async () => {
    const l = await line()
    l.link.room = 0
    send(l, superPacket(l.stack.memory, { mss: 100, text: 90, sequence: 1 }))
    send(l, superPacket(l.stack.memory, { mss: 10, text: 1000, chunk: 500, sequence: 2 }))
    send(l, superPacket(l.stack.memory, { mss: 100, text: 90, sequence: 3 }))
    l.clock.scheduler.run()
    for (const room of [1, 2, 40, 3, 64, 64, 64]) {
      l.link.room = room
      l.link.dispatcher!.writable()
    }
    expect(frames(l)).toEqual([
      ...segmentsOf({ mss: 100, text: 90, sequence: 1 }), ...segmentsOf({ mss: 10, text: 1000, sequence: 2 }), ...segmentsOf({ mss: 100, text: 90, sequence: 3 }),
    ])
    expect(l.nic.statistics.txPackets).toBe(102)
    expectNothingHeld(l)
  })

  it('keeps its order through a discipline of somebody else, too', async () => {
    const held: Packet[] = []
    const stack: Qdisc = {
      name: 'array',
      paces: false,
      nextDeparture: Infinity,
      dropped: 0,
      get length() {
        return held.length
      },
      attach: () => undefined,
      enqueue: (packet) => held.push(packet) > 0,
      dequeue: () => held.shift() ?? null,
      requeue: (packet) => void held.unshift(packet),
      clear: () => {
        for (const packet of held.splice(0)) packet.release()
      },
    }
    const l = await line({}, { qdisc: stack })
    l.link.room = 5
    sendNow(l, { mss: 10, text: 1000 })
    expect(l.link.batches).toEqual([64])
    // What the link did not take, and one packet that is the rest.
    expect(held.length).toBe(60)
    l.link.room = Infinity
    l.link.dispatcher!.writable()
    expect(frames(l)).toEqual(segmentsOf({ mss: 10, text: 1000 }))
    expectNothingHeld(l)
  })

  it('is dropped with all that is left of it when the NIC goes', async () => {
    const l = await line()
    l.link.room = 5
    sendNow(l, { mss: 10, text: 1000, chunk: 400 })
    await l.nic.remove()
    expect(l.link.sent.length).toBe(5)
    expectNothingHeld(l)
  })

  it('returns its credit bit by bit, all of it in the end', async () => {
    const l = await line()
    const returned: number[] = []
    const packet = superPacket(l.stack.memory, { mss: 100, text: 250 })
    packet.credit = { returned: (bytes) => void returned.push(bytes) }
    packet.creditBytes = 250
    send(l, packet)
    l.clock.scheduler.run()
    expect(returned).toEqual([100, 100, 50])
    const other = superPacket(l.stack.memory, { mss: 100, text: 250 })
    other.credit = { returned: (bytes) => void returned.push(bytes) }
    send(l, other)
    l.clock.scheduler.run()
    expect(returned.slice(3).reduce((sum, bytes) => sum + bytes, 0)).toBe(250 + 52)
    expectNothingHeld(l)
  })

  it('loses what there is no memory for, and counts each segment of it', async () => {
    const l = await line({}, {}, 8)
    const returned: number[] = []
    const packet = superPacket(l.stack.memory, { mss: 100, text: 1950 })
    packet.credit = { returned: (bytes) => void returned.push(bytes) }
    packet.creditBytes = 1950
    send(l, packet)
    l.clock.scheduler.run()
    expect(frames(l)).toEqual(segmentsOf({ mss: 100, text: 1950 }).slice(0, 7))
    expect(l.nic.statistics).toMatchObject({ txPackets: 7, dropNoMemory: 13 })
    expect(returned.reduce((sum, bytes) => sum + bytes, 0)).toBe(1950)
    expectNothingHeld(l)
  })

  it('is whole when it is one segment, and refused when a segment is more than the MTU', async () => {
    const l = await line({ mtu: 152 })
    expect(sendNow(l, { mss: 100, text: 100 })).toBeNull()
    expect(sendNow(l, { mss: 100, text: 300 })).toBeNull()
    expect(sendNow(l, { mss: 101, text: 300 })).toBe('EMSGSIZE')
    expect([l.link.sent.length, l.nic.statistics.dropTooLarge]).toEqual([4, 1])
    expectNothingHeld(l)
  })

  it.each<[string, (packet: Packet) => void]>([
    ['no segment size', (packet) => (packet.gsoMss = 0)],
    ['a network header shorter than the shortest', (packet) => (packet.gsoL3HeaderLength = 16)],
    ['another length than the header says', (packet) => (packet.gsoL3HeaderLength = 24)],
    ['a network header beyond the packet', (packet) => (packet.gsoL3HeaderLength = 4096)],
    ['the other version', (packet) => (packet.gsoType = GsoType.TcpV6)],
    ['another protocol', (packet) => (packet.gsoType = GsoType.Udp)],
    ['no protocol at all', (packet) => (packet.gsoType = GsoType.Software)],
    ['a data offset shorter than the header', (packet) => packet.view.setUint8(32, 0x40)],
    ['a data offset beyond the bytes', (packet) => packet.trimEnd(50)],
    ['a SYN', (packet) => packet.view.setUint8(33, 0x12)],
    ['a RST', (packet) => packet.view.setUint8(33, 0x14)],
    ['a fragment', (packet) => packet.view.setUint16(6, 0x2000)],
    ['neither IPv4 nor IPv6', (packet) => packet.view.setUint8(0, 0x55)],
  ])('is dropped and counted when its fields lie: %s', async (_what, lie) => {
    const l = await line()
    const packet = superPacket(l.stack.memory, { mss: 100, text: 300 })
    lie(packet)
    expect(send(l, packet)).toBe('EINVAL')
    l.clock.scheduler.run()
    expect([l.link.sent.length, l.nic.statistics.dropBadOffload]).toEqual([0, 1])
    expectNothingHeld(l)
  })

  it('is dropped when it has text of both kinds', async () => {
    const l = await line()
    const packet = superPacket(l.stack.memory, { mss: 100, text: 300 })
    const chunk = l.stack.memory.chunk(10)!
    chunk.append(Uint8Array.of(1, 2, 3), 0, 3)
    packet.attachPayload(chunk, 0, 3)
    chunk.release()
    expect(send(l, packet)).toBe('EINVAL')
    expectNothingHeld(l)
  })
})

describe('a super-packet on a link that takes it', () => {
  it('leaves whole, and counts as the segments that it is', async () => {
    const l = await line({ capabilities: { hardwareGso: true, txChecksumOffload: true } })
    sendNow(l, { mss: 100, text: 350 })
    expect([l.link.sent.length, l.link.sent[0]!.length]).toEqual([1, 52 + 350])
    expect(l.nic.statistics).toMatchObject({ txPackets: 4, txBytes: 350 + 4 * 52 })
    expectNothingHeld(l)
  })

  it('counts its link header with each segment', async () => {
    const l = await line({ framing: 'ethernet', capabilities: { hardwareGso: true, txChecksumOffload: true, resolutionRequired: false } })
    sendNow(l, { mss: 100, text: 350 })
    expect(l.nic.statistics).toMatchObject({ txPackets: 4, txBytes: 350 + 4 * 66 })
    expectNothingHeld(l)
  })

  it('is cut when it is larger than the link takes, or of a kind that it does not', async () => {
    const l = await line({ gsoMaxSize: 500, capabilities: { softwareGso: true, udpGso: false } })
    sendNow(l, { mss: 100, text: 448 })
    sendNow(l, { mss: 100, text: 449 })
    sendNow(l, { udp: true, mss: 100, text: 200 })
    expect(l.link.sent.map((bytes) => bytes.length)).toEqual([500, 152, 152, 152, 152, 101, 128, 128])
    expectNothingHeld(l)
  })
})

describe('what a transport is told', () => {
  it.each([
    ['the NIC cuts', {}, {}, 65_536],
    ['unless it is told not to', {}, { softwareGso: false }, 0],
    ['as much as the device takes', { gsoMaxSize: 20_000, capabilities: { hardwareGso: true } }, {}, 20_000],
    ['and a link without a word takes all', { capabilities: { softwareGso: true } }, { softwareGso: false }, 65_536],
  ])('%s', async (_what, link: FakeLinkOptions, nic: NicOptions, size) => {
    const l = await line(link, nic)
    expect(l.nic.networkInterface.gsoMaxSize).toBe(size)
    expectNothingHeld(l)
  })

  it('cuts what comes from elsewhere, offered or not', async () => {
    const l = await line({}, { softwareGso: false })
    sendNow(l, { mss: 100, text: 350 })
    expect(frames(l)).toEqual(segmentsOf({ mss: 100, text: 350 }))
    expectNothingHeld(l)
  })

  it('says what is wrong with the option', async () => {
    const { stack } = bench()
    await expect(stack.addNic(new FakeLink(), { softwareGso: 1 as never })).rejects.toMatchObject({ code: 'ERR_STACK_INVALID_OPTION' })
    stack.destroy()
  })
})

describe('a queue with a limit', () => {
  it('counts a super-packet as its segments, and takes it while there is room for one', () => {
    const pool = createPacketMemory({ size: 1 << 20 }).pool()
    const make = (text: number): Packet => superPacket(pool, { mss: 100, text })
    const queue = fifo({ limit: 10 })
    const packet = make(900)
    expect([segmentCount(packet), segmentCount(make(1)), segmentCount(pool.allocate(0, 10)!)]).toEqual([9, 1, 1])
    expect([queue.enqueue(packet), queue.enqueue(make(900)), queue.length]).toEqual([true, true, 2])
    expect(queue.enqueue(make(100))).toBe(false)
    const first = queue.dequeue(0)!
    expect(queue.enqueue(make(100))).toBe(true)
    expect(queue.enqueue(make(100))).toBe(false)
    queue.requeue(first)
    queue.clear()
    expect(queue.enqueue(make(100))).toBe(true)
    queue.clear()
  })
})
