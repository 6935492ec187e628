import { describe, expect, test } from 'vitest'
import type { Connection } from '../src/index.ts'
import { ample, Bench, FAMILIES, pattern, PEER_PORT, PORT } from './support/peer.ts'

describe.each(FAMILIES)('handshake over %s', (family) => {
  const mss = family === 'ipv4' ? 1460 : 1440

  test('active open: SYN, SYN-ACK, ACK [RFC9293-MUST-14, RFC9293-MUST-67, RFC9293-MUST-44, RFC9293-SHLD-5, RFC9293-MAY-3, RFC8200-8.3-mss]', async () => {
    const bench = await Bench.create({ family })
    const promise = bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT })
    await bench.clock.settle()
    const syn = bench.expect('S', { seq: 0, mss, win: 65_535, destinationPort: PEER_PORT })
    expect(syn.scale).toBe(9)
    expect(syn.ts).not.toBeNull()
    bench.localPort = syn.sourcePort
    await bench.send('SA', { seq: 0, ack: 1, mss: 1000 })
    bench.expect('A', { seq: 1, ack: 1, ts: null })
    const connection = await promise
    expect(connection.state).toBe('established')
    expect(connection.local).toEqual({ host: bench.local, port: syn.sourcePort })
    expect(connection.remote).toEqual({ host: bench.remote, port: PEER_PORT })
    expect(connection.info().sendMss).toBe(1000)
    await bench.end()
  })

  test('passive open: a listener of any address serves the family [RFC9293-MUST-14, RFC9293-MUST-16, RFC9293-MUST-67, RFC2525-2.18-options]', async () => {
    const bench = await Bench.create({ family })
    const listener = bench.stack.tcp.listen({ port: PORT })
    bench.peerTs = 5
    await bench.send('S', { mss: 1400, scale: 7 })
    const answer = bench.expect('SA', { seq: 0, ack: 1, mss, scale: 9 })
    expect(answer.ts?.echo).toBe(5)
    expect(listener.tryAccept()).toBeUndefined()
    await bench.send('A', { seq: 1, ack: 1, win: 100 })
    const connection = await listener.accept()
    expect(connection?.state).toBe('established')
    expect(connection?.remote).toEqual({ host: bench.remote, port: PEER_PORT })
    expect(connection?.info()).toMatchObject({ sendWindow: 100 << 7, sendMss: 1388, options: { timestamps: true, windowScale: true } })
    await bench.end()
  })

  test('a peer without an MSS option gets the default of its family [RFC9293-MUST-15]', async () => {
    const bench = await Bench.create({ family })
    const connection = await bench.connect({}, { mss: null })
    expect(connection.info().sendMss).toBe(family === 'ipv4' ? 536 : 1220)
    await bench.end()
  })

  test('a segment for nobody is answered with a reset (§3.10.7.1)', async () => {
    const bench = await Bench.create({ family })
    await bench.send('S', { seq: 0 })
    bench.expect('RA', { ack: 1 })
    await bench.send('A', { seq: 5, ack: 9 })
    expect(bench.next()).toMatchObject({ flags: 'R', seq: 9 })
    await bench.send('FP', { seq: 5, data: pattern(10) })
    expect(bench.next()).toMatchObject({ flags: 'RA', seq: (0 - bench.iss) | 0, ack: 16 })
    await bench.send('R', { seq: 5 })
    bench.expectNothing()
    await bench.end()
  })
})

describe('opening', () => {
  test('simultaneous open [RFC9293-MUST-10]', async () => {
    const bench = await Bench.create()
    const promise = bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT, localPort: PORT })
    await bench.clock.settle()
    bench.expect('S', { seq: 0 })
    await bench.send('S', { seq: 0, mss: 1460 })
    bench.expect('SA', { seq: 0, ack: 1 })
    await bench.send('SA', { seq: 0, ack: 1, mss: 1460 })
    expect((await promise).state).toBe('established')
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(10) })
    expect((await promise).readableLength).toBe(10)
    await bench.end()
  })

  test('an ACK completes a simultaneous open as well', async () => {
    const bench = await Bench.create()
    const promise = bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT, localPort: PORT })
    await bench.clock.settle()
    bench.expect('S')
    await bench.send('S', { seq: 0 })
    bench.expect('SA', { seq: 0, ack: 1 })
    await bench.send('A', { seq: 1, ack: 1 })
    expect((await promise).state).toBe('established')
    await bench.end()
  })

  test('RST answer in SYN-RCVD: a wrong ACK is answered with its own number', async () => {
    const bench = await Bench.create()
    const promise = bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT, localPort: PORT })
    await bench.clock.settle()
    bench.expect('S')
    await bench.send('S', { seq: 0 })
    bench.expect('SA')
    await bench.send('A', { seq: 1, ack: 77 })
    bench.expect('R', { seq: 77 })
    await bench.send('A', { seq: 1, ack: 1 })
    expect((await promise).state).toBe('established')
    await bench.end()
  })

  test('SYN is sent 8 times in 247 s, then ETIMEDOUT [RFC9293-MUST-22, RFC9293-MUST-23, RFC6298-2.1-initial, RFC6298-5.5-backoff]', async () => {
    const bench = await Bench.create()
    const promise = bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT })
    const failed = expect(promise).rejects.toMatchObject({ code: 'ETIMEDOUT', syscall: 'connect', port: PEER_PORT })
    await bench.clock.settle()
    bench.expect('S', { seq: 0 })
    for (const wait of [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000]) {
      await bench.clock.advance(wait - 1)
      bench.expectNothing()
      await bench.clock.advance(1)
      bench.expect('S', { seq: 0 })
    }
    await bench.clock.advance(119_999)
    expect(bench.counters['connections']).toBe(1)
    await bench.clock.advance(1)
    await failed
    expect(bench.counters).toMatchObject({ connections: 0, failedOpens: 1 })
    await bench.end()
  })

  test('a lost SYN means a careful start: one segment, RTO 3 s (RFC 6298 §5.7, RFC 5681 §3.1) [RFC6298-5.7-syn, RFC5681-3.1-initial]', async () => {
    const bench = await Bench.create()
    const promise = bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT })
    await bench.clock.advance(1000)
    bench.expect('S')
    bench.localPort = bench.expect('S').sourcePort
    await bench.send('SA', { seq: 0, ack: 1, mss: 1000 })
    bench.expect('A')
    const connection = await promise
    expect(connection.info()).toMatchObject({ rto: 3000, cwnd: 1000 })
    await bench.end()
  })

  test('initial window of ten segments (RFC 6928) [RFC6928-2-window, RFC2525-2.1-slow-start, RFC2525-2.3-uninitialized]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    void connection.write(pattern(40_000))
    await bench.clock.settle()
    expect(bench.all()).toHaveLength(10)
    await bench.end()
  })

  test('a reset refuses, but only with our ACK (§3.10.7.3)', async () => {
    const bench = await Bench.create()
    const promise = bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT })
    const failed = expect(promise).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await bench.clock.settle()
    bench.localPort = bench.expect('S').sourcePort
    await bench.send('R', { seq: 0 })
    await bench.send('RA', { seq: 0, ack: 2 })
    expect(bench.counters['connections']).toBe(1)
    expect(bench.counters).toMatchObject({ dropBadReset: 1, dropBadAck: 1 })
    await bench.send('RA', { seq: 0, ack: 1 })
    await failed
    bench.expectNothing()
    await bench.end()
  })

  test('an unacceptable ACK in SYN-SENT is reset, and the open goes on', async () => {
    const bench = await Bench.create()
    const promise = bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT })
    await bench.clock.settle()
    bench.localPort = bench.expect('S').sourcePort
    await bench.send('SA', { seq: 0, ack: 99 })
    bench.expect('R', { seq: 99 })
    await bench.send('A', { seq: 0, ack: 1 })
    bench.expectNothing()
    await bench.send('SA', { seq: 0, ack: 1 })
    bench.expect('A', { seq: 1, ack: 1 })
    await promise
    await bench.end()
  })

  test('data and FIN on the SYN-ACK', async () => {
    const bench = await Bench.create()
    const promise = bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT })
    await bench.clock.settle()
    bench.localPort = bench.expect('S').sourcePort
    await bench.send('SFA', { seq: 0, ack: 1, data: pattern(20) })
    bench.expect('A', { seq: 1, ack: 22 })
    const connection = await promise
    expect(connection.state).toBe('close-wait')
    expect(await connection.readSome()).toEqual(pattern(20))
    expect(await connection.readSome()).toBeNull()
    await bench.end()
  })

  test('the timeout of connect()', async () => {
    const bench = await Bench.create()
    const promise = bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT, timeout: 2500 })
    const failed = expect(promise).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    await bench.clock.advance(2499)
    expect(bench.counters['connections']).toBe(1)
    await bench.clock.advance(1)
    await failed
    await bench.end()
  })

  test('an abort ends connect() with its reason and leaves nothing', async () => {
    const bench = await Bench.create()
    const abort = new AbortController()
    const promise = bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT, signal: abort.signal })
    const failed = expect(promise).rejects.toThrow('enough')
    await bench.clock.settle()
    abort.abort(new Error('enough'))
    await failed
    expect(bench.stack.tcp.connections()).toEqual([])
    await expect(bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT, signal: abort.signal })).rejects.toThrow('enough')
    expect(bench.all()).toHaveLength(1)
    await bench.end()
  })

  test.each(['destroy', 'close'] as const)('the stack’s %s() settles connect()', async (how) => {
    const bench = await Bench.create()
    const promise = bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT })
    const failed = expect(promise).rejects.toMatchObject({ code: 'ERR_STACK_CLOSED' })
    await bench.clock.settle()
    if (how === 'close') await bench.clock.until(bench.stack.close())
    await bench.end()
    await failed
  })

  test.each([
    ['255.255.255.255', 'EINVAL'],
    ['10.0.0.255', 'EINVAL'],
    ['224.0.0.1', 'EINVAL'],
    ['0.0.0.0', 'EINVAL'],
    ['192.0.2.1', 'ENETUNREACH'],
    ['nonsense', 'ERR_STACK_INVALID_ADDRESS'],
  ])('connecting to %s is %s [RFC9293-MUST-46]', async (host, code) => {
    const bench = await Bench.create()
    await expect(bench.stack.tcp.connect({ host, port: 1 })).rejects.toMatchObject({ code })
    await bench.end()
  })
})

describe('listening', () => {
  test('a half-open connection is not a connection yet: SYN-ACKs for 63 s, then forgotten', async () => {
    const bench = await Bench.create()
    bench.stack.tcp.listen({ port: PORT })
    await bench.send('S', {})
    bench.expect('SA')
    for (const wait of [1000, 2000, 4000, 8000, 16_000]) {
      await bench.clock.advance(wait)
      bench.expect('SA', { seq: 0, ack: 1 })
    }
    await bench.clock.advance(32_000)
    bench.expectNothing()
    expect(bench.counters).toMatchObject({ synExpired: 1, connections: 0 })
    await bench.send('A', { seq: 1, ack: 1 })
    bench.expect('R', { seq: 1 })
    await bench.end()
  })

  test('the SYN again: the SYN-ACK again', async () => {
    const bench = await Bench.create()
    bench.stack.tcp.listen({ port: PORT })
    await bench.send('S', {})
    const first = bench.expect('SA')
    await bench.send('S', {})
    expect(bench.expect('SA', { seq: 0 }).seq).toBe(first.seq)
    await bench.end()
  })

  test('an ECN-setup SYN is a SYN; SYN with FIN is not', async () => {
    const bench = await Bench.create()
    bench.stack.tcp.listen({ port: PORT })
    await bench.send('SEC', {})
    bench.expect('SAE')
    await bench.send('SF', { sourcePort: 9 })
    bench.expectNothing()
    expect(bench.counters['dropBadFlags']).toBe(1)
    await bench.end()
  })

  test('synFin: taken without the FIN, or dropped where nobody listens, too', async () => {
    await expect(Bench.create({ tcp: { synFin: 'any' as never } })).rejects.toThrow(/'synFin'.*'take', 'no-open', 'drop'|synFin/)
    const taking = await Bench.create({ tcp: { synFin: 'take' } })
    taking.stack.tcp.listen({ port: PORT })
    await taking.send('SF', {})
    taking.expect('SA', { ack: 1 })
    await taking.end()
    const dropping = await Bench.create({ tcp: { synFin: 'drop' } })
    await dropping.send('SF', {})
    dropping.expectNothing()
    expect(dropping.counters['dropBadFlags']).toBe(1)
    await dropping.send('S', {})
    dropping.expect('RA')
    await dropping.end()
  })

  test('insecureReset, insecureSyn: what a connection is configured with holds for its next segment (RFC 793)', async () => {
    const bench = await Bench.create()
    const first = await bench.connect()
    await bench.send('R', { seq: 500 })
    bench.expect('A', { seq: 1, ack: 1 })
    first.configure({ insecureReset: true })
    await bench.send('R', { seq: 500 })
    expect(first.error).toMatchObject({ code: 'ECONNRESET' })
    const second = await bench.connect()
    second.configure({ insecureSyn: true })
    await bench.send('S', { seq: 500 })
    bench.expect('RA', { seq: 1, ack: 1 })
    expect(second.error).toMatchObject({ code: 'ECONNRESET' })
    await bench.end()
  })

  test('half-open: reset, challenge, wrong ACK (RFC 5961)', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT })
    await bench.send('S', {})
    bench.expect('SA')
    await bench.send('R', { seq: 100 })
    bench.expect('A', { seq: 1, ack: 1 })
    await bench.send('S', { seq: 50 })
    bench.expect('A', { seq: 1, ack: 1 })
    await bench.send('A', { seq: 1, ack: 2 })
    bench.expect('R', { seq: 2 })
    await bench.send('R', { seq: 1 })
    await bench.send('A', { seq: 1, ack: 1 })
    bench.expect('R', { seq: 1 })
    expect(listener.tryAccept()).toBeUndefined()
    await bench.end()
  })

  test('data with the last ACK of the handshake', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT })
    await bench.send('S', {})
    bench.expect('SA')
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(100) })
    const connection = (await listener.accept())!
    expect(await connection.readSome()).toEqual(pattern(100))
    await bench.end()
  })

  test('backlog overflow: the last ACK is dropped, the SYN-ACK comes again, SYNs are dropped', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT, backlog: 2 })
    const isns = new Map<number, number>()
    for (const sourcePort of [1, 2, 3]) {
      await bench.send('S', { sourcePort })
      bench.expect('SA', { destinationPort: sourcePort })
      isns.set(sourcePort, bench.iss)
    }
    for (const sourcePort of [1, 2, 3]) {
      bench.iss = isns.get(sourcePort)!
      await bench.send('A', { sourcePort, seq: 1, ack: 1 })
    }
    await bench.send('S', { sourcePort: 4 })
    bench.expectNothing()
    expect(bench.counters).toMatchObject({ listenOverflow: 2, connections: 2 })
    expect(listener.tryAccept()?.remote.port).toBe(1)
    await bench.clock.advance(1000)
    bench.expect('SA', { destinationPort: 3 })
    await bench.send('A', { sourcePort: 3, seq: 1, ack: 1 })
    expect(listener.tryAccept()?.remote.port).toBe(2)
    expect(listener.tryAccept()?.remote.port).toBe(3)
    await bench.end()
  })

  test('the SYN queue is bounded: without cookies the oldest half-open connection gives way [RFC4987-3.4-recycle]', async () => {
    const bench = await Bench.create({ memory: ample() })
    bench.stack.tcp.listen({ port: PORT, backlog: 1, synCookies: 'off' })
    for (let sourcePort = 1; sourcePort <= 130; sourcePort++) bench.inject('S', { sourcePort })
    await bench.clock.settle()
    expect(bench.all()).toHaveLength(130)
    expect(bench.counters).toMatchObject({ synQueueFull: 2, halfOpen: 128 })
    // One that was asked again has waited longer than any that came later.
    await bench.clock.advance(1000)
    expect(bench.all()).toHaveLength(128)
    bench.inject('S', { sourcePort: 200 })
    bench.inject('S', { sourcePort: 3 })
    await bench.clock.settle()
    expect(bench.all().map(({ destinationPort }) => destinationPort)).toEqual([200, 3])
    // 1, 2, 3 and 4 have gone, in this order.
    expect(bench.counters).toMatchObject({ synQueueFull: 4, halfOpen: 128, synExpired: 0 })
    await bench.end()
  })

  test('maxConnections: SYNs are dropped, connect fails, and an event says so', async () => {
    const bench = await Bench.create({ tcp: { maxConnections: 1 } })
    const events: unknown[] = []
    bench.stack.on('limit-reached', (event) => events.push(event))
    await bench.accept()
    await bench.send('S', { sourcePort: 4 })
    bench.expectNothing()
    await expect(bench.stack.tcp.connect({ host: bench.remote, port: 1 })).rejects.toMatchObject({ code: 'ERR_STACK_LIMIT' })
    await bench.clock.settle()
    expect(events).toEqual([{ limit: 'tcp.maxConnections', value: 1 }, { limit: 'tcp.maxConnections', value: 1 }])
    await bench.end()
  })

  test('closing resets what waits, keeps what was accepted', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT })
    const kept: Connection[] = []
    for (const sourcePort of [1, 2]) {
      await bench.send('S', { sourcePort })
      bench.expect('SA')
      await bench.send('A', { sourcePort, seq: 1, ack: 1 })
      if (sourcePort === 1) kept.push((await listener.accept())!)
    }
    const pending = listener.accept()
    await bench.clock.settle()
    expect((await pending)?.remote.port).toBe(2)
    await bench.send('S', { sourcePort: 3 })
    bench.expect('SA')
    await bench.send('A', { sourcePort: 3, seq: 1, ack: 1 })
    const waiting = listener.accept()
    await waiting
    await bench.send('S', { sourcePort: 4 })
    bench.expect('SA')
    await bench.send('A', { sourcePort: 4, seq: 1, ack: 1 })
    const closed = listener.close()
    await bench.clock.settle()
    await closed
    bench.expect('RA', { destinationPort: 4 })
    expect(await listener.accept()).toBeNull()
    expect(kept[0]?.state).toBe('established')
    expect(bench.counters['connections']).toBe(3)
    await bench.end()
  })

  test('port 0 gives a port; a taken port is EADDRINUSE; a foreign address EADDRNOTAVAIL', async () => {
    const bench = await Bench.create()
    const any = bench.stack.tcp.listen({ port: 0 })
    expect(any.local.port).toBeGreaterThanOrEqual(49_152)
    expect(() => bench.stack.tcp.listen({ port: any.local.port })).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }))
    expect(() => bench.stack.tcp.listen({ port: 80, host: '10.0.0.99' })).toThrow(expect.objectContaining({ code: 'EADDRNOTAVAIL' }))
    await any.close()
    bench.stack.tcp.listen({ port: any.local.port })
    await bench.end()
  })

  test('accept ends with its signal, with close and with the stack', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT })
    const abort = new AbortController()
    const first = listener.accept({ signal: abort.signal })
    const failed = expect(first).rejects.toThrow('stop')
    const second = listener.accept()
    abort.abort(new Error('stop'))
    await failed
    await bench.send('S', {})
    bench.expect('SA')
    await bench.send('A', { seq: 1, ack: 1 })
    expect(await second).not.toBeNull()
    const third = listener.accept()
    await bench.end()
    expect(await third).toBeNull()
  })

  test('a handler gets connections; an iterator ends with the listener', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT })
    const seen: number[] = []
    listener.setHandler((connection) => seen.push(connection.remote.port))
    await expect(listener.accept()).rejects.toMatchObject({ code: 'ERR_STACK_BUSY' })
    await bench.send('S', {})
    bench.expect('SA')
    await bench.send('A', { seq: 1, ack: 1 })
    expect(seen).toEqual([PEER_PORT])
    listener.setHandler(null)
    const rest = (async () => {
      const all = []
      for await (const connection of listener) all.push(connection)
      return all
    })()
    await listener.close()
    await bench.clock.settle()
    expect(await rest).toEqual([])
    await bench.end()
  })
})
