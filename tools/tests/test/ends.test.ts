import type { Packet } from '@stack/buffer'
import { HookPoint, type LinkEndpoint } from '@stack/core'
import { channel } from '@stack/link-channel'
import { pipe } from '@stack/link-pipe'
import { leaksOf, manualClock, type ManualClock } from '@stack/testing'
import { describe, expect, it } from 'vitest'
import { fullStack, LEFT, RIGHT, type FullStack } from './support/world.ts'

interface Scene {
  readonly clock: ManualClock
  readonly stack: FullStack
  /** On an Ethernet wire with `stack`. */
  readonly peer: FullStack
}

/** Calls that must all settle when the stack ends. */
type Calls = readonly Promise<unknown>[]

const PEER = ['10.0.0.2', 'fd00::2'] as const
/** Nobody has it. */
const NOBODY = ['10.0.0.77', 'fd00::77'] as const

/** Everything that can be open, over each family. */
const OPEN: Readonly<Record<string, (scene: Scene, family: 0 | 1) => Calls | Promise<Calls>>> = {
  nothing: () => [],
  'a UDP socket': ({ stack }) => [stack.udp.bind().closed],
  'a UDP receive': ({ stack }) => [stack.udp.bind().receive()],
  'a UDP loop': ({ stack }) => [iterate(stack.udp.bind())],
  'UDP datagrams nobody reads': async ({ clock, stack, peer }, family) => {
    const socket = stack.udp.bind({ port: 9 })
    const sender = peer.udp.connect({ host: family === 0 ? '10.0.0.1' : 'fd00::1', port: 9 })
    for (let i = 0; i < 20; i++) sender.send(new Uint8Array(3000))
    await clock.advance(10)
    expect(socket.statistics.received).toBeGreaterThan(0)
    return [socket.closed]
  },
  'a datagram for somebody who does not answer': ({ stack }, family) => {
    const socket = stack.udp.connect({ host: NOBODY[family], port: 9 })
    socket.send(new Uint8Array(9000))
    return [socket.closed]
  },
  'a socket in a group': ({ stack }, family) => {
    const socket = stack.udp.bind()
    socket.joinGroup(family === 0 ? '239.1.1.1' : 'ff15::1')
    return [socket.closed]
  },
  pings: ({ stack }, family) => {
    const socket = stack.icmp.open(NOBODY[family])
    return [stack.icmp.ping(NOBODY[family]), socket.ping(), socket.ping({ timeout: 1e9 })]
  },
  'raw and packet sockets': ({ stack }) => [
    stack.raw.open({ protocol: 0 }).receive(), stack.raw.packet().receive(), iterate(stack.raw.packet({ cooked: true })),
  ],
  'a listener': ({ stack }) => {
    const listener = stack.tcp.listen({ port: 80 })
    return [listener.accept(), listener.closed, iterate(stack.tcp.listen({ port: 81 }))]
  },
  'a connect to nobody': ({ stack }, family) => [stack.tcp.connect({ host: NOBODY[family], port: 80 })],
  'a connect under way': ({ stack }, family) => [stack.tcp.connect({ host: PEER[family], port: 80 })],
  'connections nobody has accepted': async ({ clock, stack, peer }, family) => {
    const listener = stack.tcp.listen({ port: 80 })
    for (let i = 0; i < 5; i++) await clock.until(peer.tcp.connect({ host: family === 0 ? '10.0.0.1' : 'fd00::1', port: 80 }))
    return [listener.closed]
  },
  'a connection at rest': async (scene, family) => {
    const connection = await connected(scene, family)
    return [connection.closed, connection.read(new Uint8Array(10))]
  },
  'a connection whose peer does not read': async (scene, family) => {
    const connection = await connected(scene, family)
    const written = connection.write(new Uint8Array(8 << 20))
    await scene.clock.advance(50)
    return [connection.closed, written, connection.readSome()]
  },
  'a connection whose peer is gone': async (scene, family) => {
    const connection = await connected(scene, family)
    await scene.peer.nics[0]!.remove()
    const written = connection.write(new Uint8Array(1 << 20), { end: true })
    await scene.clock.advance(2000)
    return [connection.closed, written, connection.close()]
  },
  'a connection half closed': async (scene, family) => {
    const connection = await connected(scene, family)
    connection.shutdown('write')
    await scene.clock.advance(50)
    return [connection.closed, iterate(connection)]
  },
  'a connection in TIME-WAIT': async (scene, family) => {
    const connection = await connected(scene, family)
    connection.shutdown('write')
    await scene.clock.advance(50)
    for (const other of scene.peer.tcp.connections()) other.shutdown('write')
    await scene.clock.advance(50)
    return [connection.closed]
  },
  'a neighbour that is looked for': ({ stack }, family) => [stack.nics[0]!.neighbors.resolve(NOBODY[family])],
  'an address that is being probed': ({ stack }, family) => [stack.nics[0]!.addAddress(`${NOBODY[family]}/${family === 0 ? 24 : 64}`)],
  'a NIC that is being added': ({ stack }, family) => {
    const [left] = pipe({ framing: 'ethernet' })
    return [stack.addNic(left, { addresses: [family === 0 ? '10.7.0.1/24' : 'fd07::1/64'] })]
  },
  'a link that never opens': ({ stack }) => {
    const link: LinkEndpoint = Object.assign(channel(), { open: () => new Promise<void>(() => undefined) })
    return [stack.addNic(link)]
  },
  'a configurator that never ends': ({ stack }) => [
    stack.addNic(channel(), { configure: [{ name: 'endless', configure: () => new Promise<void>(() => undefined) }] }),
  ],
  'half a datagram': async ({ clock, stack }, family) => {
    const link = channel()
    await stack.addNic(link, { addresses: ['10.8.0.1/24', 'fd08::1/64'], skipDuplicateDetection: true })
    link.inject(family === 0 ? FRAGMENT_V4 : FRAGMENT_V6)
    await clock.settle()
    expect(stack.memory.packets).toBeGreaterThan(0)
    return []
  },
  'packets that wait for a link': async ({ clock, stack }, family) => {
    await stack.addNic(channel({ limit: 1 }), { addresses: ['10.8.0.1/24', 'fd08::1/64'], skipDuplicateDetection: true })
    const socket = stack.udp.bind()
    for (let i = 0; i < 100; i++) socket.send(new Uint8Array(10), { host: family === 0 ? '10.8.0.2' : 'fd08::2', port: 9 })
    await clock.settle()
    return [socket.closed]
  },
}

/** UDP to 10.8.0.1, 8 bytes at offset 0 of more. */
const FRAGMENT_V4 = Uint8Array.of(0x45, 0, 0, 28, 0, 1, 0x20, 0, 64, 17, 0x46, 0xbe, 10, 8, 0, 2, 10, 8, 0, 1, 0, 1, 0, 9, 0, 50, 0, 0)
const FRAGMENT_V6 = Uint8Array.from([
  0x60, 0, 0, 0, 0, 16, 44, 64, 0xfd, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0xfd, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
  17, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 9, 0, 50, 0, 0,
])

describe.each(Object.keys(OPEN))('%s', (name) => {
  describe.each([['IPv4', 0], ['IPv6', 1]] as const)('%s', (_, family) => {
    it.each(['destroy', 'close', 'close, then destroy', 'remove the NICs'] as const)('%s leaves nothing', async (how) => {
      const clock = manualClock()
      const errors: unknown[] = []
      const stack = fullStack({ clock, name: 'stack', onError: (error) => errors.push(error) })
      const peer = fullStack({ clock, name: 'peer' })
      const [a, b] = pipe({ framing: 'ethernet' })
      await stack.addNic(a, { addresses: LEFT, skipDuplicateDetection: true })
      await peer.addNic(b, { addresses: RIGHT, skipDuplicateDetection: true })
      const calls = await OPEN[name]!({ clock, stack, peer }, family)
      const settled = Promise.allSettled(calls)
      await clock.settle()
      switch (how) {
        case 'destroy':
          stack.destroy()
          break
        case 'close':
          await clock.until(stack.close({ timeout: 2000 }))
          break
        case 'close, then destroy': {
          const closing = stack.close({ timeout: 60_000 })
          stack.destroy()
          await clock.until(closing)
          break
        }
        case 'remove the NICs':
          for (const nic of [...stack.nics]) await nic.remove()
          await clock.advance(1000)
          stack.destroy()
      }
      // Without a moment of time: what waits is told at once.
      await clock.until(settled, 0)
      expect(leaksOf(stack)).toEqual([])
      expect(stack.isClosed).toBe(true)
      // Resets and FINs on their way to the peer are the peer's.
      await clock.settle()
      peer.destroy()
      expect(leaksOf(peer)).toEqual([])
      await clock.settle()
      expect(clock.isHeld).toBe(false)
      expect(errors).toEqual([])
      // Nothing happens any more.
      await clock.advance(600_000)
      expect(clock.nextAlarm).toBe(Infinity)
    })
  })
})

it('a packet that a hook keeps is its own, also when the stack is gone', async () => {
  const clock = manualClock()
  const stack = fullStack({ clock })
  const link = channel()
  await stack.addNic(link, { addresses: ['10.8.0.1/24'], skipDuplicateDetection: true })
  const kept: Packet[] = []
  stack.hooks.add(HookPoint.Prerouting, (packet) => {
    kept.push(packet)
    return 'steal'
  })
  link.inject(FRAGMENT_V4)
  link.inject(FRAGMENT_V4)
  await clock.settle()
  stack.destroy()
  kept[0]!.release()
  // Too late to go on: released.
  stack.hooks.reinject(kept[1]!)
  await clock.settle()
  expect(leaksOf(stack)).toEqual([])
})

async function iterate(items: AsyncIterable<unknown>): Promise<number> {
  let count = 0
  for await (const _item of items) count++
  return count
}

async function connected({ clock, stack, peer }: Scene, family: 0 | 1): Promise<Awaited<ReturnType<FullStack['tcp']['connect']>>> {
  const listener = peer.tcp.listen({ port: 80 })
  const connection = await clock.until(stack.tcp.connect({ host: PEER[family], port: 80 }))
  await clock.until(listener.accept())
  return connection
}
