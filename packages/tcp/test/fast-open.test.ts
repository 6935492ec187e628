import { icmpv4, ipv4, packet, tcp } from '@stack/testing'
import { describe, expect, test } from 'vitest'
import type { Connection, Listener, ListenOptions } from '../src/index.ts'
import { FastOpenCache } from '../src/fast-open-cache.ts'
import { Bench, FAMILIES, PEER_PORT, PORT, ample, pattern, type Family, type Segment } from './support/peer.ts'

const COOKIE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
const NO_TIMESTAMPS = { timestamps: false } as const

function option(cookie: Uint8Array) {
  return { kind: 'fastOpen', cookie } as const
}

/** The cookie in a segment; null = it has no such option. */
function cookieIn(segment: Segment): Uint8Array | null {
  const found = segment.options.find(({ kind }) => kind === 'fastOpen' || kind === 'fastOpenExperimental')
  return found !== undefined && 'cookie' in found ? found.cookie : null
}

/** Opens with Fast Open; the SYN is out, or waits for the first write. */
function open(bench: Bench, options: { readonly requireCookie?: boolean; readonly maximumSegmentSize?: number } = {}): Connection {
  const { requireCookie, ...rest } = options
  return bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT, ...rest, fastOpen: requireCookie === undefined ? true : { requireCookie } })
}

/** The SYN that an open sent, and the numbers that follow from it. */
function syn(bench: Bench): Segment {
  const segment = bench.next()
  expect(segment.flags).toMatch(/^SP?$/)
  bench.iss = segment.seq + bench.iss
  bench.localPort = segment.sourcePort
  return { ...segment, seq: 0 }
}

/** A client that has a cookie of the peer. */
async function client({ family = 'ipv4', cookie = COOKIE, mss = 1460 }: { readonly family?: Family; readonly cookie?: Uint8Array; readonly mss?: number } = {}): Promise<Bench> {
  const bench = await Bench.create({ family, tcp: NO_TIMESTAMPS })
  const connection = open(bench)
  expect(connection.info().fastOpen).toMatchObject({ state: 'fallback', fallback: 'no-cookie', synBytes: 0 })
  expect(cookieIn(syn(bench))).toEqual(new Uint8Array(0))
  await bench.send('SA', { ack: 1, mss, options: [option(cookie)] })
  bench.expect('A', { seq: 1, ack: 1 })
  connection.abort()
  bench.expect('RA')
  return bench
}

/** A connection whose SYN took `bytes` along. */
function fast(bench: Bench, bytes = 100): Connection {
  const connection = open(bench)
  void connection.write(pattern(bytes))
  expect(syn(bench)).toMatchObject({ length: bytes })
  return connection
}

async function server(options: Partial<ListenOptions> = {}, family: Family = 'ipv4'): Promise<{ bench: Bench; listener: Listener; cookie: Uint8Array }> {
  const bench = await Bench.create({ family, memory: ample() })
  const listener = bench.stack.tcp.listen({ port: PORT, fastOpen: { queue: 3 }, ...options })
  bench.localPort = PORT
  bench.remotePort = 4000
  await bench.send('S', { mss: 1460, options: [option(new Uint8Array(0))] })
  const answer = bench.next()
  const cookie = cookieIn(answer)!
  await bench.send('R', { seq: 1 })
  return { bench, listener, cookie }
}

/** A SYN with text, of another client port. */
async function arrive(bench: Bench, cookie: Uint8Array, bytes = 100, flags = 'S'): Promise<Segment> {
  bench.remotePort++
  await bench.send(flags, { mss: 1460, data: pattern(bytes), options: [option(cookie)] })
  const answer = bench.next()
  bench.iss += answer.seq
  return { ...answer, seq: 0 }
}

describe.each(FAMILIES)('the client over %s', (family) => {
  test('asks for a cookie, and sends text with it the next time: a round trip is saved [RFC7413-4.2.1-request, RFC7413-4.2.2-client]', async () => {
    const bench = await client({ family })
    expect(bench.stack.tcp.fastOpenCache.size).toBe(1)
    expect(bench.stack.tcp.fastOpenCache.has(bench.remote)).toBe(true)
    const connection = open(bench)
    expect(connection.info().fastOpen).toMatchObject({ state: 'waiting', fallback: null, room: 1420 - (family === 'ipv6' ? 20 : 0) })
    bench.expectNothing()
    await connection.write(pattern(2000))
    const first = syn(bench)
    expect(cookieIn(first)).toEqual(COOKIE)
    const { room } = connection.info().fastOpen!
    expect(first).toMatchObject({ length: room, data: pattern(2000).subarray(0, room) })
    await bench.send('SA', { ack: 1 + room, mss: 1460 })
    bench.expect('PA', { seq: 1 + room, ack: 1, length: 2000 - room })
    expect(connection.state).toBe('established')
    expect(connection.info()).toMatchObject({ bytesSent: 2000, bytesAcked: room, retransmits: 0, fastOpen: { state: 'done', synBytes: room, synBytesAcked: room } })
    expect(bench.counters).toMatchObject({ fastOpenSent: 1, fastOpenAccepted: 1, fastOpenRefused: 0, bytesSent: 2000 })
    connection.abort()
    await bench.end()
  })

  test('the SYN alone is acknowledged: the text leaves again at once, and cwnd is as it was [RFC7413-4.2.2-resend]', async () => {
    const bench = await client({ family })
    const connection = fast(bench)
    await bench.send('SA', { ack: 1, mss: 1460 })
    bench.expect('PA', { seq: 1, ack: 1, length: 100 })
    expect(connection.info()).toMatchObject({ cwnd: 10 * connection.info().sendMss, retransmits: 1, fastOpen: { state: 'fallback', fallback: 'refused', synBytesAcked: 0 } })
    await bench.send('A', { seq: 1, ack: 101 })
    expect(connection.unackedLength).toBe(0)
    connection.abort()
    await bench.end()
  })
})

describe('the client', () => {
  test('a SYN that is sent again has neither cookie nor text [RFC7413-4.2.2-retransmit]', async () => {
    const bench = await client()
    const connection = fast(bench)
    await bench.clock.advance(1000)
    const again = bench.expect('S', { seq: 0, length: 0 })
    expect(cookieIn(again)).toBeNull()
    await bench.send('SA', { ack: 1, mss: 1460 })
    bench.expect('PA', { seq: 1, ack: 1, length: 100 })
    expect(connection.info().fastOpen).toMatchObject({ fallback: 'timeout' })
    connection.abort()
    await bench.end()
  })

  test('the answer to the first SYN comes late: nothing is sent twice', async () => {
    const bench = await client()
    const connection = fast(bench)
    await bench.clock.advance(1000)
    bench.expect('S', { seq: 0, length: 0 })
    await bench.send('SA', { ack: 101, mss: 1460 })
    bench.expect('A', { seq: 101, ack: 1 })
    expect(connection.info().fastOpen).toMatchObject({ state: 'done', synBytesAcked: 100 })
    connection.abort()
    await bench.end()
  })

  test('part of the text is acknowledged: the rest follows', async () => {
    const bench = await client()
    const connection = fast(bench)
    await bench.send('SA', { ack: 41, mss: 1460 })
    bench.expect('PA', { seq: 41, ack: 1, length: 60 })
    expect(connection.info().fastOpen).toMatchObject({ fallback: 'refused', synBytesAcked: 40 })
    connection.abort()
    await bench.end()
  })

  test('more than was sent is acknowledged: the SYN-ACK is reset, the SYN stands', async () => {
    const bench = await client()
    const connection = fast(bench)
    await bench.send('SA', { ack: 102, mss: 1460 })
    bench.expect('R', { seq: 102 })
    expect(connection.state).toBe('syn-sent')
    await bench.send('SA', { ack: 101, mss: 1460 })
    bench.expect('A', { seq: 101 })
    connection.abort()
    await bench.end()
  })

  test('a reset of the SYN with text is a refusal', async () => {
    const bench = await client()
    const connection = open(bench)
    const refused = expect(connection.opened).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    connection.tryWrite(pattern(10))
    syn(bench)
    await bench.send('RA', { ack: 1 })
    await refused
    expect(bench.stack.tcp.fastOpenCache.has(bench.remote)).toBe(true)
    await bench.end()
  })

  test('who writes nothing at once gets a SYN without text after a millisecond', async () => {
    const bench = await client()
    const connection = open(bench)
    bench.expectNothing()
    await bench.clock.advance(1)
    const alone = syn(bench)
    expect(alone.length).toBe(0)
    expect(cookieIn(alone)).toEqual(COOKIE)
    await bench.send('SA', { ack: 1, mss: 1460 })
    bench.expect('A', { seq: 1 })
    expect(connection.info().fastOpen).toMatchObject({ state: 'done', synBytes: 0 })
    connection.abort()
    await bench.end()
  })

  test('what is promised to follow is waited for; the end of a record is the end of the SYN', async () => {
    const bench = await client()
    const first = open(bench)
    first.tryWrite(pattern(10), { more: true })
    bench.expectNothing()
    first.tryWrite(pattern(10))
    expect(syn(bench).length).toBe(20)
    first.abort()
    const second = open(bench)
    await second.write([pattern(10), pattern(10)], { endOfRecord: true })
    expect(syn(bench).length).toBe(20)
    second.abort()
    await bench.end()
  })

  test('close before the first write: nothing was ever sent', async () => {
    const bench = await client()
    const connection = open(bench)
    await connection.close()
    await bench.clock.advance(10)
    bench.expectNothing()
    await bench.end()
  })

  test('a FIN that is asked for with the first write follows the handshake', async () => {
    const bench = await client()
    const connection = open(bench)
    await connection.write(pattern(10), { end: true })
    expect(syn(bench)).toMatchObject({ flags: 'S', length: 10 })
    await bench.send('SA', { ack: 11, mss: 1460 })
    expect(bench.all().at(-1)).toMatchObject({ flags: 'FA', seq: 11 })
    expect(connection.state).toBe('fin-wait-1')
    await bench.send('FA', { seq: 1, ack: 12 })
    bench.expect('A', { seq: 12, ack: 2 })
    await connection.closed
    await bench.end()
  })

  test('both ends open at once: their text is not taken, ours is acknowledged', async () => {
    const bench = await client()
    const connection = fast(bench)
    await bench.send('S', { mss: 1460, data: pattern(50), options: [option(COOKIE)] })
    const answer = bench.expect('SA', { seq: 0, ack: 1, length: 0 })
    expect(cookieIn(answer)).toBeNull()
    await bench.send('SA', { seq: 0, ack: 101, mss: 1460 })
    expect(connection.state).toBe('established')
    await bench.send('PA', { seq: 1, ack: 101, data: pattern(50) })
    await bench.clock.advance(40)
    expect(bench.all().at(-1)).toMatchObject({ flags: 'A', ack: 51 })
    expect(connection.info().fastOpen).toMatchObject({ state: 'done', synBytesAcked: 100 })
    connection.abort()
    await bench.end()
  })

  test('a round trip is measured by the SYN-ACK, whatever it acknowledges', async () => {
    for (const ack of [1, 101]) {
      const bench = await client()
      const connection = fast(bench)
      await bench.clock.advance(30)
      await bench.send('SA', { ack, mss: 1460 })
      expect(connection.info().smoothedRtt).toBe(30)
      connection.abort()
      await bench.end()
    }
  })

  test('MSS and cookie of the latest SYN-ACK are kept; the SYN leaves 40 bytes to options [RFC7413-4.1.3-cache]', async () => {
    const bench = await client({ mss: 940 })
    const first = open(bench)
    first.tryWrite(pattern(2000))
    expect(syn(bench).length).toBe(900)
    const other = Uint8Array.of(9, 9, 9, 9)
    await bench.send('SA', { ack: 901, mss: 1240, options: [option(other)] })
    first.abort()
    bench.all()
    const second = open(bench)
    second.tryWrite(pattern(2000))
    const segment = syn(bench)
    expect(segment.length).toBe(1200)
    expect(cookieIn(segment)).toEqual(other)
    second.abort()
    const third = open(bench, { maximumSegmentSize: 500 })
    third.tryWrite(pattern(2000))
    expect(syn(bench)).toMatchObject({ length: 460, mss: 500 })
    third.abort()
    bench.stack.tcp.fastOpenCache.clear()
    expect(bench.stack.tcp.fastOpenCache.has(bench.remote)).toBe(false)
    open(bench).abort()
    expect(cookieIn(syn(bench))).toEqual(new Uint8Array(0))
    await bench.end()
  })

  test('cookies of 3, 5, 2 or 18 bytes are none; those of 4 and 16 are [RFC7413-4.1.1-option]', async () => {
    for (const [length, isKept] of [[2, false], [3, false], [5, false], [18, false], [4, true], [16, true]] as const) {
      const bench = await Bench.create({ tcp: NO_TIMESTAMPS })
      const connection = open(bench)
      syn(bench)
      await bench.send('SA', { ack: 1, mss: 1460, options: [option(pattern(length))] })
      expect(bench.stack.tcp.fastOpenCache.has(bench.remote)).toBe(isKept)
      connection.abort()
      await bench.end()
    }
  })

  test('a cookie in another segment, or that nobody asked for, is not kept', async () => {
    const bench = await Bench.create({ tcp: NO_TIMESTAMPS })
    const connection = await bench.connect()
    await bench.send('A', { seq: 1, ack: 1, options: [option(COOKIE)] })
    expect(bench.stack.tcp.fastOpenCache.size).toBe(0)
    connection.abort()
    bench.all()
    const bare = open(bench, { requireCookie: false })
    bare.tryWrite(pattern(10))
    const segment = syn(bench)
    expect(segment.length).toBe(10)
    expect(cookieIn(segment)).toBeNull()
    await bench.send('SA', { ack: 11, mss: 1460, options: [option(COOKIE)] })
    expect(bench.stack.tcp.fastOpenCache.has(bench.remote)).toBe(false)
    bare.abort()
    await bench.end()
  })

  test('off unless asked for: neither side knows the option [RFC7413-6-default]', async () => {
    const bench = await Bench.create()
    const connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT })
    connection.tryWrite(pattern(10))
    const segment = syn(bench)
    expect(segment.length).toBe(0)
    expect(cookieIn(segment)).toBeNull()
    expect(connection.info().fastOpen).toBeNull()
    connection.abort()
    bench.stack.tcp.listen({ port: PORT })
    bench.localPort = PORT
    await bench.send('S', { mss: 1460, data: pattern(10), options: [option(new Uint8Array(0))] })
    const answer = bench.next()
    expect(answer).toMatchObject({ flags: 'SA' })
    expect(cookieIn(answer)).toBeNull()
    await bench.end()
  })

  test('a server that ignores a request is asked in the old form once, and then in the new one', async () => {
    const bench = await Bench.create({ tcp: NO_TIMESTAMPS })
    for (const kind of ['fastOpen', 'fastOpenExperimental', 'fastOpen', 'fastOpen']) {
      const connection = open(bench)
      expect(syn(bench).options.map((each) => each.kind)).toContain(kind)
      await bench.send('SA', { ack: 1, mss: 1460 })
      connection.abort()
      bench.all()
    }
    await bench.end()
  })

  test('too big for the path: the SYN alone leaves again, with the MSS of the path, and the text in pieces of it', async () => {
    const bench = await client()
    const connection = open(bench)
    connection.tryWrite(pattern(1420))
    const first = syn(bench)
    expect(first.length).toBe(1420)
    const { local: source, remote: destination, localPort: sourcePort, remotePort: destinationPort } = bench
    const quoted = packet(ipv4({ source, destination, totalLength: 1500 }), tcp({ sourcePort, destinationPort, seq: bench.iss })).slice(0, 28)
    await bench.peer.sendPacket(icmpv4({ type: 3, code: 4, mtu: 840 }), quoted)
    const again = bench.expect('S', { seq: 0, length: 0, mss: 800 })
    expect(cookieIn(again)).toBeNull()
    await bench.send('SA', { ack: 1, mss: 1460 })
    bench.expect('A', { seq: 1, length: 800 })
    bench.expect('PA', { seq: 801, length: 620 })
    expect(connection.info().fastOpen).toMatchObject({ fallback: 'too-big' })
    connection.abort()
    bench.all()
    expect(bench.stack.tcp.fastOpenCache.has(bench.remote)).toBe(true)
    await bench.end()
  })

  test('text that was refused goes with no SYN for a minute, then for two [RFC7413-4.1.3.1-negative]', async () => {
    const bench = await client()
    for (const pause of [60_000, 120_000]) {
      const connection = fast(bench)
      await bench.send('SA', { ack: 1, mss: 1460 })
      bench.expect('PA', { length: 100 })
      connection.abort()
      bench.all()
      await bench.clock.advance(pause - 10)
      const plain = open(bench)
      plain.tryWrite(pattern(10))
      const segment = syn(bench)
      expect(segment.length).toBe(0)
      expect(cookieIn(segment)).toBeNull()
      expect(plain.info().fastOpen).toMatchObject({ state: 'fallback', fallback: 'paused' })
      plain.abort()
      await bench.clock.advance(10)
    }
    const connection = fast(bench)
    await bench.send('SA', { ack: 101, mss: 1460 })
    connection.abort()
    await bench.end()
  })

  test('three timeouts in a row are a black hole: an hour without, then two [RFC7413-7.1-black-hole]', async () => {
    const bench = await client()
    for (const hours of [1, 2]) {
      // Not the pause of one server, but of all of them.
      bench.stack.tcp.fastOpenCache.clear()
      const connection = open(bench, { requireCookie: false })
      connection.tryWrite(pattern(10))
      syn(bench)
      await bench.clock.advance(7000)
      connection.abort()
      bench.all()
      await bench.clock.advance(hours * 3_600_000 - 5000)
      bench.stack.tcp.fastOpenCache.clear()
      const plain = open(bench, { requireCookie: false })
      plain.tryWrite(pattern(10))
      expect(syn(bench).length).toBe(0)
      plain.abort()
      await bench.clock.advance(5000)
    }
    await bench.end()
  })

  test('a network that passes the handshake and swallows what follows is a black hole, too', async () => {
    const bench = await client()
    const connection = fast(bench)
    await bench.send('SA', { ack: 101, mss: 1460 })
    connection.tryWrite(pattern(1000))
    await bench.clock.advance(2000)
    expect(bench.counters['timeouts']).toBeGreaterThanOrEqual(3)
    connection.abort()
    bench.all()
    expect(bench.stack.tcp.fastOpenCache.has(bench.remote)).toBe(false)
    await bench.clock.advance(3_600_000)
    expect(bench.stack.tcp.fastOpenCache.has(bench.remote)).toBe(true)
    await bench.end()
  })

  test('a connection that worked and then loses its path is no black hole', async () => {
    const bench = await client()
    const connection = fast(bench)
    await bench.send('SA', { ack: 101, mss: 1460 })
    connection.tryWrite(pattern(1000))
    await bench.send('A', { seq: 1, ack: 1101 })
    connection.tryWrite(pattern(1000))
    await bench.clock.advance(10_000)
    expect(bench.counters['timeouts']).toBeGreaterThanOrEqual(3)
    expect(bench.stack.tcp.fastOpenCache.has(bench.remote)).toBe(true)
    connection.abort()
    bench.all()
    await bench.end()
  })

  test('the cache is bounded, and forgets what it was not asked for longest', () => {
    const cache = new FastOpenCache(3, 0, true)
    for (const key of ['a', 'b', 'c']) cache.obtain(key, 0)
    cache.find('a', 1)
    cache.obtain('d', 2)
    expect(['a', 'b', 'c', 'd'].map((key) => cache.find(key, 3) !== null)).toEqual([true, false, true, true])
    expect(cache.size).toBe(3)
    expect(cache.find('a', 3 + 25 * 3_600_000)).toBeNull()
  })
})

describe.each(FAMILIES)('the server over %s', (family) => {
  test('text with a good cookie is read, and answered, before the handshake is over [RFC7413-4.2.2-server, RFC7413-4.2.2-early-response]', async () => {
    const { bench, listener, cookie } = await server({}, family)
    expect(cookie.length).toBe(8)
    expect(await arrive(bench, cookie)).toMatchObject({ flags: 'SA', ack: 101, length: 0 })
    const connection = listener.tryAccept()!
    expect(connection.state).toBe('syn-received')
    expect(await connection.readSome()).toEqual(pattern(100))
    const { sendMss } = connection.info()
    await connection.write(pattern(3 * sendMss))
    for (const i of [0, 1, 2]) bench.expect(i === 2 ? 'PA' : 'A', { seq: 1 + i * sendMss, ack: 101, length: sendMss })
    await bench.send('A', { seq: 101, ack: 1 })
    expect(connection.state).toBe('established')
    await bench.send('A', { seq: 101, ack: 1 + 3 * sendMss })
    expect(connection.info()).toMatchObject({ bytesAcked: 3 * sendMss, fastOpen: { state: 'done', synBytes: 100, synBytesAcked: 100 } })
    expect(bench.counters).toMatchObject({ fastOpenTaken: 1, fastOpenRequests: 1, passiveOpens: 1 })
    await connection.opened
    connection.abort()
    await bench.end()
  })

  test('a wrong cookie: the text is not acknowledged, and a good cookie goes back [RFC7413-4.2.2-bad]', async () => {
    const { bench, listener, cookie } = await server({}, family)
    const wrong = cookie.slice()
    wrong[7]! ^= 1
    const answer = await arrive(bench, wrong)
    expect(answer).toMatchObject({ flags: 'SA', ack: 1 })
    expect(cookieIn(answer)).toEqual(cookie)
    expect(listener.tryAccept()).toBeUndefined()
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(100) })
    expect(await listener.tryAccept()!.readSome()).toEqual(pattern(100))
    expect(bench.counters['fastOpenBadCookie']).toBe(1)
    await listener.close()
    await bench.end()
  })
})

describe('the server', () => {
  test('a request gets a cookie in the form that it had; what carries a good one gets none', async () => {
    const { bench, cookie } = await server()
    bench.remotePort++
    await bench.send('S', { mss: 1460, options: [{ kind: 'fastOpenExperimental', cookie: new Uint8Array(0) }] })
    expect(bench.next().options).toContainEqual({ kind: 'fastOpenExperimental', cookie })
    expect(cookieIn(await arrive(bench, cookie))).toBeNull()
    await bench.end()
  })

  test('the SYN-ACK of a request is sent again without the cookie', async () => {
    const { bench } = await server()
    bench.remotePort++
    await bench.send('S', { mss: 1460, options: [option(new Uint8Array(0))] })
    expect(cookieIn(bench.next())).not.toBeNull()
    await bench.clock.advance(1000)
    expect(cookieIn(bench.expect('SA'))).toBeNull()
    await bench.end()
  })

  test('cookies are of an address and of a key, the same on all hosts that have it [RFC7413-4.1.2-cookie]', async () => {
    const key = pattern(16)
    const cookies: string[] = []
    for (const fastOpenKey of [key, key, pattern(32).subarray(16)]) {
      const bench = await Bench.create({ tcp: { fastOpenKey } })
      bench.stack.tcp.listen({ port: PORT, fastOpen: { queue: 1 } })
      bench.localPort = PORT
      await bench.send('S', { mss: 1460, options: [option(new Uint8Array(0))] })
      cookies.push(String(cookieIn(bench.next())))
      await bench.end()
    }
    expect(cookies[0]).toBe(cookies[1])
    expect(cookies[2]).not.toBe(cookies[0])
    const { bench, cookie } = await server()
    const other = await server({}, 'ipv6')
    expect(cookie).not.toEqual(other.cookie)
    await bench.end()
    await other.bench.end()
  })

  test('a key changes: its cookies are good once more, and replaced; after the next change they are not [RFC7413-4.1.2-expiry]', async () => {
    const { bench, listener, cookie } = await server()
    await bench.clock.advance(3_600_000)
    const answer = await arrive(bench, cookie)
    expect(answer.ack).toBe(101)
    const renewed = cookieIn(answer)!
    expect(renewed).not.toEqual(cookie)
    listener.tryAccept()!.abort()
    expect((await arrive(bench, renewed)).ack).toBe(101)
    await bench.clock.advance(3_600_000)
    bench.all()
    const late = await arrive(bench, cookie)
    expect(late.ack).toBe(1)
    await listener.close()
    await bench.end()
  })

  test('keys that are set stay, and are changed while it listens: the old one is the second half', async () => {
    const [old, next] = [pattern(16), pattern(48).subarray(32)]
    const { bench, listener, cookie } = await server({ fastOpen: { queue: 3, key: old } })
    await bench.clock.advance(100 * 3_600_000)
    bench.all()
    expect(cookieIn(await arrive(bench, cookie))).toBeNull()
    listener.configure({ fastOpen: { queue: 3, key: Uint8Array.of(...next, ...old) } })
    const answer = await arrive(bench, cookie)
    expect(answer.ack).toBe(101)
    expect(cookieIn(answer)).not.toBeNull()
    listener.configure({ fastOpen: { queue: 3, key: next } })
    expect((await arrive(bench, cookie)).ack).toBe(1)
    listener.configure({ fastOpen: false })
    expect(cookieIn(await arrive(bench, cookie))).toBeNull()
    await listener.close()
    await bench.end()
  })

  test('so many may be pending; the next has an ordinary handshake, without a cookie [RFC7413-5.1-limit]', async () => {
    const { bench, listener, cookie } = await server()
    for (let i = 0; i < 3; i++) expect((await arrive(bench, cookie)).ack).toBe(101)
    const fourth = await arrive(bench, cookie)
    expect(fourth.ack).toBe(1)
    expect(cookieIn(fourth)).toBeNull()
    expect(bench.counters).toMatchObject({ fastOpenTaken: 3, fastOpenOverflow: 1 })
    // One of them ends its handshake.
    bench.remotePort--
    await bench.send('A', { seq: 101, ack: 1 })
    bench.remotePort += 2
    bench.all()
    await listener.close()
    await bench.end()
  })

  test('a handshake that ends makes room; one that is reset does not for a minute [RFC7413-5.1-reset]', async () => {
    const { bench, listener, cookie } = await server({ fastOpen: { queue: 1 } })
    await arrive(bench, cookie)
    await bench.send('A', { seq: 101, ack: 1 })
    bench.iss = 0
    expect((await arrive(bench, cookie)).ack).toBe(101)
    await bench.send('R', { seq: 101 })
    bench.iss = 0
    expect((await arrive(bench, cookie)).ack).toBe(1)
    await bench.clock.advance(60_000)
    bench.all()
    bench.iss = 0
    expect((await arrive(bench, cookie)).ack).toBe(101)
    await listener.close()
    await bench.end()
  })

  test('one whose SYN-ACKs are not answered is given up, and makes room', async () => {
    const { bench, listener, cookie } = await server({ fastOpen: { queue: 1 }, synAckRetries: 2 })
    await arrive(bench, cookie)
    const connection = listener.tryAccept()!
    const over = expect(connection.closed).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    await bench.clock.advance(7000)
    expect(bench.all().map(({ flags, ack }) => [flags, ack])).toEqual([['SA', 101], ['SA', 101]])
    await over
    bench.iss = 0
    expect((await arrive(bench, cookie)).ack).toBe(101)
    await listener.close()
    await bench.end()
  })

  test('a reset before accept: the text is there to be read, and then the error', async () => {
    const { bench, listener, cookie } = await server()
    await arrive(bench, cookie)
    await bench.send('R', { seq: 101 })
    const connection = listener.tryAccept()!
    const into = new Uint8Array(200)
    expect(connection.tryRead(into)).toBe(100)
    expect(() => connection.tryRead(into)).toThrow(expect.objectContaining({ code: 'ECONNRESET' }))
    await bench.end()
  })

  test('a SYN with a FIN: the stream has ended; the answer ends it from our side, in the handshake', async () => {
    const { bench, listener, cookie } = await server()
    expect((await arrive(bench, cookie, 100, 'SF')).ack).toBe(102)
    const connection = listener.tryAccept()!
    expect(await connection.readSome()).toEqual(pattern(100))
    expect(await connection.readSome()).toBeNull()
    await connection.write(pattern(10), { end: true })
    bench.expect('FPA', { seq: 1, ack: 102, length: 10 })
    await bench.send('A', { seq: 102, ack: 12 })
    await connection.closed
    await bench.end()
  })

  test('close in the handshake: the FIN leaves at once, and the ACK of both ends it', async () => {
    const { bench, listener, cookie } = await server()
    await arrive(bench, cookie)
    const connection = listener.tryAccept()!
    await connection.readSome()
    const closed = connection.close()
    bench.expect('FA', { seq: 1, ack: 101 })
    await bench.send('A', { seq: 101, ack: 2 })
    expect(connection.state).toBe('fin-wait-2')
    await bench.send('FA', { seq: 101, ack: 2 })
    await closed
    await bench.end()
  })

  test('the listener closes: what nobody accepted is reset, what somebody has goes on', async () => {
    const { bench, listener, cookie } = await server()
    await arrive(bench, cookie)
    const accepted = listener.tryAccept()!
    const port = bench.remotePort
    const { iss } = bench
    bench.iss = 0
    await arrive(bench, cookie)
    await listener.close()
    bench.expect('RA', { seq: 1, ack: 101 })
    bench.remotePort = port
    bench.iss = iss
    await bench.send('A', { seq: 101, ack: 1 })
    expect(accepted.state).toBe('established')
    accepted.abort()
    await bench.end()
  })

  test('the SYN again: the SYN-ACK again; and text that got lost in the handshake is sent again', async () => {
    const { bench, listener, cookie } = await server()
    await arrive(bench, cookie)
    const connection = listener.tryAccept()!
    await connection.write(pattern(100))
    bench.expect('PA', { seq: 1, length: 100 })
    await bench.send('S', { mss: 1460 })
    bench.expect('SA', { seq: 0, ack: 101 })
    await bench.send('A', { seq: 101, ack: 1 })
    await bench.clock.advance(1000)
    bench.expect('PA', { seq: 1, length: 100 })
    await bench.send('A', { seq: 101, ack: 101 })
    expect(connection.unackedLength).toBe(0)
    connection.abort()
    await bench.end()
  })

  test('a window that is full in the SYN is waited for', async () => {
    const { bench, listener, cookie } = await server()
    bench.remotePort++
    await bench.send('S', { mss: 1460, win: 1000, data: pattern(10), options: [option(cookie)] })
    bench.iss += bench.next().seq
    await listener.tryAccept()!.write(pattern(3000))
    expect(bench.all().reduce((sum, { length }) => sum + length, 0)).toBe(1000)
    await listener.close()
    bench.stack.tcp.connections()[0]!.abort()
    await bench.end()
  })

  test('without cookies, where the listener says so: text of anybody [RFC7413-7.3-cookieless]', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT, fastOpen: { queue: 1, requireCookie: false } })
    bench.localPort = PORT
    await bench.send('S', { mss: 1460, data: pattern(20) })
    bench.expect('SA', { ack: 21 })
    expect(await listener.tryAccept()!.readSome()).toEqual(pattern(20))
    bench.stack.tcp.connections()[0]!.abort()
    await bench.end()
  })

  test('a full accept queue takes no SYN, with a cookie or without', async () => {
    const { bench, listener, cookie } = await server({ backlog: 1 })
    await arrive(bench, cookie)
    bench.remotePort++
    await bench.send('S', { mss: 1460, data: pattern(10), options: [option(cookie)] })
    bench.expectNothing()
    expect(bench.counters['listenOverflow']).toBe(1)
    await listener.close()
    await bench.end()
  })

  test('options that make no sense are refused with what to do', async () => {
    const bench = await Bench.create()
    const { stack } = bench
    const where = { host: bench.remote, port: 1 }
    const invalid = (text: RegExp): unknown => expect.objectContaining({ code: 'ERR_STACK_INVALID_OPTION', message: expect.stringMatching(text) as string })
    expect(() => stack.tcp.listen({ port: 0, fastOpen: true as never })).toThrow(invalid(/\{ queue/))
    expect(() => stack.tcp.listen({ port: 0, fastOpen: {} as never })).toThrow(invalid(/queue/))
    expect(() => stack.tcp.listen({ port: 0, fastOpen: { queue: 70_000 } })).toThrow(invalid(/queue/))
    expect(() => stack.tcp.listen({ port: 0, fastOpen: { queue: 1, key: new Uint8Array(8) } })).toThrow(invalid(/16 bytes/))
    expect(() => stack.tcp.open({ ...where, fastOpen: 'yes' as never })).toThrow(invalid(/fastOpen/))
    expect(() => stack.tcp.open({ ...where, fastOpen: { cookie: 1 } as never })).toThrow(invalid(/cookie/))
    await expect(Bench.create({ tcp: { fastOpenKey: new Uint8Array(3) } })).rejects.toThrow(invalid(/fastOpenKey/))
    await bench.end()
  })
})

describe('what a reset leaves of a connection that nobody accepted', () => {
  test('the text that came before it, and then the error; without text there is nothing to accept', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT })
    bench.localPort = PORT
    for (const bytes of [100, 0]) {
      bench.remotePort++
      bench.iss = 0
      await bench.send('S', { mss: 1460 })
      bench.iss += bench.next().seq
      await bench.send('A', { seq: 1, ack: 1, data: pattern(bytes) })
      bench.all()
      await bench.send('R', { seq: 1 + bytes })
    }
    const connection = listener.tryAccept()!
    expect(connection.state).toBe('closed')
    expect(await connection.readSome()).toEqual(pattern(100))
    await expect(connection.readSome()).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(listener.tryAccept()).toBeUndefined()
    await bench.end()
  })

  test('for a minute: nobody holds it for ever', async () => {
    const { bench, listener, cookie } = await server()
    await arrive(bench, cookie)
    await bench.send('R', { seq: 101 })
    const connection = listener.tryAccept()!
    await bench.clock.advance(59_000)
    expect(connection.readableLength).toBe(100)
    await bench.clock.advance(2000)
    expect(connection.readableLength).toBe(0)
    expect(() => connection.tryRead(new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'ECONNRESET' }))
    await bench.end()
  })

  test('one that is accepted loses what was not read: it was told (RFC 9293 §3.10.7.4)', async () => {
    const bench = await Bench.create()
    const connection = await bench.accept()
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(100) })
    bench.all()
    await bench.send('R', { seq: 101 })
    expect(() => connection.tryRead(new Uint8Array(10))).toThrow(expect.objectContaining({ code: 'ECONNRESET' }))
    await bench.end()
  })
})
