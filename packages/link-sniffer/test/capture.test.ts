import { describe, expect, test } from 'vitest'
import { isStackError } from '@stack/core'
import { capture } from '../src/index.ts'
import { arp, ethernet, ipv4, MAC_A, MAC_B, pseudoSum, summed, tcp, udp } from './packets.ts'
import { bench, partial, readPcapng } from './support.ts'

const WALL = Date.UTC(2026, 0, 1)

describe('pcapng', () => {
  test('frames of both directions, with times and link headers', async () => {
    const b = await bench('ethernet')
    const blocks: Uint8Array[] = []
    const watching = capture(b.nic, { onBlock: (block) => blocks.push(block) })
    await b.clock.advance(1500.25)
    await b.receive(ethernet(0x0806, arp(1), MAC_B, MAC_A))
    await b.clock.advance(0.5)
    await b.send(0x0806, Uint8Array.from(arp(2)))
    watching.stop()

    const { interfaces, packets } = readPcapng(blocks)
    expect(interfaces).toEqual([{ name: 'net0', linkType: 1, snapLength: 262_144, resolution: 6 }])
    expect(packets).toEqual([
      { interfaceId: 0, micros: (WALL + 1500.25) * 1000, flags: 1, length: 42, bytes: ethernet(0x0806, arp(1), MAC_B, MAC_A) },
      { interfaceId: 0, micros: (WALL + 1500.75) * 1000, flags: 2, length: 42, bytes: ethernet(0x0806, arp(2), MAC_A, MAC_B) },
    ])
    expect(watching).toMatchObject({ packets: 2, bytes: 84, dropped: 0 })
    b.stack.destroy()
  })

  test('bare packets are of link type RAW', async () => {
    const b = await bench('ip')
    const blocks: Uint8Array[] = []
    const watching = capture(b.nic, { onBlock: (block) => blocks.push(block), name: 'tunnel' })
    await b.receive(ipv4(17, udp([1])))
    watching.stop()

    const { interfaces, packets } = readPcapng(blocks)
    expect(interfaces).toMatchObject([{ name: 'tunnel', linkType: 101 }])
    expect(packets.map(({ bytes }) => bytes)).toEqual([ipv4(17, udp([1]))])
    b.stack.destroy()
  })

  test('several NICs are several interfaces', async () => {
    const b = await bench('ip')
    const other = await bench('ethernet')
    const blocks: Uint8Array[] = []
    const watching = capture([b.nic, other.nic], { onBlock: (block) => blocks.push(block) })
    await b.receive(ipv4(17, udp([1])))
    await other.receive(ethernet(0x0806, arp(1)))
    watching.stop()

    const { interfaces, packets } = readPcapng(blocks)
    expect(interfaces.map(({ linkType }) => linkType)).toEqual([101, 1])
    expect(packets.map(({ interfaceId }) => interfaceId)).toEqual([0, 1])
  })

  test('a packet is cut to the snap length and says how long it was', async () => {
    const b = await bench('ip')
    const blocks: Uint8Array[] = []
    const watching = capture(b.nic, { onBlock: (block) => blocks.push(block), snapLength: 21 })
    await b.receive(ipv4(17, udp([1, 2, 3])))
    watching.stop()

    const { packets } = readPcapng(blocks)
    expect(packets[0]).toMatchObject({ length: 31, bytes: ipv4(17, udp([1, 2, 3])).slice(0, 21) })
  })
})

describe('checksums', () => {
  test('an unfinished one is finished in the copy and not in the packet', async () => {
    const b = await bench('ip', true)
    const blocks: Uint8Array[] = []
    const watching = capture(b.nic, { onBlock: (block) => blocks.push(block) })
    const segment = tcp({ payload: [1, 2, 3] })
    await b.send(0x0800, ipv4(6, segment), partial(16, pseudoSum(segment.length, 6)))
    watching.stop()

    expect(readPcapng(blocks).packets[0]!.bytes).toEqual(ipv4(6, summed(segment, 16, 6)))
    expect(b.far.received[0]!.bytes).not.toEqual(ipv4(6, summed(segment, 16, 6)))
  })

  test('that of UDP is never zero', async () => {
    const b = await bench('ip', true)
    const blocks: Uint8Array[] = []
    const watching = capture(b.nic, { onBlock: (block) => blocks.push(block) })
    // A payload of the complement makes the sum 0xffff, the checksum 0.
    const zero = summed(udp([0, 0]), 6, 17).slice(6, 8)
    const datagram = udp([...zero])
    await b.send(0x0800, ipv4(17, datagram), partial(6, pseudoSum(datagram.length, 17)))
    watching.stop()

    expect([...readPcapng(blocks).packets[0]!.bytes.slice(26, 28)]).toEqual([0xff, 0xff])
  })

  test('is summed over a payload that lies elsewhere', async () => {
    const b = await bench('ip', true)
    // A link that takes payload ranges as they are.
    Object.defineProperty(b.nic.link, 'capabilities', { value: { txChecksumOffload: true, scatterGather: true } })
    const blocks: Uint8Array[] = []
    const watching = capture(b.nic, { onBlock: (block) => blocks.push(block) })
    const payload = Array.from({ length: 700 }, (_, i) => i & 0xff)
    const segment = tcp({ payload })
    const first = b.stack.memory.chunk(300)!
    const second = b.stack.memory.chunk(2000)!
    const taken = first.append(Uint8Array.from([9, ...payload]), 0, 257)
    first.setNext(second)
    second.append(Uint8Array.from(payload), taken - 1, payload.length)
    const headers = ipv4(6, segment).slice(0, 40)
    await b.send(0x0800, headers, (packet) => {
      packet.attachPayload(first, 1, payload.length)
      partial(16, pseudoSum(segment.length, 6))(packet)
    })
    watching.stop()

    expect(readPcapng(blocks).packets[0]!.bytes).toEqual(ipv4(6, summed(segment, 16, 6)))
    first.release()
    second.release()
  })
})

describe('text', () => {
  test('a line a packet: seconds from the start, NIC, direction', async () => {
    const b = await bench('ethernet')
    const lines: string[] = []
    const watching = capture(b.nic, { onLine: (line) => lines.push(line) })
    await b.receive(ethernet(0x0806, arp(1), MAC_B, MAC_A))
    await b.clock.advance(1234.5)
    await b.send(0x0806, Uint8Array.from(arp(2)))
    watching.stop()

    expect(lines).toEqual([
      '0.000000 net0 in  ARP, Request who-has 10.0.0.2 tell 10.0.0.1',
      '1.234500 net0 out ARP, Reply 10.0.0.1 is-at 02:00:00:00:00:01',
    ])
  })
})

describe('callbacks', () => {
  test('run last in a turn, not among packets', async () => {
    const b = await bench('ip')
    const inTurn: number[] = []
    const watching = capture(b.nic, { onLine: () => inTurn.push(b.nic.statistics.rxPackets) })
    await b.receive(ipv4(17, udp([1])), ipv4(17, udp([2])))
    expect(inTurn).toEqual([2, 2])
    watching.stop()
  })

  test('one that throws loses no other packet', async () => {
    const b = await bench('ip')
    const lines: string[] = []
    let calls = 0
    const watching = capture(b.nic, { onLine: (line) => {
      if (++calls === 1) throw new Error('disk full')
      lines.push(line)
    } })
    b.far.send(ipv4(17, udp([1])), ipv4(17, udp([2])), ipv4(17, udp([3])))
    b.clock.scheduler.run()
    expect(() => watching.stop()).toThrow('disk full')
    await b.clock.settle()

    expect(lines).toHaveLength(2)
    expect(b.nic.statistics.rxPackets).toBe(3)
  })

  test('what waits is bounded, and the rest counted', async () => {
    const b = await bench('ip')
    const lines: string[] = []
    const watching = capture(b.nic, { onLine: (line) => lines.push(line), limit: 150 })
    await b.receive(...Array.from({ length: 10 }, (_, i) => ipv4(17, udp([i]))))
    await b.receive(ipv4(17, udp([11])))
    watching.stop()

    expect(watching.packets).toBe(lines.length)
    expect(watching.dropped).toBe(11 - lines.length)
    expect(watching.dropped).toBeGreaterThan(5)
    expect(b.nic.statistics.rxPackets).toBe(11)
  })
})

describe('stop', () => {
  test('from within a callback: each packet once, and those that wait still come', async () => {
    const b = await bench('ip')
    const lines: string[] = []
    const watching = capture(b.nic, { onLine: (line) => {
      lines.push(line)
      watching.stop()
    } })
    await b.receive(ipv4(17, udp([1])), ipv4(17, udp([2])))
    await b.receive(ipv4(17, udp([3])))

    expect(lines).toHaveLength(2)
    expect(watching.packets).toBe(2)
  })

  test('hands over what waits, and then the NIC is not watched any more', async () => {
    const b = await bench('ip')
    const blocks: Uint8Array[] = []
    const watching = capture(b.nic, { onBlock: (block) => blocks.push(block) })
    expect(blocks).toHaveLength(0)
    watching.stop()
    expect(blocks).toHaveLength(2)
    await b.receive(ipv4(17, udp([1])))
    watching.stop()

    expect(blocks).toHaveLength(2)
    expect(watching.packets).toBe(0)
  })

  test('a destroyed stack ends it too', async () => {
    const b = await bench('ip')
    const lines: string[] = []
    const watching = capture(b.nic, { onLine: (line) => lines.push(line) })
    await b.receive(ipv4(17, udp([1])))
    b.stack.destroy()
    await b.clock.settle()
    watching.stop()
    expect(lines).toHaveLength(1)
  })
})

describe('options', () => {
  test.each([{}, { onLine: 5 }, { onLine: () => {}, snapLength: 5 }, { onLine: () => {}, format: 'text' }])('%o is refused', async (options) => {
    const b = await bench('ip')
    let error: unknown
    try {
      capture(b.nic, options as never)
    } catch (thrown) {
      error = thrown
    }
    expect(isStackError(error) && error.code).toBe('ERR_STACK_INVALID_OPTION')
  })
})
