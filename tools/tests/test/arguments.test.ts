// What programs without types hand in: a wrong argument is told with a code, at once, and neither changes anything nor hangs.
import { runInNewContext } from 'node:vm'
import { createPacketMemory } from '@stack/buffer'
import { createStack, HookPoint, isStackError, type LinkEndpoint } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { channel } from '@stack/link-channel'
import { ethernet } from '@stack/link-ethernet'
import { muxed } from '@stack/link-muxed'
import { netem } from '@stack/link-netem'
import { pipe } from '@stack/link-pipe'
import { connect, createServer, createSocket } from '@stack/node'
import { simulation } from '@stack/simulation'
import { manualClock } from '@stack/testing'
import type { Connection } from '@stack/tcp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fullStack, pairOfStacks, type Pair } from './support/world.ts'

const RIGHT = '10.0.0.2'

let pair: Pair
let ours: Connection
let theirs: Connection
beforeEach(async () => {
  pair = await pairOfStacks()
  const listener = pair.right.tcp.listen({ port: 7 })
  ours = await pair.clock.until(pair.left.tcp.connect({ host: RIGHT, port: 7 }))
  theirs = (await pair.clock.until(listener.accept()))!
})
afterEach(() => {
  pair.end()
})

/** The code of what `call` throws or rejects with; else what it returned. */
async function codeOf(call: () => unknown): Promise<unknown> {
  try {
    return await Promise.race([call(), pair.clock.advance(10).then(() => 'pending')])
  } catch (error) {
    return isStackError(error) ? error.code : error
  }
}

const INVALID = 'ERR_STACK_INVALID_ARGUMENT'

describe('what is no Uint8Array', () => {
  it.each<[unknown]>([['hello'], [5], [NaN], [null], [undefined], [{}], [true], [new ArrayBuffer(4)], [new Uint16Array(2)], [new DataView(new ArrayBuffer(2))]])(
    'is not written: %o',
    async (given) => {
      expect(await codeOf(() => ours.write(given as Uint8Array, { end: true }))).toBe(INVALID)
      expect(await codeOf(() => ours.write([given] as Uint8Array[]))).toBe(INVALID)
      expect(await codeOf(() => ours.tryWrite(given as Uint8Array))).toBe(INVALID)
      expect(ours.bytesWritten).toBe(0)
      // Nor did the FIN go.
      await pair.clock.until(ours.write(Uint8Array.of(1, 2), { end: true }))
      expect(await pair.clock.until(theirs.readSome())).toEqual(Uint8Array.of(1, 2))
    },
  )

  it.each<[unknown]>([['hello'], [1024], [null], [undefined], [{}], [[0, 0]], [new ArrayBuffer(4)]])('is not read into: %o', async (given) => {
    theirs.tryWrite(Uint8Array.of(1, 2, 3))
    await pair.clock.settle()
    const into = given as Uint8Array
    for (const read of [() => ours.read(into), () => ours.tryRead(into), () => ours.peek(into)]) expect(await codeOf(read)).toBe(INVALID)
    expect(await pair.clock.until(ours.readSome())).toEqual(Uint8Array.of(1, 2, 3))
  })

  it('is not what another realm made', async () => {
    const bytes = runInNewContext('Uint8Array.of(1, 2, 3)') as Uint8Array
    expect(bytes instanceof Uint8Array).toBe(false)
    await pair.clock.until(ours.write(bytes))
    expect(ours.tryWrite(bytes)).toBe(3)
    expect(await pair.clock.until(theirs.readSome())).toEqual(Uint8Array.of(1, 2, 3))
    expect(await pair.clock.until(theirs.readSome())).toEqual(Uint8Array.of(1, 2, 3))
  })
})

it.each<[unknown]>([['5'], [NaN], [-1], [null], [{}]])('no amount to read: %o', async (max) => {
  theirs.tryWrite(Uint8Array.of(1, 2, 3))
  await pair.clock.settle()
  expect(await codeOf(() => ours.readSome({ max: max as number }))).toBe(INVALID)
  expect(await codeOf(() => ours.discard(max as number))).toBe(INVALID)
  expect(ours.readableLength).toBe(3)
  expect(ours.bytesRead).toBe(0)
})

it.each<[unknown]>([[undefined], ['wirte'], [1]])('no direction to shut down: %o', async (how) => {
  expect(await codeOf(() => ours.shutdown(how as 'write'))).toBe(INVALID)
  expect(ours.state).toBe('established')
})

describe('what is no AbortSignal, such as its controller', () => {
  const signal = new AbortController() as unknown as AbortSignal

  it('is told by every call that waits', async () => {
    const { left, right } = pair
    const socket = left.udp.bind()
    for (const call of [
      () => ours.read(new Uint8Array(1), { signal }), () => ours.readSome({ signal }), () => right.tcp.listen({ port: 8 }).accept({ signal }),
      () => socket.receive({ signal }), () => left.raw.packet({}).receive({ signal }), () => channel().read({ signal }),
    ]) expect(await codeOf(call)).toBe(INVALID)
  })

  it('is told by every call that has it among its options', async () => {
    const { left, right } = pair
    for (const call of [
      () => left.tcp.connect({ host: RIGHT, port: 7, signal }), () => left.tcp.open({ host: RIGHT, port: 7, signal }), () => right.tcp.listen({ port: 8, signal }),
      () => right.tcp.forward({ signal }, () => undefined), () => left.icmp.ping(RIGHT, { signal }), () => left.addNic(channel(), { signal }),
      () => left.nics[0]!.addAddress('10.0.0.5/24', { signal }),
    ]) expect(await codeOf(call)).toBe('ERR_STACK_INVALID_OPTION')
  })
})

it('what cannot be called is no handler', async () => {
  const { left, right } = pair
  const wrong = [undefined, 'x', 5, true] as never[]
  const deaf = {} as never
  const nothing = (() => undefined) as never
  for (const handler of wrong) {
    for (const call of [
      () => ours.setHandler(handler), () => right.tcp.listen({ port: 0 }).setHandler(handler), () => left.udp.bind().setHandler(handler),
      () => left.raw.packet({}).setHandler(handler), () => channel().setHandler(handler), () => left.nics[0]!.tap(handler), () => left.on('nic-up', handler),
      () => left.nics[0]!.on('nic-up', handler), () => left.hooks.add(HookPoint.Input, handler),
    ]) expect(await codeOf(call)).toBe(INVALID)
  }
  // One shape in place of the other.
  for (const call of [() => ours.setHandler(nothing), () => left.udp.bind().setHandler(nothing), () => right.tcp.listen({ port: 0 }).setHandler(deaf), () => channel().setHandler(deaf)]) {
    expect(await codeOf(call)).toBe(INVALID)
  }
  expect(await codeOf(() => left.hooks.add('input' as never, () => undefined as never))).toBe(INVALID)
})

it.each<[unknown]>([[undefined], [{}], [{ host: RIGHT }], [{ port: 5 }], ['10.0.0.2'], [53]])('no destination of datagrams: %o', async (to) => {
  const fresh = pair.left.udp.bind()
  const used = pair.left.udp.bind()
  used.send(new Uint8Array(1), { host: RIGHT, port: 5 })
  for (const socket of [fresh, used]) {
    expect(await codeOf(() => socket.reconnect(to as never))).toMatch(/^(ERR_STACK_INVALID_ARGUMENT|EINVAL)$/)
    if (to !== undefined) expect(await codeOf(() => socket.send(new Uint8Array(1), to as never))).toMatch(/^(ERR_STACK_INVALID_ARGUMENT|EINVAL)$/)
    expect(socket.remote).toBeNull()
  }
})

it.each<[string, object, RegExp]>([
  ['an address without its array', { addresses: '10.0.0.3/24' }, /'addresses' must be an array, received '10\.0\.0\.3\/24'/],
  ['addresses that are no list', { addresses: {} }, /'addresses' must be an array/],
  ['ranges that are no list', { ranges: {} }, /'ranges' must be an array/],
  ['configurators that are no list', { configure: {} }, /'configure' must be an array/],
  ['a gateway that is no text', { gateway: 5 }, /'gateway' must be an address or an array/],
  ['no gateway', { gateway: null }, /'gateway' must be an address or an array/],
])('a NIC with %s', async (_what, options, message) => {
  const link = channel()
  await expect(pair.left.addNic(link, options)).rejects.toThrow(message)
  expect(pair.left.nics).toHaveLength(1)
  expect(link.isAttached).toBe(false)
})

it.each<[string, object]>([
  ['a memory in place of a pool of it', { memory: createPacketMemory({ size: 1 << 20 }) }],
  ['a clock without alarms', { clock: { now: () => 0 } }],
  ['random numbers that cannot be drawn', { random: Math }],
  ['a secret source of none', { secureRandom: {} }],
  ['nowhere to warn', { log: {} }],
])('a stack with %s', (_what, options) => {
  expect(() => createStack({ plugins: [ipv4()], ...options })).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_OPTION' }))
})

it('links that are not given as lists', () => {
  const option = expect.objectContaining({ code: 'ERR_STACK_INVALID_OPTION' }) as unknown
  expect(() => pipe({ linkAddresses: {} as never })).toThrow(option)
  expect(() => muxed({ routes: {} as never })).toThrow(option)
})

it('what is no link is not wrapped: both ends of a pipe, most often', async () => {
  for (const lower of [pipe(), undefined, null, 'tun0', {}]) {
    expect(await codeOf(() => netem(lower as LinkEndpoint))).toBe(INVALID)
  }
  expect(await codeOf(() => ethernet(pipe() as unknown as LinkEndpoint))).toBe(INVALID)
})

describe('in the manner of Node', () => {
  it('connect(port, host) is told at once, and leaves no socket behind', async () => {
    const before = pair.left.tcp.connections().length
    expect(await codeOf(() => connect(pair.left, 7 as never, '10.0.0.2' as never))).toBe(INVALID)
    expect(await codeOf(() => connect(pair.left, { host: RIGHT, port: 7 }, 'x' as never))).toBe(INVALID)
    expect(await codeOf(() => connect({ host: RIGHT, port: 7 } as never, undefined as never))).toBe(INVALID)
    expect(pair.left.tcp.connections()).toHaveLength(before)
  })

  it('a stack without the protocol is no stack for it', async () => {
    const stack = createStack({ plugins: [ipv4()], clock: pair.clock })
    expect(await codeOf(() => createServer(stack as never))).toBe(INVALID)
    expect(await codeOf(() => createSocket(stack as never))).toBe(INVALID)
    stack.destroy()
  })

  it('a server listens on ports only', async () => {
    const server = createServer(pair.right)
    expect(await codeOf(() => server.listen({ path: '/tmp/socket' }))).toBe('ERR_STACK_NOT_SUPPORTED')
    const failed = new Promise((resolve) => server.once('error', resolve))
    server.listen('/tmp/socket')
    expect(await failed).toMatchObject({ code: 'ERR_STACK_INVALID_OPTION', message: expect.stringContaining("'/tmp/socket'") as unknown })
  })
})

it.each<[unknown]>([[NaN], [-1], ['5'], [Infinity], [undefined]])('no second of a simulation: %o', async (seconds) => {
  const net = simulation()
  expect(await codeOf(() => net.at(seconds as number, () => undefined))).toBe(INVALID)
  await expect(net.run(seconds as number)).rejects.toMatchObject({ code: INVALID })
  expect(await codeOf(() => net.at(1, undefined as never))).toBe(INVALID)
  expect(await codeOf(() => net.transfer(net.host('a'), undefined as never))).toBe(INVALID)
})

it('what an async handler rejects with goes to onError, and the listener goes on', async () => {
  const clock = manualClock()
  const errors: unknown[] = []
  const left = fullStack({ clock, name: 'left' })
  const right = fullStack({ clock, name: 'right', onError: (error) => errors.push(error) })
  const [a, b] = pipe()
  await left.addNic(a, { addresses: ['10.0.0.1/24'] })
  await right.addNic(b, { addresses: ['10.0.0.2/24'] })
  let accepted = 0
  const echo = async (connection: Connection): Promise<void> => {
    accepted++
    for await (const chunk of connection) await connection.write(chunk)
  }
  right.tcp.listen({ port: 7 }).setHandler(echo)
  right.tcp.forward({}, async (request) => echo(await request.accept()))
  for (const port of [7, 8]) {
    const connection = await clock.until(left.tcp.connect({ host: RIGHT, port }))
    await clock.settle()
    connection.abort()
    await clock.settle()
  }
  expect(accepted).toBe(2)
  expect(errors).toMatchObject([{ code: 'ECONNRESET' }, { code: 'ECONNRESET' }])
  left.destroy()
  right.destroy()
})
