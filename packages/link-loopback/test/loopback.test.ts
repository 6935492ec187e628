import { describe, expect, test } from 'vitest'
import { ChecksumState } from '@stack/buffer'
import { createStack, isStackError } from '@stack/core'
import { fakeNic, leaksOf, manualClock } from '@stack/testing'
import { loopback, type LoopbackOptions } from '../src/index.ts'

function looped(options: LoopbackOptions = {}) {
  const clock = manualClock()
  const link = loopback(options)
  const nic = fakeNic(clock)
  nic.attach(link)
  return { clock, link, nic }
}

describe('a packet', () => {
  test('comes back, in order, with its protocol, and not in the call stack of its sender', async () => {
    const { clock, nic } = looped()
    nic.send([0x45, 1], [0x60, 2])
    expect(nic.received).toHaveLength(0)
    await clock.settle()

    expect(nic.receivedHex).toEqual(['4501', '6002'])
    expect(nic.received.map(({ protocol }) => protocol)).toEqual([0x0800, 0x86dd])
    expect(nic.memory.packets).toBe(0)
  })

  test('that is answered from within its delivery makes no recursion', async () => {
    const { clock, nic } = looped()
    let depth = 0
    let deepest = 0
    const deliver = nic.deliverNetworkPacket.bind(nic)
    nic.deliverNetworkPacket = (protocol, packet) => {
      depth++
      deepest = Math.max(deepest, depth)
      deliver(protocol, packet)
      if (nic.received.length < 100) nic.send([0x45, nic.received.length])
      depth--
    }
    nic.send([0x45, 0])
    await clock.settle()

    expect(nic.received).toHaveLength(100)
    expect(deepest).toBe(1)
  })

  test('keeps its unfinished checksum and loses what the sender noted', async () => {
    const { clock, link, nic } = looped()
    const packet = nic.packet([0x45, 0, 0, 0])
    packet.checksumState = ChecksumState.Partial
    packet.mark = 4
    const returned: number[] = []
    packet.credit = { returned: (bytes) => returned.push(bytes) }
    link.writePackets([packet])
    await clock.settle()

    expect(nic.received[0]!.checksumState).toBe(ChecksumState.Partial)
    expect(returned).toEqual([4])
  })
})

describe('limit', () => {
  test('a full link takes what fits, and says when there is room', async () => {
    const { clock, link, nic } = looped({ limit: 2 })
    expect(nic.send([0x45, 1], [0x45, 2], [0x45, 3])).toBe(2)
    expect(link.writeRawPacket(nic.packet([0x45, 4]))).toBe(false)
    await clock.settle()

    expect(nic.receivedHex).toEqual(['4501', '4502'])
    expect(nic.writables).toBe(1)
    expect(nic.memory.packets).toBe(0)
  })
})

describe('life', () => {
  test('closing releases what is under way', async () => {
    const { clock, link, nic } = looped()
    nic.send([0x45], [0x45])
    link.close()
    await link.closed
    await clock.settle()
    expect(nic.received).toHaveLength(0)
    expect(nic.memory.packets).toBe(0)
    expect(link.isAttached).toBe(false)
    expect(link.writePackets([nic.packet([0x45])])).toBe(1)
    expect(nic.memory.packets).toBe(0)
    link.close()
  })

  test('a NIC on it is a loopback interface, and leaves nothing behind', async () => {
    const clock = manualClock()
    const stack = createStack({ plugins: [], clock })
    const nic = await stack.addNic(loopback())
    expect(nic.networkInterface.isLoopback).toBe(true)
    expect([nic.name, nic.mtu, nic.linkAddress]).toEqual(['loopback0', 65535, null])
    stack.destroy()
    expect(leaksOf(stack)).toEqual([])
  })
})

test.each([{ mtu: 1 }, { limit: 0 }, { latency: 1 }])('option %o is refused', (options) => {
  let error: unknown
  try {
    loopback(options)
  } catch (thrown) {
    error = thrown
  }
  expect(isStackError(error) && error.code).toBe('ERR_STACK_INVALID_OPTION')
})
