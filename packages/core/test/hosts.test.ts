import { describe, expect, it } from 'vitest'
import { createPacketMemory, PacketFlag, type Packet } from '@stack/buffer'
import { createStack, drop, HookPoint, type RawFactory, type RawHost, type RawPlugin } from '@stack/core'
import { FakeClock } from './fake-clock.ts'
import { bench, codeOf, settle } from './support/bench.ts'
import { FakeLink, OWN_LINK_ADDRESS } from './support/fake-link.ts'
import { FAKE_HEADER, FAKE_PROTOCOL, fakeAddress, fakeNetwork } from './support/fake-network.ts'
import { FAKE_TRANSPORT, fakeTransport } from './support/fake-transport.ts'
import { countingRandom } from './support/random.ts'

const factory: RawFactory = {
  newUnassociatedEndpoint: () => { throw new Error('not here') },
  newPacketEndpoint: () => { throw new Error('not here') },
}

function fakeRaw(name = 'raw'): RawPlugin<string, RawHost> {
  return {
    kind: 'raw',
    name,
    apiVersion: 1,
    setup(host) {
      host.registerRawFactory(factory)
      return host
    },
  }
}

async function rawStack() {
  const clock = new FakeClock()
  const stack = createStack({
    plugins: [fakeRaw() as RawPlugin<'raw', RawHost>, fakeNetwork(), fakeTransport()],
    clock,
    secureRandom: countingRandom(),
    memory: createPacketMemory({ size: 1 << 20, simd: false }).pool(),
  })
  const link = new FakeLink({ framing: 'ethernet' })
  const nic = await stack.addNic(link, { addresses: ['f:1.1'] })
  nic.neighbors.addStatic('f:1.9', '02:00:00:00:00:09')
  const packetOf = (...bytes: number[]): Packet => {
    const packet = stack.memory.allocate(20, bytes.length)!
    packet.append(Uint8Array.from(bytes), 0, bytes.length)
    return packet
  }
  return { stack, clock, link, nic, raw: stack.raw, packetOf }
}

/** Fake header from f:3.3 (nobody here) to f:1.9. */
const HEADER = [0, FAKE_HEADER, FAKE_TRANSPORT, 1, 0, 0, 0, 0, 0, 3, 0, 3, 0, 1, 0, 9, 0, 0, 0, 0]

describe('the raw host', () => {
  it('sends packets with a header of the application’s own', async () => {
    const { stack, clock, link, raw, packetOf } = await rawStack()
    expect(raw.writeHeaderIncluded(0, fakeAddress(1, 9), packetOf(...HEADER))).toBeNull()
    await settle(clock)
    expect([...link.sent[0]!]).toEqual([2, 0, 0, 0, 0, 9, ...OWN_LINK_ADDRESS, 0xff, 0xe0, ...HEADER])
    expect(stack.fake.endpoints[0]!.log).toContain('header included')
    expect(raw.writeHeaderIncluded(0, fakeAddress(1, 9), packetOf(1, 2, 3))).toBe('EINVAL')
    expect(raw.writeHeaderIncluded(7, fakeAddress(1, 9), packetOf(...HEADER))).toBe('ENODEV')
    expect(raw.writeHeaderIncluded(0, { a: 1, b: 1, c: 1, d: 1, zone: 0 }, packetOf(...HEADER))).toBe('EINVAL')
    expect(stack.memory.packets).toBe(0)
    stack.destroy()
  })

  it('sends network packets to a link address, and whole frames', async () => {
    const { stack, clock, link, nic, raw, packetOf } = await rawStack()
    const taps: number[] = []
    nic.tap((_direction, _id, _protocol, packet) => void taps.push(packet.length))
    expect(raw.writeLinkPacket(nic.id, Uint8Array.of(2, 0, 0, 0, 0, 7), 0x9999, packetOf(1, 2))).toBeNull()
    await settle(clock)
    const frame = [2, 0, 0, 0, 0, 8, 2, 0, 0, 0, 0, 9, 0x88, 0xb5, 9]
    expect(raw.writeRawLinkPacket(nic.id, packetOf(9, 9, 9))).toBe('EINVAL')
    expect(raw.writeRawLinkPacket(nic.id, packetOf(...frame))).toBeNull()
    expect(link.sent.map((bytes) => [...bytes])).toEqual([[2, 0, 0, 0, 0, 7, ...OWN_LINK_ADDRESS, 0x99, 0x99, 1, 2], frame])
    expect(taps).toEqual([16, 15])
    expect(nic.statistics).toMatchObject({ txPackets: 2, txBytes: 31 })
    nic.down()
    expect([
      raw.writeLinkPacket(nic.id, Uint8Array.of(2, 0, 0, 0, 0, 7), 0x9999, packetOf(1)), raw.writeRawLinkPacket(nic.id, packetOf(...frame)),
      raw.writeLinkPacket(99, null, 0x9999, packetOf(1)), raw.writeRawLinkPacket(99, packetOf(1)),
    ]).toEqual(['ENETDOWN', 'ENETDOWN', 'ENODEV', 'ENODEV'])
    expect([nic.statistics.dropDisabled, stack.memory.packets]).toEqual([2, 0])
    stack.destroy()
  })

  it('shows locally delivered packets to raw endpoints, beside normal delivery', async () => {
    const { stack, clock, raw } = await rawStack()
    const seen: number[][] = []
    const remove = raw.registerRawEndpoint(0, FAKE_PROTOCOL, FAKE_TRANSPORT, {
      handlePacket(packet) {
        seen.push([packet.networkHeader >= 0 ? packet.networkHeaderLength : -1, packet.length, packet.flags & PacketFlag.Looped])
        packet.release()
      },
    })
    const socket = stack.datagrams.open(7)
    socket.send(fakeAddress(1, 1), 7, 5)
    remove()
    socket.send(fakeAddress(1, 1), 7, 5)
    await settle(clock)
    expect(seen).toEqual([[FAKE_HEADER, 13, PacketFlag.Looped]])
    expect(socket.received).toHaveLength(2)
    stack.destroy()
    expect(stack.memory.packets).toBe(0)
  })

  it('is one per stack, and nobody registers after setup', async () => {
    expect(await codeOf(() => createStack({ plugins: [fakeRaw(), fakeRaw('second')] }))).toBe('ERR_STACK_ALREADY_INSTALLED')
    const { stack, raw } = await rawStack()
    expect(await codeOf(() => { raw.registerRawFactory(factory) })).toBe('ERR_STACK_SETUP')
    stack.destroy()
  })
})

describe('the transport host', () => {
  it('knows families, NICs and groups', async () => {
    const { stack } = bench()
    const nic = await stack.addNic(new FakeLink(), { addresses: ['f:1.1'], name: 'lan' })
    const { host } = stack.datagrams
    expect(host.networkProtocolOf(fakeAddress(1, 1))).toBe(FAKE_PROTOCOL)
    expect(host.networkProtocolOf({ a: 1, b: 0, c: 0, d: 0, zone: 0 })).toBe(0)
    expect([host.nicId('lan'), host.nicId(nic.id), host.nicId(String(nic.id))]).toEqual([nic.id, nic.id, nic.id])
    expect(await codeOf(() => host.nicId('wan'))).toBe('ENODEV')
    expect([host.isMulticast(fakeAddress(0xffff, 1)), host.isMulticast(fakeAddress(1, 1)), host.isBroadcast(fakeAddress(1, 0xffff))]).toEqual([true, false, false])
    expect(host.joinGroup(0, fakeAddress(0xffff, 1))).toBeNull()
    expect(stack.fake.endpoints[0]!.groups.size).toBe(1)
    expect(host.joinGroup(0, fakeAddress(1, 1))).toBe('EINVAL')
    expect(host.joinGroup(9, fakeAddress(0xffff, 1))).toBe('ENODEV')
    expect(host.leaveGroup(nic.id, fakeAddress(0xffff, 1))).toBeNull()
    expect(host.leaveGroup(nic.id, fakeAddress(0xffff, 1))).toBe('EADDRNOTAVAIL')
    stack.destroy()
  })

  it('takes forward progress as a sign that the neighbour is there', async () => {
    const { stack } = bench()
    const link = new FakeLink({ framing: 'ethernet' })
    const nic = await stack.addNic(link, { addresses: ['f:1.1'] })
    const table = nic.networkInterface.neighborTable(FAKE_PROTOCOL)!
    table.addLinkAddress(fakeAddress(1, 9), Uint8Array.of(2, 0, 0, 0, 0, 9))
    const route = stack.datagrams.host.findRoute(0, null, fakeAddress(1, 9))
    if (typeof route !== 'object' || route === null) throw new Error('no route')
    expect(route.neighbor?.state).toBe('stale')
    stack.datagrams.host.confirmReachable(route)
    expect(route.neighbor?.state).toBe('reachable')
    stack.datagrams.host.doubtReachable(route)
    expect(route.neighbor?.state).toBe('stale')
    stack.destroy()
    expect(stack.timers.armed).toBe(0)
  })
})

describe('statistics', () => {
  it('sums endpoints, NICs and stack, and counts what hooks drop', async () => {
    const { stack, clock } = bench()
    await stack.addNic(new FakeLink(), { addresses: ['f:1.1'], name: 'a' })
    const gone = await stack.addNic(new FakeLink(), { addresses: ['f:2.1'], name: 'b' })
    const socket = stack.datagrams.open(7)
    socket.send(fakeAddress(1, 9), 7, 1)
    socket.send(fakeAddress(2, 9), 7, 1)
    await gone.remove()
    const blocked = drop('blocklist')
    stack.hooks.add(HookPoint.Output, () => blocked)
    const packet = stack.memory.allocate(0, 10)!
    expect(stack.hooks.run(HookPoint.Output, packet, FAKE_PROTOCOL, 0, 1, () => undefined)).toBe('gone')
    await settle(clock)
    const { nics, protocols, totals } = stack.statistics()
    expect([nics['a']?.['txPackets'], nics['b']?.['txPackets'], totals['txPackets']]).toEqual([1, 1, 2])
    expect([protocols['fake']?.['sent'], protocols['hooks']?.['blocklist']]).toEqual([2, 1])
    stack.destroy()
  })
})

describe('hooks', () => {
  it('go on with a stolen packet from the run queue', async () => {
    const { stack, clock } = bench()
    let stolen: Packet | null = null
    const resumed: number[] = []
    stack.hooks.add(HookPoint.Input, (packet) => {
      stolen = packet
      return 'steal'
    })
    const packet = stack.memory.allocate(0, 10)!
    expect(stack.hooks.run(HookPoint.Input, packet, FAKE_PROTOCOL, 1, 0, (back) => {
      resumed.push(back.capacity)
      back.release()
    })).toBe('gone')
    expect(stack.hooks.reinject(stolen!)).toBe(true)
    expect(resumed).toEqual([])
    await settle(clock)
    expect(resumed).toEqual([256])
    expect(stack.memory.packets).toBe(0)
    stack.destroy()
  })
})
