import { leaksOf, manualClock } from '@stack/testing'
import { beforeAll, describe, expect, it, vi } from 'vitest'

/** Everything once: each call after `vi.resetModules` gives other classes, functions and module state. */
async function load() {
  const [core, buffer, ip4, ip6, arps, udps, tcps, icmps, raws, pipes] = await Promise.all([
    import('@stack/core'), import('@stack/buffer'), import('@stack/ipv4'), import('@stack/ipv6'), import('@stack/arp'), import('@stack/udp'),
    import('@stack/tcp'), import('@stack/icmp'), import('@stack/raw'), import('@stack/link-pipe'),
  ])
  return { ...core, ...buffer, ...ip4, ...ip6, ...arps, ...udps, ...tcps, ...icmps, ...raws, ...pipes }
}
type Copy = Awaited<ReturnType<typeof load>>

let one: Copy
let two: Copy
beforeAll(async () => {
  one = await load()
  vi.resetModules()
  two = await load()
})

const plugins = (copy: Copy) => [copy.ipv4(), copy.arp(), copy.ipv6(), copy.udp(), copy.tcp(), copy.icmp(), copy.raw()] as const

it('these are two copies', () => {
  expect(one.createStack).not.toBe(two.createStack)
  expect(one.createPacketMemory).not.toBe(two.createPacketMemory)
  expect(one.StackError).not.toBe(two.StackError)
})

it('they share the packet memory and the clock of the realm', () => {
  expect(one.defaultPacketMemory()).toBe(two.defaultPacketMemory())
  expect(one.systemClock()).toBe(two.systemClock())
})

it('an error of one is an error to the other', () => {
  const error = new two.StackError('EPIPE', 'The other copy speaks.', { syscall: 'write' })
  expect(one.isStackError(error)).toBe(true)
  expect(error).not.toBeInstanceOf(one.StackError)
  expect(one.isStackError(new Error('x'))).toBe(false)
})

describe.each(['ip', 'ethernet'] as const)('over a pipe (%s)', (framing) => {
  it.each(['10.0.0.2', 'fd00::2'])('stacks of two copies talk to each other (%s)', async (host) => {
    const clock = manualClock()
    const left = one.createStack({ plugins: plugins(one), clock })
    // The other stack has a packet memory of its own copy, too.
    const right = two.createStack({ plugins: plugins(two), clock, memory: two.createPacketMemory({ size: 8 << 20 }).pool() })
    const [a, b] = one.pipe({ framing })
    await left.addNic(a, { addresses: ['10.0.0.1/24', 'fd00::1/64'], skipDuplicateDetection: true })
    await right.addNic(b, { addresses: ['10.0.0.2/24', 'fd00::2/64'], skipDuplicateDetection: true })
    const server = right.udp.bind({ port: 7 })
    server.setHandler({ datagram: (data, remote) => void server.send(data, remote) })
    const client = left.udp.connect({ host, port: 7 })
    client.send(new Uint8Array(5000).fill(7))
    expect((await clock.until(client.receive()))!.data).toEqual(new Uint8Array(5000).fill(7))
    expect(await clock.until(left.icmp.ping(host))).toMatchObject({ host })
    const listener = right.tcp.listen({ port: 80 })
    const serve = async (): Promise<void> => {
      const connection = (await listener.accept())!
      for await (const chunk of connection) await connection.write(chunk)
      await connection.close()
    }
    const served = serve()
    const fetch = async (): Promise<number> => {
      const connection = await left.tcp.connect({ host, port: 80 })
      const written = connection.write(new Uint8Array(100_000), { end: true })
      let count = 0
      for await (const chunk of connection) count += chunk.length
      await written
      await connection.close()
      return count
    }
    expect(await clock.until(fetch())).toBe(100_000)
    await clock.until(served)
    const refused: unknown = await clock.until(left.tcp.connect({ host, port: 81 }).catch((error: unknown) => error))
    expect(two.isStackError(refused) && refused.code).toBe('ECONNREFUSED')
    left.destroy()
    right.destroy()
    expect([...leaksOf(left), ...leaksOf(right)]).toEqual([])
  })
})

it('plugins and links of one copy serve a stack of the other', async () => {
  const clock = manualClock()
  // Every second thing from the other copy.
  const stack = one.createStack({ plugins: [two.ipv4(), one.arp(), one.ipv6(), two.udp(), one.tcp(), two.icmp(), two.raw()], clock })
  const peer = two.createStack({ plugins: plugins(one), clock })
  const [a, b] = two.pipe({ framing: 'ethernet' })
  await stack.addNic(a, { addresses: ['10.0.0.1/24', 'fd00::1/64'], skipDuplicateDetection: true })
  await peer.addNic(b, { addresses: ['10.0.0.2/24', 'fd00::2/64'], skipDuplicateDetection: true })
  const watcher = stack.raw.packet({ cooked: true })
  for (const host of ['10.0.0.2', 'fd00::2']) {
    expect(await clock.until(stack.icmp.ping(host))).toMatchObject({ host })
    const server = peer.udp.bind({ host, port: 7 })
    const client = stack.udp.connect({ host, port: 7 })
    client.send(Uint8Array.of(1, 2, 3))
    expect((await clock.until(server.receive()))!.data).toEqual(Uint8Array.of(1, 2, 3))
    peer.tcp.listen({ host, port: 80 })
    await clock.until(stack.tcp.connect({ host, port: 80 }))
  }
  expect(watcher.tryReceive()).toBeDefined()
  try {
    stack.udp.bind({ port: -1 })
    expect.unreachable()
  } catch (error) {
    expect(one.isStackError(error) && error.code).toBe('ERR_STACK_INVALID_OPTION')
  }
  stack.destroy()
  peer.destroy()
  expect([...leaksOf(stack), ...leaksOf(peer)]).toEqual([])
})

it('a stack may live in the packet memory of the other copy', async () => {
  const clock = manualClock()
  const memory = two.createPacketMemory({ size: 1 << 20 }).pool()
  const stack = one.createStack({ plugins: [one.ipv4(), one.udp()], clock, memory })
  await stack.addNic((await import('@stack/link-loopback')).loopback(), { addresses: ['127.0.0.1/8'] })
  const socket = stack.udp.bind({ port: 7 })
  socket.send(new Uint8Array(100), { host: '127.0.0.1', port: 7 })
  expect((await clock.until(socket.receive()))!.data).toHaveLength(100)
  expect(memory.statistics.allocated).toBeGreaterThan(0)
  stack.destroy()
  expect(leaksOf(stack)).toEqual([])
})
