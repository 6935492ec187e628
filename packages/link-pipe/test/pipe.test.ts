import { describe, expect, test } from 'vitest'
import { createStack, isStackError } from '@stack/core'
import { ChecksumState, PacketFlag } from '@stack/buffer'
import { fakeNic, leaksOf, manualClock } from '@stack/testing'
import { pipe, type PipeOptions } from '../src/index.ts'

function wire(options: PipeOptions = {}) {
  const clock = manualClock({ start: 1000 })
  const [left, right] = pipe(options)
  const near = fakeNic(clock)
  const far = fakeNic(clock)
  near.attach(left)
  far.attach(right)
  return { clock, left, right, near, far }
}

describe('a packet', () => {
  test('comes out at the other end, in order, with its protocol', async () => {
    const w = wire()
    w.near.send([0x45, 1], [0x60, 2], [0x45, 3])
    w.far.send([0x45, 9])
    await w.clock.settle()

    expect(w.far.receivedHex).toEqual(['4501', '6002', '4503'])
    expect(w.far.received.map(({ protocol }) => protocol)).toEqual([0x0800, 0x86dd, 0x0800])
    expect(w.near.receivedHex).toEqual(['4509'])
    expect([w.near.memory.packets, w.far.memory.packets]).toEqual([0, 0])
  })

  test('is never delivered in the call stack of its sender', async () => {
    const w = wire()
    w.near.send([0x45])
    expect(w.far.received).toHaveLength(0)
    expect(w.right.pending).toBe(1)
    await w.clock.settle()
    expect(w.far.received).toHaveLength(1)
    expect(w.far.flushes).toBe(1)
  })

  test('of an Ethernet pipe is a frame: the NIC reads its header', async () => {
    const w = wire({ framing: 'ethernet' })
    w.near.send([0x45, 1])
    await w.clock.settle()
    expect(w.far.received.map(({ protocol }) => protocol)).toEqual([0])
  })

  test('leaves behind what its sender noted on it', async () => {
    const w = wire()
    const packet = w.near.packet([0x45, 1, 2])
    const returned: number[] = []
    packet.credit = { returned: (bytes) => returned.push(bytes) }
    packet.flags = PacketFlag.Outgoing
    packet.mark = 7
    packet.nicId = 3
    const seen: unknown[] = []
    const deliver = w.far.deliverNetworkPacket.bind(w.far)
    w.far.deliverNetworkPacket = (protocol, arrived) => {
      seen.push([arrived.flags, arrived.mark, arrived.nicId, arrived.credit, arrived.direction, arrived.next])
      deliver(protocol, arrived)
    }
    w.left.writePackets([packet])
    expect(returned).toEqual([3])
    await w.clock.settle()

    expect(seen).toEqual([[0, 0, 0, null, 0, null]])
    expect(returned).toEqual([3])
  })

  test('keeps an unfinished checksum where checksums are trusted', async () => {
    const w = wire({ trustChecksums: true })
    const packet = w.near.packet([0x45, 0, 0, 0])
    packet.checksumState = ChecksumState.Partial
    w.left.writePackets([packet])
    await w.clock.settle()

    expect(w.far.received[0]!.checksumState).toBe(ChecksumState.Partial)
    expect(w.left.capabilities).toMatchObject({ txChecksumOffload: true, rxChecksumOffload: true })
    expect(pipe()[0].capabilities).toMatchObject({ txChecksumOffload: false, rxChecksumOffload: false })
  })

  test('written raw goes the same way', async () => {
    const w = wire({ limit: 1 })
    expect(w.left.writeRawPacket(w.near.packet([0x45, 1]))).toBe(true)
    expect(w.left.writeRawPacket(w.near.packet([0x45, 2]))).toBe(false)
    await w.clock.settle()
    expect(w.far.receivedHex).toEqual(['4501'])
    expect(w.near.memory.packets).toBe(0)
  })
})

describe('latency', () => {
  test('passes before the packet arrives', async () => {
    const w = wire({ latency: 20 })
    w.near.send([0x45, 1])
    await w.clock.advance(7)
    w.near.send([0x45, 2])
    w.far.send([0x45, 3])
    await w.clock.advance(100)

    expect(w.far.received.map(({ at }) => at - 1000)).toEqual([20, 27])
    expect(w.near.received.map(({ at }) => at - 1000)).toEqual([27])
  })
})

describe('limit', () => {
  test('a full pipe takes what fits, and tells the sender when half is gone', async () => {
    const w = wire({ limit: 4 })
    expect(w.near.send(...Array.from({ length: 6 }, (_, i) => [0x45, i]))).toBe(4)
    expect(w.near.send([0x45, 9])).toBe(0)
    expect(w.near.writables).toBe(0)
    await w.clock.settle()

    expect(w.far.receivedHex).toEqual(['4500', '4501', '4502', '4503'])
    expect(w.near.writables).toBe(1)
    expect(w.near.memory.packets).toBe(0)
  })

  test('a packet that was refused is as it was', () => {
    const w = wire({ limit: 1 })
    w.near.send([0x45])
    const packet = w.near.packet([0x45, 1])
    packet.mark = 5
    packet.pushLinkHeader(4)
    expect(w.left.writePackets([packet])).toBe(0)
    expect([packet.mark, packet.linkHeaderLength, packet.length]).toEqual([5, 4, 6])
    packet.release()
  })

  test('a sender that waits hears of it when the other NIC goes', () => {
    const w = wire({ limit: 1 })
    w.near.send([0x45], [0x45])
    w.far.detach()
    expect(w.near.writables).toBe(1)
    expect(w.near.memory.packets).toBe(0)
  })
})

describe('with nobody at the other end', () => {
  test('packets are dropped and counted', () => {
    const w = wire()
    w.far.detach()
    expect(w.near.send([0x45], [0x45])).toBe(2)
    expect(w.left.dropped).toBe(2)
    expect(w.right.dropped).toBe(0)
    expect(w.near.memory.packets).toBe(0)
  })

  test('what was under way is released, and its timer with it', async () => {
    const w = wire({ latency: 50 })
    w.near.send([0x45], [0x45])
    w.far.detach()
    expect(w.near.memory.packets).toBe(0)
    expect(w.clock.scheduler.timers.armed).toBe(0)
    await w.clock.advance(100)
    expect(w.far.received).toHaveLength(0)
  })
})

describe('close', () => {
  test('of one end takes the carrier from the other', async () => {
    const w = wire()
    w.far.send([0x45])
    w.left.close()
    await w.left.closed
    expect(w.far.carrier).toBe(false)
    expect(w.far.memory.packets).toBe(0)
    w.left.close()

    const late = fakeNic(w.clock)
    late.attach(w.right)
    expect(late.carrier).toBe(false)
  })

  test('what is written to a closed end is dropped', () => {
    const w = wire()
    w.left.close()
    const packets = [w.near.packet([0x45]), w.near.packet([0x45])]
    expect(w.left.writePackets(packets)).toBe(2)
    expect(w.left.dropped).toBe(2)
    expect(w.right.pending).toBe(0)
    expect(w.near.memory.packets).toBe(0)
  })

  test('comes with the NIC, and leaves nothing behind', async () => {
    const clock = manualClock()
    const [left, right] = pipe()
    const a = createStack({ plugins: [], clock })
    const b = createStack({ plugins: [], clock })
    const nic = await a.addNic(left)
    const other = await b.addNic(right)
    await nic.remove()
    await left.closed
    expect(other.isUp).toBe(false)
    a.destroy()
    b.destroy()
    expect([...leaksOf(a), ...leaksOf(b)]).toEqual([])
  })
})

describe('options', () => {
  test('are what the ends say', () => {
    const [left, right] = pipe({ mtu: 9000, framing: 'ethernet' })
    expect(left).toMatchObject({ kind: 'pipe', mtu: 9000, framing: 'ethernet', maxHeaderLength: 14, arpHardwareType: 1 })
    expect([left.linkAddress, right.linkAddress]).toEqual([Uint8Array.of(2, 0, 0, 0, 0, 1), Uint8Array.of(2, 0, 0, 0, 0, 2)])
    left.setLinkAddress?.(Uint8Array.of(2, 0, 0, 0, 0, 9))
    left.setMtu?.(1280)
    expect([left.mtu, right.mtu, left.linkAddress![5]]).toEqual([1280, 9000, 9])
    expect(pipe()[0]).toMatchObject({ mtu: 1500, framing: 'ip', maxHeaderLength: 0, linkAddress: null, arpHardwareType: 0xffff })
  })

  test.each([{ mtu: 67 }, { mtu: 65536 }, { framing: 'token-ring' }, { latency: -1 }, { limit: 0 }, { loss: 1 }, { linkAddresses: [Uint8Array.of(1), Uint8Array.of(2)] }])('%o is refused', (options) => {
    let error: unknown
    try {
      pipe(options as PipeOptions)
    } catch (thrown) {
      error = thrown
    }
    expect(isStackError(error) && error.code).toBe('ERR_STACK_INVALID_OPTION')
  })
})
