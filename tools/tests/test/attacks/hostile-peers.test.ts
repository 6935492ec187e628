import { FAMILIES, scriptedPeer, tcp } from '@stack/testing'
import { describe, expect, it } from 'vitest'
import { forgery, TCP } from './support/forgery.ts'
import { network, siege } from './support/siege.ts'

/** Least segment that a peer may ask for: room for all options and a little text. */
const LEAST_MSS = 48
const HELD_LIMIT = 4
/** Ranges with gaps between them that a receiver keeps. */
const MOST_RANGES = 4096
/** Packet memory of the least segment. */
const LEAST_SLOT = 256

const bytesOf = (segments: readonly { readonly length: number }[]): number => segments.reduce((sum, { length }) => sum + length, 0)

describe.each(FAMILIES)('peers that do as they like, over %s', (family) => {
  it.each([0, 1, 27])('MSS %i: segments do not become smaller than a floor', async (mss) => {
    const { stack, clock, friend, end } = await siege()
    const peer = scriptedPeer({ stack, clock, link: friend, family })
    const connection = await peer.accept({}, { mss, scale: 0 })
    await connection.write(new Uint8Array(4000))
    await clock.advance(1)
    const segments = peer.all()
    // 0 is no MSS at all: the default holds (RFC 9293 MUST-15).
    const expected = mss > 0 ? LEAST_MSS : family === 'ipv4' ? 536 : 1220
    expect(Math.min(...segments.slice(0, -1).map(({ length }) => length))).toBe(expected)
    // The initial window counts bytes, and so do tiny segments (RFC 6928 §2).
    expect(segments.length).toBeLessThanOrEqual(10)
    await end()
  })

  it('windows of one byte: nothing leaves but a probe now and then (RFC 9293 §3.8.6.2.1)', async () => {
    const { stack, clock, friend, end } = await siege()
    const peer = scriptedPeer({ stack, clock, link: friend, family })
    const connection = await peer.accept({}, { win: 4000 })
    void connection.write(new Uint8Array(100_000)).catch(() => undefined)
    await clock.advance(1)
    let una = 1 + bytesOf(peer.all())
    let segments = 0
    const started = clock.now()
    for (let i = 0; i < 1000; i++) {
      await peer.send('A', { seq: 1, ack: una, win: 1 })
      const sent = peer.all()
      segments += sent.length
      una += bytesOf(sent)
    }
    expect(segments, 'no segment for each ACK').toBeLessThanOrEqual(2)
    await clock.advance(10_000)
    // RTO 200 ms, doubling.
    expect(peer.all().length).toBeLessThanOrEqual(8)
    expect(clock.now() - started).toBeGreaterThanOrEqual(10_000)
    connection.abort()
    await end()
  })

  it('ACKs of what was never sent: challenged within the limit, cwnd stays (RFC 5961 §5.2)', async () => {
    const { stack, clock, friend, end } = await siege()
    const peer = scriptedPeer({ stack, clock, link: friend, family })
    const connection = await peer.accept({ sendBuffer: 262_144 })
    await connection.write(new Uint8Array(100_000))
    await clock.advance(1)
    const sent = bytesOf(peer.all())
    const { cwnd } = connection.info()
    for (let i = 1; i <= 1000; i++) peer.inject('A', { seq: 1, ack: 1 + sent + i * 1460 })
    await peer.settle()
    const answers = peer.all()
    expect(answers.length).toBeLessThanOrEqual(10)
    expect(bytesOf(answers)).toBe(0)
    expect(connection.info()).toMatchObject({ cwnd })
    connection.abort()
    await end()
  })

  it('ACK division: bytes count, not ACKs (RFC 3465 §2, RFC 5681 §3.1)', async () => {
    const { stack, clock, friend, end } = await siege()
    const peer = scriptedPeer({ stack, clock, link: friend, family })
    const connection = await peer.accept({ sendBuffer: 262_144 }, { scale: 7 })
    await connection.write(new Uint8Array(200_000))
    await clock.advance(1)
    const sent = bytesOf(peer.all())
    const { cwnd } = connection.info()
    // One flight in a thousand pieces is worth one flight.
    for (let i = 1; i <= 1000; i++) peer.inject('A', { seq: 1, ack: 1 + Math.floor((sent * i) / 1000) })
    await peer.settle()
    expect(connection.info().cwnd).toBeLessThanOrEqual(cwnd + sent)
    expect(bytesOf(peer.all())).toBeLessThanOrEqual(2 * sent + 1460)
    connection.abort()
    await end()
  })

  it('optimistic ACKs: cwnd grows by what was sent, and no faster than by half of what is out (RFC 5681 §3.1)', async () => {
    const { stack, clock, friend, end } = await siege()
    const peer = scriptedPeer({ stack, clock, link: friend, family })
    const connection = await peer.accept({ sendBuffer: 262_144 }, { scale: 7 })
    await connection.write(new Uint8Array(250_000))
    await clock.advance(1)
    let una = 1 + bytesOf(peer.all())
    for (let round = 0; round < 3; round++) {
      const before = connection.info().cwnd
      const acked = una
      await peer.send('A', { seq: 1, ack: una })
      const sent = bytesOf(peer.all())
      expect(connection.info().cwnd).toBeLessThanOrEqual(2 * before)
      expect(sent).toBeLessThanOrEqual(2 * before)
      una = acked + sent
    }
    connection.abort()
    await end()
  })

  it('duplicate ACKs made up: one retransmission, and no more new data than had left the network (RFC 5681 §3.2)', async () => {
    const { stack, clock, friend, end } = await siege()
    const peer = scriptedPeer({ stack, clock, link: friend, family })
    const connection = await peer.accept({ sendBuffer: 262_144 }, { scale: 7 })
    await connection.write(new Uint8Array(250_000))
    await clock.advance(1)
    const flight = bytesOf(peer.all())
    for (let i = 0; i < 1000; i++) peer.inject('A', { seq: 1, ack: 1 })
    await peer.settle()
    expect(bytesOf(peer.all())).toBeLessThanOrEqual(flight + 1460)
    connection.abort()
    await end()
  })

  it('every second byte from the back, in a large window: ranges are bounded, and what fills a gap is taken all the same', async () => {
    const { stack, clock, friend, hit, attack, tcp: counters, end } = await siege()
    const peer = scriptedPeer({ stack, clock, link: friend, family })
    const connection = await peer.accept({ receiveBuffer: 8 << 20 }, { scale: 8 })
    const segment = forgery(network(family), tcp({ flags: 'PA', ack: (peer.iss + 1) >>> 0 }), 'x')
    const at = (offset: number) => segment.set32(TCP.sequence, (peer.irs + 1 + offset) | 0).bytes
    const toll = attack(`every second byte from the back, ${family}`, () => {
      for (let i = 5000; i > 0; i--) hit(at(2 * i))
    }, { spoofed: true })
    expect(counters()['dropOutOfOrder']).toBe(5000 - MOST_RANGES)
    expect(toll.held).toBeLessThanOrEqual(MOST_RANGES * LEAST_SLOT + (64 << 10))
    // What joins a range begins none.
    hit(at(2 * 5000 + 1))
    expect(counters()['dropOutOfOrder']).toBe(5000 - MOST_RANGES)
    for (let i = 0; i < 10_002; i++) hit(at(i))
    await clock.advance(1)
    expect(connection.readableLength).toBe(10_002)
    connection.abort()
    await end()
  })

  it('one byte in a segment, out of order and in order: what is held is bounded, whatever it carries', async () => {
    const { stack, clock, friend, hit, attack, run, memory, end } = await siege()
    const peer = scriptedPeer({ stack, clock, link: friend, family })
    const receiveBuffer = 65_536
    const connection = await peer.accept({ receiveBuffer }, { scale: 0 })
    const segment = forgery(network(family), tcp({ flags: 'PA', ack: (peer.iss + 1) >>> 0 }), 'x')
    const at = (offset: number) => segment.set32(TCP.sequence, (peer.irs + 1 + offset) | 0).bytes
    // Every second byte of the window, so that nothing joins.
    const toll = attack(`one byte each, out of order, ${family}`, () => {
      for (let i = 0; i < 30_000; i++) hit(at(1 + 2 * i))
    }, { spoofed: true })
    expect(toll.held).toBeLessThanOrEqual(HELD_LIMIT * receiveBuffer + (64 << 10))
    // Then the gaps, from the front: all of it comes together.
    const filling = attack(`one byte each, in order, ${family}`, () => {
      for (let i = 0; i < 30_000; i++) hit(at(2 * i))
    }, { spoofed: true })
    expect(filling.held).toBeLessThanOrEqual(HELD_LIMIT * receiveBuffer + (64 << 10))
    expect(connection.readableLength).toBeGreaterThan(1000)
    connection.abort()
    run(1)
    expect(memory.packets).toBe(0)
    await end()
  })
})

describe('clients that keep connections and never read (sockstress)', () => {
  const CONNECTIONS = 10_000
  /** What the server has to say to each. */
  const ANSWER = 2000

  it(`${CONNECTIONS} connections with a zero window: memory is what was written; they end with the user timeout`, async () => {
    const { stack, clock, hit, attack, run, link, memory, tcp: counters, end } = await siege({ quota: 64 << 20 })
    const listener = stack.tcp.listen({ port: 7000, backlog: CONNECTIONS, userTimeout: 30_000, sendBuffer: 4096 })
    const answer = new Uint8Array(ANSWER)
    listener.setHandler((connection) => {
      connection.tryWrite(answer)
    })
    const syn = forgery(network('ipv4'), tcp({ flags: 'S' }))
    const ack = forgery(network('ipv4'), tcp({ flags: 'A', window: 0 }))
    const toll = attack('sockstress: connections with a zero window', () => {
      for (let i = 0; i < CONNECTIONS; i++) {
        hit(syn.set16(TCP.sourcePort, 1000 + i).bytes)
        // The attacker reads the SYN-ACK: no cookie helps against somebody who is there.
        let packet = null
        while (packet === null) {
          clock.advanceSync(0)
          packet = link.take()
        }
        const iss = packet.view.getInt32(packet.start + 24)
        packet.release()
        hit(ack.set16(TCP.sourcePort, 1000 + i).set32(TCP.sequence, 1).set32(TCP.acknowledgment, (iss + 1) | 0).bytes)
      }
    })
    expect(counters()['connections']).toBe(CONNECTIONS)
    // A chunk for each answer.
    expect(toll.held).toBeLessThanOrEqual(CONNECTIONS * 2048 + (1 << 20))
    // Probes are few, and nobody answers them.
    const probes = attack('sockstress: half a minute of probes', () => {
      for (let i = 0; i < 60; i++) run(1000)
    })
    expect(probes.packetsOut).toBeLessThanOrEqual(10 * CONNECTIONS)
    expect(counters()).toMatchObject({ connections: 0 })
    expect(memory.packets + memory.chunks).toBe(0)
    await end()
  })
})
