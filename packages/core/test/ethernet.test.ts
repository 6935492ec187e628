import { createPacketMemory, PacketFlag, type Packet } from '@stack/buffer'
import { describe, expect, it } from 'vitest'
import {
  addEthernetHeader,
  BROADCAST_LINK_ADDRESS,
  formatLinkAddress,
  isEthernetDestination,
  parseEthernetHeader,
  parseLinkAddress,
} from '../src/nic/ethernet.ts'

const pool = createPacketMemory({ size: 1 << 20 }).pool()
const own = parseLinkAddress('02:00:00:00:00:01')!
const peer = parseLinkAddress('02:00:00:00:00:02')!

function bytesOf(packet: Packet): number[] {
  return [...packet.bytes.slice(packet.start, packet.end)]
}

function frame(destination: Uint8Array, type: number, payload: number): Packet {
  const packet = pool.allocate(0, 14 + payload)!
  packet.append(Uint8Array.of(...destination, ...peer, type >> 8, type & 255, ...new Array<number>(payload).fill(7)), 0, 14 + payload)
  return packet
}

describe('addEthernetHeader', () => {
  function outgoing(headroom: number): Packet {
    const packet = pool.allocate(headroom, 20)!
    packet.append(Uint8Array.of(0x45, 0), 0, 2)
    packet.networkProtocol = 0x0800
    packet.linkDestination = peer
    return packet
  }

  it('writes destination, own source and EtherType, and pads nothing [RFC1122-2.3.3-ethernet]', () => {
    const packet = outgoing(14)
    expect(addEthernetHeader(packet, own)).toBe(true)
    expect(bytesOf(packet)).toEqual([...peer, ...own, 0x08, 0x00, 0x45, 0])
    expect(packet.linkHeader).toBe(packet.start)
    expect(packet.linkHeaderLength).toBe(14)
    packet.release()
  })

  it('prefers the source of the packet, for bridging', () => {
    const packet = outgoing(14)
    packet.linkSource = Uint8Array.of(2, 9, 9, 9, 9, 9)
    expect(addEthernetHeader(packet, own)).toBe(true)
    expect(bytesOf(packet).slice(6, 12)).toEqual([2, 9, 9, 9, 9, 9])
    packet.release()
  })

  it('does nothing without headroom, destination or source', () => {
    const narrow = outgoing(0)
    expect(addEthernetHeader(narrow, own)).toBe(false)
    const nowhere = outgoing(14)
    nowhere.linkDestination = null
    expect(addEthernetHeader(nowhere, own)).toBe(false)
    const anonymous = outgoing(14)
    expect(addEthernetHeader(anonymous, null)).toBe(false)
    expect(anonymous.length).toBe(2)
    for (const packet of [narrow, nowhere, anonymous]) packet.release()
  })
})

describe('parseEthernetHeader', () => {
  it('finds the EtherType and leaves the packet at its network header [RFC1122-2.3.3-ethernet]', () => {
    const packet = frame(own, 0x86dd, 40)
    expect(parseEthernetHeader(packet)).toBe(0x86dd)
    expect(packet.networkProtocol).toBe(0x86dd)
    expect(packet.length).toBe(40)
    expect(packet.linkHeaderLength).toBe(14)
    expect(packet.flags & (PacketFlag.Broadcast | PacketFlag.Multicast)).toBe(0)
    expect(isEthernetDestination(packet, own)).toBe(true)
    expect(isEthernetDestination(packet, peer)).toBe(false)
    packet.release()
  })

  it('says what kind of group the destination is', () => {
    const broadcast = frame(BROADCAST_LINK_ADDRESS, 0x0806, 28)
    parseEthernetHeader(broadcast)
    expect(broadcast.flags & PacketFlag.Broadcast).not.toBe(0)
    expect(broadcast.flags & PacketFlag.Multicast).toBe(0)
    const multicast = frame(Uint8Array.of(0x33, 0x33, 0, 0, 0, 1), 0x86dd, 28)
    parseEthernetHeader(multicast)
    expect(multicast.flags & PacketFlag.Multicast).not.toBe(0)
    expect(isEthernetDestination(broadcast, own) && isEthernetDestination(multicast, own)).toBe(true)
    broadcast.release()
    multicast.release()
  })

  it.each([0, 1, 13])('finds a frame of %d bytes malformed', (length) => {
    const packet = pool.allocate(0, 14)!
    packet.append(new Uint8Array(14), 0, length)
    expect(parseEthernetHeader(packet)).toBe(-1)
    packet.release()
  })

  it('takes a frame that ends with its header', () => {
    const packet = frame(own, 0x0800, 0)
    expect(parseEthernetHeader(packet)).toBe(0x0800)
    expect(packet.length).toBe(0)
    packet.release()
  })

  it('cuts an 802.3 frame to its length', () => {
    const packet = frame(own, 38, 46)
    expect(parseEthernetHeader(packet)).toBe(4)
    expect(packet.length).toBe(38)
    packet.release()
  })

  it.each([
    ['a length beyond the frame', 47],
    ['neither a length nor an EtherType', 1501],
    ['neither a length nor an EtherType', 0x05ff],
  ])('finds %s malformed', (_, type) => {
    const packet = frame(own, type, 46)
    expect(parseEthernetHeader(packet)).toBe(-1)
    packet.release()
  })
})

describe('link addresses as text', () => {
  it('reads what it writes, and dashes and capitals', () => {
    expect(formatLinkAddress(own)).toBe('02:00:00:00:00:01')
    expect(parseLinkAddress('AA-bb-0C-dd-Ee-ff')).toEqual(Uint8Array.of(0xaa, 0xbb, 0x0c, 0xdd, 0xee, 0xff))
  })

  it.each(['', '02:00:00:00:00', '02:00:00:00:00:01:02', '2:0:0:0:0:1', '02:00:00:00:00:0g', '02:00-00:00:00:01', '020000000001', ' 02:00:00:00:00:01'])(
    'does not read %j',
    (text) => expect(parseLinkAddress(text)).toBeNull(),
  )
})
