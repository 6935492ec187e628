import { createPacketMemory } from '@stack/buffer'
import { describe, expect, it } from 'vitest'
import { ample, bytes, host, pair, text, thrownBy, wire } from './support/bench.ts'
import { IPV4 } from './support/families.ts'
import { datagram } from './support/packets.ts'

const from = [IPV4.peer, 1] as const
const to = [IPV4.us, 7] as const

describe('reading', () => {
  it('a receive that waits gets the next datagram, later ones are queued', async () => {
    const { stack, inject, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    const first = socket.receive()
    await expect(socket.receive()).rejects.toMatchObject({ code: 'ERR_STACK_BUSY' })
    expect(thrownBy(() => socket.setHandler({}))).toMatchObject({ code: 'ERR_STACK_BUSY' })
    await inject(datagram(from, to, 'one'))
    await inject(datagram(from, to, 'two'))
    expect(text(await first)).toBe('one')
    expect(text(await socket.receive())).toBe('two')
    expect(socket.statistics).toMatchObject({ received: 2 })
    end()
  })

  it('iteration ends when the socket closes', async () => {
    const { stack, inject, clock, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    const seen: string[] = []
    const loop = (async () => {
      for await (const received of socket) seen.push(text(received))
    })()
    for (const data of ['a', 'b', 'c']) await inject(datagram(from, to, data))
    socket.close()
    await clock.until(loop)
    expect(seen).toEqual(['a', 'b', 'c'])
    end()
  })

  it('leaving the loop leaves the socket open', async () => {
    const { stack, inject, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    await inject(datagram(from, to, 'a'))
    await inject(datagram(from, to, 'b'))
    for await (const received of socket) {
      expect(text(received)).toBe('a')
      break
    }
    expect(text(socket.tryReceive())).toBe('b')
    end()
  })

  it('a signal ends the call and nothing else', async () => {
    const { stack, inject, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    const reason = new Error('enough')
    await expect(socket.receive({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const controller = new AbortController()
    const call = socket.receive({ signal: controller.signal })
    controller.abort(reason)
    await expect(call).rejects.toBe(reason)
    await inject(datagram(from, to, 'still here'))
    expect(text(await socket.receive({ signal: new AbortController().signal }))).toBe('still here')
    end()
  })

  it.each(['close', 'destroy'] as const)('%s settles a call that waits', async (how) => {
    const { stack, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    const call = socket.receive()
    if (how === 'close') socket.close()
    else stack.destroy()
    await expect(call).resolves.toBeNull()
    await socket.closed
    end()
  })

  it('data is a copy: the packet it came in serves others', async () => {
    const { stack, inject, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    await inject(datagram(from, to, 'mine'))
    const first = socket.tryReceive()!
    await inject(datagram(from, to, 'next'))
    socket.tryReceive()
    expect(text(first)).toBe('mine')
    end()
  })

  it('it is a plain object: spread and structuredClone keep its ends', async () => {
    const { stack, inject, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    await inject(datagram(from, to, 'x'))
    const received = socket.tryReceive()!
    const remote = { host: from[0], port: from[1] }
    const local = { host: to[0], port: to[1] }
    expect({ ...received.remote }).toEqual(remote)
    expect(structuredClone(received)).toMatchObject({ remote, local, ttl: received.ttl, nicId: received.nicId })
    expect(JSON.parse(JSON.stringify(received))).toMatchObject({ remote, local })
    end()
  })

  it('each peer has its own name, however many there are', async () => {
    const { stack, inject, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    for (let round = 0; round < 2; round++) {
      for (let port = 1000; port < 1200; port++) {
        await inject(datagram([IPV4.peer, port], to, 'x'))
        expect(socket.tryReceive()!.remote).toEqual({ host: IPV4.peer, port })
      }
    }
    end()
  })
})

describe('the receive buffer', () => {
  it('counts the memory that is held, not the payload', async () => {
    const { stack, inject, counters, end } = await wire()
    // One byte of payload sits in a slot of 256.
    const socket = stack.udp.bind({ port: 7, receiveBuffer: 2048 })
    for (let i = 0; i < 10; i++) await inject(datagram(from, to, String(i)))
    expect(socket.statistics).toMatchObject({ received: 8, dropReceiveBufferFull: 2 })
    expect(counters()['dropReceiveBufferFull']).toBe(2)
    // What is read makes room.
    socket.tryReceive()
    await inject(datagram(from, to, 'x'))
    expect(socket.statistics).toMatchObject({ received: 9, dropReceiveBufferFull: 2 })
    // A smaller limit holds for what comes; a larger one too.
    socket.configure({ receiveBuffer: 4096 })
    await inject(datagram(from, to, 'y'))
    expect(socket.statistics.received).toBe(10)
    end()
  })

  it('takes one datagram whatever its size', async () => {
    const { clock, us, peer, end } = await pair({ mtu: 65_535 })
    const socket = peer.udp.bind({ port: 7, receiveBuffer: 2048 })
    const sender = us.udp.bind()
    sender.send(new Uint8Array(60_000), { host: IPV4.peer, port: 7 })
    sender.send(new Uint8Array(60_000), { host: IPV4.peer, port: 7 })
    await clock.settle()
    expect(socket.tryReceive()?.data).toHaveLength(60_000)
    expect(socket.tryReceive()).toBeUndefined()
    expect(socket.statistics.dropReceiveBufferFull).toBe(1)
    end()
  })
})

describe('a handler', () => {
  it('gets every datagram, what was queued first', async () => {
    const { stack, inject, clock, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    const seen: [string, string, number][] = []
    await inject(datagram(from, to, 'early'))
    socket.setHandler({ datagram: (data, remote, info) => seen.push([new TextDecoder().decode(data), remote.host, info.ttl]) })
    // Not inside the call that sets it.
    expect(seen).toEqual([])
    await clock.settle()
    await inject(datagram(from, to, 'late'))
    expect(seen).toEqual([['early', IPV4.peer, 64], ['late', IPV4.peer, 64]])
    await expect(socket.receive()).rejects.toMatchObject({ code: 'ERR_STACK_BUSY' })
    socket.setHandler(null)
    await inject(datagram(from, to, 'queued'))
    expect(text(await socket.receive())).toBe('queued')
    end()
  })

  it('that throws loses nothing: the stack is told, the next datagram comes', async () => {
    const { stack, inject, errors, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    const seen: string[] = []
    const trouble = new Error('no')
    socket.setHandler({
      datagram(data) {
        seen.push(new TextDecoder().decode(data))
        if (seen.length === 1) throw trouble
      },
    })
    await inject(datagram(from, to, 'one'))
    await inject(datagram(from, to, 'two'))
    expect(seen).toEqual(['one', 'two'])
    expect(errors).toEqual([trouble])
    end()
  })

  it('may close the socket, with more in the queue', async () => {
    const { stack, inject, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    for (const data of ['one', 'two', 'three']) await inject(datagram(from, to, data))
    const seen: number[] = []
    socket.setHandler({
      datagram(data) {
        seen.push(data.length)
        socket.close()
      },
    })
    await socket.closed
    expect(seen).toEqual([3])
    end()
  })

  it('may destroy the stack', async () => {
    const { stack, inject, clock, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    await inject(datagram(from, to, 'one'))
    await inject(datagram(from, to, 'two'))
    socket.setHandler({ datagram: () => stack.destroy() })
    await clock.settle()
    end()
  })

  it('may take itself away: the rest waits for a reader', async () => {
    const { stack, inject, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    for (const data of ['one', 'two']) await inject(datagram(from, to, data))
    await new Promise<void>((resolve) => {
      socket.setHandler({
        datagram() {
          socket.setHandler(null)
          resolve()
        },
      })
    })
    expect(text(await socket.receive())).toBe('two')
    end()
  })

  it('may answer: a ping-pong of handlers goes on', async () => {
    const { clock, us, peer, end } = await pair()
    const server = peer.udp.bind({ port: 7 })
    server.setHandler({ datagram: (data, remote) => void server.send(data, remote) })
    const client = us.udp.connect({ host: IPV4.peer, port: 7 })
    let rounds = 0
    client.setHandler({
      datagram(data) {
        if (++rounds < 20_000) client.send(data)
      },
    })
    client.send(bytes('ball'))
    await clock.settle()
    expect(rounds).toBe(20_000)
    end()
  })
})

describe('sending', () => {
  it.each([
    [IPV4, 65_507], [{ us: 'fd00::1', peer: 'fd00::2' }, 65_527],
  ])('the largest datagram travels in fragments over 1,500 bytes [RFC1122-3.2.1.4-fragments, RFC1122-3.3.2-learn, RFC8200-5-1500]', async (family, length) => {
    const { clock, us, peer, end } = await pair({ mtu: 1500 })
    const server = peer.udp.bind({ port: 7 })
    const data = Uint8Array.from({ length }, (_, i) => i * 7)
    expect(us.udp.bind({ host: family.us }).send(data, { host: family.peer, port: 7 })).toBe(true)
    const received = await clock.until(server.receive())
    expect(received!.data.length).toBe(length)
    expect(received!.data).toEqual(data)
    end()
  })

  it('without memory: false and counted, then writable', async () => {
    const memory = createPacketMemory({ size: 1 << 20 }).pool({ slots: 8 })
    const { stack, link, clock, end } = await wire({}, { memory })
    const socket = stack.udp.connect({ host: IPV4.peer, port: 9 })
    let writable = 0
    socket.setHandler({
      writable() {
        writable++
      },
    })
    let sent = 0
    while (sent < 100 && socket.send(bytes('x'))) sent++
    // Eight packets wait in the link for the test to take them.
    expect(sent).toBe(8)
    expect(socket.statistics).toMatchObject({ sent: 8, dropSend: 1 })
    await clock.settle()
    expect(writable).toBe(0)
    link.tryRead()
    await clock.settle()
    expect(writable).toBe(1)
    expect(socket.send(bytes('x'))).toBe(true)
    end()
  })

  it('into a full queue: false, then writable; a handler set in between hears of it', async () => {
    const { stack, link, clock, end } = await wire({}, { memory: ample() })
    const socket = stack.udp.connect({ host: IPV4.peer, port: 9 })
    let sent = 0
    while (sent < 10_000 && socket.send(bytes('x'))) sent++
    // The link holds 1,024, the queue of the NIC 1,000.
    expect(sent).toBe(2024)
    while (link.tryRead() !== null);
    await clock.settle()
    let writable = 0
    socket.setHandler({
      writable() {
        writable++
      },
    })
    await clock.settle()
    expect(writable).toBe(1)
    end()
  })

  it('a handler that throws in writable or error is reported', async () => {
    const memory = createPacketMemory({ size: 1 << 20 }).pool({ slots: 1 })
    const { stack, link, clock, errors, end } = await wire({}, { memory })
    const socket = stack.udp.connect({ host: IPV4.peer, port: 9 })
    const trouble = new Error('no')
    socket.setHandler({
      writable() {
        throw trouble
      },
    })
    socket.send(bytes('x'))
    socket.send(bytes('x'))
    link.tryRead()
    await clock.settle()
    expect(errors).toEqual([trouble])
    end()
  })
})

describe('keeping the process alive', () => {
  it('an open socket does, unless told otherwise', () => {
    const { stack, clock } = host()
    expect(clock.isHeld).toBe(false)
    const first = stack.udp.bind()
    const second = stack.udp.bind().unref()
    expect(clock.isHeld).toBe(true)
    first.unref().unref()
    expect(clock.isHeld).toBe(false)
    second.ref().ref()
    expect(clock.isHeld).toBe(true)
    second.close()
    expect(clock.isHeld).toBe(false)
    second.ref()
    expect(clock.isHeld).toBe(false)
    expect(thrownBy(() => stack.udp.connect({ host: IPV4.peer, port: 1 }))).toMatchObject({ code: 'ENETUNREACH' })
    expect(clock.isHeld).toBe(false)
    stack.destroy()
  })
})
