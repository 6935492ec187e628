import { describe, expect, test } from 'vitest'
import { addSums, ChecksumState, sumBytes } from '@stack/buffer'
import { createStack, isStackError } from '@stack/core'
import { fakeNic, leaksOf, manualClock } from '@stack/testing'
import { channel, type ChannelOptions } from '../src/index.ts'

function attached(options: ChannelOptions = {}) {
  const clock = manualClock()
  const link = channel(options)
  const nic = fakeNic(clock)
  nic.attach(link)
  return { clock, link, nic }
}

const codeOf = (run: () => unknown): unknown => {
  try {
    run()
    return null
  } catch (error) {
    return isStackError(error) ? error.code : error
  }
}

describe('inject', () => {
  test('hands bytes in, with the protocol of their version', () => {
    const { link, nic } = attached()
    const bytes = Uint8Array.of(0x45, 1)
    expect(link.inject(bytes)).toBe(true)
    bytes[1] = 99
    expect(link.inject(Uint8Array.of(0x60, 2))).toBe(true)
    expect(link.inject(Uint8Array.of(0x99, 3), 0x88cc)).toBe(true)

    expect(nic.receivedHex).toEqual(['4501', '6002', '9903'])
    expect(nic.received.map(({ protocol }) => protocol)).toEqual([0x0800, 0x86dd, 0x88cc])
    expect(nic.memory.packets).toBe(0)
  })

  test('takes whole frames for Ethernet framing', () => {
    const { link, nic } = attached({ framing: 'ethernet' })
    expect(link.inject(Uint8Array.of(1, 2, 3))).toBe(true)
    expect(nic.received.map(({ protocol }) => protocol)).toEqual([0])
  })

  test.each([
    ['nothing', Uint8Array.of(), {}],
    ['nothing, as a frame', Uint8Array.of(), { framing: 'ethernet' as const }],
    ['an unknown version', Uint8Array.of(0x10), {}],
    ['more than a packet can hold', new Uint8Array(100_000).fill(0x45), {}],
  ])('%s is dropped and counted', (_what, bytes, options) => {
    const { link, nic } = attached(options)
    expect(link.inject(bytes)).toBe(false)
    expect(link.dropped).toBe(1)
    expect(nic.received).toHaveLength(0)
    expect(nic.memory.packets).toBe(0)
  })

  test('without a NIC nothing happens', () => {
    const link = channel()
    expect(link.inject(Uint8Array.of(0x45))).toBe(false)
    expect(link.injectOutbound(0, Uint8Array.of(0x45))).toBe(false)
    expect(link.dropped).toBe(2)
  })

  test('from within a delivery waits its turn', () => {
    const { link, nic } = attached()
    let depth = 0
    const deliver = nic.deliverNetworkPacket.bind(nic)
    nic.deliverNetworkPacket = (protocol, packet) => {
      expect(++depth).toBe(1)
      deliver(protocol, packet)
      if (nic.received.length < 5) expect(link.inject(Uint8Array.of(0x45))).toBe(true)
      depth--
    }
    link.inject(Uint8Array.of(0x45))
    expect(nic.received).toHaveLength(5)
  })

  test('injectInbound takes a packet over', () => {
    const { link, nic } = attached()
    link.injectInbound(0x0800, nic.packet([0x45, 7]))
    expect(nic.receivedHex).toEqual(['4507'])
    nic.detach()
    link.injectInbound(0x0800, nic.packet([0x45, 7]))
    expect(nic.memory.packets).toBe(0)
    expect(link.dropped).toBe(1)
  })
})

describe('reading', () => {
  test('tryRead gives bytes of your own, in order, then null', () => {
    const { link, nic } = attached()
    nic.send([0x45, 1], [0x45, 2])
    expect(link.pending).toBe(2)
    expect(link.tryRead()).toEqual(Uint8Array.of(0x45, 1))
    expect(link.tryRead()).toEqual(Uint8Array.of(0x45, 2))
    expect(link.tryRead()).toBeNull()
    expect(nic.memory.packets).toBe(0)
  })

  test('take gives the packet itself', () => {
    const { link, nic } = attached()
    nic.send([0x45, 1])
    const packet = link.take()!
    expect([packet.length, packet.networkProtocol, packet.next]).toEqual([2, 0x0800, null])
    packet.release()
    expect(link.take()).toBeNull()
  })

  test('read waits, and holds the process while it does', async () => {
    const { clock, link, nic } = attached()
    const bytes = link.read()
    expect(nic.holds).toBe(1)
    nic.send([0x45, 1], [0x45, 2])
    await clock.settle()

    expect(await bytes).toEqual(Uint8Array.of(0x45, 1))
    expect(nic.holds).toBe(0)
    expect(await link.read()).toEqual(Uint8Array.of(0x45, 2))
  })

  test('one read at a time', async () => {
    const { link } = attached()
    const first = link.read()
    await expect(link.read()).rejects.toMatchObject({ code: 'ERR_STACK_BUSY' })
    expect(codeOf(() => link.setHandler(() => {}))).toBe('ERR_STACK_BUSY')
    link.close()
    expect(await first).toBeNull()
    expect(await link.read()).toBeNull()
  })

  test('an aborted read takes no packet', async () => {
    const { clock, link, nic } = attached()
    const controller = new AbortController()
    const read = link.read({ signal: controller.signal })
    nic.send([0x45, 1])
    controller.abort(new Error('enough'))
    await expect(read).rejects.toThrow('enough')
    await expect(link.read({ signal: controller.signal })).rejects.toThrow('enough')
    await clock.settle()

    expect(nic.holds).toBe(0)
    expect(link.pending).toBe(1)
    expect(await link.read()).toEqual(Uint8Array.of(0x45, 1))
  })

  test('a read that began before the NIC came gets its packet', async () => {
    const clock = manualClock()
    const link = channel()
    const nic = fakeNic(clock)
    const read = link.read()
    nic.attach(link)
    expect(nic.holds).toBe(1)
    nic.send([0x45])
    await clock.settle()
    expect(await read).toEqual(Uint8Array.of(0x45))
  })

  test('bytes are whole and finished whatever the link says it can do', () => {
    const { link, nic } = attached({ capabilities: { scatterGather: true, txChecksumOffload: true } })
    const chunk = nic.memory.chunk(16)!
    chunk.append(Uint8Array.of(5, 6, 7), 0, 3)
    const packet = nic.packet([0x45, 0, 0x12, 0x34])
    packet.attachPayload(chunk, 0, 3)
    packet.checksumState = ChecksumState.Partial
    packet.checksumStart = packet.start
    packet.checksumOffset = 2
    link.writePackets([packet])

    const bytes = link.tryRead()!
    expect([...bytes.slice(4)]).toEqual([5, 6, 7])
    expect(addSums(sumBytes(bytes, 0, 7), 0x1234)).toBe(0xffff)
    chunk.release()
    expect([nic.memory.packets, nic.memory.chunks]).toEqual([0, 0])
  })
})

describe('a handler', () => {
  test('gets every packet, last in a turn, also those that waited', async () => {
    const { clock, link, nic } = attached()
    nic.send([0x45, 1])
    const seen: [string, number][] = []
    link.setHandler((bytes, protocol) => seen.push([bytes.join(' '), protocol]))
    nic.send([0x60, 2])
    expect(seen).toEqual([])
    await clock.settle()

    expect(seen).toEqual([['69 1', 0x0800], ['96 2', 0x86dd]])
    expect(nic.memory.packets).toBe(0)
    await expect(link.read()).rejects.toMatchObject({ code: 'ERR_STACK_BUSY' })
    link.setHandler(null)
    nic.send([0x45, 3])
    await clock.settle()
    expect(link.tryRead()).toEqual(Uint8Array.of(0x45, 3))
  })

  test('that throws gets the rest all the same', () => {
    const { clock, link, nic } = attached()
    const seen: number[] = []
    const woken: { wake(): void }[] = []
    Object.defineProperty(nic.host, 'scheduler', { value: { ...clock.scheduler, wake: (target: { wake(): void }) => woken.push(target) } })
    link.setHandler((bytes) => {
      seen.push(bytes[1]!)
      if (bytes[1] === 1) throw new Error('handler')
    })
    nic.send([0x45, 1], [0x45, 2])
    expect(() => woken.shift()!.wake()).toThrow('handler')
    for (const target of woken) target.wake()

    expect(seen).toEqual([1, 2])
    expect(nic.memory.packets).toBe(0)
  })

  test('may close the link', async () => {
    const { clock, link, nic } = attached()
    let calls = 0
    link.setHandler(() => {
      calls++
      link.close()
    })
    nic.send([0x45], [0x45])
    await clock.settle()
    expect(calls).toBe(1)
    expect(nic.memory.packets).toBe(0)
  })
})

describe('limit', () => {
  test('a full link takes what fits, and says when half is gone', () => {
    const { link, nic } = attached({ limit: 4 })
    expect(nic.send(...Array.from({ length: 6 }, (_, i) => [0x45, i]))).toBe(4)
    expect(link.writeRawPacket(nic.packet([0x45]))).toBe(false)
    expect(link.injectOutbound(1, Uint8Array.of(0x45))).toBe(false)
    link.tryRead()
    expect(nic.writables).toBe(0)
    link.tryRead()
    expect(nic.writables).toBe(1)
    link.tryRead()
    expect(nic.writables).toBe(1)
    expect(link.dropped).toBe(2)
  })
})

test('injectOutbound sends bytes as they are', () => {
  const { link, nic } = attached()
  expect(link.injectOutbound(Uint8Array.of(10, 0, 0, 1), Uint8Array.of(1, 2, 3))).toBe(true)
  expect(link.tryRead()).toEqual(Uint8Array.of(1, 2, 3))
  expect(nic.memory.packets).toBe(0)
})

describe('life', () => {
  test('detaching releases what waits, and writes without a NIC', () => {
    const { link, nic } = attached()
    nic.send([0x45])
    const late = nic.packet([0x45])
    const raw = nic.packet([0x45])
    nic.detach()
    expect(link.pending).toBe(0)
    expect(link.writePackets([late])).toBe(1)
    expect(link.writeRawPacket(raw)).toBe(false)
    expect(nic.memory.packets).toBe(0)
  })

  test('a stack on it leaves nothing behind', async () => {
    const clock = manualClock()
    const stack = createStack({ plugins: [], clock })
    const link = channel({ mtu: 1280 })
    const nic = await stack.addNic(link)
    expect(nic.mtu).toBe(1280)
    link.inject(Uint8Array.of(0x45))
    expect(nic.statistics.dropUnknownProtocol).toBe(1)
    const read = link.read()
    stack.destroy()
    expect(await read).toBeNull()
    await link.closed
    expect(leaksOf(stack)).toEqual([])
    expect(clock.isHeld).toBe(false)
  })
})

describe('options', () => {
  test('are what the link says', () => {
    expect(channel()).toMatchObject({ kind: 'channel', mtu: 1500, framing: 'ip', maxHeaderLength: 0, linkAddress: null, arpHardwareType: 0xffff })
    const link = channel({ framing: 'ethernet', linkAddress: Uint8Array.of(2, 0, 0, 0, 0, 7), capabilities: { loopback: true } })
    expect(link).toMatchObject({ maxHeaderLength: 14, arpHardwareType: 1, capabilities: { loopback: true } })
    expect(link.linkAddress![5]).toBe(7)
  })

  test.each([{ mtu: 1 }, { framing: 'x' }, { limit: 0 }, { linkAddress: Uint8Array.of(1) }, { rate: 1 }])('%o is refused', (options) => {
    expect(codeOf(() => channel(options as ChannelOptions))).toBe('ERR_STACK_INVALID_OPTION')
  })
})
