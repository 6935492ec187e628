import { describe, expect, test } from 'vitest'
import type { Connection, ListenOptions } from '../src/index.ts'
import { Bench, FAMILIES, pattern, PEER_PORT, PORT, type Segment } from './support/peer.ts'

// From a SYN to a connection (RFC 9293 §3.10.7.2, §3.10.7.4), and what both sides of a handshake begin with.

type Fields = NonNullable<Parameters<Bench['send']>[1]>

/** A SYN, the SYN-ACK, and after `rtt` ms the ACK. */
async function accepted(options: Partial<ListenOptions> = {}, syn: Fields = {}, rtt = 0): Promise<{ bench: Bench; connection: Connection; answer: Segment }> {
  const bench = await Bench.create()
  const listener = bench.stack.tcp.listen({ port: PORT, ...options })
  await bench.send('S', { mss: 1460, ...syn })
  const answer = bench.expect('SA', { seq: 0, ack: 1 })
  await bench.clock.advance(rtt)
  await bench.send('A', { seq: 1, ack: 1, ...(syn.ts == null ? {} : { ts: { value: syn.ts.value + rtt, echo: answer.ts!.value } }) })
  return { bench, connection: (await listener.accept())!, answer }
}

describe('the first round trip (RFC 6298 §2.2, §3)', () => {
  test('is that of the SYN-ACK', async () => {
    const { bench, connection } = await accepted({}, {}, 80)
    expect(connection.info()).toMatchObject({ smoothedRtt: 80, rttVariance: 40, rto: 240, cwnd: 14_600 })
    await bench.end()
  })

  test('is not known when the SYN-ACK left twice: a careful start (RFC 6298 §5.7, RFC 5681 §3.1)', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT })
    await bench.send('S', { mss: 1000 })
    await bench.clock.advance(1000)
    expect(bench.all().map(({ flags }) => flags)).toEqual(['SA', 'SA'])
    await bench.clock.advance(10)
    await bench.send('A', { seq: 1, ack: 1 })
    const connection = (await listener.accept())!
    expect(connection.info()).toMatchObject({ smoothedRtt: 0, rto: 3000, backoff: 0, cwnd: 1000, retransmits: 0 })
    await bench.end()
  })

  test('of a connect that was answered at once leaves no doubt behind: no backoff, no careful start', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: 1000 })
    expect(connection.info()).toMatchObject({ rto: 200, backoff: 0, cwnd: 10_000, retransmits: 0 })
    await bench.end()
  })
})

describe.each(FAMILIES)('what a SYN-ACK offers, over %s', (family) => {
  test.each([
    [{}, { mss: 1460, scale: 2, sackPermitted: true, ts: { value: 7, echo: 0 } }, { scale: 9, sackPermitted: true, hasTs: true }],
    [{}, { mss: 1460 }, { scale: null, sackPermitted: false, hasTs: false }],
    [{ windowScale: false, sack: false, timestamps: false }, { mss: 1460, scale: 2, sackPermitted: true, ts: { value: 7, echo: 0 } }, { scale: null, sackPermitted: false, hasTs: false }],
    [{ windowScale: 3 }, { mss: 1460, scale: 0 }, { scale: 3, sackPermitted: false, hasTs: false }],
  ] as const)('%j to a SYN with %j (RFC 7323 §2.2, §3.2, RFC 2018 §2)', async (options, syn, offer) => {
    const bench = await Bench.create({ family })
    const listener = bench.stack.tcp.listen({ port: PORT, ...options })
    await bench.send('S', syn)
    const { scale, sackPermitted, ts, win } = bench.expect('SA', { mss: family === 'ipv4' ? 1460 : 1440 })
    expect({ scale, sackPermitted, hasTs: ts !== null }).toEqual(offer)
    expect(ts?.echo ?? 7).toBe(7)
    expect(win).toBe(65_535)
    await bench.send('A', { seq: 1, ack: 1, ts: offer.hasTs ? { value: 8, echo: ts!.value } : null })
    const { options: agreed } = (await listener.accept())!.info()
    expect(agreed).toEqual({
      timestamps: offer.hasTs, windowScale: offer.scale !== null, sack: offer.sackPermitted, sendScale: offer.scale === null ? 0 : 'scale' in syn ? syn.scale : 0,
      receiveScale: offer.scale ?? 0,
    })
    await bench.end()
  })

  test('an MSS by choice, or by the link, and the default for a peer that says none (RFC 9293 §3.7.1)', async () => {
    for (const [mtu, maximumSegmentSize, told] of [[1500, 800, 800], [700, 65_535, family === 'ipv4' ? 660 : 1220]] as const) {
      const bench = await Bench.create({ family, mtu: family === 'ipv4' ? mtu : Math.max(1280, mtu) })
      const listener = bench.stack.tcp.listen({ port: PORT, maximumSegmentSize })
      await bench.send('S', {})
      bench.expect('SA', { mss: told })
      await bench.send('A', { seq: 1, ack: 1 })
      const { sendMss, receiveMss } = (await listener.accept())!.info()
      expect(receiveMss).toBe(told)
      // Nobody sends more than he would take.
      expect(sendMss).toBe(Math.min(told, family === 'ipv4' ? 536 : 1220))
      await bench.end()
    }
  })
})

describe('a connection that was accepted', () => {
  test('goes on with the clock of its SYN-ACK (RFC 7323 §4.1, §5.4)', async () => {
    const { bench, connection, answer } = await accepted({}, { ts: { value: 500, echo: 0 } }, 60)
    bench.peerTs = 600
    connection.tryWrite(pattern(10))
    const { ts } = bench.expect('PA', { seq: 1 })
    expect(ts!.value).toBe((answer.ts!.value + 60) >>> 0)
    // The ACK said 560.
    expect(ts!.echo).toBe(560)
    await bench.end()
  })

  test('takes the window of the ACK, scaled, not that of the SYN (RFC 7323 §2.2)', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT })
    await bench.send('S', { mss: 1000, scale: 4, win: 3000 })
    bench.expect('SA')
    await bench.send('A', { seq: 1, ack: 1, win: 200 })
    expect((await listener.accept())!.info().sendWindow).toBe(200 << 4)
    await bench.end()
  })

  test('has the address and port of its SYN, and the ones of the listener', async () => {
    const { bench, connection } = await accepted()
    expect([connection.local, connection.remote]).toEqual([{ host: bench.local, port: PORT }, { host: bench.remote, port: PEER_PORT }])
    await bench.end()
  })
})

describe('half-open (RFC 5961)', () => {
  test('a challenge ACK tells the window as the connection would: scaled where that was agreed', async () => {
    for (const [scale, win] of [[0, 65_535 >>> 9], [null, 65_535]] as const) {
      const bench = await Bench.create()
      bench.stack.tcp.listen({ port: PORT })
      await bench.send('S', { mss: 1460, scale, ts: { value: 7, echo: 0 } })
      const { ts } = bench.expect('SA', { win: 65_535 })
      await bench.clock.advance(30)
      await bench.send('R', { seq: 100 })
      const challenge = bench.expect('A', { seq: 1, ack: 1, win })
      expect(challenge.ts).toEqual({ value: (ts!.value + 30) >>> 0, echo: 7 })
      expect(bench.counters).toMatchObject({ challengeAcks: 1 })
      await bench.end()
    }
  })
})

describe('what both begin with', () => {
  test('segments of 536 bytes are full until larger ones came: every second is acknowledged (RFC 9293 §3.8.6.3)', async () => {
    const { bench, connection } = await accepted({ quickAcks: 0 })
    for (const seq of [1, 501]) await bench.send('A', { seq, ack: 1, data: pattern(500) })
    bench.expectNothing()
    await bench.send('A', { seq: 1001, ack: 1, data: pattern(72) })
    bench.expect('A', { ack: 1073 })
    await bench.send('A', { seq: 1073, ack: 1, data: pattern(1460) })
    bench.expectNothing()
    await bench.clock.advance(40)
    bench.expect('A', { ack: 2533 })
    await bench.send('A', { seq: 2533, ack: 1, data: pattern(1460) })
    bench.expectNothing()
    await bench.send('A', { seq: 3993, ack: 1, data: pattern(1460) })
    bench.expect('A', { ack: 5453 })
    expect(connection.info().largestReceived).toBe(1460)
    await bench.end()
  })

  test('a lost SYN is counted, and forgotten when the connection stands', async () => {
    const bench = await Bench.create()
    const connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT })
    await bench.clock.advance(3000)
    bench.localPort = bench.all()[0]!.sourcePort
    expect(connection.info()).toMatchObject({ retransmits: 2, unansweredTimeouts: 2, backoff: 2 })
    await bench.send('SA', { seq: 0, ack: 1, mss: 1000 })
    bench.expect('A')
    expect(connection.info()).toMatchObject({ retransmits: 0, unansweredTimeouts: 0, backoff: 0, rto: 3000 })
    expect(bench.counters).toMatchObject({ retransmits: 2, timeouts: 0 })
    await bench.end()
  })

  test('keep-alive counts from the end of the handshake (RFC 9293 §3.8.4)', async () => {
    const bench = await Bench.create()
    const connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT, keepAlive: { idle: 500, interval: 100 }, synRetries: 4 })
    await bench.clock.advance(3000)
    const syns = bench.all()
    expect(syns.map(({ flags }) => flags)).toEqual(['S', 'S', 'S'])
    bench.localPort = syns[0]!.sourcePort
    await bench.send('SA', { seq: 0, ack: 1, mss: 1000 })
    bench.expect('A')
    await bench.clock.advance(499)
    bench.expectNothing()
    await bench.clock.advance(1)
    bench.expect('A', { seq: 0, length: 0 })
    connection.abort()
    await bench.end()
  })
})
