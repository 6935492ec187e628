import { createPacketMemory } from '@stack/buffer'
import { seededRandom } from '@stack/core'
import { describe, expect, test } from 'vitest'
import {
  createTestStack, deterministicRandom, ethernet, fakeLink, fakeNetwork, fakeTransport, ipv4, lossy, manualClock, packet, packetNumbers, parsePacket, spoiler, udp,
} from '../src/index.ts'

const plugins = [fakeNetwork(), fakeTransport()] as const
const addresses = ['f:1.1/16']

describe('createTestStack', () => {
  test('datagrams go out and come in', async () => {
    const { stack, link, settle, end } = await createTestStack({ plugins, addresses })
    const socket = stack.datagrams.open(7)
    expect(socket.send('f:1.2', 9, 'hello')).toBeNull()
    const sent = link.tryRead()!
    expect([sent.length, link.tryRead()]).toEqual([33, null])
    // Back to its sender: addresses and ports swapped.
    const answer = sent.slice()
    answer.set(sent.subarray(8, 12), 12)
    answer.set(sent.subarray(12, 16), 8)
    answer.set([0, 9, 0, 7], 20)
    expect(link.inject(answer, 0xffe0)).toBe(true)
    await settle()
    expect(socket.received).toEqual([{ from: 'f:1.2', port: 9, bytes: new TextEncoder().encode('hello'), nicId: 1 }])
    socket.close()
    await end()
    await end()
  })

  test('the same seed does the same', async () => {
    const draw = async (seed: number): Promise<number[]> => {
      const { stack, end } = await createTestStack({ plugins, addresses, seed })
      const { host } = stack.datagrams
      const drawn = [host.random.uint32(), host.secureRandom.uint32()]
      await end()
      return drawn
    }
    expect(await draw(5)).toEqual(await draw(5))
    expect(await draw(5)).not.toEqual(await draw(6))
  })

  test('addresses are those that the plugins know', async () => {
    const { nic, end } = await createTestStack({ plugins })
    expect(nic.addresses).toEqual([])
    await end()
  })

  test('the link may be any, and hostile', async () => {
    const { stack, link, end } = await createTestStack({ plugins, addresses, link: lossy(fakeLink({ framing: 'ethernet' }), { pattern: packetNumbers(1) }) })
    const socket = stack.datagrams.open(7)
    socket.send('f:1.2', 9, 'lost')
    socket.send('f:1.2', 9, 'sent')
    expect(link.lower.sent).toHaveLength(1)
    expect(link.lower.sent[0]!.bytes.subarray(0, 14)).toEqual(Uint8Array.of(2, 0, 0, 1, 0, 2, 2, 0, 0, 0, 0, 1, 0xff, 0xe0))
    socket.close()
    await end()
  })

  test('an addNic that fails leaves nothing running', async () => {
    const link = fakeLink({ open: () => Promise.reject(new Error('no device')) })
    await expect(createTestStack({ plugins, addresses, link })).rejects.toThrow('no device')
    expect(link.isAttached).toBe(false)
  })
})

describe('what end() finds', () => {
  test('a packet that nobody released', async () => {
    const { stack, end } = await createTestStack({ plugins, addresses })
    stack.memory.allocate(0, 100)
    await expect(end()).rejects.toThrow('The stack test left something behind:\n  1 packets are not released')
  })

  test('a chunk and a timer', async () => {
    const { stack, end } = await createTestStack({ plugins, addresses, memory: createPacketMemory({ size: 1 << 20 }).pool() })
    stack.memory.chunk(100)
    stack.datagrams.host.timers.create(() => undefined).armAfter(1000)
    const error: unknown = await end().catch((reason: unknown) => reason)
    expect(String(error)).toContain('1 chunks are not released')
  })

  test('a link that holds the process', async () => {
    const { link, end } = await createTestStack({ plugins, addresses })
    link.dispatcher!.host.ref!()
    const scheduler = link.dispatcher!.host.scheduler
    scheduler.ref()
    await expect(end()).rejects.toThrow('the process is held alive')
  })

  test('a handler that threw', async () => {
    const { stack, link, settle, end } = await createTestStack({ plugins, addresses, nic: { promiscuous: true } })
    const socket = stack.datagrams.open(9)
    socket.onReceive = () => {
      throw new Error('in the handler')
    }
    socket.send('f:1.2', 9, 'x')
    link.inject(link.tryRead()!, 0xffe0)
    await settle()
    socket.close()
    await expect(end()).rejects.toThrow('a listener or handler threw: in the handler')
  })
})

test('await using ends it', async () => {
  const stacks: { readonly isClosed: boolean }[] = []
  {
    await using world = await createTestStack({ plugins, addresses })
    stacks.push(world.stack)
    expect(stacks[0]!.isClosed).toBe(false)
  }
  expect(stacks[0]!.isClosed).toBe(true)
  await expect((async () => {
    await using world = await createTestStack({ plugins, addresses })
    world.stack.memory.allocate(0, 1)
  })()).rejects.toThrow('left something behind')
})

describe('several stacks on one clock', () => {
  test('live in the same time, exact to the deadline', async () => {
    const clock = manualClock()
    const worlds = await Promise.all([1, 2, 3].map((seed) => createTestStack({ plugins, addresses, clock, seed, name: `stack ${String(seed)}` })))
    const log: string[] = []
    for (const [i, { stack }] of worlds.entries()) {
      stack.datagrams.host.timers.create(() => log.push(`${stack.name} at ${String(clock.now() - 1000)}`)).armAfter(30 - 10 * i)
      stack.datagrams.host.timers.create(() => log.push(`${stack.name} at ${String(clock.now() - 1000)}`)).armAfter(30.5)
    }
    await clock.advance(30)
    expect(log).toEqual(['stack 3 at 10', 'stack 2 at 20', 'stack 1 at 30'])
    // One that ends does not take the others' timers along.
    await worlds[0]!.end()
    await clock.advance(10)
    expect(log.slice(3).sort()).toEqual(['stack 2 at 30.5', 'stack 3 at 30.5'])
    for (const world of worlds) await world.end()
    expect(clock.nextAlarm).toBe(Infinity)
  })

  test('speak to each other, at the instant at which the packet arrives', async () => {
    const clock = manualClock()
    const [a, b] = [await createTestStack({ plugins, addresses, clock }), await createTestStack({ plugins, addresses: ['f:1.2/16'], clock })]
    const receiver = b.stack.datagrams.open(9)
    const arrivals: number[] = []
    receiver.onReceive = () => arrivals.push(clock.now())
    const sender = a.stack.datagrams.open(7)
    for (const wait of [0, 5]) {
      await clock.advance(wait)
      sender.send('f:1.2', 9, 'x')
      b.link.inject(a.link.tryRead()!, 0xffe0)
      await clock.settle()
    }
    expect(arrivals).toEqual([1000, 1005])
    for (const socket of [sender, receiver]) socket.close()
    await Promise.all([a.end(), b.end()])
  })

  test('until() gives up when nothing is left to wait for', async () => {
    const clock = manualClock()
    await expect(clock.until(new Promise(() => undefined), 1000)).rejects.toThrow('did not settle within 1000 ms')
  })
})

describe('fakeLink', () => {
  test('takes as many as there is room for, and says when there is more', async () => {
    const { stack, link, end } = await createTestStack({ plugins, addresses })
    const socket = stack.datagrams.open(7)
    link.setRoom(1)
    for (const text of ['a', 'b', 'c']) socket.send('f:1.2', 9, text)
    expect(link.sent).toHaveLength(1)
    link.setRoom(5)
    expect(link).toMatchObject({ room: 3 })
    expect(link.sent.map(({ bytes, protocol, at }) => [bytes.at(-1), protocol, at])).toEqual([[97, 0xffe0, 1000], [98, 0xffe0, 1000], [99, 0xffe0, 1000]])
    socket.close()
    await end()
    expect(link).toMatchObject({ isClosed: true, isAttached: false })
    expect(link.inject(Uint8Array.of(1))).toBe(false)
  })

  test('tells the carrier, and the protocol from the version', async () => {
    const { link, nic, settle, end } = await createTestStack({ plugins, addresses })
    link.inject(packet(ipv4(), udp()))
    await settle()
    expect(nic.statistics.dropUnknownProtocol).toBe(1)
    link.setCarrier(false)
    await settle()
    await end()
  })
})

test('deterministicRandom repeats and fills', () => {
  const [a, b] = [deterministicRandom(3), deterministicRandom(3)]
  const bytes = new Uint8Array(9)
  a.fill(bytes)
  for (const byte of bytes) expect(byte).toBe(b.uint32() & 255)
  expect(deterministicRandom(4).uint32()).not.toBe(deterministicRandom(3).uint32())
})

test('the spoiler repeats, and leaves little that is sound and little that is not seen to be IP', () => {
  const frame = packet(ethernet(), ipv4(), udp(), new Uint8Array(40))
  const [a, b] = [spoiler(seededRandom(1)), spoiler(seededRandom(1))]
  let [sound, ip] = [0, 0]
  for (let n = 0; n < 1000; n++) {
    const spoilt = a.spoil(frame)
    expect(spoilt).toEqual(b.spoil(frame))
    const parsed = parsePacket(spoilt, { first: 'ethernet' })
    if (parsed.problems.length === 0) sound++
    if (parsed.ipv4 !== null) ip++
  }
  expect(sound).toBeLessThan(500)
  expect(ip).toBeGreaterThan(500)
})
