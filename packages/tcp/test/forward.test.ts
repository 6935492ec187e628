import { describe, expect, test } from 'vitest'
import type { Connection, ForwardOptions, ForwarderRequest } from '../src/index.ts'
import { ample, Bench, FAMILIES, pattern, PEER_PORT, PORT, type BenchOptions, type Family } from './support/peer.ts'

/** Nobody's. */
const ELSEWHERE: Record<Family, string> = { ipv4: '203.0.113.7', ipv6: '2001:db8::7' }
const RANGE: Record<Family, string> = { ipv4: '203.0.113.0/24', ipv6: '2001:db8::/32' }

async function forwarding(options: ForwardOptions = {}, bench: BenchOptions = {}) {
  const opened = await Bench.create(bench)
  const requests: ForwarderRequest[] = []
  const forwarder = opened.stack.tcp.forward(options, (request) => {
    requests.push(request)
  })
  return { bench: opened, requests, forwarder }
}

/** How a promise ended, without waiting for it. */
function outcomeOf(promise: Promise<Connection>): { value: Connection | null; code: string | null } {
  const outcome: { value: Connection | null; code: string | null } = { value: null, code: null }
  promise.then(
    (value) => (outcome.value = value),
    (error: unknown) => (outcome.code = (error as { code?: string }).code ?? String(error)),
  )
  return outcome
}

describe.each(FAMILIES)('forwarder over %s', (family) => {
  test('no SYN-ACK before it is accepted; then a connection from an address that is nobody\'s', async () => {
    const { bench, requests } = await forwarding({}, { family, nic: { ranges: [RANGE[family]] } })
    const peer = bench.calling(ELSEWHERE[family])
    peer.timestamp = 7
    await peer.send('S', { mss: 1400, scale: 3, sackPermitted: true })
    peer.expectNothing()
    const [request] = requests
    expect(request).toMatchObject({ local: { host: ELSEWHERE[family], port: PORT }, remote: { host: bench.remote, port: PEER_PORT }, pending: true })
    const outcome = outcomeOf(request!.accept({ noDelay: true }))
    await bench.clock.settle()
    expect(request!.pending).toBe(false)
    peer.expect('SA', { seq: 0, ack: 1, mss: family === 'ipv4' ? 1460 : 1440, scale: 9, sackPermitted: true })
    expect(outcome.value).toBeNull()
    await peer.send('PA', { seq: 1, ack: 1, data: pattern(10) })
    const connection = outcome.value!
    expect(connection).toMatchObject({ state: 'established', readableLength: 10, local: request!.local, remote: request!.remote })
    expect(connection.info()).toMatchObject({ sendMss: 1388, options: { timestamps: true, sendScale: 3, sack: true } })
    expect(connection.options.noDelay).toBe(true)
    await connection.write(pattern(20), { end: true })
    peer.expect('FPA', { seq: 1, ack: 11, length: 20 })
    await peer.send('FA', { seq: 11, ack: 22 })
    peer.expect('A', { seq: 22, ack: 12 })
    // The FIN again: TIME-WAIT answers from there, too.
    await peer.send('FA', { seq: 11, ack: 22 })
    peer.expect('A', { seq: 22, ack: 12 })
    expect(bench.counters).toMatchObject({ forwardRequests: 1, passiveOpens: 1, noRoute: 0 })
    await bench.end()
  })

  test('a promiscuous NIC will do, without leave to send from any address', async () => {
    const { bench, requests } = await forwarding({}, { family, nic: { promiscuous: true } })
    const peer = bench.calling(ELSEWHERE[family])
    await peer.send('S', { mss: 1400 })
    const outcome = outcomeOf(requests[0]!.accept())
    await bench.clock.settle()
    peer.expect('SA')
    await peer.send('A', { seq: 1, ack: 1 })
    expect(outcome.value?.local.host).toBe(ELSEWHERE[family])
    await peer.send('S', { mss: 1400, sourcePort: 9 })
    requests[1]!.reject('reset')
    await bench.clock.settle()
    peer.expect('RA', { ack: 1, destinationPort: 9 })
    await bench.end()
  })

  test('reject: a reset, silence, or an ICMP error that quotes the SYN', async () => {
    const { bench, requests, forwarder } = await forwarding({}, { family, nic: { ranges: [RANGE[family]] } })
    const peer = bench.calling(ELSEWHERE[family])
    await peer.send('S', { sourcePort: 1, seq: 5, data: pattern(3) })
    await peer.send('S', { sourcePort: 2 })
    await peer.send('S', { sourcePort: 3, mss: 1460 })
    expect(forwarder.pending).toBe(3)
    requests[0]!.reject('reset')
    requests[1]!.reject('drop')
    requests[2]!.reject('unreachable')
    // Decided is decided.
    for (const request of requests) request.reject('reset')
    await bench.clock.settle()
    expect(forwarder.pending).toBe(0)
    const [reset] = peer.all()
    expect(reset).toMatchObject({ flags: 'RA', ack: 9, destinationPort: 1 })
    expect(bench.counters['resetsSent']).toBe(1)
    const icmp = bench.stack.statistics().protocols[family === 'ipv4' ? 'icmpv4' : 'ipv6']
    expect(icmp).toMatchObject(family === 'ipv4' ? { errorsSent: 1 } : { icmpErrorsSent: 1 })
    await bench.end()
  })
})

describe('a request', () => {
  test('is the same for the SYN again, and is asked about once', async () => {
    const { bench, requests, forwarder } = await forwarding()
    for (let i = 0; i < 3; i++) await bench.send('S', { mss: 1400 })
    expect(requests).toHaveLength(1)
    expect(forwarder.pending).toBe(1)
    const outcome = outcomeOf(requests[0]!.accept())
    await bench.clock.settle()
    bench.expect('SA', { seq: 0, ack: 1 })
    await bench.send('S', { mss: 1400 })
    bench.expect('SA', { seq: 0, ack: 1 })
    await bench.send('A', { seq: 1, ack: 1 })
    expect(outcome.value?.state).toBe('established')
    await bench.end()
  })

  test('is about the newest SYN', async () => {
    const { bench, requests } = await forwarding()
    await bench.send('S', { mss: 1400 })
    await bench.send('S', { seq: 5000, mss: 1000 })
    const outcome = outcomeOf(requests[0]!.accept())
    await bench.clock.settle()
    bench.expect('SA', { seq: 0, ack: 5001 })
    await bench.send('A', { seq: 5001, ack: 1 })
    expect(outcome.value?.info().sendMss).toBe(1000)
    await bench.end()
  })

  test('is void when the peer takes its SYN back, and not by a reset that is none', async () => {
    const { bench, requests, forwarder } = await forwarding()
    await bench.send('S', { mss: 1400 })
    await bench.send('R', { seq: 2 })
    expect(forwarder.pending).toBe(1)
    await bench.send('R', { seq: 1 })
    expect(requests[0]!.pending).toBe(false)
    await expect(requests[0]!.accept()).rejects.toMatchObject({ code: 'ECONNRESET', syscall: 'accept', port: PEER_PORT })
    await bench.end()
  })

  test('expires when nobody answers: silence, and accept rejects', async () => {
    const { bench, requests, forwarder } = await forwarding({ timeout: 5000 })
    await bench.send('S', { sourcePort: 1 })
    await bench.clock.advance(2000)
    await bench.send('S', { sourcePort: 2 })
    await bench.clock.advance(3000)
    expect(requests.map(({ pending }) => pending)).toEqual([false, true])
    await bench.clock.advance(2000)
    expect(bench.counters).toMatchObject({ forwardExpired: 2 })
    expect(forwarder.pending).toBe(0)
    bench.expectNothing()
    await expect(requests[0]!.accept()).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    // Its next SYN is a new one.
    await bench.send('S', { sourcePort: 1 })
    expect(requests).toHaveLength(3)
    await bench.end()
  })

  test('a wrong option leaves it as it is; an answer is one answer', async () => {
    const { bench, requests } = await forwarding()
    await bench.send('S', { mss: 1400 })
    await expect(requests[0]!.accept({ sendBuffer: 1 })).rejects.toMatchObject({ code: 'ERR_STACK_INVALID_OPTION' })
    await expect(requests[0]!.accept({ signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop')
    expect(requests[0]!.pending).toBe(true)
    requests[0]!.reject('drop')
    await expect(requests[0]!.accept()).rejects.toMatchObject({ code: 'ERR_STACK_BUSY' })
    await bench.end()
  })

  test('an ACK to it is answered with a reset, and changes nothing', async () => {
    const { bench, requests } = await forwarding()
    await bench.send('S', { mss: 1400 })
    await bench.send('A', { seq: 1, ack: 77 })
    expect(bench.next()).toMatchObject({ flags: 'R' })
    expect(requests[0]!.pending).toBe(true)
    await bench.end()
  })
})

test.each([
  ['S', 'SA', 'A', 'none'], ['SEC', 'SAE', 'A', 'classic'], ['SECN', 'SAC', 'AC', 'accurate'],
] as const)('ECN: %s is answered with %s, again, too, and %s makes it %s', async (syn, synAck, ack, kind) => {
  const { bench, requests } = await forwarding()
  await bench.send(syn, { mss: 1000 })
  const outcome = outcomeOf(requests[0]!.accept())
  await bench.clock.settle()
  bench.expect(synAck)
  await bench.clock.advance(1000)
  bench.expect(synAck)
  await bench.send(ack, { seq: 1, ack: 1 })
  expect(outcome.value!.info().ecn).toMatchObject({ kind, isCapable: kind !== 'none' })
  await bench.end()
})

describe('accept settles', () => {
  test('when the peer never answers: after five retransmissions of the SYN-ACK', async () => {
    const { bench, requests } = await forwarding()
    await bench.send('S', { mss: 1400 })
    const outcome = outcomeOf(requests[0]!.accept())
    await bench.clock.advance(62_999)
    expect(bench.all().map(({ flags }) => flags)).toEqual(new Array(6).fill('SA'))
    expect(outcome.code).toBeNull()
    await bench.clock.advance(1)
    expect(outcome.code).toBe('ETIMEDOUT')
    expect(bench.counters['connections']).toBe(0)
    await bench.end()
  })

  test('when the peer resets it', async () => {
    const { bench, requests } = await forwarding()
    await bench.send('S', { mss: 1400 })
    const outcome = outcomeOf(requests[0]!.accept())
    await bench.clock.settle()
    bench.expect('SA')
    await bench.send('R', { seq: 1 })
    expect(outcome.code).toBe('ECONNREFUSED')
    await bench.end()
  })

  test('when its signal aborts: the peer is reset', async () => {
    const { bench, requests } = await forwarding()
    const abort = new AbortController()
    await bench.send('S', { mss: 1400 })
    const outcome = outcomeOf(requests[0]!.accept({ signal: abort.signal }))
    await bench.clock.settle()
    bench.expect('SA')
    abort.abort(new Error('stop'))
    await bench.clock.settle()
    expect(outcome.code).toBe('Error: stop')
    bench.expect('RA', { seq: 1 })
    await bench.end()
  })

  test('when the stack goes, or there are too many connections', async () => {
    const { bench, requests } = await forwarding({}, { tcp: { maxConnections: 1 } })
    await bench.send('S', { sourcePort: 1 })
    await bench.send('S', { sourcePort: 2 })
    const first = outcomeOf(requests[0]!.accept())
    const second = outcomeOf(requests[1]!.accept())
    await bench.clock.settle()
    expect(second.code).toBe('ERR_STACK_LIMIT')
    bench.expect('SA')
    await bench.end()
    expect(first.code).toBe('ERR_STACK_CLOSED')
  })
})

describe('the forwarder', () => {
  test('is asked about what no listener wants, and about nothing else', async () => {
    const { bench, requests } = await forwarding()
    bench.stack.tcp.listen({ port: PORT })
    await bench.send('S', {})
    bench.expect('SA')
    await bench.send('A', { destinationPort: PORT + 1, seq: 1, ack: 1 })
    bench.expect('R')
    await bench.send('SA', { destinationPort: PORT + 1, seq: 1, ack: 1 })
    bench.expect('R')
    await bench.send('SF', { destinationPort: PORT + 1 })
    expect(bench.next().flags).toBe('RA')
    expect(requests).toHaveLength(0)
    await bench.send('S', { destinationPort: PORT + 1 })
    expect(requests[0]?.local.port).toBe(PORT + 1)
    await bench.end()
  })

  test('is not asked about what the stack sends to itself', async () => {
    const { bench, requests } = await forwarding()
    const refused = outcomeOf(bench.stack.tcp.connect({ host: bench.local, port: 9 }))
    await bench.clock.settle()
    expect(refused.code).toBe('ECONNREFUSED')
    expect(requests).toHaveLength(0)
    await bench.end()
  })

  test('drops bad segments', async () => {
    const { bench, requests } = await forwarding()
    await bench.send('S', { checksum: 1 })
    await bench.send('S', { headerLength: 60 })
    expect(requests).toHaveLength(0)
    expect(bench.counters).toMatchObject({ dropChecksum: 1, dropMalformed: 1 })
    bench.expectNothing()
    await bench.end()
  })

  test('has a bound: a flood fills it, and an event says so', async () => {
    const { bench, requests, forwarder } = await forwarding({ maxInFlight: 100 }, { memory: ample() })
    const events: unknown[] = []
    bench.stack.on('limit-reached', (event) => events.push(event))
    for (let i = 0; i < 1000; i++) {
      bench.inject('S', { sourcePort: 1 + i, seq: 7919 * i })
      if (i % 100 === 99) await bench.clock.settle()
    }
    expect(forwarder.pending).toBe(100)
    expect(requests).toHaveLength(100)
    expect(bench.counters).toMatchObject({ forwardRequests: 100, forwardOverflow: 900, connections: 0 })
    expect(events).toHaveLength(900)
    expect(events[0]).toEqual({ limit: 'tcp.forward.maxInFlight', value: 100 })
    bench.expectNothing()
    await bench.clock.advance(30_000)
    expect(forwarder.pending).toBe(0)
    await bench.end()
  })

  test('a handler that throws is told to the stack, and the request expires', async () => {
    const bench = await Bench.create()
    const forwarder = bench.stack.tcp.forward({}, () => {
      throw new Error('mine')
    })
    await bench.send('S', {})
    expect(bench.errors.splice(0)).toMatchObject([{ message: 'mine' }])
    expect(forwarder.pending).toBe(1)
    await bench.clock.advance(30_000)
    expect(forwarder.pending).toBe(0)
    await bench.end()
  })

  test('there is one for all NICs, and one for each, which comes first', async () => {
    const { bench, requests, forwarder } = await forwarding()
    expect(() => bench.stack.tcp.forward({}, () => undefined)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }))
    expect(() => bench.stack.tcp.forward({ maxInFlight: 0 }, () => undefined)).toThrow(/maxInFlight/)
    expect(() => bench.stack.tcp.forward({}, null as never)).toThrow(/function/)
    const own: ForwarderRequest[] = []
    const abort = new AbortController()
    const second = bench.stack.tcp.forward({ nic: bench.nic.id, signal: abort.signal }, (request) => own.push(request))
    await bench.send('S', { sourcePort: 1 })
    expect([own.length, requests.length]).toEqual([1, 0])
    abort.abort()
    await second.closed
    await expect(own[0]!.accept()).rejects.toMatchObject({ code: 'ERR_STACK_CLOSED' })
    await bench.send('S', { sourcePort: 2 })
    expect([own.length, requests.length]).toEqual([1, 1])
    await forwarder.close()
    await forwarder.close()
    await bench.send('S', { sourcePort: 3 })
    bench.expect('RA', { destinationPort: 3 })
    await bench.end()
  })

  test('a SYN from TIME-WAIT goes on beyond what the old connection sent (RFC 6191)', async () => {
    const { bench, requests } = await forwarding()
    await bench.send('S', {})
    const outcome = outcomeOf(requests[0]!.accept())
    await bench.clock.settle()
    bench.expect('SA')
    await bench.send('A', { seq: 1, ack: 1 })
    void outcome.value!.close()
    await bench.clock.settle()
    bench.expect('FA', { seq: 1 })
    await bench.send('FA', { seq: 1, ack: 2 })
    bench.expect('A')
    await bench.send('S', { seq: 1 })
    // Not newer: TIME-WAIT answers.
    bench.expect('A')
    await bench.clock.advance(100)
    const { iss } = bench
    await bench.send('S', { seq: 100 })
    expect(requests).toHaveLength(2)
    void requests[1]!.accept().catch(() => undefined)
    await bench.clock.settle()
    const synAck = bench.next()
    expect(synAck).toMatchObject({ flags: 'SA', ack: 101 })
    bench.iss = iss
    expect(synAck.packet.tcp!.seq | 0).toBe((iss + 2 + 65_537) | 0)
    await bench.end()
  })
})
