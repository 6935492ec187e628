import { channel } from '@stack/link-channel'
import { describe, expect, it } from 'vitest'
import { ample, bytes, host, pair, text, thrownBy, wire } from './support/bench.ts'
import { FAMILIES, IPV4, IPV6 } from './support/families.ts'
import { datagram } from './support/packets.ts'

describe.each(FAMILIES)('$name', (family) => {
  it('a server answers a client [RFC768-source-port, RFC768-interface, RFC1122-4.1.3.5-multihomed, RFC1122-4.1.4-interface]', async () => {
    const { clock, us, peer, end } = await pair()
    const server = peer.udp.bind({ host: family.peer, port: 7 })
    const client = us.udp.connect({ host: family.peer, port: 7, tos: 0x28 })
    expect(client.remote).toEqual({ host: family.peer, port: 7 })
    expect(client.local.host).toBe(family.us)
    expect(client.send(bytes('ping'))).toBe(true)
    const request = await clock.until(server.receive())
    expect(text(request)).toBe('ping')
    expect(request!.remote.host).toBe(family.us)
    expect(request!.remote.port).toBe(client.local.port)
    expect(request!.local.host).toBe(family.peer)
    expect(request!.local.port).toBe(7)
    expect(request!.nicId).toBe(peer.nics[0]!.id)
    expect(request!.ttl).toBe(64)
    expect(request!.tos).toBe(0x28)
    expect(server.send(bytes('pong'), request!.remote)).toBe(true)
    expect(text(await clock.until(client.receive()))).toBe('pong')
    end()
  })

  it('a connected socket hears its peer only', async () => {
    const { stack, inject, trace, end } = await wire()
    const socket = stack.udp.connect({ host: family.peer, port: 53, localPort: 4000 })
    await inject(datagram([family.other, 53], [family.us, 4000], 'not the peer'))
    await inject(datagram([family.peer, 54], [family.us, 4000], 'not the port'))
    // Both are told that nobody listens to them.
    expect(trace()).toHaveLength(2)
    await inject(datagram([family.peer, 53], [family.us, 4000], 'answer'))
    expect(text(socket.tryReceive())).toBe('answer')
    expect(socket.tryReceive()).toBeUndefined()
    end()
  })

  it('a connected socket keeps its address when routes would choose another [RFC1122-3.2.1.3-source]', async () => {
    const { stack, nic, sent, end } = await wire()
    const socket = stack.udp.connect({ host: family.peer, port: 53 })
    const before = socket.local
    await nic.addAddress(family === IPV4 ? '10.0.0.8/24' : 'fd00::8/64', { skipDuplicateDetection: true })
    nic.removeAddress(family.us)
    // Its address is gone: better an error than datagrams whose answers nobody gets.
    expect(thrownBy(() => socket.send(bytes('x')))).toMatchObject({ code: 'EADDRNOTAVAIL', syscall: 'send' })
    expect(socket.local).toEqual(before)
    expect(sent()).toEqual([])
    end()
  })

  it('reconnecting leaves nothing of the old registration behind', async () => {
    const { stack, inject, trace, end } = await wire()
    const socket = stack.udp.connect({ host: family.peer, port: 53, localPort: 4000 })
    socket.reconnect({ host: family.other, port: 54 })
    expect(socket.remote).toEqual({ host: family.other, port: 54 })
    await inject(datagram([family.peer, 53], [family.us, 4000], 'old peer'))
    expect(trace()).toHaveLength(1)
    await inject(datagram([family.other, 54], [family.us, 4000], 'new peer'))
    expect(text(socket.tryReceive())).toBe('new peer')
    socket.reconnect(null)
    expect(socket.remote).toBeNull()
    await inject(datagram([family.peer, 99], [family.us, 4000], 'anybody'))
    expect(text(socket.tryReceive())).toBe('anybody')
    socket.close()
    await inject(datagram([family.peer, 99], [family.us, 4000], 'nobody'))
    expect(trace()).toHaveLength(1)
    // The port and the tuple are free again.
    stack.udp.connect({ host: family.peer, port: 53, localPort: 4000 }).close()
    end()
  })

  it('reconnecting where nothing leads leaves the old peer', async () => {
    const { stack, inject, end } = await wire({ gateway: [] })
    const socket = stack.udp.connect({ host: family.peer, port: 53, localPort: 4000 })
    const nowhere = family === IPV4 ? '192.0.2.1' : '2001:db8::1'
    expect(thrownBy(() => socket.reconnect({ host: nowhere, port: 53 }))).toMatchObject({ code: 'ENETUNREACH', syscall: 'connect', address: nowhere, port: 53 })
    expect(socket.remote?.host).toBe(family.peer)
    await inject(datagram([family.peer, 53], [family.us, 4000], 'still here'))
    expect(text(socket.tryReceive())).toBe('still here')
    expect(socket.send(bytes('x'))).toBe(true)
    end()
  })

  it('a bound address hears what is sent to it, not to others [RFC1122-3.2.1.3-source, RFC1122-4.1.3.5-multihomed]', async () => {
    const { stack, inject, nic, trace, end } = await wire()
    await nic.addAddress(`${family.other}/${family.prefix}`, { skipDuplicateDetection: true })
    const socket = stack.udp.bind({ host: family.other, port: 9 })
    await inject(datagram([family.peer, 1], [family.us, 9], 'elsewhere'))
    expect(socket.tryReceive()).toBeUndefined()
    expect(trace()).toHaveLength(1)
    await inject(datagram([family.peer, 1], [family.other, 9], 'here'))
    expect(text(socket.tryReceive())).toBe('here')
    expect(thrownBy(() => stack.udp.bind({ host: family.peer }))).toMatchObject({ code: 'EADDRNOTAVAIL', syscall: 'bind', address: family.peer })
    end()
  })
})

describe('ports', () => {
  it('an ephemeral port is in the dynamic range, and each socket has its own', () => {
    const { stack } = host()
    const ports = Array.from({ length: 200 }, () => stack.udp.bind().local.port)
    expect(new Set(ports).size).toBe(200)
    for (const port of ports) {
      expect(port).toBeGreaterThanOrEqual(49152)
      expect(port).toBeLessThanOrEqual(65535)
    }
    stack.destroy()
  })

  it('a taken port is refused until it is free', async () => {
    const { stack, end } = await wire()
    const first = stack.udp.bind({ port: 53 })
    expect(thrownBy(() => stack.udp.bind({ port: 53 }))).toMatchObject({ code: 'EADDRINUSE', port: 53 })
    // The wildcard covers each address.
    expect(thrownBy(() => stack.udp.bind({ host: IPV4.us, port: 53 }))).toMatchObject({ code: 'EADDRINUSE' })
    expect(thrownBy(() => stack.udp.connect({ host: IPV4.peer, port: 1, localPort: 53 }))).toMatchObject({ code: 'EADDRINUSE' })
    first.close()
    stack.udp.bind({ host: IPV4.us, port: 53 })
    stack.udp.bind({ host: IPV6.us, port: 53 })
    end()
  })

  it('all 16,384 ephemeral ports may be in use: then there is none', () => {
    const { stack } = host()
    for (let i = 0; i < 16_384; i++) stack.udp.bind()
    expect(thrownBy(() => stack.udp.bind())).toMatchObject({ code: 'EADDRINUSE', syscall: 'bind', port: 0 })
    stack.destroy()
  })

  it('sharers split flows, and each flow stays with one', async () => {
    const { stack, inject, end } = await wire({}, { memory: ample() })
    expect(stack.udp.bind({ port: 52, reusePort: true }).local.port).toBe(52)
    expect(thrownBy(() => stack.udp.bind({ port: 52 }))).toMatchObject({ code: 'EADDRINUSE' })
    const sockets = Array.from({ length: 4 }, () => stack.udp.bind({ port: 53, reusePort: true }))
    for (let round = 0; round < 2; round++) {
      for (let port = 1000; port < 1064; port++) await inject(datagram([IPV4.peer, port], [IPV4.us, 53], 'x'))
    }
    const owner = new Map<number, number>()
    for (const [i, socket] of sockets.entries()) {
      expect(socket.statistics.received).toBeGreaterThan(0)
      for (let d = socket.tryReceive(); d !== undefined; d = socket.tryReceive()) expect(owner.get(d.remote.port) ?? (owner.set(d.remote.port, i), i)).toBe(i)
    }
    expect(owner.size).toBe(64)
    end()
  })

  it('the limit of sockets is a limit', () => {
    const { stack } = host({ options: { maxSockets: 2 } })
    stack.udp.bind()
    const second = stack.udp.bind()
    expect(thrownBy(() => stack.udp.bind())).toMatchObject({ code: 'ERR_STACK_LIMIT' })
    second.close()
    stack.udp.bind()
    stack.destroy()
  })
})

describe('both families', () => {
  it("a socket bound to '::' hears IPv4, and answers it by its IPv4 address", async () => {
    const { clock, us, peer, end } = await pair()
    const server = peer.udp.bind({ host: '::', port: 7 })
    expect(server.local.host).toBe('::')
    for (const family of FAMILIES) {
      const client = us.udp.bind({ host: family.us })
      client.send(bytes(family.name), { host: family.peer, port: 7 })
      const request = await clock.until(server.receive())
      expect(text(request)).toBe(family.name)
      expect(request!.remote.host).toBe(family.us)
      server.send(request!.data, request!.remote)
      expect(text(await clock.until(client.receive()))).toBe(family.name)
    }
    end()
  })

  it("'0.0.0.0' is IPv4 only, for sending too", async () => {
    const { stack, inject, trace, end } = await wire()
    const socket = stack.udp.bind({ host: '0.0.0.0', port: 7 })
    await inject(datagram([IPV6.peer, 1], [IPV6.us, 7], 'six'))
    expect(trace()).toEqual(['icmp 1/4'])
    await inject(datagram([IPV4.peer, 1], [IPV4.us, 7], 'four'))
    expect(text(socket.tryReceive())).toBe('four')
    // The answer would find nobody.
    expect(thrownBy(() => socket.send(bytes('x'), { host: IPV6.peer, port: 1 }))).toMatchObject({ code: 'EAFNOSUPPORT', syscall: 'send' })
    const six = stack.udp.bind({ host: IPV6.us })
    expect(thrownBy(() => six.send(bytes('x'), { host: IPV4.peer, port: 1 }))).toMatchObject({ code: 'EAFNOSUPPORT' })
    end()
  })

  it('an IPv4-mapped address on the wire is not IPv4', async () => {
    const { stack, inject, nic, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    await inject(datagram(['::ffff:a00:2', 1], [IPV6.us, 7], 'x'))
    expect(socket.tryReceive()).toBeUndefined()
    expect(nic.statistics.rxPackets).toBe(1)
    end()
  })
})

describe('sockets of one NIC', () => {
  it('hear and send there only', async () => {
    const first = await wire({ name: 'first' })
    const { stack, clock } = first
    const other = channel()
    await stack.addNic(other, { name: 'second', addresses: ['10.1.0.1/24'], skipDuplicateDetection: true })
    const bound = stack.udp.bind({ port: 7, nic: 'second' })
    const everywhere = stack.udp.bind({ port: 8 })
    other.inject(datagram(['10.1.0.2', 1], ['10.1.0.1', 7], 'here'))
    await first.inject(datagram(['10.0.0.2', 1], ['10.0.0.1', 7], 'there'))
    await first.inject(datagram(['10.0.0.2', 1], ['10.0.0.1', 8], 'anywhere'))
    await clock.settle()
    expect(text(bound.tryReceive())).toBe('here')
    expect(bound.tryReceive()).toBeUndefined()
    expect(text(everywhere.tryReceive())).toBe('anywhere')
    expect(thrownBy(() => bound.send(bytes('x'), { host: '10.0.0.2', port: 1 }))).toMatchObject({ code: 'ENETUNREACH' })
    expect(thrownBy(() => stack.udp.bind({ nic: 'third' }))).toMatchObject({ code: 'ENODEV' })
    await stack.nic('second')!.remove()
    expect(thrownBy(() => bound.send(bytes('x'), { host: '10.1.0.2', port: 1 }))).toMatchObject({ code: 'ENODEV' })
    first.end()
  })

  it('link-local peers are named with their link, so that answers find it', async () => {
    const { stack, clock, inject, sent, end } = await wire({ name: 'lan', addresses: ['fe80::1/64'] })
    const socket = stack.udp.bind({ port: 7 })
    await inject(datagram(['fe80::2', 9], ['fe80::1', 7], 'hi'))
    const request = socket.tryReceive()!
    expect(request.remote.host).toBe('fe80::2%lan')
    expect(request.local.host).toBe('fe80::1%lan')
    socket.send(bytes('x'), request.remote)
    socket.send(bytes('y'), { host: 'fe80::2%lan', port: 9 })
    await clock.settle()
    expect(sent()).toHaveLength(2)
    end()
  })
})
