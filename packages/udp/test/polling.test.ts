import { describe, expect, it } from 'vitest'
import { bytes, pair, text, wire } from './support/bench.ts'
import { IPV4 } from './support/families.ts'
import { datagram } from './support/packets.ts'

const from = [IPV4.peer, 1] as const
const to = [IPV4.us, 7] as const

describe('peek', () => {
  it('leaves the datagram where it is', async () => {
    const { stack, inject, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    expect(socket.peek()).toBeUndefined()
    expect(socket.readableLength).toBe(0)
    await inject(datagram(from, to, 'one'))
    await inject(datagram(from, to, 'three'))
    expect(text(socket.peek())).toBe('one')
    expect(text(socket.peek())).toBe('one')
    expect(socket.peek()!.remote.host).toBe(IPV4.peer)
    expect(socket.readableLength).toBe(3)
    expect(text(socket.tryReceive())).toBe('one')
    expect(socket.readableLength).toBe(5)
    expect(text(socket.tryReceive())).toBe('three')
    expect(socket.tryReceive()).toBeUndefined()
    end()
  })
})

describe('a handler with readable', () => {
  it('is told that something came, once for all of it, and fetches it', async () => {
    const { clock, link, stack, inject, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    await inject(datagram(from, to, 'early'))
    let told = 0
    socket.setHandler({ readable: () => told++ })
    await clock.settle()
    expect(told).toBe(1)
    link.inject(datagram(from, to, 'a'))
    await inject(datagram(from, to, 'b'))
    expect(told).toBe(2)
    expect([socket.tryReceive(), socket.tryReceive(), socket.tryReceive()].map((received) => text(received))).toEqual(['early', 'a', 'b'])
    end()
  })
})

describe('takeError', () => {
  it('takes the ICMP error of a connected socket once; the next send goes out', async () => {
    const { clock, us, end } = await pair()
    const socket = us.udp.connect({ host: IPV4.peer, port: 9 })
    let told = 0
    socket.setHandler({ readable: () => told++ })
    expect(socket.send(bytes('anybody?'))).toBe(true)
    await clock.settle()
    expect(told).toBe(1)
    expect(socket.takeError()).toMatchObject({ code: 'ECONNREFUSED' })
    expect(socket.takeError()).toBeNull()
    expect(socket.send(bytes('again'))).toBe(true)
    end()
  })
})
