import { describe, expect, it } from 'vitest'
import { ChecksumState, PacketFlag } from '@stack/buffer'
import { ALL_PROTOCOLS, type LinkEndpoint, type Nic, type PacketEndpoint, type StackBase } from '@stack/core'
import { advance, bench, codeOf, settle } from './support/bench.ts'
import { FakeLink, OWN_LINK_ADDRESS } from './support/fake-link.ts'
import { FAKE_HEADER, FAKE_PROTOCOL, fakeAddress } from './support/fake-network.ts'
import { FAKE_TRANSPORT } from './support/fake-transport.ts'

const ethernet = (): FakeLink => new FakeLink({ framing: 'ethernet' })
const OTHER = [2, 0, 0, 0, 0, 9]

/** A datagram of the fake protocols from f:1.9 to f:1.HOST, port 7. */
function datagram(host: number, ...content: number[]): number[] {
  const length = FAKE_HEADER + 8 + content.length
  return [
    length >> 8, length & 0xff, FAKE_TRANSPORT, 5, 0, 0, 0, 0, 0, 1, 0, 9, 0, 1, host >> 8, host & 0xff, 0, 0, 0, 0,
    0, 99, 0, 7, 0, content.length + 8, 0, 0, ...content,
  ]
}

function frame(to: ArrayLike<number>, type: number, ...content: number[]): number[] {
  return [...Array.from(to), ...OTHER, type >> 8, type & 0xff, ...content]
}

/** Nothing of a NIC that failed or went is left. */
function expectNothingLeft(stack: StackBase, link: FakeLink): void {
  expect(stack.nics).toEqual([])
  expect(stack.routes.list()).toEqual([])
  expect([link.isAttached, link.isClosed, stack.timers.armed, stack.memory.packets]).toEqual([false, true, 0, 0])
}

describe('addNic', () => {
  it('opens the link, attaches it, adds addresses and routes', async () => {
    const { stack } = bench()
    const order: string[] = []
    const link = new FakeLink({ open: () => Promise.resolve(void order.push('open')) })
    const nic = await stack.addNic(link, {
      addresses: ['f:1.1', 'f:2.1/96'],
      gateway: 'f:1.254',
      configure: [{ name: 'first', configure: (own, owner) => Promise.resolve(void order.push(`${own.name} of ${owner.name}`)) }],
    })
    expect(order).toEqual(['open', 'fake0 of stack'])
    expect(nic.link).toBe(link)
    expect(nic.isUp).toBe(true)
    expect(nic.addresses).toEqual([
      { address: 'f:1.1', prefixLength: 112, state: 'assigned' },
      { address: 'f:2.1', prefixLength: 96, state: 'assigned' },
    ])
    expect(stack.routes.list()).toEqual([
      { destination: 'f:1.0/112', metric: 0, nic: nic.id },
      { destination: 'f:0.0/96', metric: 0, nic: nic.id },
      { destination: '00000000:00000000:00000000:00000000/0', metric: 0, nic: nic.id, gateway: 'f:1.254' },
    ])
    expect(stack.checkLocalAddress(0, 'f:2.1')).toBe(nic.id)
    expect(stack.checkLocalAddress(0, 'f:2.2')).toBe(0)
    await nic.remove()
    await nic.remove()
    expectNothingLeft(stack, link)
    expect(stack.fake.endpoints[0]!.log).toEqual(['enable', 'disable', 'close'])
    stack.destroy()
  })

  it.each<[string, (link: FakeLink, abort: AbortController) => [LinkEndpoint, object], string]>([
    ['no link', () => [{} as LinkEndpoint, {}], 'ERR_STACK_INVALID_ARGUMENT'],
    ['a link of another interface version', (link) => [Object.assign(Object.create(link) as LinkEndpoint, { apiVersion: 2 }), {}], 'ERR_STACK_API_VERSION'],
    ['an address that nobody reads', (link) => [link, { addresses: ['10.0.0.1/24'] }], 'ERR_STACK_INVALID_ADDRESS'],
    ['a prefix length that is none', (link) => [link, { addresses: ['f:1.1/129'] }], 'ERR_STACK_INVALID_ADDRESS'],
    ['an unknown option', (link) => [link, { adresses: [] }], 'ERR_STACK_INVALID_OPTION'],
    ['a name of digits', (link) => [link, { name: '12' }], 'ERR_STACK_INVALID_OPTION'],
  ])('refuses %s before it touches the link', async (_what, make, code) => {
    const { stack } = bench()
    const link = new FakeLink()
    const [given, options] = make(link, new AbortController())
    expect(await codeOf(() => stack.addNic(given, options))).toBe(code)
    expect([link.isClosed, link.isAttached, stack.nics.length]).toEqual([false, false, 0])
    stack.destroy()
  })

  it('leaves nothing behind when a later step fails', async () => {
    const { stack } = bench()
    const cases: [FakeLink, object, string][] = [
      [new FakeLink({ open: () => Promise.reject(Object.assign(new Error('no device'), { code: 'ENODEV' })) }), {}, 'ENODEV'],
      [new FakeLink(), { addresses: ['f:1.1', 'f:65535.1'] }, 'ERR_STACK_INVALID_ARGUMENT'],
      [new FakeLink(), { addresses: ['f:1.1'], gateway: 'f:1.2', configure: [{ name: 'x', configure: () => Promise.reject(new Error('no lease')) }] }, 'Error: no lease'],
    ]
    for (const [link, options, code] of cases) {
      expect(await codeOf(() => stack.addNic(link, options))).toBe(code)
      expectNothingLeft(stack, link)
    }
    stack.destroy()
  })

  it('stops at the signal, while the link opens and while a configurator works', async () => {
    const { stack, clock } = bench()
    for (const hang of ['open', 'configure']) {
      const abort = new AbortController()
      const never = (): Promise<void> => new Promise(() => undefined)
      const link = new FakeLink(hang === 'open' ? { open: never } : {})
      const call = codeOf(() => stack.addNic(link, { signal: abort.signal, configure: hang === 'open' ? [] : [{ name: 'slow', configure: never }] }))
      await settle(clock)
      abort.abort(Object.assign(new Error('enough'), { code: hang }))
      expect(await call).toBe(hang)
      expectNothingLeft(stack, link)
    }
    expect(await codeOf(() => stack.addNic(new FakeLink(), { signal: AbortSignal.abort(new Error('before')) }))).toBe('Error: before')
    stack.destroy()
  })

  it('refuses a link that belongs to a NIC, attached or being opened', async () => {
    const { stack } = bench()
    const other = bench()
    let opened = 0
    const link = new FakeLink({ open: () => { opened++; return Promise.resolve() } })
    const first = stack.addNic(link)
    expect(await codeOf(() => stack.addNic(link))).toBe('ERR_STACK_BUSY')
    const nic = await first
    expect(opened).toBe(1)
    expect(await codeOf(() => stack.addNic(link))).toBe('ERR_STACK_BUSY')
    expect(await codeOf(() => other.stack.addNic(link))).toBe('ERR_STACK_BUSY')
    expect([link.isAttached, link.isClosed]).toEqual([true, false])
    expect(await codeOf(() => stack.addNic(new FakeLink(), { name: nic.name }))).toBe('ERR_STACK_INVALID_OPTION')
    stack.destroy()
    other.stack.destroy()
  })

  it('gives a link that two stacks open at once to the first, and leaves it there', async () => {
    const [a, b] = [bench(), bench()]
    const link = new FakeLink({ open: () => Promise.resolve() })
    const [first, second] = await Promise.allSettled([a.stack.addNic(link), b.stack.addNic(link)])
    expect([first.status, second.status === 'rejected' && (second.reason as { readonly code: string }).code]).toEqual(['fulfilled', 'ERR_STACK_BUSY'])
    expect([link.isAttached, link.isClosed, a.stack.nics.length, b.stack.nics.length]).toEqual([true, false, 1, 0])
    a.stack.destroy()
    b.stack.destroy()
  })

  it('names the package that is missing when addresses need resolution', async () => {
    const { stack } = bench({ resolves: false })
    const link = ethernet()
    await expect(stack.addNic(link, { addresses: ['f:1.1'] })).rejects.toThrow(/need address resolution.*add a plugin that resolves fake addresses to plugins\.$/)
    expectNothingLeft(stack, link)
    const nic = await stack.addNic(ethernet())
    expect(await codeOf(() => nic.addAddress('f:1.1'))).toBe('ERR_STACK_MISSING_PLUGIN')
    expect(await codeOf(() => stack.addNic(new FakeLink(), { addresses: ['f:1.1'] }))).toBe('no error')
    stack.destroy()
  })
})

describe('a NIC', () => {
  async function one(link: FakeLink, options: object = {}): Promise<ReturnType<typeof bench> & { nic: Nic; link: FakeLink }> {
    const made = bench()
    return { ...made, link, nic: await made.stack.addNic(link, { addresses: ['f:1.1'], ...options }) }
  }

  it('counts and drops what it cannot hand on', async () => {
    const { stack, link, nic } = await one(ethernet())
    const socket = stack.datagrams.open(7)
    link.receive(0, frame(OWN_LINK_ADDRESS, FAKE_PROTOCOL, ...datagram(1, 5)))
    link.receive(0, frame(OWN_LINK_ADDRESS, FAKE_PROTOCOL, ...datagram(1).slice(0, 19)))
    link.receive(0, frame(OWN_LINK_ADDRESS, 0x9999, 1, 2, 3))
    link.receive(0, frame(OTHER, FAKE_PROTOCOL, ...datagram(1)))
    link.receive(0, [1, 2, 3])
    link.receive(0, [])
    expect(nic.statistics).toMatchObject({
      rxPackets: 6, dropTooShort: 1, dropUnknownProtocol: 1, dropOtherHost: 1, dropMalformedLinkHeader: 2, dropDisabled: 0,
    })
    expect(socket.received.map(({ bytes }) => bytes)).toEqual([[5]])
    nic.down()
    link.receive(0, frame(OWN_LINK_ADDRESS, FAKE_PROTOCOL, ...datagram(1)))
    expect(nic.statistics.dropDisabled).toBe(1)
    expect(stack.memory.packets).toBe(0)
    stack.destroy()
  })

  it('flags broadcast and multicast frames, and stamps the arrival [RFC1122-2.4-broadcast]', async () => {
    const { stack, link, nic, clock } = await one(ethernet())
    const socket = stack.datagrams.open(7)
    await advance(clock, 12.5)
    link.receive(0, frame([255, 255, 255, 255, 255, 255], FAKE_PROTOCOL, ...datagram(1)))
    link.receive(0, frame([3, 0, 0, 0, 0, 1], FAKE_PROTOCOL, ...datagram(1)))
    expect(socket.received).toMatchObject([
      { flags: PacketFlag.Broadcast, arrival: 12.5, nicId: nic.id }, { flags: PacketFlag.Multicast, arrival: 12.5 },
    ])
    stack.destroy()
  })

  it('takes what is for others when promiscuous', async () => {
    const { stack, link, nic } = await one(ethernet())
    nic.setPromiscuous(true)
    const socket = stack.datagrams.open(7)
    link.receive(0, frame(OTHER, FAKE_PROTOCOL, ...datagram(77, 1)))
    expect(socket.received).toHaveLength(1)
    nic.setPromiscuous(false)
    link.receive(0, frame(OTHER, FAKE_PROTOCOL, ...datagram(77, 1)))
    expect(nic.statistics.dropOtherHost).toBe(1)
    stack.destroy()
  })

  it('shows packets to taps and packet sockets, others’ frames included', async () => {
    const { stack, link, nic } = await one(ethernet())
    const taps: string[] = []
    const seen: string[] = []
    const removeTap = nic.tap((direction, id, protocol, packet) =>
      void taps.push(`${direction} ${id} ${protocol.toString(16)} ${packet.length} from ${packet.bytes[packet.start]!}`))
    const socketOf = (name: string): PacketEndpoint => ({
      handlePacket(nicId, linkAddress, protocol, packet) {
        seen.push(`${name} ${nicId} ${linkAddress?.at(-1) ?? 'none'} ${protocol.toString(16)} ${packet.length}${(packet.flags & PacketFlag.Outgoing) === 0 ? '' : ' out'}`)
        packet.release()
      },
    })
    const remove = stack.registerPacketEndpoint(0, ALL_PROTOCOLS, socketOf('all'))
    stack.registerPacketEndpoint(nic.id, FAKE_PROTOCOL, socketOf('fake'))
    stack.registerPacketEndpoint(nic.id + 1, ALL_PROTOCOLS, socketOf('elsewhere'))
    link.receive(0, frame(OTHER, FAKE_PROTOCOL, ...datagram(1)))
    link.receive(0, frame(OWN_LINK_ADDRESS, 0x9999, 1, 2))
    link.receive(0, [1])
    nic.neighbors.addStatic('f:1.9', '02:00:00:00:00:09')
    stack.datagrams.open(7).send(fakeAddress(1, 9), 1, 4)
    expect(taps).toEqual([
      `in ${nic.id} ffe0 42 from 2`, `in ${nic.id} 9999 16 from 2`, `in ${nic.id} 0 1 from 1`, `out ${nic.id} ffe0 46 from 2`,
    ])
    expect(seen).toEqual([
      `all ${nic.id} 9 ffe0 28`, `fake ${nic.id} 9 ffe0 28`, `all ${nic.id} 9 9999 2`, `all ${nic.id} none 0 1`, `all ${nic.id} 1 ffe0 32 out`,
    ])
    removeTap()
    remove()
    link.receive(0, [1])
    expect([taps.length, seen.length]).toEqual([4, 5])
    expect(stack.memory.packets).toBe(0)
    stack.destroy()
  })

  it('loses no packet to a tap that throws', async () => {
    const errors: unknown[] = []
    const { stack, memory } = bench({ onError: (error) => void errors.push(error) })
    const link = new FakeLink()
    const nic = await stack.addNic(link, { addresses: ['f:1.1'] })
    const seen: number[] = []
    nic.tap(() => {
      throw new Error('no')
    })
    nic.tap((_direction, _id, _protocol, packet) => void seen.push(packet.length))
    const packet = memory.pool().allocate(0, 8)!
    packet.end = 8
    link.receivePacket(0x9999, packet)
    expect([errors.length, seen, nic.statistics.dropUnknownProtocol, stack.memory.packets]).toEqual([1, [8], 1, 0])
    stack.destroy()
  })

  it('charges packets of other stacks to its own account, and drops them when that is full', async () => {
    const { stack, memory } = bench({ slots: 1 })
    const link = new FakeLink()
    const nic = await stack.addNic(link, { addresses: ['f:1.1'] })
    const foreign = memory.pool()
    let charged = ''
    nic.tap(() => {
      charged = `${foreign.packets} ${stack.memory.packets}`
    })
    const give = (): void => {
      const packet = foreign.allocate(0, 8)!
      packet.end = 8
      link.receivePacket(0x9999, packet)
    }
    const held = stack.memory.allocate(0, 8)!
    give()
    expect([charged, foreign.packets, nic.statistics.rxPackets, nic.statistics.dropNoMemory]).toEqual(['', 0, 0, 1])
    held.release()
    give()
    expect([charged, stack.memory.packets, nic.statistics.rxPackets]).toEqual(['0 1', 0, 1])
    stack.destroy()
  })

  it('forgets what an earlier stack noted on a packet, and returns its flow’s credit', async () => {
    const { stack, link, memory } = await one(new FakeLink())
    const socket = stack.datagrams.open(7)
    const foreign = memory.pool()
    const packet = foreign.allocate(28, 64)!
    packet.pushTransportHeader(8)
    packet.pushNetworkHeader(FAKE_HEADER)
    packet.start = packet.end = 0
    const bytes = Uint8Array.from(datagram(1, 5))
    packet.append(bytes, 0, bytes.length)
    packet.flags = PacketFlag.Outgoing
    const returned: number[] = []
    packet.credit = { returned: (n) => void returned.push(n) }
    link.receivePacket(FAKE_PROTOCOL, packet)
    expect(socket.received).toMatchObject([{ bytes: [5], flags: 0 }])
    expect([returned, memory.statistics.headerMisuse, foreign.packets, stack.memory.packets]).toEqual([[bytes.length], 0, 0, 0])
    stack.destroy()
  })

  it.each([
    ['of a link that verifies nothing', {}, {}, ChecksumState.Verified, ChecksumState.None],
    ['of a link that verifies', { rxChecksumOffload: true }, {}, ChecksumState.Verified, ChecksumState.Verified],
    ['that a peer in the same host left partial', { rxChecksumOffload: true }, {}, ChecksumState.Partial, ChecksumState.Partial],
    ['that nobody wants verified', {}, { verifyChecksums: false }, ChecksumState.None, ChecksumState.Verified],
  ] as const)('believes the checksum %s as far as it should', async (_what, capabilities, options, given, expected) => {
    const { stack, link } = await one(new FakeLink({ capabilities }), options)
    const socket = stack.datagrams.open(7)
    const packet = stack.memory.allocate(0, 64)!
    const bytes = Uint8Array.from(datagram(1, 5))
    packet.append(bytes, 0, bytes.length)
    packet.checksumState = given
    link.receivePacket(FAKE_PROTOCOL, packet)
    expect(socket.received).toMatchObject([{ checksumState: expected }])
    stack.destroy()
  })

  it('sends what is queued before it goes down, and nothing after', async () => {
    const { stack, link, nic } = await one(ethernet())
    nic.neighbors.addStatic('f:1.9', '02:00:00:00:00:09')
    const table = nic.networkInterface.neighborTable(FAKE_PROTOCOL)!
    stack.datagrams.open(7).send(fakeAddress(1, 9), 1, [77], { run: false })
    nic.down()
    expect(link.sent.map((bytes) => bytes.at(-1))).toEqual([77])
    const packet = stack.memory.allocate(0, 40)!
    nic.networkInterface.loopPacket(FAKE_PROTOCOL, packet)
    expect([nic.statistics.dropDisabled, stack.memory.packets]).toEqual([1, 0])
    expect(table.lookup(fakeAddress(1, 8))).not.toBeNull()
    await nic.remove()
    expect(table.lookup(fakeAddress(1, 8))).toBeNull()
    stack.destroy()
  })

  it('goes down and comes back: by call and by carrier', async () => {
    const { stack, link, nic, clock } = await one(ethernet())
    nic.neighbors.addStatic('f:1.9', '02:00:00:00:00:09')
    const socket = stack.datagrams.open(7)
    const { generation } = stack
    nic.down()
    nic.down()
    expect([nic.isUp, stack.generation > generation]).toEqual([false, true])
    expect(socket.send(fakeAddress(1, 9), 1, 4)).toBe('ENETUNREACH')
    nic.up()
    expect(socket.send(fakeAddress(1, 9), 1, 4)).toBeNull()
    link.dispatcher!.setCarrier(false)
    expect(nic.isUp).toBe(false)
    nic.up()
    expect(nic.isUp).toBe(false)
    link.dispatcher!.setCarrier(true)
    expect(nic.isUp).toBe(true)
    await settle(clock)
    expect(stack.fake.endpoints[0]!.log).toEqual(['enable', 'disable', 'enable', 'disable', 'enable'])
    await nic.remove()
    for (const call of [() => { nic.up() }, () => { nic.setMtu(100) }, () => nic.addAddress('f:1.2'), () => nic.tap(() => undefined)]) {
      expect(await codeOf(call)).toBe('ERR_STACK_CLOSED')
    }
    stack.destroy()
  })

  it('has an MTU up to its link’s', async () => {
    const { stack, link, nic } = await one(new FakeLink({ mtu: 500 }))
    expect(nic.mtu).toBe(500)
    nic.setMtu(400)
    expect([nic.mtu, stack.routes.lookup('f:1.9')?.mtu]).toEqual([400, 400])
    link.mtu = 300
    expect(nic.mtu).toBe(300)
    expect(await codeOf(() => { nic.setMtu(301) })).toBe('ERR_STACK_NOT_SUPPORTED')
    expect(await codeOf(() => { nic.setMtu(67) })).toBe('ERR_STACK_INVALID_ARGUMENT')
    stack.destroy()
  })

  it('adds and removes addresses, with the route to their subnet while one is left in it', async () => {
    const { stack, nic } = await one(new FakeLink())
    await nic.addAddress('f:1.2/112')
    expect(stack.routes.list()).toHaveLength(1)
    expect(nic.removeAddress('f:1.1')).toBe(true)
    expect(nic.removeAddress('f:1.1')).toBe(false)
    expect(stack.routes.list()).toHaveLength(1)
    await nic.addAddress('f:1.2/96')
    expect(stack.routes.list().map(({ destination }) => destination)).toEqual(['f:0.0/96'])
    nic.removeAddress('f:1.2/96')
    expect(stack.routes.list()).toEqual([])
    expect(await codeOf(() => nic.addAddress('f:1.1', { validLifetime: -1 }))).toBe('ERR_STACK_INVALID_OPTION')
    stack.destroy()
  })

  it('resolves and lists neighbours', async () => {
    const { stack, nic, clock } = await one(ethernet())
    nic.neighbors.addStatic('f:1.9', '02-00-00-00-00-09')
    expect(await codeOf(() => { nic.neighbors.addStatic('f:1.9', '2:0') })).toBe('ERR_STACK_INVALID_ARGUMENT')
    const known = nic.neighbors.resolve('f:1.9')
    await settle(clock)
    expect(await known).toBe('02:00:00:00:00:09')
    const silent = codeOf(() => nic.neighbors.resolve('f:1.10'))
    const abort = new AbortController()
    const aborted = codeOf(() => nic.neighbors.resolve('f:1.11', { signal: abort.signal }))
    await settle(clock)
    abort.abort(new Error('enough'))
    await advance(clock, 5000)
    expect(await silent).toBe('EHOSTDOWN')
    expect(await aborted).toBe('Error: enough')
    expect(nic.neighbors.remove('f:1.9')).toBe(true)
    stack.destroy()
    expect(clock.held.at(-1)).toBe(false)
  })
})
