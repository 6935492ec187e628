import { describe, expect, it } from 'vitest'
import { PacketFlag } from '@stack/buffer'
import { createStack, isStackError, type Plugin, type StackEvents, type TransportPlugin } from '@stack/core'
import { FakeClock } from './fake-clock.ts'
import { bench, codeOf, settle, advance } from './support/bench.ts'
import { FakeLink, join } from './support/fake-link.ts'
import { fakeAddress, fakeNetwork } from './support/fake-network.ts'
import { fakeTransport } from './support/fake-transport.ts'

const ethernet = (last: number): FakeLink => new FakeLink({ framing: 'ethernet', linkAddress: Uint8Array.of(2, 0, 0, 0, 0, last) })

describe('createStack', () => {
  const plugin = (over: object): Plugin => ({ ...fakeNetwork(), ...over })

  it.each([
    ['two of one name', () => [fakeNetwork(), fakeNetwork()], 'ERR_STACK_ALREADY_INSTALLED', /named fake/],
    ['two of one protocol number', () => [fakeNetwork(), plugin({ name: 'again' })], 'ERR_STACK_ALREADY_INSTALLED', /0xffe0/],
    ['a name that the stack has', () => [plugin({ name: 'addNic' })], 'ERR_STACK_ALREADY_INSTALLED', /addNic is taken/],
    ['a name that every object has', () => [plugin({ name: 'toString' })], 'ERR_STACK_ALREADY_INSTALLED', /toString is taken/],
    ['a missing need', () => [plugin({ needs: ['ipx'] })], 'ERR_STACK_MISSING_PLUGIN', /needs ipx: add ipx\(\)/],
    ['another interface version', () => [plugin({ apiVersion: 2 })], 'ERR_STACK_API_VERSION', /version 2/],
    ['a factory that was not called', () => [fakeTransport], 'ERR_STACK_INVALID_OPTION', /call it, fakeTransport\(\)/],
    ['something else', () => [{}], 'ERR_STACK_INVALID_OPTION', /not a plugin/],
    ['an unknown kind', () => [plugin({ kind: 'session' })], 'ERR_STACK_INVALID_OPTION', /"session"/],
    ['a setup that throws', () => [plugin({ setup() { throw new TypeError('no luck') } })], 'ERR_STACK_SETUP', /no luck/],
    ['a setup that registers nothing', () => [plugin({ setup: () => 1 })], 'ERR_STACK_SETUP', /did not register a network protocol/],
    ['an asynchronous setup', () => [plugin({ setup: () => Promise.resolve() })], 'ERR_STACK_SETUP', /synchronous/],
  ])('refuses %s', (_what, plugins, code, message) => {
    try {
      createStack({ plugins: plugins() as unknown as readonly Plugin[] })
      expect.unreachable()
    } catch (error) {
      expect(isStackError(error) && error.code).toBe(code)
      expect((error as Error).message).toMatch(message)
      expect((error as Error).message).toMatch(/[.]$/)
    }
  })

  it('refuses unknown options', async () => {
    expect(await codeOf(() => createStack({ plugins: [], nmae: 'x' } as never))).toBe('ERR_STACK_INVALID_OPTION')
    expect(await codeOf(() => createStack({ plugins: fakeNetwork() } as never))).toBe('ERR_STACK_INVALID_OPTION')
  })

  it('takes nested and absent entries in any order; APIs are read-only properties', () => {
    const stack = createStack({ plugins: [[fakeTransport(), [null, false, [fakeNetwork()]]]], name: 'nested' })
    expect(stack.fake.endpoints).toEqual([])
    expect(stack.find('datagrams')).toBe(stack.datagrams)
    expect(stack.find('udp')).toBeUndefined()
    expect(stack.datagrams.host.networkProtocols.map(({ name }) => name)).toEqual(['fake'])
    expect(() => {
      ;(stack as { fake: unknown }).fake = 1
    }).toThrow(TypeError)
    stack.destroy()
  })

  it('leaves nothing running after a failed setup', () => {
    const clock = new FakeClock()
    const late: TransportPlugin<'late', never> = {
      kind: 'transport',
      name: 'late',
      apiVersion: 1,
      setup(host) {
        host.timers.create(() => undefined).armAfter(5)
        host.ref()
        expect(clock.scheduler.timers.armed).toBe(1)
        throw new Error('later')
      },
    }
    expect(() => createStack({ plugins: [fakeNetwork(), late], clock })).toThrow('later')
    expect([clock.scheduler.timers.armed, clock.held.at(-1)]).toEqual([0, false])
  })
})

describe('a stack of protocols that core has never heard of', () => {
  it('sends a datagram from one stack to another over Ethernet, resolving the neighbour', async () => {
    const a = bench()
    const b = bench({ clock: a.clock, memory: a.memory })
    const [left, right] = [ethernet(1), ethernet(2)]
    join(left, right)
    await a.stack.addNic(left, { addresses: ['f:1.1/112'] })
    const nic = await b.stack.addNic(right, { addresses: ['f:1.2/112'] })
    const sender = a.stack.datagrams.open(7)
    const receiver = b.stack.datagrams.open(9)

    expect(sender.send(fakeAddress(1, 2), 9, [1, 2, 3])).toBeNull()
    await settle(a.clock)

    expect(receiver.received).toMatchObject([{ from: 'f:1.1', port: 7, bytes: [1, 2, 3], nicId: nic.id }])
    expect(nic.neighbors.list()).toEqual([{ address: 'f:1.1', linkAddress: '02:00:00:00:00:01', state: 'stale' }])
    expect(b.stack.statistics().nics['fake0']).toMatchObject({ rxPackets: 2, txPackets: 1 })
    expect(b.stack.statistics().protocols['fake']).toMatchObject({ received: 2 })
    a.stack.destroy()
    b.stack.destroy()
    expect([a.stack.memory.packets, b.stack.memory.packets, a.stack.timers.armed, b.stack.timers.armed]).toEqual([0, 0, 0, 0])
  })

  it('tells the sender when the next hop does not answer', async () => {
    const { stack, clock } = bench()
    await stack.addNic(ethernet(1), { addresses: ['f:1.1/112'] })
    const socket = stack.datagrams.open(7)
    expect(socket.send(fakeAddress(1, 9), 9, 4)).toBeNull()
    await advance(clock, 10_000)
    expect(socket.errors).toEqual([{ kind: 'hostUnreachable', cause: 'neighbor' }])
    expect(stack.fake.endpoints[0]!.log).toContain('neighbor f:1.9 is gone')
    stack.destroy()
    expect(stack.memory.packets).toBe(0)
  })

  it('gives a forwarded packet whose next hop does not answer back to its protocol', async () => {
    const { stack, clock } = bench()
    const nic = await stack.addNic(ethernet(1), { addresses: ['f:1.1/112'] })
    const route = stack.datagrams.host.findRoute(0, null, fakeAddress(1, 9))
    if (typeof route !== 'object' || route === null) throw new Error('no route')
    const packet = stack.memory.allocate(14, 50)!
    packet.end = packet.start + 50
    packet.flags = PacketFlag.Forwarded
    expect(nic.networkInterface.writePacket(route, route.protocol, packet)).toBeNull()
    await advance(clock, 10_000)
    expect(stack.fake.endpoints[0]!.log).toContain('forwarded packet of 50 bytes is undeliverable')
    stack.destroy()
    expect(stack.memory.packets).toBe(0)
  })

  it('moves the state of an endpoint to another stack (snapshot, restore)', async () => {
    const a = bench()
    const link = new FakeLink()
    await a.stack.addNic(link, { addresses: ['f:1.1/112'] })
    const old = a.stack.datagrams.open(7)
    old.send(fakeAddress(1, 1), 7, [42])
    await settle(a.clock)
    const state: unknown = JSON.parse(JSON.stringify(old.snapshot()))
    a.stack.destroy()

    const b = bench()
    await b.stack.addNic(new FakeLink(), { addresses: ['f:1.1/112'] })
    const restored = b.stack.datagrams.host
    const socket = new (old.constructor as new (host: typeof restored) => typeof old)(restored)
    socket.restore(state)
    socket.send(fakeAddress(1, 1), 7, [43])
    await settle(b.clock)
    expect(socket.received.map(({ bytes }) => bytes)).toEqual([[42], [43]])
    b.stack.destroy()
  })
})

describe('addresses as text', () => {
  it('reads and writes zones by NIC id or name', async () => {
    const { stack } = bench()
    const nic = await stack.addNic(new FakeLink(), { name: 'wan' })
    expect(stack.parseAddress('f:254.1%wan')).toMatchObject({ d: (254 << 16) | 1, zone: nic.id })
    expect(stack.parseAddress(`f:254.1%${nic.id}`).zone).toBe(nic.id)
    expect(stack.formatAddress(stack.parseAddress('f:254.1%wan'))).toBe('f:254.1%wan')
    expect(await codeOf(() => stack.parseAddress('f:254.1%lan'))).toBe('ERR_STACK_INVALID_ADDRESS')
    expect(await codeOf(() => stack.parseAddress('10.0.0.1'))).toBe('ERR_STACK_INVALID_ADDRESS')
    expect(await codeOf(() => stack.parseAddress(undefined as never))).toBe('ERR_STACK_INVALID_ADDRESS')
    stack.destroy()
  })
})

describe('close and destroy', () => {
  it('waits for the transports, then resolves; calls afterwards are refused', async () => {
    const { stack, clock } = bench()
    const link = new FakeLink()
    await stack.addNic(link, { addresses: ['f:1.1/112'] })
    const socket = stack.datagrams.open(7)
    const finish = stack.datagrams.holdClose()
    const done: string[] = []
    void stack.close().then(() => done.push('closed'))
    await advance(clock, 4000)
    expect([done, socket.isAborted, link.isClosed]).toEqual([[], false, false])
    finish()
    await settle(clock)
    expect([done, socket.isAborted, link.isClosed, link.isAttached]).toEqual([['closed'], true, true, false])
    expect(await codeOf(() => stack.addNic(new FakeLink()))).toBe('ERR_STACK_CLOSED')
    expect(stack.isClosed).toBe(true)
  })

  it('aborts what is left after the timeout', async () => {
    const { stack, clock } = bench()
    const socket = stack.datagrams.open(7)
    stack.datagrams.holdClose()
    let closed = false
    void stack.close({ timeout: 250 }).then(() => (closed = true))
    await advance(clock, 249)
    expect(closed).toBe(false)
    await advance(clock, 1)
    expect([closed, socket.isAborted, stack.timers.armed]).toEqual([true, true, 0])
  })

  it('releases packets and timers and settles calls when destroyed in the middle of things', async () => {
    const { stack, clock } = bench()
    const link = ethernet(1)
    const nic = await stack.addNic(link, { addresses: ['f:1.1/112'] })
    const blocked = new FakeLink()
    blocked.room = 0
    await stack.addNic(blocked, { addresses: ['f:2.1/112'] })
    const socket = stack.datagrams.open(7)
    socket.send(fakeAddress(1, 9), 1, 10)
    socket.send(fakeAddress(2, 9), 1, 10)
    socket.send(fakeAddress(2, 1), 7, 10, { run: false })
    const never = new FakeLink({ open: () => new Promise(() => undefined) })
    const calls = [codeOf(() => nic.neighbors.resolve('f:1.8')), codeOf(() => stack.addNic(never))]
    await settle(clock)
    expect(stack.memory.packets).toBeGreaterThan(1)
    stack.destroy()
    stack.destroy()
    await settle(clock)
    expect(await Promise.all(calls)).toEqual(['ENETDOWN', 'ERR_STACK_CLOSED'])
    expect([stack.memory.packets, stack.memory.chunks, stack.timers.armed, stack.nics.length]).toEqual([0, 0, 0, 0])
    expect([link.isClosed, blocked.isClosed, never.isClosed, stack.fake.isClosed]).toEqual([true, true, true, true])
    await stack.close()
  })

  it('cancels timers that their owners forgot', () => {
    const { stack, clock } = bench()
    stack.datagrams.host.timers.create(() => expect.unreachable()).armAfter(5)
    expect(stack.timers.armed).toBe(1)
    stack.destroy()
    expect([stack.timers.armed, clock.scheduler.timers.armed]).toEqual([0, 0])
    clock.advanceTo(10)
  })

  it('lets the last words of endpoints leave', async () => {
    const { stack } = bench()
    const link = new FakeLink()
    await stack.addNic(link, { addresses: ['f:1.1/112'] })
    stack.datagrams.open(7).farewell = fakeAddress(1, 9)
    stack.destroy()
    expect(link.sent.map((bytes) => bytes.at(-1))).toEqual([0xbe])
    expect(stack.memory.packets).toBe(0)
  })

  it('ends a close that waits when the stack is destroyed', async () => {
    const { stack, clock } = bench()
    stack.datagrams.holdClose()
    let closed = false
    void stack.close({ timeout: 60_000 }).then(() => (closed = true))
    await settle(clock)
    expect(closed).toBe(false)
    stack.destroy()
    await settle(clock)
    expect(closed).toBe(true)
  })

  it('holds the process while something is open, unless told not to', async () => {
    const { stack, clock } = bench()
    const last = (): boolean | undefined => clock.held.at(-1)
    expect(last()).toBeUndefined()
    const socket = stack.datagrams.open(7)
    expect(last()).toBe(true)
    stack.unref()
    expect(last()).toBe(false)
    stack.ref()
    expect(last()).toBe(true)
    socket.abort()
    expect(last()).toBe(false)
    stack.datagrams.open(8)
    expect(last()).toBe(true)
    stack.destroy()
    await settle(clock)
    expect(last()).toBe(false)
  })

  it.skipIf((Symbol as { asyncDispose?: symbol }).asyncDispose === undefined)('is AsyncDisposable where the runtime has the symbol', async () => {
    const { stack } = bench()
    const dispose = (stack as unknown as Record<symbol, () => Promise<void>>)[(Symbol as unknown as { asyncDispose: symbol }).asyncDispose]!
    await dispose.call(stack)
    expect(stack.isClosed).toBe(true)
    expect(Object.keys(Object.getPrototypeOf(stack) as object)).not.toContain('undefined')
  })
})

describe('events', () => {
  it('tells about NICs, addresses and routes from the end of the turn, on the stack and on the NIC', async () => {
    const { stack, clock } = bench()
    const log: string[] = []
    const types = ['nic-added', 'nic-up', 'nic-down', 'nic-removed', 'address-changed'] as const
    const note = (type: keyof StackEvents) => (event: object): void => void log.push(`${type} ${'state' in event ? String(event.state) : ''}`.trim())
    for (const type of types) stack.on(type, note(type))
    const nic = await stack.addNic(new FakeLink(), { addresses: ['f:1.1/112'] })
    const other = await stack.addNic(new FakeLink(), {})
    const own: string[] = []
    other.on('nic-down', () => own.push('down'))
    await settle(clock)
    nic.down()
    await settle(clock)
    await nic.remove()
    await settle(clock)
    expect(own).toEqual([])
    expect(log).toEqual([
      'nic-added', 'nic-up', 'address-changed assigned', 'nic-added', 'nic-up', 'nic-down', 'address-changed removed', 'nic-removed',
    ])
    stack.destroy()
  })
})
