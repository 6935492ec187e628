import { describe, expect, it } from 'vitest'
import { bytes, pair, text, thrownBy, wire } from './support/bench.ts'
import { FAMILIES, IPV4 } from './support/families.ts'
import { datagram } from './support/packets.ts'

describe('broadcast', () => {
  it('needs the option, and reaches every socket on the port', async () => {
    const { clock, us, peer, end } = await pair()
    const first = peer.udp.bind({ port: 67, reuseAddress: true })
    const second = peer.udp.bind({ host: '0.0.0.0', port: 67, reuseAddress: true })
    const third = peer.udp.bind({ port: 67, reuseAddress: true })
    const other = peer.udp.bind({ port: 68 })
    const sender = us.udp.bind({ broadcast: true })
    for (const destination of ['255.255.255.255', '10.0.0.255']) {
      sender.send(bytes('all'), { host: destination, port: 67 })
      await clock.settle()
      for (const socket of [first, second, third]) {
        const received = socket.tryReceive()
        expect(text(received)).toBe('all')
        expect(received!.local.host).toBe(destination)
        expect(socket.tryReceive()).toBeUndefined()
      }
    }
    expect(other.tryReceive()).toBeUndefined()
    sender.configure({ broadcast: false })
    expect(thrownBy(() => sender.send(bytes('all'), { host: '10.0.0.255', port: 67 }))).toMatchObject({ code: 'EACCES' })
    end()
  })

  it('nobody on the port: no answer', async () => {
    const { inject, trace, end } = await wire()
    await inject(datagram([IPV4.peer, 1], ['10.0.0.255', 9], 'x'))
    await inject(datagram([IPV4.peer, 1], ['255.255.255.255', 9], 'x'))
    expect(trace()).toEqual([])
    end()
  })
})

describe.each(FAMILIES)('multicast over $name', (family) => {
  it('reaches members, and every socket on the port of a host that is one [RFC1122-3.3.7-multicast]', async () => {
    const { clock, us, peer, end } = await pair()
    const member = peer.udp.bind({ port: 5000, reusePort: true })
    const neighbor = peer.udp.bind({ port: 5000, reusePort: true })
    const sender = us.udp.bind({ multicastLoop: false })
    sender.send(bytes('early'), { host: family.group, port: 5000 })
    await clock.settle()
    expect(member.tryReceive()).toBeUndefined()
    member.joinGroup(family.group)
    expect(thrownBy(() => member.joinGroup(family.group))).toMatchObject({ code: 'EADDRINUSE' })
    neighbor.joinGroup(family.group)
    sender.send(bytes('now'), { host: family.group, port: 5000 })
    await clock.settle()
    const received = member.tryReceive()!
    expect(text(received)).toBe('now')
    expect(received.local.host).toBe(family.group)
    expect(received.ttl).toBe(1)
    expect(text(neighbor.tryReceive())).toBe('now')
    // One that leaves does not take the group from the other.
    member.leaveGroup(family.group)
    sender.send(bytes('later'), { host: family.group, port: 5000 })
    await clock.settle()
    expect(text(neighbor.tryReceive())).toBe('later')
    neighbor.close()
    member.tryReceive()
    sender.send(bytes('too late'), { host: family.group, port: 5000 })
    await clock.settle()
    expect(member.tryReceive()).toBeUndefined()
    end()
  })

  it('comes back to its own host unless told otherwise, also when told later', async () => {
    const { clock, us, end } = await pair()
    const socket = us.udp.bind({ port: 5000, multicastTtl: 7 })
    socket.joinGroup(family.group)
    socket.send(bytes('mine'), { host: family.group, port: 5000 })
    await clock.settle()
    expect(socket.tryReceive()).toMatchObject({ ttl: 7 })
    socket.configure({ multicastLoop: false })
    socket.send(bytes('not mine'), { host: family.group, port: 5000 })
    await clock.settle()
    expect(socket.tryReceive()).toBeUndefined()
    // So for a connected socket, which knows its route already.
    const connected = us.udp.connect({ host: family.group, port: 5000 })
    connected.send(bytes('mine'))
    connected.configure({ multicastLoop: false })
    connected.send(bytes('not mine'))
    await clock.settle()
    expect([text(socket.tryReceive()), socket.tryReceive()]).toEqual(['mine', undefined])
    end()
  })
})

it('ttl and tos are what the socket says [RFC1122-4.1.4-interface, RFC1122-3.4-interface]', async () => {
  const { stack, clock, sent, end } = await wire()
  const socket = stack.udp.bind({ ttl: 3, tos: 0xb8 })
  socket.send(bytes('x'), { host: IPV4.peer, port: 9 })
  socket.send(bytes('x'), { host: 'fd00::2', port: 9 })
  await clock.settle()
  const [four, six] = sent()
  expect([four![8], four![1]]).toEqual([3, 0xb8])
  expect([six![7], ((six![0]! & 15) << 4) | (six![1]! >> 4)]).toEqual([3, 0xb8])
  end()
})
