import { createPacketMemory } from '@stack/buffer'
import { createStack } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { loopback } from '@stack/link-loopback'
import { leaksOf, manualClock } from '@stack/testing'
import { describe, expect, it } from 'vitest'
import { raw } from '../src/index.ts'
import { bytes, checksum, codeOf, IPV4, IPV6, pair, text } from './support/bench.ts'

/** A protocol number for experiments (RFC 3692). */
const TEST = 253

describe.each([IPV4, IPV6])('$name', (family) => {
  const { networkProtocol } = family

  it('a payload arrives with its header', async () => {
    const { clock, us, peer, end } = await pair()
    const receiver = peer.raw.open({ networkProtocol, protocol: TEST })
    const sender = us.raw.open({ networkProtocol, protocol: TEST, ttl: 9, tos: 0x20 })
    expect(sender.send(bytes('payload'), family.peer)).toBe(true)
    const datagram = (await clock.until(receiver.receive()))!
    expect(text(datagram.data)).toBe('payload')
    expect(datagram).toMatchObject({ source: family.us, destination: family.peer, nicId: peer.nics[0]!.id })
    expect(datagram.header).toHaveLength(family.headerLength)
    expect(datagram.header[family === IPV4 ? 8 : 7]).toBe(9)
    end()
  })

  it('the application may write the network header itself, and lie about its source', async () => {
    const { clock, us, peer, end } = await pair()
    // A spoofed source has to get past nobody: routes lead back.
    const receiver = peer.raw.open({ networkProtocol, protocol: TEST })
    const sender = us.raw.open({ networkProtocol, protocol: 0, headerIncluded: true })
    const source = family === IPV4 ? [10, 0, 0, 77] : [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x77]
    const to = family === IPV4 ? [10, 0, 0, 2] : [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    const header = family === IPV4 ? bytes([0x45, 0, 0, 0, 0, 0, 0, 0, 33, TEST, 0, 0], source, to) : bytes([0x60, 0, 0, 0, 0, 0, TEST, 33], source, to)
    expect(sender.send(bytes(header, 'whole'), family.peer)).toBe(true)
    const datagram = (await clock.until(receiver.receive()))!
    expect(text(datagram.data)).toBe('whole')
    expect(datagram.source).toBe(family === IPV4 ? '10.0.0.77' : 'fd00::77')
    // Length and checksum were filled in.
    const view = new DataView(datagram.header.buffer)
    if (family === IPV4) {
      expect(view.getUint16(2)).toBe(25)
      expect(checksum(datagram.header)).toBe(0)
      expect(view.getUint16(4)).not.toBe(0)
    } else expect(view.getUint16(4)).toBe(5)
    end()
  })

  it('a header that is none is refused', async () => {
    const { us, end } = await pair()
    const sender = us.raw.open({ networkProtocol, protocol: 0, headerIncluded: true })
    expect(codeOf(() => sender.send(new Uint8Array(3), family.peer))).toBe('EINVAL')
    expect(codeOf(() => sender.send(new Uint8Array(family.headerLength), family.peer))).toBe('EINVAL')
    expect(codeOf(() => sender.send(new Uint8Array(66_000), family.peer))).toBe('EMSGSIZE')
    end()
  })

  it('more than the link carries is cut into fragments and comes back in one', async () => {
    const { clock, us, peer, end } = await pair({ mtu: 1280 })
    const receiver = peer.raw.open({ networkProtocol, protocol: TEST })
    const data = Uint8Array.from({ length: 9000 }, (_, i) => i)
    us.raw.open({ networkProtocol, protocol: TEST }).send(data, family.peer)
    expect((await clock.until(receiver.receive()))!.data).toEqual(data)
    end()
  })

  it('protocol 0 hears every protocol, others their own, of their family', async () => {
    const { clock, us, peer, end } = await pair()
    const other = networkProtocol === IPV4.networkProtocol ? IPV6 : IPV4
    const every = peer.raw.open({ networkProtocol, protocol: 0 })
    const one = peer.raw.open({ networkProtocol, protocol: TEST })
    for (const protocol of [TEST, 254]) us.raw.open({ networkProtocol, protocol }).send(bytes(String(protocol)), family.peer)
    us.raw.open({ networkProtocol: other.networkProtocol, protocol: TEST }).send(bytes('other family'), other.peer)
    await clock.settle()
    expect([text(every.tryReceive()?.data), text(every.tryReceive()?.data), every.tryReceive()]).toEqual(['253', '254', undefined])
    expect([text(one.tryReceive()?.data), one.tryReceive()]).toEqual(['253', undefined])
    // A socket took them: only the other family's was answered with protocol unreachable.
    expect(us.statistics().protocols['transport']).toMatchObject({ errorDelivered: 1, errorUnmatched: 0 })
    end()
  })
})

it('the checksum of ICMPv6 is filled in, for its sum needs the source', async () => {
  const { clock, us, end } = await pair()
  const socket = us.raw.open({ networkProtocol: IPV6.networkProtocol, protocol: 58 })
  // An echo request; the peer answers only what is sound.
  socket.send(bytes([128, 0, 0, 0, 0, 1, 0, 2], 'ping'), IPV6.peer)
  const reply = (await clock.until(socket.receive()))!
  expect(reply.data[0]).toBe(129)
  expect(text(reply.data.subarray(8))).toBe('ping')
  end()
})

it('raw sockets are beside normal delivery: the protocol gets its packet, too', async () => {
  const { clock, us, peer, end } = await pair()
  const watcher = us.raw.open({ networkProtocol: IPV6.networkProtocol, protocol: 58 })
  // The peer's echo request is answered by the protocol although a socket saw it.
  const pinger = peer.raw.open({ networkProtocol: IPV6.networkProtocol, protocol: 58 })
  pinger.send(bytes([128, 0, 0, 0, 0, 1, 0, 2], 'ping'), IPV6.us)
  await clock.settle()
  expect(watcher.tryReceive()?.data[0]).toBe(128)
  expect(pinger.tryReceive()?.data[0]).toBe(129)
  end()
})

it('of one NIC: hears and sends there only', async () => {
  const { clock, us, peer, end } = await pair()
  await peer.addNic(loopback(), { name: 'lo', addresses: ['127.0.0.1/8'] })
  const local = peer.raw.open({ protocol: TEST, nic: 'lo' })
  const wire = peer.raw.open({ protocol: TEST, nic: 'wire' })
  us.raw.open({ protocol: TEST }).send(bytes('far'), IPV4.peer)
  peer.raw.open({ protocol: TEST }).send(bytes('near'), '127.0.0.1')
  await clock.settle()
  expect([text(local.tryReceive()?.data), local.tryReceive()]).toEqual(['near', undefined])
  expect([text(wire.tryReceive()?.data), wire.tryReceive()]).toEqual(['far', undefined])
  expect(codeOf(() => local.send(bytes('x'), IPV4.us))).toBe('ENETUNREACH')
  end()
})

it('misuse has codes', async () => {
  const { us, end } = await pair()
  const socket = us.raw.open({ protocol: TEST })
  expect(codeOf(() => us.raw.open({ protocol: 256 }))).toBe('ERR_STACK_INVALID_OPTION')
  expect(codeOf(() => us.raw.open({ protocol: 1, networkProtocol: 0x1234 }))).toBe('EAFNOSUPPORT')
  expect(codeOf(() => us.raw.open({ protocol: 1, nic: 'none' }))).toBe('ENODEV')
  expect(codeOf(() => socket.send('text' as never, IPV4.peer))).toBe('ERR_STACK_INVALID_ARGUMENT')
  expect(codeOf(() => socket.send(bytes('x'), 'nowhere'))).toBe('ERR_STACK_INVALID_ADDRESS')
  expect(codeOf(() => socket.send(bytes('x'), IPV6.peer))).toBe('EAFNOSUPPORT')
  expect(codeOf(() => socket.send(bytes('x'), '192.0.2.1'))).toBe('ENETUNREACH')
  expect(codeOf(() => socket.send(new Uint8Array(65_530), IPV4.peer))).toBe('EMSGSIZE')
  expect(codeOf(() => us.raw.open({ protocol: 0 }).send(bytes('x'), IPV4.peer))).toBe('EINVAL')
  socket.close()
  socket.close()
  expect(codeOf(() => socket.send(bytes('x'), IPV4.peer))).toBe('ERR_STACK_CLOSED')
  expect(codeOf(() => { socket.setHandler(() => undefined) })).toBe('ERR_STACK_CLOSED')
  await expect(socket.receive()).resolves.toBeNull()
  end()
})

describe('reading', () => {
  it('is bounded by the memory that is held', async () => {
    const { clock, us, peer, end } = await pair()
    const receiver = peer.raw.open({ protocol: TEST, receiveBuffer: 2048 })
    const sender = us.raw.open({ protocol: TEST })
    for (let i = 0; i < 10; i++) sender.send(bytes(String(i)), IPV4.peer)
    await clock.settle()
    expect(receiver.dropped).toBe(2)
    expect(peer.statistics().protocols['raw']).toEqual({ received: 8, sent: 0, dropReceiveBufferFull: 2, dropSend: 0 })
    expect(us.statistics().protocols['raw']).toMatchObject({ sent: 10 })
    const seen: string[] = []
    for await (const { data } of receiver) {
      seen.push(text(data))
      if (seen.length === 8) break
    }
    expect(seen.join('')).toBe('01234567')
    end()
  })

  it('by promise, by handler, with a signal', async () => {
    const { clock, us, peer, errors, end } = await pair()
    const receiver = peer.raw.open({ protocol: TEST })
    const sender = us.raw.open({ protocol: TEST })
    const waiting = receiver.receive()
    await expect(receiver.receive()).rejects.toMatchObject({ code: 'ERR_STACK_BUSY' })
    expect(codeOf(() => { receiver.setHandler(() => undefined) })).toBe('ERR_STACK_BUSY')
    sender.send(bytes('one'), IPV4.peer)
    expect(text((await clock.until(waiting))!.data)).toBe('one')
    const controller = new AbortController()
    const aborted = receiver.receive({ signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    await expect(receiver.receive({ signal: controller.signal })).rejects.toThrow('enough')
    const seen: string[] = []
    const trouble = new Error('handler')
    receiver.setHandler(({ data }) => {
      seen.push(text(data))
      if (seen.length === 1) throw trouble
      if (seen.length === 2) receiver.close()
    })
    await expect(receiver.receive()).rejects.toMatchObject({ code: 'ERR_STACK_BUSY' })
    for (const data of ['two', 'three', 'four']) sender.send(bytes(data), IPV4.peer)
    await clock.settle()
    expect(seen).toEqual(['two', 'three'])
    expect(errors).toEqual([trouble])
    await receiver.closed
    end()
  })

  it('what a host sends to itself has its checksum finished for the reader', async () => {
    const clock = manualClock()
    const stack = createStack({ plugins: [ipv4(), raw()], clock })
    await stack.addNic(loopback(), { addresses: ['127.0.0.1/8'] })
    const socket = stack.raw.open({ protocol: 1 })
    // The answer of ICMP leaves its checksum to the NIC, which leaves it to a link that needs none.
    socket.send(bytes([8, 0, 0xf7, 0xfd, 0, 0, 0, 2]), '127.0.0.1')
    for (const type of [8, 0]) {
      const message = (await clock.until(socket.receive()))!
      expect(message.data[0]).toBe(type)
      expect(checksum(message.data)).toBe(0)
    }
    stack.destroy()
    expect(leaksOf(stack)).toEqual([])
  })
})

it('without memory: false, counted', async () => {
  const { us, end } = await pair({ framing: 'ethernet' }, createPacketMemory({ size: 1 << 20 }).pool({ slots: 2 }))
  const socket = us.raw.open({ protocol: TEST })
  // They wait for the neighbour.
  const answers = [1, 2, 3, 4].map(() => socket.send(bytes('x'), '10.0.0.9'))
  expect(answers).toContain(false)
  expect(us.statistics().protocols['raw']!['dropSend']).toBeGreaterThan(0)
  end()
})

it.each(['destroy', 'close'] as const)('%s of the stack ends every socket', async (how) => {
  const { clock, us, peer } = await pair()
  const socket = us.raw.open({ protocol: TEST })
  const packets = us.raw.packet()
  const calls = [socket.receive(), packets.receive()]
  expect(clock.isHeld).toBe(true)
  if (how === 'destroy') us.destroy()
  else await clock.until(us.close())
  expect(await Promise.all(calls)).toEqual([null, null])
  await Promise.all([socket.closed, packets.closed])
  expect(codeOf(() => us.raw.open({ protocol: TEST }))).toBe('ERR_STACK_CLOSED')
  expect(codeOf(() => us.raw.packet())).toBe('ERR_STACK_CLOSED')
  peer.destroy()
  expect(clock.isHeld).toBe(false)
  expect(leaksOf(us)).toEqual([])
})

it('the limit of sockets is a limit', async () => {
  const { us, end } = await pair()
  for (let i = 0; i < 4096; i++) us.raw.open({ protocol: TEST })
  expect(codeOf(() => us.raw.packet())).toBe('ERR_STACK_LIMIT')
  end()
})

it('makes endpoints for core, as the factory it is', async () => {
  const { clock, us, peer, end } = await pair()
  const endpoint = peer.raw.newUnassociatedEndpoint(0x0800, TEST)
  expect(endpoint).toMatchObject({ networkProtocol: 0x0800, transportProtocol: TEST })
  peer.raw.newPacketEndpoint(true, 0x0800)
  us.raw.open({ protocol: TEST }).send(bytes('x'), IPV4.peer)
  await clock.settle()
  expect(peer.statistics().protocols['raw']).toMatchObject({ received: 2 })
  endpoint.close()
  end()
})
