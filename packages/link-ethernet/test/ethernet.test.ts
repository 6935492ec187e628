import { describe, expect, test } from 'vitest'
import { ChecksumState, PacketFlag, type Packet } from '@stack/buffer'
import { createStack, isStackError, type LinkCapabilities, type LinkEndpoint, type Nic, type StackBase } from '@stack/core'
import { pipe, type PipeEnd, type PipeOptions } from '@stack/link-pipe'
import { fakeNic, leaksOf, manualClock, type FakeNic } from '@stack/testing'
import { ethernet, type EthernetLink, type EthernetOptions } from '../src/index.ts'

const OWN = [2, 0, 0, 0, 0, 1]
const PEER = [2, 0, 0, 0, 0, 2]
const ALL = [255, 255, 255, 255, 255, 255]
const GROUP = [1, 0, 0x5e, 0, 0, 1]
const OTHER_GROUP = [1, 0, 0x5e, 0, 0, 2]

interface Bench {
  readonly stack: StackBase
  readonly nic: Nic
  readonly link: EthernetLink<PipeEnd>
  /** At the other end, without a stack: frames as bytes. */
  readonly wire: FakeNic
  /** What the NIC handed on, as `protocol: bytes` in hexadecimal. */
  readonly delivered: string[]
  send(bytes: readonly number[], prepare?: (packet: Packet) => void): Promise<void>
  receive(...frames: (readonly number[])[]): Promise<void>
}

/** A stack without protocols on an Ethernet link over a pipe of bare bytes; a packet endpoint sees what is for us. */
async function bench(options: EthernetOptions = {}, pipeOptions: PipeOptions = {}, nicOptions: { readonly promiscuous?: boolean } = {}): Promise<Bench> {
  const clock = manualClock()
  const [left, right] = pipe(pipeOptions)
  const link = ethernet(left, { linkAddress: Uint8Array.from(OWN), ...options })
  const stack = createStack({ plugins: [], clock })
  const nic = await stack.addNic(link, nicOptions)
  const wire = fakeNic(clock)
  wire.attach(right)
  const delivered: string[] = []
  return {
    stack, nic, link, wire, delivered,
    send: async (bytes, prepare) => {
      const packet = stack.memory.allocate(nic.networkInterface.linkHeaderLength, bytes.length)!
      packet.append(Uint8Array.from(bytes), 0, bytes.length)
      prepare?.(packet)
      nic.networkInterface.writePacketTo(Uint8Array.from(PEER), 0x0800, packet)
      await clock.settle()
    },
    receive: async (...frames) => {
      wire.send(...frames)
      await clock.settle()
    },
  }
}

const text = (bytes: readonly number[] | Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

describe('on the way out', () => {
  test('a frame has destination, source and EtherType', async () => {
    const b = await bench()
    await b.send([0x45, 1, 2])
    expect(b.wire.receivedHex).toEqual([text([...PEER, ...OWN, 8, 0, 0x45, 1, 2])])
    expect(b.nic.statistics).toMatchObject({ txPackets: 1, txBytes: 17 })
  })

  test('a VLAN adds its tag', async () => {
    const b = await bench({ vlan: 0x123 })
    await b.send([0x45, 1])
    expect(b.wire.receivedHex).toEqual([text([...PEER, ...OWN, 0x81, 0, 0x01, 0x23, 8, 0, 0x45, 1])])
  })

  test('the source of a bridged packet is kept', async () => {
    const b = await bench({ vlan: 5 })
    const packet = b.stack.memory.allocate(18, 1)!
    packet.linkDestination = Uint8Array.from(PEER)
    packet.linkSource = Uint8Array.from([2, 9, 9, 9, 9, 9])
    expect(b.link.addHeader!(packet)).toBe(true)
    expect(text(packet.bytes.slice(packet.start, packet.start + 12))).toBe(text([...PEER, 2, 9, 9, 9, 9, 9]))
    packet.release()
  })

  test.each([[{}, 14], [{ vlan: 5 }, 18]])('%o: no header without headroom or destination', async (options, length) => {
    const b = await bench(options)
    const packet = b.stack.memory.allocate(length - 1, 1)!
    packet.linkDestination = Uint8Array.from(PEER)
    expect(b.link.addHeader!(packet)).toBe(false)
    packet.linkDestination = null
    expect(b.link.addHeader!(packet)).toBe(false)
    expect(packet.linkHeader).toBe(-1)
    packet.release()
    expect(b.link.maxHeaderLength).toBe(length)
  })

  test('short frames are filled up with zeros when asked to', async () => {
    const b = await bench({ padTo60: true })
    await b.send([0x45, 1])
    expect(b.wire.receivedHex).toEqual([text([...PEER, ...OWN, 8, 0, 0x45, 1, ...Array<number>(44).fill(0)])])

    const tagged = await bench({ padTo60: true, vlan: 5 })
    await tagged.send([0x45])
    await tagged.send(Array<number>(42).fill(7))
    await tagged.send(Array<number>(43).fill(7))
    expect(tagged.wire.received.map(({ bytes }) => bytes.length)).toEqual([60, 60, 61])
  })

  test('padding leaves an unfinished checksum right', async () => {
    const b = await bench({ padTo60: true })
    await b.send([1, 2, 3, 0, 0], (packet) => {
      packet.checksumState = ChecksumState.Partial
      packet.checksumStart = packet.start
      packet.checksumOffset = 3
    })
    const plain = await bench()
    await plain.send([1, 2, 3, 0, 0], (packet) => {
      packet.checksumState = ChecksumState.Partial
      packet.checksumStart = packet.start
      packet.checksumOffset = 3
    })
    expect(b.wire.receivedHex[0]!.slice(0, 38)).toBe(plain.wire.receivedHex[0])
  })

  test('raw frames go as they are, with the tag of the VLAN', async () => {
    const b = await bench({ vlan: 5 })
    const frame = [...PEER, ...OWN, 8, 0, 0x45, 1]
    const tagged = [...PEER, ...OWN, 0x81, 0, 0, 5, 8, 0, 0x45, 1]
    const write = (bytes: readonly number[], headroom: number): boolean => {
      const packet = b.stack.memory.allocate(headroom, bytes.length)!
      packet.append(Uint8Array.from(bytes), 0, bytes.length)
      return b.link.writeRawPacket(packet)
    }
    expect(write(frame, 4)).toBe(true)
    expect(write(frame, 0)).toBe(true)
    expect(write(tagged, 0)).toBe(true)
    expect(write([1, 2, 3], 4)).toBe(false)
    await b.receive()

    expect(b.wire.receivedHex).toEqual([text(tagged), text(tagged), text(tagged)])
    expect(b.stack.memory.packets).toBe(0)
  })
})

describe('on the way in', () => {
  const accepted = async (b: Bench, frames: readonly (readonly number[])[]): Promise<readonly boolean[]> => {
    const answers: boolean[] = []
    for (const frame of frames) {
      // Without protocols every packet for us ends as one of an unknown protocol.
      const before = b.nic.statistics.dropUnknownProtocol
      await b.receive(frame)
      answers.push(b.nic.statistics.dropUnknownProtocol > before)
    }
    return answers
  }
  const frame = (destination: readonly number[], rest: readonly number[] = [8, 0, 0x45]): number[] => [...destination, ...PEER, ...rest]
  const tagged = (vlan: number, destination: readonly number[] = OWN): number[] => frame(destination, [0x81, 0, vlan >> 8, vlan & 255, 8, 0, 0x45])

  test('own address, broadcast and groups are for us', async () => {
    const b = await bench()
    expect(await accepted(b, [frame(OWN), frame(ALL), frame(GROUP), frame(PEER)])).toEqual([true, true, true, false])
    expect(b.link.statistics).toMatchObject({ otherHost: 1, otherGroup: 0 })
    expect(b.nic.statistics.dropOtherHost).toBe(1)
  })

  test('a filter leaves out other groups, never broadcast', async () => {
    const b = await bench({ multicastFilter: [Uint8Array.from(GROUP)] })
    expect(await accepted(b, [frame(GROUP), frame(OTHER_GROUP), frame(ALL)])).toEqual([true, false, true])
    expect(b.link.statistics.otherGroup).toBe(1)
  })

  test('everything is, for a promiscuous link, and for a promiscuous NIC', async () => {
    const link = await bench({ promiscuous: true, multicastFilter: [] })
    expect(await accepted(link, [frame(PEER), frame(OTHER_GROUP)])).toEqual([true, true])
    const nic = await bench({}, {}, { promiscuous: true })
    expect(await accepted(nic, [frame(PEER)])).toEqual([true])
    nic.nic.setPromiscuous(false)
    expect(await accepted(nic, [frame(PEER)])).toEqual([false])
  })

  test('a new address is in force at once', async () => {
    const b = await bench()
    b.link.setLinkAddress!(Uint8Array.from(PEER))
    expect(await accepted(b, [frame(PEER), frame(OWN)])).toEqual([true, false])
  })

  test('the header is consumed, and groups are marked', async () => {
    const b = await bench()
    const seen: unknown[] = []
    b.stack.registerPacketEndpoint(b.nic.id, 0x0800, { handlePacket: (_nicId, _address, protocol, packet) => {
      seen.push([protocol, packet.start - packet.linkHeader, packet.flags])
      packet.release()
    } })
    await b.receive(frame(OWN), frame(ALL), frame(GROUP))
    expect(seen).toEqual([[0x0800, 14, 0], [0x0800, 14, PacketFlag.Broadcast], [0x0800, 14, PacketFlag.Multicast]])
  })

  test('a tagged header too', async () => {
    const b = await bench({ vlan: 5 })
    const seen: unknown[] = []
    b.stack.registerPacketEndpoint(b.nic.id, 0x0800, { handlePacket: (_nicId, address, protocol, packet) => {
      seen.push([protocol, packet.start - packet.linkHeader, packet.flags, packet.bytes[packet.start], text(address!)])
      packet.release()
    } })
    await b.receive(tagged(5), tagged(5, ALL), tagged(5, GROUP))
    expect(seen).toEqual([0, PacketFlag.Broadcast, PacketFlag.Multicast].map((flag) => [0x0800, 18, flag, 0x45, text(PEER)]))
  })

  test('a port of a VLAN takes its own frames only, whatever their priority', async () => {
    const b = await bench({ vlan: 5 })
    expect(await accepted(b, [tagged(5), tagged(0xe005), tagged(6), tagged(0), frame(OWN)])).toEqual([true, true, false, false, false])
    expect(b.link.statistics.otherVlan).toBe(3)
  })

  test('not even a promiscuous NIC sees other VLANs', async () => {
    const b = await bench({ vlan: 5, promiscuous: true }, {}, { promiscuous: true })
    expect(await accepted(b, [tagged(6), tagged(5, PEER)])).toEqual([false, true])
  })

  test('without a VLAN a priority tag is taken off, others are not for us', async () => {
    const b = await bench()
    expect(await accepted(b, [tagged(0), tagged(0x6000), tagged(7)])).toEqual([true, true, false])
  })

  test('what is too short or lies is malformed', async () => {
    const b = await bench()
    await b.receive([], OWN, frame(OWN).slice(0, 13), frame(OWN, [0x81, 0, 0]), frame(OWN, [0x81, 0, 0, 0, 0, 9]), frame(OWN, [0, 100, 1]))
    expect(b.link.statistics.malformed).toBe(6)
    expect(b.nic.statistics.dropMalformedLinkHeader).toBe(6)
    expect(b.stack.memory.packets).toBe(0)
  })
})

describe('what the link is', () => {
  test('is made of the one inside', () => {
    const [left] = pipe({ mtu: 1514, trustChecksums: true })
    const link = ethernet(left)
    expect(link).toMatchObject({ kind: 'ethernet', framing: 'ethernet', mtu: 1500, maxHeaderLength: 14, arpHardwareType: 1, lower: left })
    expect(link.capabilities).toMatchObject({ resolutionRequired: true, txChecksumOffload: true, rxChecksumOffload: true })
    expect(link.capabilities).toBe(link.capabilities)
    expect(ethernet(left, { vlan: 1 })).toMatchObject({ mtu: 1496, maxHeaderLength: 18 })
    expect(ethernet(left, { mtu: 1280 }).mtu).toBe(1280)
    link.setMtu!(9000)
    expect([link.mtu, left.mtu]).toEqual([9000, 9014])
  })

  test('around Ethernet, a VLAN costs its tag only and the address stays', () => {
    const [left] = pipe({ framing: 'ethernet' })
    const link = ethernet(left, { vlan: 1 })
    expect([link.mtu, link.maxHeaderLength]).toEqual([1496, 18])
    expect(link.linkAddress).toEqual(left.linkAddress)
  })

  test('addresses drawn are of one host, locally administered, and differ', () => {
    const [left] = pipe()
    const addresses = Array.from({ length: 20 }, () => ethernet(left).linkAddress)
    expect(addresses.every((address) => address.length === 6 && (address[0]! & 3) === 2)).toBe(true)
    expect(new Set(addresses.map(text)).size).toBe(20)
  })

  test('capabilities are read when they are asked for; padding needs the bytes', () => {
    const [left] = pipe()
    let capabilities: LinkCapabilities = { scatterGather: true }
    Object.defineProperty(left, 'capabilities', { get: () => capabilities })
    const link = ethernet(left)
    expect(link.capabilities.scatterGather).toBe(true)
    expect(ethernet(left, { padTo60: true }).capabilities.scatterGather).toBe(false)
    capabilities = { softwareGso: true }
    expect(link.capabilities).toEqual({ softwareGso: true, resolutionRequired: true })
  })

  test('back-pressure, carrier and close pass through', async () => {
    const clock = manualClock()
    const [left, right] = pipe({ limit: 1 })
    const link = ethernet(left)
    const near = fakeNic(clock)
    const far = fakeNic(clock)
    near.attach(link)
    far.attach(right)
    expect(near.send([1], [2])).toBe(1)
    await clock.settle()
    expect(near.writables).toBe(1)
    right.close()
    expect(near.carrier).toBe(false)
    link.close()
    await link.closed
    expect(left.isAttached).toBe(false)
  })

  test('a stack on it leaves nothing behind', async () => {
    const b = await bench()
    await b.send([0x45])
    b.stack.destroy()
    expect(leaksOf(b.stack)).toEqual([])
  })
})

describe('refused', () => {
  const codeOf = (lower: LinkEndpoint, options: EthernetOptions): unknown => {
    try {
      ethernet(lower, options)
      return null
    } catch (error) {
      return isStackError(error) ? error.code : error
    }
  }

  test.each([
    { vlan: 0 }, { vlan: 4095 }, { mtu: 10 }, { linkAddress: Uint8Array.of(1, 2) }, { linkAddress: Uint8Array.from(GROUP) },
    { multicastFilter: [Uint8Array.from(OWN)] }, { multicastFilter: Array.from({ length: 257 }, () => Uint8Array.from(GROUP)) }, { tag: 5 },
  ])('%o', (options) => {
    expect(codeOf(pipe()[0], options)).toBe('ERR_STACK_INVALID_OPTION')
  })

  test('links with a header of their own, or without room', () => {
    expect(codeOf(ethernet(pipe()[0]), {})).toBe('ERR_STACK_NOT_SUPPORTED')
    expect(codeOf(pipe({ mtu: 81 })[0], {})).toBe('ERR_STACK_NOT_SUPPORTED')
    expect(codeOf(pipe({ mtu: 82 })[0], {})).toBeNull()
  })
})
