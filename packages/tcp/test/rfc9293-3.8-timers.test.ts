import { describe, expect, test } from 'vitest'
import { Bench, concat, pattern } from './support/peer.ts'

const MSS = 1000
const HOUR = 3_600_000

describe('§3.8.3: connection failures', () => {
  test('R2 of data: fifteen retransmissions, more than 100 s; the application sets another [RFC9293-SHLD-11, RFC9293-MUST-21, RFC5482-3-local]', async () => {
    for (const [userTimeout, expected] of [[0, 924_600], [150_000, 150_000]] as const) {
      const bench = await Bench.create()
      const connection = await bench.connect({ userTimeout }, { mss: MSS })
      connection.tryWrite(pattern(100))
      await bench.clock.advance(expected - 1)
      expect(connection.state).toBe('established')
      await bench.clock.advance(1)
      await expect(connection.closed).rejects.toMatchObject({ code: 'ETIMEDOUT' })
      bench.all()
      await bench.end()
    }
  })

  test('R2 of a SYN: 247 s, more than three minutes; the application sets another [RFC9293-MUST-22, RFC9293-MUST-23]', async () => {
    for (const [options, expected] of [[{}, 247_000], [{ synRetries: 1 }, 3000], [{ timeout: 500 }, 500]] as const) {
      const bench = await Bench.create()
      const connection = bench.stack.tcp.open({ host: bench.remote, port: 5000, ...options })
      await bench.clock.advance(expected - 1)
      expect(connection.state).toBe('syn-sent')
      await bench.clock.advance(1)
      await expect(connection.opened).rejects.toMatchObject({ code: 'ETIMEDOUT' })
      await bench.end()
    }
  })
})

describe('§3.8.4: keep-alives', () => {
  test('the default is two hours of silence, and a probe has no text [RFC9293-MUST-28, RFC9293-SHLD-12, RFC2525-2.11-interval]', async () => {
    const bench = await Bench.create()
    await bench.connect({ keepAlive: {} })
    await bench.clock.advance(2 * HOUR - 1)
    bench.expectNothing()
    await bench.clock.advance(1)
    bench.expect('A', { seq: 0, ack: 1, length: 0 })
    await bench.clock.advance(74_999)
    bench.expectNothing()
    await bench.end()
  })

  test('nothing for as long as data waits for its ACK, or something comes in [RFC9293-MUST-26]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ keepAlive: { idle: 1000, interval: 100, count: 2 } })
    await bench.clock.advance(900)
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(5) })
    await bench.clock.advance(999)
    bench.expect('A', { seq: 1, ack: 6 })
    bench.expectNothing()
    connection.tryWrite(pattern(10))
    await bench.clock.advance(5000)
    expect(bench.all().every((segment) => segment.seq === 1 && segment.length === 10)).toBe(true)
    expect(bench.counters['keepAliveProbes']).toBe(0)
    await bench.end()
  })

  test('probes that are lost are sent again, and one answer is enough [RFC9293-MUST-29, RFC2525-2.9-short]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ keepAlive: { idle: 1000, interval: 100, count: 3 } })
    await bench.clock.advance(1200)
    expect(bench.all()).toHaveLength(3)
    await bench.send('A', { seq: 1, ack: 1 })
    await bench.clock.advance(999)
    expect(connection.state).toBe('established')
    bench.expectNothing()
    await bench.end()
  })

  test('on and off, and the interval, for each connection by itself [RFC9293-MUST-24, RFC9293-MUST-27, RFC9293-MAY-5]', async () => {
    const bench = await Bench.create({ tcp: { keepAlive: { idle: 5000 } } })
    const connection = await bench.connect({ keepAlive: { idle: 1000, interval: 300 } })
    await bench.clock.advance(1000)
    bench.expect('A', { seq: 0 })
    await bench.clock.advance(300)
    bench.expect('A', { seq: 0 })
    connection.configure({ keepAlive: false })
    await bench.clock.advance(10 * HOUR)
    bench.expectNothing()
    await bench.end()
  })
})

describe('§3.8.6: windows', () => {
  test('a window that shrinks: nothing new, what is inside it again, nothing beyond, and no time-out [RFC9293-MUST-34, RFC9293-SHLD-15, RFC9293-SHLD-16, RFC9293-SHLD-17]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: MSS, win: 5000 })
    void connection.write(pattern(9000))
    await bench.clock.settle()
    expect(bench.all()).toHaveLength(5)
    // The right edge goes from 5001 to 3001.
    await bench.send('A', { seq: 1, ack: 1001, win: 2000 })
    bench.expectNothing()
    await bench.clock.advance(400)
    const again = bench.all()
    expect(again[0]).toMatchObject({ seq: 1001, length: MSS })
    expect(again.every((segment) => segment.seq >= 1001 && segment.seq + segment.length <= 3001)).toBe(true)
    // For hours there is no more room than that.
    await bench.send('A', { seq: 1, ack: 3001, win: 0 })
    for (let probes = 0; probes < 50; ) {
      await bench.clock.advance(10_000)
      for (const probe of bench.all()) {
        expect(probe).toMatchObject({ seq: 3001, length: 1 })
        probes++
        await bench.send('A', { seq: 1, ack: 3001, win: 0 })
      }
    }
    expect(connection.state).toBe('established')
    await bench.send('A', { seq: 1, ack: 3001, win: 60_000 })
    expect(concat(bench.all().map((segment) => segment.data)).subarray(0, 1000)).toEqual(pattern(1000, 3000))
    connection.abort()
    await bench.end()
  })

  test('a window that shrinks to zero is probed as any other, from one RTO on, with backoff [RFC9293-MUST-35, RFC9293-SHLD-29, RFC9293-SHLD-30]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: MSS, win: 5000 })
    void connection.write(pattern(9000))
    await bench.clock.settle()
    bench.all()
    await bench.send('A', { seq: 1, ack: 1001, win: 0 })
    expect(connection.info().rto).toBe(200)
    for (const wait of [200, 400, 800, 1600]) {
      await bench.clock.advance(wait - 1)
      bench.expectNothing()
      await bench.clock.advance(1)
      bench.expect('A', { seq: 1001, length: 1 })
      await bench.send('A', { seq: 1, ack: 1001, win: 0 })
    }
    connection.abort()
    await bench.end()
  })

  test('fifteen probes without an answer are enough, and each one counts as long as nothing comes [RFC9293-MUST-36]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: MSS, win: 0 })
    const closed = expect(connection.closed).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    connection.tryWrite(pattern(10))
    let wait = 200
    for (let probes = 1; probes <= 15; probes++) {
      await bench.clock.advance(wait - 1)
      bench.expectNothing()
      await bench.clock.advance(1)
      bench.expect('A', { seq: 1, length: 1 })
      expect(connection.info()).toMatchObject({ unansweredProbes: probes, unansweredTimeouts: 0, retransmits: probes - 1 })
      wait = Math.min(2 * wait, 120_000)
    }
    expect(bench.counters).toMatchObject({ zeroWindowProbes: 15, timeouts: 0 })
    await bench.clock.advance(wait)
    await closed
    bench.expect('RA', { seq: 2 })
    await bench.end()
  })

  test('windowProbe: "empty": an old sequence number asks without text, and nothing is sent again [RFC9293-MUST-36]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ windowProbe: 'empty' }, { mss: MSS, win: 0 })
    await connection.write(pattern(10), { end: true })
    for (const wait of [200, 400, 800]) {
      await bench.clock.advance(wait)
      bench.expect('A', { seq: 0, ack: 1, length: 0 })
      await bench.send('A', { seq: 1, ack: 1, win: 0 })
    }
    expect(connection.info()).toMatchObject({ bytesInFlight: 0, retransmits: 0, bytesSent: 0 })
    expect(bench.counters).toMatchObject({ zeroWindowProbes: 3 })
    await bench.send('A', { seq: 1, ack: 1, win: 5000 })
    bench.expect('FPA', { seq: 1, length: 10 })
    await bench.send('A', { seq: 1, ack: 12, win: 5000 })
    expect(connection.info()).toMatchObject({ retransmits: 0, bytesAcked: 10 })
    await bench.end()
  })

  test('and what lies beyond a window that shrank is asked with as ever: it was sent [RFC9293-MUST-35]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ windowProbe: 'empty' }, { mss: MSS, win: 5000 })
    connection.tryWrite(pattern(3000))
    bench.all()
    await bench.send('A', { seq: 1, ack: 1001, win: 0 })
    await bench.clock.advance(200)
    bench.expect('A', { seq: 1001, length: 1 })
    connection.abort()
    await bench.end()
  })

  test('a user timeout ends it sooner, but not while the probes are answered, however long ago the last text was [RFC9293-MUST-37, RFC5482-3-local]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({ userTimeout: 5000 }, { mss: MSS, win: 0 })
    await bench.clock.advance(HOUR)
    connection.tryWrite(pattern(10))
    for (const wait of [200, 400, 800, 1600, 3200, 6400, 12_800]) {
      await bench.clock.advance(wait)
      bench.expect('A', { seq: 1, length: 1 })
      await bench.send('A', { seq: 1, ack: 1, win: 0 })
    }
    // Silence: the next probe is due in 25.6 s, and the one behind it finds that it is too late.
    await bench.clock.advance(25_600)
    bench.expect('A', { seq: 1, length: 1 })
    expect(connection.state).toBe('established')
    await bench.clock.advance(51_200)
    expect(connection.error?.code).toBe('ETIMEDOUT')
    bench.expect('RA')
    await bench.end()
  })

  test.each(['octet', 'empty'] as const)('and counts from the first probe when nothing is ever heard; windowProbe %s [RFC5482-3-local]', async (windowProbe) => {
    const bench = await Bench.create()
    const connection = await bench.connect({ userTimeout: 5000, windowProbe }, { mss: MSS, win: 0 })
    await bench.clock.advance(HOUR)
    connection.tryWrite(pattern(10))
    await bench.clock.advance(6199)
    expect(bench.all()).toHaveLength(5 - 1)
    expect(connection.state).toBe('established')
    await bench.clock.advance(1)
    expect(connection.error?.code).toBe('ETIMEDOUT')
    await bench.end()
  })

  test('who does not read keeps the window closed for as long as he likes: every probe is answered [RFC9293-MAY-8]', async () => {
    const bench = await Bench.create()
    const connection = await bench.accept({ receiveBuffer: 4096 }, { mss: 1024 })
    for (let seq = 1; seq <= 4096; seq += 1024) await bench.send('A', { seq, ack: 1, data: pattern(1024, seq - 1) })
    bench.all()
    for (let hour = 0; hour < 24; hour++) {
      await bench.clock.advance(HOUR)
      await bench.send('A', { seq: 4097, ack: 1, data: pattern(1, 4096) })
      bench.expect('A', { seq: 1, ack: 4097, win: 0 })
    }
    expect(await connection.readSome()).toEqual(pattern(4096))
    bench.expect('A', { ack: 4097, win: 4096 })
    await bench.end()
  })
})
