import { fifo, type Qdisc } from '@stack/core'
import { describe, expect, test } from 'vitest'
import type { Connection, ConnectOptions, TcpTraceEvent } from '../src/index.ts'
import { ample, Bench, concat, pattern, type BenchOptions, type Segment } from './support/peer.ts'
import { RTT, sending } from './support/sending.ts'

// What leaves, and when: RFC 9293 §3.7.4, §3.8.1, §3.8.6.

const MSS = 1000

/** `seq(length)`, and `F` or `P` where they stand. */
const shape = (segments: readonly Segment[]): string[] => segments.map(({ seq, length, flags }) => `${seq}(${length})${flags.replace('A', '')}`)

async function connected(options: Partial<ConnectOptions> = {}, answer: Parameters<Bench['connect']>[1] = {}, on: BenchOptions = {}): Promise<{ bench: Bench; connection: Connection }> {
  const bench = await Bench.create(on)
  return { bench, connection: await bench.connect(options, { mss: MSS, ...answer }) }
}

describe('the FIN (RFC 9293 §3.10.4)', () => {
  test('leaves with the last text when the window has room for it, and waits when the text fills the window', async () => {
    const { bench, connection } = await connected({}, { win: 500 })
    connection.tryWrite(pattern(500))
    connection.shutdown('write')
    expect(shape(bench.all())).toEqual(['1(500)P'])
    await bench.send('A', { seq: 1, ack: 501, win: 500 })
    expect(shape(bench.all())).toEqual(['501(0)F'])
    await bench.end()
  })

  test('behind text of several segments it is on the last, and sent again with it', async () => {
    const { bench, connection } = await connected()
    await connection.write(pattern(2500), { end: true })
    expect(shape(bench.all())).toEqual(['1(1000)', '1001(1000)', '2001(500)FP'])
    await bench.send('A', { seq: 1, ack: 2001 })
    await bench.clock.advance(200)
    expect(shape(bench.all())).toEqual(['2001(500)FP'])
    expect(connection.info()).toMatchObject({ retransmits: 1, bytesRetransmitted: 500, bytesSent: 2501 })
    // The text arrived, the FIN did not.
    await bench.send('A', { seq: 1, ack: 2501 })
    await bench.clock.advance(400)
    expect(shape(bench.all())).toEqual(['2501(0)F'])
    expect(connection.info().bytesRetransmitted).toBe(500)
    await bench.send('A', { seq: 1, ack: 2502 })
    expect(connection.state).toBe('fin-wait-2')
    await bench.end()
  })

  test('an empty write side: only the FIN, and nothing ever again', async () => {
    const { bench, connection } = await connected()
    connection.shutdown('write')
    expect(shape(bench.all())).toEqual(['1(0)F'])
    await bench.send('A', { seq: 1, ack: 1 })
    bench.expectNothing()
    await bench.send('A', { seq: 1, ack: 2 })
    await bench.clock.advance(60_000)
    bench.expectNothing()
    await bench.end()
  })
})

describe('the FIN of what is sent again', () => {
  test('stays behind when the text fills the window', async () => {
    const { bench, connection } = await connected({}, { win: 300 })
    connection.tryWrite(pattern(300))
    connection.shutdown('write')
    expect(shape(bench.all())).toEqual(['1(300)P'])
    await bench.clock.advance(200)
    expect(shape(bench.all())).toEqual(['1(300)P'])
    await bench.send('A', { seq: 1, ack: 301, win: 300 })
    expect(shape(bench.all())).toEqual(['301(0)F'])
    await bench.end()
  })

  test('is not on a segment that ends before the text does', async () => {
    const { bench, connection } = await connected()
    connection.tryWrite(pattern(300))
    connection.tryWrite(pattern(400, 300))
    await bench.clock.advance(200)
    expect(shape(bench.all())).toEqual(['1(300)P', '1(700)P'])
    // cwnd is one segment now.
    connection.tryWrite(pattern(2000, 700))
    connection.shutdown('write')
    bench.expectNothing()
    await bench.clock.advance(400)
    expect(shape(bench.all())).toEqual(['1(1000)'])
    await bench.end()
  })
})

describe('the window of the peer', () => {
  test('a closed one is probed when the timer says so, however often the user writes (RFC 9293 §3.8.6.1)', async () => {
    const { bench, connection } = await connected({}, { win: 0 })
    connection.tryWrite(pattern(100))
    for (let i = 1; i <= 3; i++) {
      await bench.clock.advance(60)
      connection.tryWrite(pattern(100, 100 * i))
      bench.expectNothing()
    }
    await bench.clock.advance(19)
    bench.expectNothing()
    await bench.clock.advance(1)
    expect(bench.all()).toHaveLength(1)
    await bench.end()
  })

  test('one that shrank below what was corked is the probe’s as well', async () => {
    const { bench, connection } = await connected({ cork: true }, { win: 1000 })
    connection.tryWrite(pattern(100))
    await bench.clock.advance(50)
    await bench.send('A', { seq: 1, ack: 1, win: 40 })
    await bench.clock.advance(199)
    bench.expectNothing()
    await bench.clock.advance(1)
    expect(shape(bench.all())).toEqual(['1(40)'])
    await bench.end()
  })

  test('is filled to the last byte, and no further (RFC 9293 §3.8.6)', async () => {
    const { bench, connection } = await connected({ noDelay: true }, { win: 2500 })
    connection.tryWrite(pattern(4000))
    // Half of the largest window is worth a segment of its own.
    expect(shape(bench.all())).toEqual(['1(1000)', '1001(1000)'])
    await bench.clock.advance(100)
    await bench.send('A', { seq: 1, ack: 2001, win: 1250 })
    expect(shape(bench.all())).toEqual(['2001(1000)'])
    await bench.send('A', { seq: 1, ack: 3001, win: 1250 })
    expect(shape(bench.all())).toEqual(['3001(1000)P'])
    await bench.end()
  })

  test('SWS: exactly half of the largest that was ever offered is enough, a byte less is not; nothing waits for ever (RFC 9293 §3.8.6.2.1)', async () => {
    const { bench, connection } = await connected({}, { win: 1600 })
    connection.tryWrite(pattern(5000))
    expect(shape(bench.all())).toEqual(['1(1000)'])
    await bench.send('A', { seq: 1, ack: 1001, win: 799 })
    bench.expectNothing()
    await bench.send('A', { seq: 1, ack: 1001, win: 800 })
    expect(shape(bench.all())).toEqual(['1001(800)'])
    await bench.send('A', { seq: 1, ack: 1801, win: 300 })
    bench.expectNothing()
    // The override: with the timer what fits leaves, whole.
    await bench.clock.advance(200)
    expect(shape(bench.all())).toEqual(['1801(300)'])
    await bench.end()
  })

  test('while something is out a piece of the window waits for the ACK, unless noDelay', async () => {
    for (const noDelay of [false, true]) {
      const { bench, connection } = await connected({ noDelay }, { win: 1000 })
      connection.tryWrite(pattern(300))
      expect(shape(bench.all())).toEqual(['1(300)P'])
      connection.tryWrite(pattern(5000, 300))
      expect(shape(bench.all())).toEqual(noDelay ? ['301(700)'] : [])
      await bench.send('A', { seq: 1, ack: 301, win: 1000 })
      expect(shape(bench.all())).toEqual(noDelay ? [] : ['301(1000)'])
      await bench.end()
    }
  })

  test('info() says for how long it held the connection up, and how long it was busy', async () => {
    const { bench, connection } = await connected({}, { win: 1000 })
    await bench.clock.advance(500)
    expect(connection.info()).toMatchObject({ busyTime: 0, receiveWindowLimitedTime: 0, sendBufferLimitedTime: 0 })
    connection.tryWrite(pattern(1000))
    bench.all()
    await bench.clock.advance(30)
    await bench.send('A', { seq: 1, ack: 1001, win: 1000 })
    await bench.clock.advance(1000)
    expect(connection.info()).toMatchObject({ busyTime: 30, receiveWindowLimitedTime: 0 })
    connection.tryWrite(pattern(3000))
    await bench.clock.advance(70)
    expect(connection.info()).toMatchObject({ busyTime: 100, receiveWindowLimitedTime: 70, sendBufferLimitedTime: 0 })
    await bench.end()
  })

  test('info() tells a window that is shut from text that the user holds back, and a FIN that is out is work', async () => {
    const shut = await connected({}, { win: 0 })
    shut.connection.tryWrite(pattern(10))
    await shut.bench.clock.advance(70)
    expect(shut.connection.info()).toMatchObject({ busyTime: 70, receiveWindowLimitedTime: 70 })
    const corked = await connected({ cork: true })
    corked.connection.tryWrite(pattern(10))
    await corked.bench.clock.advance(70)
    expect(corked.connection.info()).toMatchObject({ busyTime: 70, receiveWindowLimitedTime: 0 })
    const done = await connected()
    done.connection.shutdown('write')
    await done.bench.clock.advance(70)
    expect(done.connection.info()).toMatchObject({ busyTime: 70, receiveWindowLimitedTime: 0 })
    for (const { bench } of [shut, corked, done]) {
      bench.all()
      await bench.end()
    }
  })

  test('a writer that waits while cwnd is full does not wait for the send buffer', async () => {
    const { bench, connection } = await connected({ sendBuffer: 16_384 })
    connection.write(pattern(60_000)).catch(() => undefined)
    await bench.clock.advance(40)
    expect(bench.all()).toHaveLength(10)
    expect(connection.info()).toMatchObject({ busyTime: 40, receiveWindowLimitedTime: 0, sendBufferLimitedTime: 0 })
    connection.abort()
    await bench.end()
  })

  test('info() says for how long the send buffer was too small', async () => {
    const { bench, connection } = await connected({ sendBuffer: 4096 })
    const written = connection.write(pattern(6000))
    await bench.clock.advance(40)
    expect(connection.info()).toMatchObject({ busyTime: 40, receiveWindowLimitedTime: 0, sendBufferLimitedTime: 40 })
    bench.all()
    await bench.send('A', { seq: 1, ack: 4097 })
    await written
    await bench.send('A', { seq: 1, ack: 6001 })
    await bench.clock.advance(40)
    expect(connection.info()).toMatchObject({ busyTime: 40, sendBufferLimitedTime: 40 })
    await bench.end()
  })
})

describe('small segments (RFC 9293 §3.7.4)', () => {
  test('Minshall: full segments out hold nothing back, a small one does; classic Nagle: any', async () => {
    for (const nagle of ['minshall', 'classic'] as const) {
      const { bench, connection } = await connected({ nagle })
      connection.tryWrite(pattern(1000))
      connection.tryWrite(pattern(10, 1000))
      expect(shape(bench.all())).toEqual(nagle === 'minshall' ? ['1(1000)P', '1001(10)P'] : ['1(1000)P'])
      connection.tryWrite(pattern(10, 1010))
      bench.expectNothing()
      await bench.send('A', { seq: 1, ack: 1001 })
      expect(shape(bench.all())).toEqual(nagle === 'minshall' ? [] : ['1001(20)P'])
      await bench.send('A', { seq: 1, ack: 1011 })
      expect(shape(bench.all())).toEqual(nagle === 'minshall' ? ['1011(10)P'] : [])
      await bench.end()
    }
  })

  test('what is full leaves at once, whatever is out', async () => {
    const { bench, connection } = await connected()
    connection.tryWrite(pattern(10))
    connection.tryWrite(pattern(1000, 10))
    expect(shape(bench.all())).toEqual(['1(10)P', '11(1000)P'])
    await bench.end()
  })

  test('PSH is on the last segment of what was written only, and not where more was promised (§3.9.1.2)', async () => {
    const { bench, connection } = await connected({ noDelay: true })
    connection.tryWrite(pattern(2000), { more: true })
    expect(shape(bench.all())).toEqual(['1(1000)', '1001(1000)'])
    connection.tryWrite(pattern(1500, 2000))
    expect(shape(bench.all())).toEqual(['2001(1000)', '3001(500)P'])
    await bench.end()
  })

  test('what was held back and then acknowledged away needs no timer; what is written without more takes it along', async () => {
    const { bench, connection } = await connected({ noDelay: true })
    connection.tryWrite(pattern(10), { more: true })
    await bench.clock.advance(100)
    connection.tryWrite(pattern(10, 10))
    expect(shape(bench.all())).toEqual(['1(20)P'])
    await bench.send('A', { seq: 1, ack: 21 })
    connection.tryWrite(pattern(10, 20), { more: true })
    await bench.clock.advance(199)
    bench.expectNothing()
    await bench.clock.advance(1)
    expect(shape(bench.all())).toEqual(['21(10)'])
    await bench.end()
  })

  test('a corked piece is not pushed into a closed window: that is the probe’s', async () => {
    const { bench, connection } = await connected({ cork: true }, { win: 0 })
    connection.tryWrite(pattern(10))
    await bench.clock.advance(199)
    bench.expectNothing()
    await bench.clock.advance(800)
    expect(bench.all().every(({ length }) => length <= 1)).toBe(true)
    await bench.end()
  })

  test('urgent text waits for nothing (§3.8.5)', async () => {
    const { bench, connection } = await connected({ cork: true })
    connection.tryWrite(pattern(10))
    bench.expectNothing()
    connection.tryWrite(pattern(5, 10), { urgent: true })
    expect(concat(bench.all().map(({ data }) => data))).toEqual(pattern(15))
    await bench.end()
  })
})

describe('sent again (RFC 9293 §3.8.1)', () => {
  test('small segments that lie together go as one, as far as a segment holds them', async () => {
    const { bench, connection } = await connected({ noDelay: true })
    for (let i = 0; i < 4; i++) connection.tryWrite(pattern(300, 300 * i))
    expect(shape(bench.all())).toEqual(['1(300)P', '301(300)P', '601(300)P', '901(300)P'])
    await bench.clock.advance(200)
    const again = bench.all()
    expect(shape(again)).toEqual(['1(900)'])
    expect(again[0]!.data).toEqual(pattern(900))
    await bench.send('A', { seq: 1, ack: 901 })
    expect(shape(bench.all())).toEqual(['901(300)P'])
    expect(connection.info()).toMatchObject({ retransmits: 2, bytesRetransmitted: 1200, bytesSent: 1200 })
    expect(bench.counters).toMatchObject({ retransmits: 2, bytesSent: 1200, timeouts: 1 })
    await bench.end()
  })

  test('two halves make one; not across what the peer has', async () => {
    const { bench, connection } = await connected({ noDelay: true }, { sackPermitted: true })
    for (let i = 0; i < 6; i++) connection.tryWrite(pattern(500, 500 * i))
    bench.all()
    await bench.send('A', { seq: 1, ack: 1, sack: [[1501, 2001]] })
    await bench.clock.advance(1)
    expect(shape(bench.all())).toEqual(['1(1000)'])
    await bench.send('A', { seq: 1, ack: 1001, sack: [[1501, 2001]] })
    expect(shape(bench.all())).toEqual(['1001(500)'])
    await bench.end()
  })

  test('in the pieces of now, when the path has become narrower: a tail loss probe is the last of them (RFC 8985 §7.3)', async () => {
    const reasons: string[] = []
    const trace = ({ kind, reason }: TcpTraceEvent): void => {
      if (kind === 'send' && reason !== 'ack') reasons.push(reason)
    }
    const { bench, connection } = await sending(0, { sack: true, mss: 1460, tcp: { trace } })
    connection.tryWrite(pattern(2800))
    expect(shape(bench.all())).toEqual(['1(1460)', '1461(1340)P'])
    bench.nic.setMtu(1000)
    await bench.clock.advance(2 * RTT + 2)
    const [probe] = bench.all()
    expect(shape([probe!])).toEqual(['1841(960)P'])
    expect(probe!.data).toEqual(pattern(960, 1840))
    expect(reasons).toEqual(['syn', 'new', 'new', 'tail-probe'])
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 1, sack: [[1841, 2801]] })
    expect(shape(bench.all())).toEqual(['1(960)'])
    await bench.clock.advance(RTT)
    await bench.send('A', { seq: 1, ack: 961, sack: [[1841, 2801]] })
    expect(shape(bench.all())).toEqual(['961(880)'])
    await bench.send('A', { seq: 1, ack: 2801 })
    expect(connection.info()).toMatchObject({ bytesInFlight: 0, bytesSacked: 0, bytesLost: 0, bytesRetransmitting: 0 })
    await bench.end()
  })

  test('behind the last of them it runs on into what was not sent yet', async () => {
    const { bench, connection } = await connected()
    connection.tryWrite(pattern(300))
    connection.tryWrite(pattern(400, 300))
    expect(shape(bench.all())).toEqual(['1(300)P'])
    await bench.clock.advance(200)
    const again = bench.all()
    expect(shape(again)).toEqual(['1(700)P'])
    expect(again[0]!.data).toEqual(pattern(700))
    expect(connection.info()).toMatchObject({ bytesRetransmitted: 300, bytesSent: 700, bytesInFlight: 700 })
    await bench.send('A', { seq: 1, ack: 701 })
    expect(connection.info()).toMatchObject({ bytesAcked: 700, bytesInFlight: 0, bytesRetransmitting: 0, bytesLost: 0 })
    await bench.end()
  })

  test('and takes the FIN along', async () => {
    const { bench, connection } = await connected()
    connection.tryWrite(pattern(300))
    bench.all()
    connection.tryWrite(pattern(100, 300))
    await bench.clock.advance(199)
    bench.expectNothing()
    await bench.clock.advance(1)
    expect(shape(bench.all())).toEqual(['1(400)P'])
    connection.shutdown('write')
    expect(shape(bench.all())).toEqual(['401(0)F'])
    await bench.clock.advance(400)
    expect(shape(bench.all())).toEqual(['1(400)FP'])
    await bench.send('A', { seq: 1, ack: 402 })
    expect(connection.state).toBe('fin-wait-2')
    await bench.end()
  })

  test('of a segment that was acknowledged in part the rest, and never beyond the window', async () => {
    const { bench, connection } = await connected({}, { win: 5000 })
    connection.tryWrite(pattern(3000))
    bench.all()
    await bench.send('A', { seq: 1, ack: 401, win: 1300 })
    await bench.clock.advance(200)
    const again = bench.all()
    expect(shape(again)).toEqual(['401(600)'])
    expect(again[0]!.data).toEqual(pattern(600, 400))
    await bench.send('A', { seq: 1, ack: 1001, win: 700 })
    const part = bench.all()
    expect(shape(part)).toEqual(['1001(700)'])
    expect(part[0]!.data).toEqual(pattern(700, 1000))
    await bench.end()
  })
})

/** The queue of a NIC that lets nothing out before `until`, ms. */
function gate(limit: number): { qdisc: Qdisc; until: number } {
  const queue = fifo({ limit })
  const shut = { qdisc: queue, until: 0 }
  const dequeue = queue.dequeue.bind(queue)
  queue.dequeue = (now) => (now < shut.until ? null : dequeue(now))
  Object.defineProperty(queue, 'nextDeparture', { get: () => shut.until })
  return shut
}

describe('what is below TCP', () => {
  test.each([true, false])('is 32 segments at most; the rest follows when half has left (super-packets: %s)', async (softwareGso) => {
    const queue = gate(1000)
    const { bench, connection } = await connected({ sendBuffer: 500_000, congestionControl: 'reno' }, { mss: 1024, scale: 6, win: 60_000 }, { nic: { qdisc: queue.qdisc, softwareGso }, memory: ample() })
    connection.write(pattern(400_000)).catch(() => undefined)
    await bench.clock.settle()
    let sent = bench.all().at(-1)!
    while (connection.info().cwnd < 40_000) {
      queue.until = connection.info().cwnd < 20_000 ? 0 : bench.clock.now() + 20
      await bench.send('A', { seq: 1, ack: sent.seq + sent.length, win: 60_000 })
      sent = bench.all().at(-1) ?? sent
    }
    expect(connection.info()).toMatchObject({ bytesInFlight: 32_768 })
    bench.expectNothing()
    // Whoever writes now adds to what waits above.
    connection.tryWrite(pattern(10))
    expect(connection.info()).toMatchObject({ bytesInFlight: 32_768 })
    await bench.clock.advance(20)
    for (let i = 0; i < 16; i++) bench.next()
    await bench.clock.settle()
    const { bytesInFlight, cwnd } = connection.info()
    expect([bytesInFlight > 32_768, cwnd - bytesInFlight < 1024]).toEqual([true, true])
    expect(bench.counters).toMatchObject({ localDrops: 0, retransmits: 0 })
    expect(bench.all()).toHaveLength(bytesInFlight / 1024 - 16)
    connection.abort()
    await bench.end()
  })

  test('a queue that refuses a segment is not asked again before there is room; then the rest leaves, in order', async () => {
    const queue = gate(4)
    const { bench, connection } = await connected({ noDelay: true }, {}, { nic: { qdisc: queue.qdisc, softwareGso: false } })
    queue.until = bench.clock.now() + 50
    connection.tryWrite(pattern(6000))
    expect(connection.info().bytesInFlight).toBe(4000)
    expect(bench.counters).toMatchObject({ localDrops: 1 })
    for (let i = 0; i < 3; i++) {
      connection.tryWrite(pattern(500, 6000 + 500 * i))
      await bench.clock.advance(15)
    }
    expect(connection.info().bytesInFlight).toBe(4000)
    expect(bench.counters).toMatchObject({ localDrops: 1 })
    await bench.clock.advance(5)
    const sent = bench.all()
    expect(shape(sent)).toEqual(['1(1000)', '1001(1000)', '2001(1000)', '3001(1000)', '4001(1000)', '5001(1000)', '6001(1000)', '7001(500)P'])
    expect(concat(sent.map(({ data }) => data))).toEqual(pattern(7500))
    expect(bench.counters).toMatchObject({ localDrops: 1, retransmits: 0, timeouts: 0 })
    await bench.end()
  })

  test('a queue that others have filled is waited for, with nothing of the connection’s own in it', async () => {
    const queue = gate(4)
    const { bench, connection } = await connected({ noDelay: true }, {}, { nic: { qdisc: queue.qdisc, softwareGso: false } })
    const own = bench.localPort
    const other = await bench.connect({ noDelay: true }, { mss: MSS })
    queue.until = bench.clock.now() + 50
    other.tryWrite(pattern(6000))
    connection.tryWrite(pattern(100))
    expect(connection.info().bytesInFlight).toBe(0)
    await bench.clock.advance(49)
    expect(bench.counters).toMatchObject({ localDrops: 1 })
    await bench.clock.advance(1)
    expect(bench.all().filter(({ sourcePort }) => sourcePort === own)).toHaveLength(1)
    connection.abort()
    other.abort()
    bench.all()
    await bench.end()
  })

  test('no memory for a segment: again in 10 ms, and no loss of the network', async () => {
    const memory = ample()
    const [allocate, control] = [memory.allocate.bind(memory), memory.allocateControl.bind(memory)]
    let isShort = false
    memory.allocate = (...sizes) => (isShort ? null : allocate(...sizes))
    memory.allocateControl = (...sizes) => (isShort ? null : control(...sizes))
    const { bench, connection } = await connected({ noDelay: true }, {}, { memory })
    isShort = true
    connection.tryWrite(pattern(100))
    expect(connection.info()).toMatchObject({ bytesInFlight: 0, bytesSent: 0 })
    expect(bench.counters).toMatchObject({ localDrops: 1, noMemory: 1 })
    await bench.clock.advance(9)
    expect(bench.counters).toMatchObject({ localDrops: 1 })
    await bench.clock.advance(1)
    expect(bench.counters).toMatchObject({ localDrops: 2 })
    isShort = false
    bench.expectNothing()
    await bench.clock.advance(10)
    expect(shape(bench.all())).toEqual(['1(100)P'])
    expect(connection.info()).toMatchObject({ bytesInFlight: 100, retransmits: 0 })
    await bench.end()
  })

  test('no memory while a segment of its own is on its way: again when that has left', async () => {
    const queue = gate(10)
    const memory = ample()
    const allocate = memory.allocate.bind(memory)
    let isShort = false
    memory.allocate = (...sizes) => (isShort ? null : allocate(...sizes))
    const { bench, connection } = await connected({ noDelay: true }, {}, { memory, nic: { qdisc: queue.qdisc } })
    queue.until = bench.clock.now() + 50
    connection.tryWrite(pattern(100))
    isShort = true
    connection.tryWrite(pattern(100, 100))
    await bench.clock.advance(49)
    expect(connection.info().bytesInFlight).toBe(100)
    expect(bench.counters).toMatchObject({ localDrops: 1 })
    isShort = false
    await bench.clock.advance(1)
    expect(shape(bench.all())).toEqual(['1(100)P'])
    await bench.clock.settle()
    expect(shape(bench.all())).toEqual(['101(100)P'])
    await bench.end()
  })

  test('a route that is gone is as good as a loss: the user can ask why, and the timer sends again (RFC 9293 §3.9.2.2)', async () => {
    const { bench, connection } = await connected()
    const route = bench.stack.routes.list().find(({ destination }) => destination.startsWith('10.'))!
    bench.stack.routes.remove({ destination: route.destination })
    connection.tryWrite(pattern(100))
    expect(connection.takeError()?.code).toBe('ENETUNREACH')
    expect(connection.info()).toMatchObject({ bytesInFlight: 100, state: 'established' })
    await bench.clock.advance(200)
    bench.expectNothing()
    bench.stack.routes.add({ destination: route.destination, nic: bench.nic.name })
    await bench.clock.advance(400)
    expect(shape(bench.all())).toEqual(['1(100)P'])
    // What was wrong is remembered until an ACK says that it is no longer.
    expect(connection.takeError()?.code).toBe('ENETUNREACH')
    await bench.end()
  })
})

describe('the user timeout (RFC 9293 §3.9.1.2)', () => {
  test('begins with the segment that nobody acknowledges, however long the connection has been idle', async () => {
    const { bench, connection } = await connected({ userTimeout: 5000 })
    connection.tryWrite(pattern(10))
    bench.all()
    await bench.send('A', { seq: 1, ack: 11 })
    await bench.clock.advance(60_000)
    connection.tryWrite(pattern(10, 10))
    await bench.clock.advance(200)
    expect(shape(bench.all())).toEqual(['11(10)P', '11(10)P'])
    await bench.clock.advance(4799)
    expect(connection.state).toBe('established')
    await bench.clock.advance(1)
    expect(connection.error?.code).toBe('ETIMEDOUT')
    bench.all()
    await bench.end()
  })
})

describe('the first segment after a pause', () => {
  test('is what slow start begins with: nothing that only came in does (RFC 5681 §4.1)', async () => {
    const { bench, connection } = await connected({ slowStartAfterIdle: true, congestionControl: 'reno' })
    connection.write(pattern(20_000)).catch(() => undefined)
    await bench.clock.settle()
    for (let i = 0; i < 2; i++) {
      const last = bench.all().at(-1)!
      await bench.send('A', { seq: 1, ack: last.seq + last.length })
    }
    const { cwnd } = connection.info()
    expect(cwnd).toBe(20_000)
    await bench.clock.advance(60_000)
    await bench.send('PA', { seq: 1, ack: 20_001, data: pattern(10) })
    await bench.clock.settle()
    expect(connection.info().cwnd).toBe(cwnd)
    connection.tryWrite(pattern(10))
    expect(connection.info().cwnd).toBe(10_000)
    connection.abort()
    bench.all()
    await bench.end()
  })

  test('an idle connection starts with the window it had when nobody asked for slow start (RFC 7661), else with the initial one (RFC 5681 §4.1)', async () => {
    for (const slowStartAfterIdle of [true, false]) {
      const { bench, connection } = await connected({ slowStartAfterIdle, congestionControl: 'reno' })
      connection.write(pattern(60_000)).catch(() => undefined)
      await bench.clock.settle()
      let ack = 1
      for (let i = 0; i < 5; i++) {
        ack = Math.max(ack, ...bench.all().map(({ seq, length }) => seq + length))
        await bench.send('A', { seq: 1, ack })
      }
      const { cwnd } = connection.info()
      expect(cwnd).toBeGreaterThan(20_000)
      // One RTO is no pause.
      await bench.clock.advance(connection.info().rto)
      connection.tryWrite(pattern(10))
      await bench.clock.settle()
      expect(connection.info().cwnd).toBe(cwnd)
      ack = Math.max(ack, ...bench.all().map(({ seq, length }) => seq + length))
      await bench.send('A', { seq: 1, ack })
      await bench.clock.advance(connection.info().rto + 1)
      connection.tryWrite(pattern(10))
      await bench.clock.settle()
      expect(connection.info().cwnd).toBe(slowStartAfterIdle ? 10_000 : cwnd)
      connection.abort()
      await bench.end()
    }
  })
})
