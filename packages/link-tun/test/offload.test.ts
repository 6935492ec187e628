import { ChecksumState, createPacketMemory, GsoType, type Packet, type PacketPool } from '@stack/buffer'
import { manualClock } from '@stack/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import type { TunOptions } from '../src/index.ts'
import { createTun } from '../src/tun.ts'
import { FakeNic, hex } from './fake-nic.ts'
import { FakeSystem } from './fake-system.ts'

const memory = createPacketMemory({ size: 4 << 20 })
const clock = manualClock()
let pool: PacketPool
let system: FakeSystem

beforeEach(() => {
  pool = memory.pool()
  system = new FakeSystem(memory)
  return () => {
    expect(pool.packets).toBe(0)
    expect([...system.openDescriptors]).toEqual([])
  }
})

async function open(options: TunOptions = {}) {
  const link = createTun(options, () => Promise.resolve(system))
  await link.open()
  const nic = new FakeNic(clock, pool)
  link.attach(nic)
  return { link, nic }
}

/** The virtio-net header, with the fields in the order of the struct. */
function header(flags: number, gsoType: number, headerLength: number, gsoSize: number, csumStart: number, csumOffset: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(10))
  view.setUint8(0, flags)
  view.setUint8(1, gsoType)
  for (const [i, field] of [headerLength, gsoSize, csumStart, csumOffset].entries()) view.setUint16(2 + 2 * i, field, true)
  return new Uint8Array(view.buffer)
}

const NEEDS_CSUM = 1
const DATA_VALID = 2
const TCPV4 = 1
const UDP = 3
const TCPV6 = 4
const UDP_L4 = 5
const ECN = 0x80
const CWR = 0x80

/** `length` bytes that look like IP, with TCP behind the IP header where that says no more than 20 bytes. */
function ip(version: 4 | 6, length: number, tcpFlags = 0x10): Uint8Array {
  const bytes = new Uint8Array(length).fill(1)
  const l3 = version === 4 ? 20 : 40
  bytes[0] = version === 4 ? 0x45 : 0x60
  bytes[l3 + 12] = 5 << 4
  bytes[l3 + 13] = tcpFlags
  return bytes
}

/** The same in a frame. */
function frame(packet: Uint8Array): Uint8Array {
  return Uint8Array.of(...new Uint8Array(12), ...(packet[0]! >> 4 === 4 ? [0x08, 0] : [0x86, 0xdd]), ...packet)
}

/** What a NIC gets to know of a packet that comes in. */
function seen(packet: Packet) {
  const { checksumState, checksumStart, checksumOffset, gsoType, gsoMss, gsoL3HeaderLength, start } = packet
  return { checksumState, checksumStart: checksumStart - start, checksumOffset, gsoType, gsoMss, gsoL3HeaderLength }
}

describe('opening', () => {
  const plain = { resolutionRequired: false }
  const offloaded = { resolutionRequired: false, txChecksumOffload: true, rxChecksumOffload: true, hardwareGso: true, udpGso: true, scatterGather: true }

  it('has the capabilities of the device once it is open', async () => {
    const link = createTun({}, () => Promise.resolve(system))
    expect(link.capabilities).toEqual(plain)
    await link.open()
    expect(link.capabilities).toEqual(offloaded)
    expect(link.gsoMaxSize).toBe(65_535)
    link.close()
    expect(system.calls.at(-1)).toBe('TUNSETOFFLOAD 0')
  })

  it('offload: false takes back what the program before has set', async () => {
    const { link } = await open({ offload: false })
    expect(link.capabilities).toEqual(plain)
    expect(link.maxHeaderLength).toBe(0)
    expect(system.calls).toEqual(['open /dev/net/tun', 'TUNSETIFF tun%d 1001', 'TUNSETOFFLOAD 0'])
    link.close()
  })

  it('a kernel without UDP segmentation', async () => {
    system.knownOffloads = 0xf
    const { link } = await open()
    expect(link.capabilities).toEqual({ ...offloaded, udpGso: false })
    expect(system.calls.slice(-2)).toEqual(['TUNSETOFFLOAD 6f', 'TUNSETOFFLOAD f'])
    link.close()
  })

  const refusals: [string, (fake: FakeSystem) => void][] = [
    ['the header', (fake) => (fake.knowsVnetHeader = false)],
    ['its size', (fake) => (fake.failures.setHeaderSize = 22)],
    ['every offload', (fake) => (fake.knownOffloads = 0)],
  ]
  it.each(refusals)('a kernel that refuses %s gets the device without', async (_what, refuse) => {
    refuse(system)
    const { link, nic } = await open()
    expect(link.capabilities.hardwareGso).toBeUndefined()
    expect(system.calls.slice(-3)).toEqual(['open /dev/net/tun', 'TUNSETIFF tun%d 1001', 'TUNSETOFFLOAD 0'])
    expect(system.openDescriptors.size).toBe(1)
    system.receive(Uint8Array.of(0x45, 1))
    system.fire()
    expect(nic.log).toEqual(['800 4501', 'flush'])
    link.close()
  })
})

describe('receiving', () => {
  const none = { checksumState: ChecksumState.None, gsoType: GsoType.None }
  const partial = { checksumState: ChecksumState.Partial, gsoType: GsoType.None, checksumStart: 20, checksumOffset: 16 }
  const cases: [string, Uint8Array, Uint8Array, object][] = [
    ['nothing', header(0, 0, 0, 0, 0, 0), ip(4, 100), none],
    ['nothing, though fields that do not count are set', header(0, 0, 9, 9, 9, 9), ip(4, 100), none],
    ['a checksum that was verified', header(DATA_VALID, 0, 0, 0, 0, 0), ip(4, 100), { ...none, checksumState: ChecksumState.Verified }],
    ['a checksum to be finished', header(NEEDS_CSUM, 0, 0, 0, 20, 16), ip(4, 100), partial],
    ['a checksum whose field is the last of the packet', header(NEEDS_CSUM, 0, 0, 0, 20, 78), ip(4, 100), { ...partial, checksumOffset: 78 }],
    ['TCP over IPv4', header(NEEDS_CSUM, TCPV4, 40, 1460, 20, 16), ip(4, 40 + 4000), { ...partial, gsoType: GsoType.TcpV4, gsoMss: 1460, gsoL3HeaderLength: 20 }],
    ['TCP over IPv4, up to 64 KiB', header(NEEDS_CSUM, TCPV4, 40, 1460, 20, 16), ip(4, 65_535), { gsoType: GsoType.TcpV4 }],
    ['TCP with CWR', header(NEEDS_CSUM, TCPV4 | ECN, 40, 1460, 20, 16), ip(4, 40 + 4000, CWR), { gsoType: GsoType.TcpV4 }],
    ['TCP over IPv6', header(NEEDS_CSUM, TCPV6, 60, 1440, 40, 16), ip(6, 60 + 4000), { checksumStart: 40, gsoType: GsoType.TcpV6, gsoL3HeaderLength: 40 }],
    ['TCP over IPv6 behind an extension header', header(NEEDS_CSUM, TCPV6, 68, 1400, 48, 16), ip(6, 60 + 4000), { gsoL3HeaderLength: 48 }],
    ['datagrams over IPv4', header(NEEDS_CSUM, UDP_L4, 28, 1200, 20, 6), ip(4, 28 + 2500), { gsoType: GsoType.Udp, gsoMss: 1200, gsoL3HeaderLength: 20 }],
    ['datagrams over IPv6', header(NEEDS_CSUM, UDP_L4, 48, 1200, 40, 6), ip(6, 48 + 2500), { gsoType: GsoType.Udp, gsoMss: 1200, gsoL3HeaderLength: 40 }],
    ['one segment, called many', header(NEEDS_CSUM, TCPV4, 40, 1460, 20, 16), ip(4, 40 + 1460), partial],
  ]
  it.each(cases)('TUN: %s', async (_what, says, packet, expected) => {
    const { link, nic } = await open()
    nic.onPacket = (got) => {
      expect(seen(got)).toMatchObject(expected)
      expect(got.bytes.slice(got.start, got.end)).toEqual(packet)
    }
    system.incoming.push(Uint8Array.of(...says, ...packet))
    system.fire()
    expect(nic.log).toHaveLength(2)
    link.close()
  })

  it('TAP: offsets count from the Ethernet header', async () => {
    const { link, nic } = await open({ mode: 'tap' })
    nic.onPacket = (got) => expect(seen(got)).toMatchObject({ checksumState: ChecksumState.Partial, checksumStart: 34, gsoType: GsoType.TcpV4, gsoL3HeaderLength: 20 })
    system.incoming.push(Uint8Array.of(...header(NEEDS_CSUM, TCPV4, 54, 1460, 34, 16), ...frame(ip(4, 5000))))
    system.fire()
    expect(nic.log).toHaveLength(2)
    link.close()
  })

  const lies: [string, Uint8Array, Uint8Array][] = [
    ['a checksum that starts behind the packet', header(NEEDS_CSUM, 0, 0, 0, 120, 16), ip(4, 100)],
    ['a checksum field that ends behind the packet', header(NEEDS_CSUM, 0, 0, 0, 20, 79), ip(4, 100)],
    ['offsets that overflow', header(NEEDS_CSUM, 0, 0, 0, 65_535, 65_535), ip(4, 100)],
    ['segments of no size', header(NEEDS_CSUM, TCPV4, 40, 0, 20, 16), ip(4, 4000)],
    ['segments without a checksum to be finished', header(DATA_VALID, TCPV4, 40, 1460, 20, 16), ip(4, 4000)],
    ['TCP over IPv6 in an IPv4 packet', header(NEEDS_CSUM, TCPV6, 60, 1440, 40, 16), ip(4, 4000)],
    ['TCP over IPv4 in an IPv6 packet', header(NEEDS_CSUM, TCPV4, 60, 1440, 40, 16), ip(6, 4000)],
    ['TCP within the IP header', header(NEEDS_CSUM, TCPV4, 40, 1460, 16, 16), ip(4, 4000)],
    ['TCP within the IPv6 header', header(NEEDS_CSUM, TCPV6, 40, 1460, 36, 16), ip(6, 4000)],
    ['TCP whose header is cut off', header(NEEDS_CSUM, TCPV4, 40, 1, 24, 16), ip(4, 43)],
    ['UDP whose header is cut off', header(NEEDS_CSUM, UDP_L4, 40, 1, 93, 6), ip(4, 100)],
    ['a checksum field that is not TCP\'s', header(NEEDS_CSUM, TCPV4, 40, 1460, 20, 6), ip(4, 4000)],
    ['fragments of one datagram, which were not asked for', header(NEEDS_CSUM, UDP, 28, 1480, 20, 6), ip(4, 4000)],
    ['a type that there is not', header(NEEDS_CSUM, 0x20, 40, 1460, 20, 16), ip(4, 4000)],
    ['nothing behind the header', header(0, 0, 0, 0, 0, 0), new Uint8Array()],
    ['less than a header', new Uint8Array(4), new Uint8Array()],
  ]
  it.each(lies)('drops and counts: %s', async (_what, says, packet) => {
    const { link, nic } = await open()
    system.incoming.push(Uint8Array.of(...says, ...packet))
    system.receive(Uint8Array.of(0x45, 1))
    system.fire()
    expect(nic.log).toEqual(['800 4501', 'flush'])
    expect(link.statistics.rxDropBadOffload).toBe(1)
    link.close()
  })

  it('TAP: a checksum over the Ethernet header is none', async () => {
    const { link, nic } = await open({ mode: 'tap' })
    system.incoming.push(Uint8Array.of(...header(NEEDS_CSUM, 0, 0, 0, 13, 0), ...frame(ip(4, 100))))
    system.fire()
    expect(nic.log).toEqual(['flush'])
    expect(link.statistics.rxDropBadOffload).toBe(1)
    link.close()
  })

  it('larger than the MTU only what will be cut', async () => {
    const { link, nic } = await open()
    system.receive(ip(4, 1600))
    system.incoming.push(Uint8Array.of(...header(NEEDS_CSUM, 0, 0, 0, 20, 16), ...ip(4, 1600)))
    system.fire()
    expect(nic.log).toEqual(['flush'])
    expect(link.statistics.rxDropTooLarge).toBe(2)
    link.close()
  })

  it('is charged for slots of the size that packets need', async () => {
    const { link, nic } = await open()
    const slots: number[] = []
    nic.onPacket = (packet) => slots.push(packet.capacity)
    system.receive(ip(4, 60), ip(4, 192), ip(4, 193), ip(4, 1500))
    system.incoming.push(Uint8Array.of(...header(NEEDS_CSUM, TCPV4, 40, 500, 20, 16), ...ip(4, 1984)))
    system.incoming.push(Uint8Array.of(...header(NEEDS_CSUM, TCPV4, 40, 1460, 20, 16), ...ip(4, 1985)))
    system.receive(ip(4, 60))
    system.fire()
    expect(slots).toEqual([256, 256, 2048, 2048, 2048, 69_632, 256])
    link.close()
  })

  it('a batch ends with its first mebibyte, and the device is still waited for', async () => {
    const { link, nic } = await open()
    for (let i = 0; i < 20; i++) system.incoming.push(Uint8Array.of(...header(NEEDS_CSUM, TCPV4, 40, 1460, 20, 16), ...ip(4, 65_000)))
    system.fire()
    expect(nic.log).toHaveLength(17 + 1)
    expect(system.waitsFor).toEqual({ readable: true, writable: false })
    system.fire()
    expect(nic.log).toHaveLength(20 + 2)
    link.close()
  })

  it('while memory is short small packets come in, and large ones are counted', async () => {
    pool = memory.pool({ quota: 64 << 10 })
    const { link, nic } = await open()
    const sizes: number[] = []
    nic.onPacket = (packet) => sizes.push(packet.length)
    const large = Uint8Array.of(...header(NEEDS_CSUM, TCPV4, 40, 1460, 20, 16), ...ip(4, 5000))
    system.incoming.push(large)
    system.receive(ip(4, 1500))
    system.fire()
    expect(sizes).toEqual([1500])
    expect(link.statistics.rxDropNoMemory).toBe(1)
    link.close()
  })

  it('while memory is as good as used up what ACKs need comes in', async () => {
    pool = memory.pool({ quota: 64 << 10 })
    const held: Packet[] = []
    for (let packet = pool.allocate(0, 2048); packet !== null; packet = pool.allocate(0, 2048)) held.push(packet)
    for (let packet = pool.allocate(0, 256); packet !== null; packet = pool.allocate(0, 256)) held.push(packet)
    const { link, nic } = await open()
    const sizes: number[] = []
    nic.onPacket = (packet) => sizes.push(packet.length)
    system.receive(ip(4, 1500), ip(4, 60), ip(4, 60))
    system.fire()
    expect(sizes).toEqual([60, 60])
    expect(link.statistics.rxDropNoMemory).toBe(1)
    for (const packet of held) packet.release()
    link.close()
  })
})

describe('sending', () => {
  /** A packet of these bytes that TCP left unfinished. */
  function unfinished(bytes: Uint8Array, headroom: number, transport: number): Packet {
    const packet = pool.allocate(headroom, bytes.length)!
    packet.append(bytes, 0, bytes.length)
    packet.checksumState = ChecksumState.Partial
    packet.checksumStart = headroom + transport
    packet.checksumOffset = 16
    return packet
  }

  function superPacket(bytes: Uint8Array, gsoType: GsoType, l3: number, linkHeader = 0): Packet {
    const packet = unfinished(bytes, 64, linkHeader + l3)
    packet.gsoType = gsoType
    packet.gsoMss = 1000
    packet.gsoL3HeaderLength = l3
    if (gsoType === GsoType.Udp) packet.checksumOffset = 6
    return packet
  }

  it('says nothing of what is complete', async () => {
    const { link } = await open()
    const packet = unfinished(ip(4, 100), 64, 20)
    packet.checksumState = ChecksumState.Verified
    packet.bytes.fill(0xff, 0, 64)
    link.writePackets([packet])
    expect(system.writtenHeaders).toEqual([new Uint8Array(10)])
    link.close()
  })

  it('says which checksum is to be finished', async () => {
    const { link } = await open()
    const packet = unfinished(ip(4, 100), 64, 20)
    packet.bytes.fill(0xff, 0, 64)
    link.writePackets([packet])
    expect(system.writtenHeaders).toEqual([header(NEEDS_CSUM, 0, 0, 0, 20, 16)])
    expect(system.written).toEqual([ip(4, 100)])
    link.close()
  })

  const supers: [string, 'tun' | 'tap', (pool: PacketPool) => Packet, Uint8Array][] = [
    ['TCP over IPv4', 'tun', () => superPacket(ip(4, 5000), GsoType.TcpV4, 20), header(NEEDS_CSUM, TCPV4, 40, 1000, 20, 16)],
    ['TCP over IPv4 with CWR', 'tun', () => superPacket(ip(4, 5000, CWR), GsoType.TcpV4, 20), header(NEEDS_CSUM, TCPV4 | ECN, 40, 1000, 20, 16)],
    ['TCP over IPv6', 'tun', () => superPacket(ip(6, 5000), GsoType.TcpV6, 40), header(NEEDS_CSUM, TCPV6, 60, 1000, 40, 16)],
    ['datagrams', 'tun', () => superPacket(ip(4, 5000), GsoType.Udp, 20), header(NEEDS_CSUM, UDP_L4, 28, 1000, 20, 6)],
    ['TCP over IPv4', 'tap', () => superPacket(frame(ip(4, 5000)), GsoType.TcpV4, 20, 14), header(NEEDS_CSUM, TCPV4, 54, 1000, 34, 16)],
  ]
  it.each(supers)('super-packets go out whole: %s over %s', async (_what, mode, make, expected) => {
    const { link } = await open({ mode })
    const packet = make(pool)
    const bytes = packet.bytes.slice(packet.start, packet.end)
    link.writePackets([packet])
    expect(system.writtenHeaders.map(hex)).toEqual([hex(expected)])
    expect(system.written).toEqual([bytes])
    link.close()
  })

  it('a super-packet that somebody else has verified needs no checksum of its own', async () => {
    const { link } = await open()
    const packet = superPacket(ip(4, 5000), GsoType.TcpV4, 20)
    packet.checksumState = ChecksumState.Verified
    link.writePackets([packet])
    expect(system.writtenHeaders.map(hex)).toEqual([hex(header(0, TCPV4, 40, 1000, 0, 0))])
    link.close()
  })

  it('without headroom the header goes in a part of its own', async () => {
    const { link } = await open()
    link.writePackets([unfinished(ip(4, 100), 4, 20)])
    expect(system.writtenHeaders).toEqual([header(NEEDS_CSUM, 0, 0, 0, 20, 16)])
    expect(system.written).toEqual([ip(4, 100)])
    link.close()
  })

  it.each([[0, true], [4, true], [64, true], [0, false], [64, false]])('a payload range in chunks, with %i bytes of headroom, offload %s', async (headroom, offload) => {
    const { link } = await open({ offload })
    const packet = unfinished(ip(4, 40), headroom, 20)
    const payload = attach(packet, [100, 200, 300], 50, 420)
    link.writePackets([packet])
    expect(system.written).toEqual([Uint8Array.of(...ip(4, 40), ...payload)])
    expect(pool.chunks).toBe(0)
    link.close()
  })

  it('a payload range in more chunks than a call takes', async () => {
    const { link } = await open()
    for (const count of [62, 63, 64, 200]) {
      const packet = unfinished(ip(4, 40), 64, 20)
      const payload = attach(packet, Array.from({ length: count }, (_, i) => 1 + (i % 7)), 0, Infinity)
      link.writePackets([packet])
      expect(system.written.splice(0)).toEqual([Uint8Array.of(...ip(4, 40), ...payload)])
    }
    link.close()
  })

  /** Chunks of these sizes, and the range of them that the packet gets. */
  function attach(packet: Packet, sizes: number[], from: number, to: number): number[] {
    const numbers = Array.from({ length: sizes.reduce((sum, size) => sum + size, 0) }, (_, i) => i & 0xff)
    const all = Uint8Array.from(numbers)
    let at = 0
    const chunks = sizes.map((size) => {
      const chunk = pool.chunk(size)!
      chunk.append(all, at, at + size)
      at += size
      return chunk
    })
    for (const [i, chunk] of chunks.entries()) if (i > 0) chunks[i - 1]!.setNext(chunk)
    const end = Math.min(to, all.length)
    expect(packet.attachPayload(chunks[0]!, from, end - from)).toBe(true)
    for (const chunk of chunks) chunk.release()
    return numbers.slice(from, end)
  }

  it('a packet that waits for a full device keeps its bytes', async () => {
    const { link } = await open()
    system.writeErrors.push(11)
    const packet = unfinished(ip(4, 100), 64, 20)
    expect(link.writePackets([packet])).toBe(0)
    expect(link.writePackets([packet])).toBe(1)
    expect(system.written).toEqual([ip(4, 100)])
    link.close()
  })
})
