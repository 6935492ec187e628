import { describe, expect, test } from 'vitest'
import { ipv4, ipv6 } from '@stack/testing'
import { Bench, FAMILIES, concat, pattern } from './support/peer.ts'

describe.each(FAMILIES)('receiving over %s', (family) => {
  test('in order: every second full segment is acknowledged, the rest after 40 ms [RFC9293-MUST-58, RFC9293-MUST-40, RFC9293-SHLD-18, RFC9293-SHLD-19, RFC5681-4.2-delay, RFC2525-2.13-stretch]', async () => {
    const bench = await Bench.create({ family })
    const connection = await bench.accept({ quickAcks: 0 }, { mss: 1000 })
    await bench.send('A', { seq: 1, ack: 1, data: pattern(1000) })
    bench.expectNothing()
    await bench.send('A', { seq: 1001, ack: 1, data: pattern(1000, 1000) })
    bench.expect('A', { seq: 1, ack: 2001 })
    await bench.send('PA', { seq: 2001, ack: 1, data: pattern(500, 2000) })
    await bench.clock.advance(39)
    bench.expectNothing()
    await bench.clock.advance(1)
    bench.expect('A', { seq: 1, ack: 2501 })
    expect(await connection.readSome()).toEqual(pattern(2500))
    await bench.end()
  })

  test('out of order: each is acknowledged at once, and so is what fills the gap [RFC9293-MUST-59, RFC9293-SHLD-31, RFC9293-MAY-13, RFC5681-3.2-immediate, RFC2525-2.5-retain]', async () => {
    const bench = await Bench.create({ family })
    const connection = await bench.accept({}, { mss: 1000 })
    bench.inject('A', { seq: 1001, ack: 1, data: pattern(1000, 1000) })
    bench.inject('A', { seq: 3001, ack: 1, data: pattern(1000, 3000) })
    bench.inject('A', { seq: 2001, ack: 1, data: pattern(1000, 2000) })
    await bench.clock.settle()
    for (let i = 0; i < 3; i++) bench.expect('A', { ack: 1 })
    await bench.send('A', { seq: 1, ack: 1, data: pattern(1000) })
    bench.expect('A', { ack: 4001 })
    bench.expectNothing()
    expect(await connection.readSome()).toEqual(pattern(4000))
    await bench.end()
  })

  test('overlapping and duplicate segments in every way', async () => {
    const bench = await Bench.create({ family })
    const connection = await bench.accept({}, { mss: 1000 })
    for (const [seq, length] of [[501, 100], [401, 300], [451, 20], [801, 200], [301, 800], [901, 300], [1, 350], [1, 400], [1000, 5]] as const) {
      bench.inject('A', { seq, ack: 1, data: pattern(length, seq - 1) })
    }
    await bench.clock.settle()
    expect(bench.all().at(-1)).toMatchObject({ flags: 'A', ack: 1201 })
    expect(await connection.readSome()).toEqual(pattern(1200))
    await bench.end()
  })

  test('a bad checksum, a lying data offset and a short segment are dropped and counted [RFC9293-MUST-3]', async () => {
    const bench = await Bench.create({ family })
    const connection = await bench.accept()
    bench.inject('PA', { seq: 1, ack: 1, data: pattern(100), headerLength: 16 })
    bench.inject('PA', { seq: 1, ack: 1, data: pattern(100), headerLength: 60 })
    await bench.send('A', { checksum: 0xdead })
    await bench.peer.sendPacket(family === 'ipv4' ? ipv4({ protocol: 6 }) : ipv6({ nextHeader: 6 }), new Uint8Array(19))
    expect(bench.counters).toMatchObject({ dropMalformed: 1, dropChecksum: 1 })
    expect(connection.readableLength).toBe(60)
    await bench.end()
  })
})

describe('window', () => {
  test('closes to zero under data, stays there for tiny reads, opens with an update [RFC9293-MUST-39]', async () => {
    const bench = await Bench.create()
    const connection = await bench.accept({ receiveBuffer: 4096 }, { mss: 1000 })
    for (let seq = 0; seq < 4000; seq += 1000) bench.inject('A', { seq: 1 + seq, ack: 1, data: pattern(1000, seq) })
    bench.inject('A', { seq: 4001, ack: 1, data: pattern(96, 4000) })
    await bench.clock.advance(40)
    expect(bench.all().at(-1)).toMatchObject({ ack: 4097, win: 0 })
    // A probe is not taken, and answered.
    await bench.send('A', { seq: 4097, ack: 1, data: pattern(1, 4096) })
    bench.expect('A', { ack: 4097, win: 0 })
    // A byte read is not worth a window of one byte (SWS, MUST-39).
    const one = new Uint8Array(1)
    expect(connection.tryRead(one)).toBe(1)
    await bench.clock.settle()
    bench.expectNothing()
    await bench.send('A', { seq: 4097, ack: 1, data: pattern(1, 4096) })
    bench.expect('A', { ack: 4097, win: 0 })
    const rest = new Uint8Array(2000)
    expect(connection.tryRead(rest)).toBe(2000)
    await bench.clock.settle()
    bench.expect('A', { ack: 4097, win: 2001 })
    await bench.end()
  })

  test('1-byte segments: the window reaches zero and the right edge never moves left [RFC9293-SHLD-14]', async () => {
    const bench = await Bench.create()
    await bench.accept({ receiveBuffer: 4096 }, { mss: 1000 })
    const edges: number[] = []
    for (let seq = 1; seq <= 4096; seq++) {
      bench.inject('A', { seq, ack: 1, data: pattern(1, seq - 1) })
      if (seq % 64 === 0) {
        await bench.clock.advance(50)
        edges.push(...bench.all().map((segment) => segment.ack + segment.win))
      }
    }
    expect(new Set(edges)).toEqual(new Set([4097]))
    // Compacted: 4,096 bytes do not hold 4,096 slots.
    expect(bench.stack.memory.packets).toBeLessThan(20)
    await bench.end()
  })

  test('saved and advertised window agree under scaling: data up to the edge is taken, none beyond [RFC7323-2.3-use]', async () => {
    const bench = await Bench.create()
    const connection = await bench.accept({ receiveBuffer: 1_000_001 }, { mss: 1460, scale: 7 })
    await bench.send('A', { seq: 1, ack: 1, data: pattern(1001) })
    await bench.clock.advance(40)
    const { ack, win } = bench.expect('A', { ack: 1002 })
    expect(win << 4).toBeLessThanOrEqual(1_000_001 - 1001)
    const edge = ack + (win << 4)
    expect(connection.info().receiveWindow).toBe(win << 4)
    await bench.send('A', { seq: edge - 100, ack: 1, data: pattern(200) })
    bench.expect('A', { ack: 1002 })
    expect(bench.counters['dropWindow']).toBe(1)
    await bench.send('A', { seq: edge, ack: 1, data: pattern(1) })
    bench.expect('A', { ack: 1002 })
    expect(bench.counters['dropUnacceptable']).toBe(1)
    await bench.end()
  })

  test('the window of a SYN is not scaled, neither way [RFC7323-2.2-unscaled, RFC7323-2.3-use]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { scale: 10, win: 5000 })
    expect(connection.info().sendWindow).toBe(5000)
    await bench.send('A', { seq: 1, ack: 1, win: 5 })
    expect(connection.info().sendWindow).toBe(5 << 10)
    await bench.end()
  })

  test('without agreement nobody scales [RFC7323-2.2-syn]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { win: 5000 })
    await bench.send('A', { seq: 1, ack: 1, win: 6000 })
    expect(connection.info()).toMatchObject({ sendWindow: 6000, options: { windowScale: false } })
    await bench.end()
  })
})

describe('sending', () => {
  test('segments of one MSS, PSH on the last, bytes as written [RFC9293-MUST-61, RFC9293-SHLD-28]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: 1000 })
    const data = pattern(3500)
    await connection.write([data.subarray(0, 100), data.subarray(100, 3000), data.subarray(3000)])
    await bench.clock.settle()
    const sent = [bench.expect('A', { seq: 1, length: 1000 }), bench.expect('A', { length: 1000 }), bench.expect('A', { length: 1000 })]
    sent.push(bench.expect('PA', { seq: 3001, length: 500 }))
    expect(concat(sent.map((segment) => segment.data))).toEqual(data)
    await bench.end()
  })

  test('Nagle: one small segment at a time; noDelay: all at once [RFC9293-MUST-17, RFC9293-SHLD-7]', async () => {
    for (const noDelay of [false, true]) {
      const bench = await Bench.create()
      const connection = await bench.connect({ noDelay })
      for (let i = 0; i < 3; i++) await connection.write(pattern(10))
      await bench.clock.settle()
      expect(bench.all()).toHaveLength(noDelay ? 3 : 1)
      await bench.send('A', { seq: 1, ack: 11 })
      expect(bench.all().map((segment) => segment.data.length)).toEqual(noDelay ? [] : [20])
      await bench.end()
    }
  })

  test('timestamps go with every segment and come back (RFC 7323 §3.2) [RFC7323-3.2-always]', async () => {
    const bench = await Bench.create()
    bench.peerTs = 1000
    const connection = await bench.connect()
    await connection.write(pattern(10))
    await bench.clock.settle()
    expect(bench.expect('PA').ts?.echo).toBe(1000)
    bench.peerTs = 1001
    await bench.send('PA', { seq: 1, ack: 11, data: pattern(5) })
    await bench.clock.advance(40)
    expect(bench.expect('A', { ack: 6 }).ts?.echo).toBe(1001)
    await bench.end()
  })

  test('zero-length writes send nothing', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    await connection.write(new Uint8Array(0))
    await connection.write([])
    expect(connection.tryWrite(new Uint8Array(0))).toBe(0)
    await bench.clock.settle()
    bench.expectNothing()
    await bench.end()
  })

  test('SWS: a window of less than half the largest is waited for [RFC9293-MUST-38]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: 1000, win: 4000 })
    void connection.write(pattern(10_000))
    await bench.clock.settle()
    expect(bench.all()).toHaveLength(4)
    await bench.send('A', { seq: 1, ack: 4001, win: 500 })
    bench.expectNothing()
    await bench.send('A', { seq: 1, ack: 4001, win: 1000 })
    bench.expect('A', { seq: 4001, length: 1000 })
    await bench.end()
  })

  test('zero window: probes with backoff, never given up while answered, data goes on [RFC9293-MUST-36, RFC9293-MUST-37, RFC9293-SHLD-29, RFC9293-SHLD-30]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: 1000, win: 2000 })
    void connection.write(pattern(5000))
    await bench.clock.settle()
    bench.all()
    await bench.send('A', { seq: 1, ack: 2001, win: 0 })
    bench.expectNothing()
    const waits: number[] = []
    let last = bench.clock.now()
    while (waits.length < 40) {
      await bench.clock.advance(100)
      for (const probe of bench.all()) {
        expect(probe).toMatchObject({ seq: 2001 })
        expect(probe.data).toEqual(pattern(1, 2000))
        waits.push(Math.round((bench.clock.now() - last) / 100))
        last = bench.clock.now()
        await bench.send('A', { seq: 1, ack: 2001, win: 0 })
      }
    }
    expect(waits.slice(0, 6)).toEqual([2, 4, 8, 16, 32, 64])
    expect(Math.max(...waits)).toBe(1200)
    await bench.send('A', { seq: 1, ack: 2001, win: 10_000 })
    const rest = bench.all()
    expect(concat(rest.map((segment) => segment.data))).toEqual(pattern(3000, 2000))
    expect(connection.state).toBe('established')
    await bench.end()
  })

  test('a probe whose byte was taken is not sent twice', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: 1000, win: 1000 })
    void connection.write(pattern(2000))
    await bench.clock.settle()
    bench.all()
    await bench.send('A', { seq: 1, ack: 1001, win: 0 })
    await bench.clock.advance(250)
    bench.expect('A', { seq: 1001, length: 1 })
    await bench.send('A', { seq: 1, ack: 1002, win: 5000 })
    bench.expect('PA', { seq: 1002, length: 999 })
    await bench.end()
  })

  test('a FIN behind a zero window is probed with, and the connection ends', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: 1000, win: 1000 })
    await connection.write(pattern(1000), { end: true })
    await bench.clock.settle()
    bench.expect('PA', { seq: 1, length: 1000 })
    await bench.send('A', { seq: 1, ack: 1001, win: 0 })
    await bench.clock.advance(250)
    bench.expect('FA', { seq: 1001 })
    await bench.send('A', { seq: 1, ack: 1002, win: 0 })
    expect(connection.state).toBe('fin-wait-2')
    await bench.end()
  })

  test('a peer that stops answering probes is given up', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: 1000, win: 1000 })
    void connection.write(pattern(2000)).catch(() => undefined)
    await bench.clock.settle()
    await bench.send('A', { seq: 1, ack: 1001, win: 0 })
    const closed = expect(connection.closed).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    await bench.clock.advance(3_600_000)
    await closed
    await bench.end()
  })

  test('a shrinking window is obeyed and survived [RFC9293-MUST-34]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: 1000, win: 5000 })
    void connection.write(pattern(5000))
    await bench.clock.settle()
    bench.all()
    await bench.send('A', { seq: 1, ack: 1001, win: 0 })
    await bench.clock.advance(300)
    expect(bench.all().every((segment) => segment.seq === 1001 && segment.data.length <= 1)).toBe(true)
    await bench.send('A', { seq: 1, ack: 1001, win: 60_000 })
    const again = bench.all()
    expect(again[0]?.seq).toBe(1001)
    await bench.send('A', { seq: 1, ack: 5001, win: 60_000 })
    expect(connection.info().bytesAcked).toBe(5000)
    await bench.end()
  })
})
