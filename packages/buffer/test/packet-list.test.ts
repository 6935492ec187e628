import { createPacketMemory, PacketList, type Packet } from '@stack/buffer'
import { expect, test } from 'vitest'

function all(list: PacketList): Packet[] {
  const packets: Packet[] = []
  for (let packet = list.head; packet !== null; packet = packet.next) packets.push(packet)
  return packets
}

test('a list puts packets last, first and between, and takes the first', () => {
  const pool = createPacketMemory({ size: 1 << 20, simd: false }).pool()
  const [a, b, c, d, e] = Array.from({ length: 5 }, () => pool.allocate(0, 10)!) as [Packet, Packet, Packet, Packet, Packet]
  const list = new PacketList()
  list.insertAfter(null, b)
  list.insertAfter(b, d)
  list.insertAfter(b, c)
  list.unshift(a)
  list.push(e)
  expect(all(list)).toEqual([a, b, c, d, e])
  expect([list.length, list.head, list.tail]).toEqual([5, a, e])
  expect(list.shift()).toBe(a)
  expect(a.next).toBeNull()
  a.release()

  const more = new PacketList()
  more.append(list)
  expect([list.length, list.head, list.tail, more.length]).toEqual([0, null, null, 4])
  expect(more.release()).toBe(4)
  expect([more.shift(), more.tail]).toEqual([null, null])
})
