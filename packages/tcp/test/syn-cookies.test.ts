import { createPacketMemory, MemoryLevel } from '@stack/buffer'
import { describe, expect, test } from 'vitest'
import type { ListenOptions } from '../src/index.ts'
import { ample, Bench, FAMILIES, pattern, PEER_PORT, PORT, type BenchOptions } from './support/peer.ts'

/** ms that a key makes cookies. */
const KEY_LIFETIME = 64_000

async function listening(listen: Partial<ListenOptions> = { synCookies: 'always' }, bench: BenchOptions = {}) {
  const opened = await Bench.create(bench)
  return { bench: opened, listener: opened.stack.tcp.listen({ port: PORT, ...listen }) }
}

describe.each(FAMILIES)('SYN cookies over %s', (family) => {
  test('a handshake leaves nothing behind before its last ACK [RFC4987-3.6-cookies]', async () => {
    const { bench, listener } = await listening(undefined, { family })
    await bench.send('S', { mss: 1460, scale: 7, sackPermitted: true })
    // Without timestamps nothing could remember them.
    bench.expect('SA', { seq: 0, ack: 1, scale: null, sackPermitted: false, ts: null })
    expect(bench.counters).toMatchObject({ halfOpen: 0, connections: 0, cookiesSent: 1 })
    await bench.send('A', { seq: 1, ack: 1, win: 1000 })
    const connection = listener.tryAccept()!
    expect(connection.remote).toEqual({ host: bench.remote, port: PEER_PORT })
    expect(connection.info()).toMatchObject({
      state: 'established', sendWindow: 1000, sendMss: family === 'ipv4' ? 1460 : 1440, smoothedRtt: 0,
      options: { timestamps: false, windowScale: false, sack: false },
    })
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(10) })
    expect(connection.readableLength).toBe(10)
    expect(bench.counters).toMatchObject({ cookiesAccepted: 1, cookiesRejected: 0, passiveOpens: 1 })
    await bench.end()
  })

  test('the timestamp brings back window scale and SACK [RFC4987-3.6-options]', async () => {
    const { bench, listener } = await listening(undefined, { family })
    bench.peerTs = 77
    await bench.clock.advance(12_345)
    await bench.send('S', { mss: 1440, scale: 9, sackPermitted: true })
    const synAck = bench.expect('SA', { seq: 0, ack: 1, scale: 9, sackPermitted: true })
    expect(synAck.ts?.echo).toBe(77)
    await bench.send('A', { seq: 1, ack: 1, win: 100, ts: { value: 80, echo: synAck.ts!.value } })
    const connection = listener.tryAccept()!
    expect(connection.info()).toMatchObject({
      sendWindow: 100 << 9, sendMss: 1428, options: { timestamps: true, windowScale: true, sendScale: 9, receiveScale: 9, sack: true },
    })
    // Time does not seem to run back.
    await connection.write(pattern(5))
    const text = bench.expect('PA', { seq: 1, ack: 1, length: 5 })
    expect((text.ts!.value - synAck.ts!.value) | 0).toBeGreaterThanOrEqual(0)
    expect((text.ts!.value - synAck.ts!.value) | 0).toBeLessThan(64)
    expect(text.ts!.echo).toBe(80)
    await bench.end()
  })
})

test.each([
  ['S', 'SA', 'A', 'none'], ['SEC', 'SAE', 'A', 'classic'], ['SECN', 'SAC', 'AC', 'accurate'],
] as const)('ECN comes back, too: %s is answered with %s, and %s makes it %s', async (syn, synAck, ack, kind) => {
  const { bench, listener } = await listening()
  await bench.send(syn, { mss: 1460, ts: { value: 1, echo: 0 } })
  const { ts } = bench.expect(synAck)
  await bench.send(ack, { seq: 1, ack: 1, ts: { value: 2, echo: ts!.value } })
  expect(listener.tryAccept()!.info().ecn.kind).toBe(kind)
  expect(bench.counters['cookiesAccepted']).toBe(1)
  await bench.end()
})

test('without timestamps there is no ECN', async () => {
  const { bench, listener } = await listening()
  await bench.send('SEC', { mss: 1460 })
  bench.expect('SA')
  await bench.send('A', { seq: 1, ack: 1 })
  expect(listener.tryAccept()!.info().ecn.kind).toBe('none')
  await bench.end()
})

test('timestamps alone: neither scale nor SACK comes of it', async () => {
  const { bench, listener } = await listening()
  bench.peerTs = 1
  await bench.send('S', { mss: 1460 })
  const { ts } = bench.expect('SA', { scale: null, sackPermitted: false })
  await bench.send('A', { seq: 1, ack: 1, ts: { value: 2, echo: ts!.value } })
  expect(listener.tryAccept()!.info().options).toMatchObject({ timestamps: true, windowScale: false, sack: false })
  await bench.end()
})

test.each([
  [27, 48], [48, 48], [200, 48], [535, 216], [536, 536], [1300, 1220], [1400, 1360], [1452, 1440], [1460, 1460], [9000, 1460],
])('an MSS of %i is remembered as %i', async (mss, remembered) => {
  const { bench, listener } = await listening()
  await bench.send('S', { mss })
  bench.expect('SA')
  await bench.send('A', { seq: 1, ack: 1 })
  expect(listener.tryAccept()!.info().sendMss).toBe(remembered)
  await bench.end()
})

test('the ACK is lost: the first text completes the handshake, and the ACK that comes late does no harm', async () => {
  const { bench, listener } = await listening()
  await bench.send('S', { mss: 1460 })
  bench.expect('SA')
  await bench.send('PA', { seq: 1, ack: 1, data: pattern(100) })
  await bench.send('A', { seq: 1, ack: 1 })
  await bench.send('PA', { seq: 101, ack: 1, data: pattern(50) })
  const connection = listener.tryAccept()!
  expect(connection.readableLength).toBe(150)
  expect(bench.counters).toMatchObject({ cookiesAccepted: 1, cookiesRejected: 0, connections: 1, resetsSent: 0 })
  await bench.end()
})

test('ACK and text in one batch: the text finds the connection', async () => {
  const { bench, listener } = await listening()
  await bench.send('S', { mss: 1460 })
  bench.expect('SA')
  bench.inject('A', { seq: 1, ack: 1 })
  bench.inject('PA', { seq: 1, ack: 1, data: pattern(100) })
  bench.inject('FA', { seq: 101, ack: 1 })
  await bench.clock.settle()
  const connection = listener.tryAccept()!
  expect(connection.readableLength).toBe(100)
  expect(connection.state).toBe('close-wait')
  await bench.end()
})

test.each(['RA', 'R', 'SA', 'SRA', 'S', 'F', ''])('flags %s complete nothing, whatever they acknowledge', async (flags) => {
  const { bench, listener } = await listening()
  await bench.send('S', { mss: 1460 })
  bench.expect('SA')
  const { iss } = bench
  await bench.send(flags, { seq: 1, ack: 1 })
  expect(listener.tryAccept()).toBeUndefined()
  expect(bench.counters['connections']).toBe(0)
  bench.all()
  bench.iss = iss
  await bench.send('A', { seq: 1, ack: 1 })
  expect(listener.tryAccept()).toBeDefined()
  await bench.end()
})

test('a forged cookie is reset and counted: no bit of it may differ, nor the peer, nor its numbers [RFC4987-3.6-forged]', async () => {
  const { bench, listener } = await listening()
  bench.peerTs = 1
  await bench.send('S', { mss: 1460, scale: 3, sackPermitted: true })
  const { ts } = bench.expect('SA')
  const good = { value: 2, echo: ts!.value }
  const cookie = bench.iss
  let forged = 0
  for (let bit = 0; bit < 32; bit++) {
    bench.iss = cookie ^ (1 << bit)
    await bench.send('A', { seq: 1, ack: 1, ts: good })
    expect(bench.next().flags).toBe('R')
    forged++
  }
  bench.iss = cookie
  // A window scale or SACK that was not agreed to.
  for (let bit = 0; bit < 6; bit++, forged++) await bench.send('A', { seq: 1, ack: 1, ts: { value: 2, echo: ts!.value ^ (1 << bit) } })
  const others = [{ ts: null, seq: 1 }, { ts: good, seq: 2 }, { ts: good, seq: 0 }, { ts: good, seq: 1, sourcePort: PEER_PORT + 1 }]
  bench.peerTs = null
  for (const other of others) await bench.send('A', { ack: 1, ...other })
  forged += others.length
  expect(bench.all().map(({ flags }) => flags)).toEqual(new Array(10).fill('R'))
  expect(bench.counters).toMatchObject({ cookiesRejected: forged, connections: 0, cookiesAccepted: 0 })
  expect(listener.tryAccept()).toBeUndefined()
  bench.iss = cookie
  await bench.send('A', { seq: 1, ack: 1, ts: good })
  expect(listener.tryAccept()).toBeDefined()
  await bench.end()
})

test('a cookie of another port is none', async () => {
  const { bench } = await listening()
  const other = bench.stack.tcp.listen({ port: PORT + 1, synCookies: 'always' })
  await bench.send('S', { mss: 1460, destinationPort: PORT + 1 })
  bench.expect('SA')
  await bench.send('S', { mss: 1460 })
  bench.expect('SA')
  await bench.send('A', { seq: 1, ack: 1, destinationPort: PORT + 1 })
  expect(other.tryAccept()).toBeUndefined()
  expect(bench.counters['cookiesRejected']).toBe(1)
  await bench.end()
})

describe('keys are changed every 64 s', () => {
  async function answeredAfter(ms: number, between: (bench: Bench) => Promise<void> = () => Promise.resolve()): Promise<boolean> {
    const { bench, listener } = await listening()
    await bench.clock.advance(KEY_LIFETIME - (bench.clock.now() % KEY_LIFETIME))
    await bench.send('S', { mss: 1460 })
    bench.expect('SA')
    const { iss } = bench
    await bench.clock.advance(ms)
    await between(bench)
    bench.iss = iss
    await bench.send('A', { seq: 1, ack: 1 })
    const isOpen = listener.tryAccept() !== undefined
    expect(bench.counters['resetsSent']).toBe(isOpen ? 0 : 1)
    await bench.end()
    return isOpen
  }
  const another = async (bench: Bench): Promise<void> => {
    await bench.send('S', { mss: 1460, sourcePort: 9 })
    bench.expect('SA')
  }

  test('a cookie is good for the rest of its period and the next [RFC4987-3.6-rotated]', async () => {
    expect(await answeredAfter(0)).toBe(true)
    expect(await answeredAfter(2 * KEY_LIFETIME - 1)).toBe(true)
    expect(await answeredAfter(2 * KEY_LIFETIME - 1, another)).toBe(true)
  })

  test('an old one is rejected, whether or not its key is still there', async () => {
    expect(await answeredAfter(2 * KEY_LIFETIME)).toBe(false)
    expect(await answeredAfter(2 * KEY_LIFETIME, another)).toBe(false)
    expect(await answeredAfter(4 * KEY_LIFETIME, another)).toBe(false)
  })
})

describe('auto', () => {
  test('cookies begin where the SYN queue ends [RFC4987-3.7-hybrid]', async () => {
    const { bench, listener } = await listening({ synBacklog: 2 })
    const isns: number[] = []
    for (const sourcePort of [1, 2, 3, 4]) {
      await bench.send('S', { sourcePort, mss: 1460, scale: 3 })
      // The last two would have it with timestamps only.
      bench.expect('SA', { destinationPort: sourcePort, scale: sourcePort <= 2 ? 9 : null })
      isns.push(bench.iss)
    }
    expect(bench.counters).toMatchObject({ halfOpen: 2, cookiesSent: 2, synQueueFull: 2 })
    for (const sourcePort of [4, 3, 2, 1]) {
      bench.iss = isns[sourcePort - 1]!
      await bench.send('A', { sourcePort, seq: 1, ack: 1 })
    }
    expect([1, 2, 3, 4].map(() => listener.tryAccept()?.remote.port)).toEqual([4, 3, 2, 1])
    expect(bench.counters).toMatchObject({ halfOpen: 0, cookiesAccepted: 2 })
    await bench.end()
  })

  test('a listener that never sent one expects none: there is nothing to guess at', async () => {
    const { bench } = await listening({})
    await bench.send('A', { seq: 1, ack: 1 })
    bench.expect('R')
    expect(bench.counters).toMatchObject({ cookiesRejected: 0, dropBadAck: 1 })
    await bench.end()
  })

  test('scarce memory makes them too', async () => {
    const memory = createPacketMemory({ size: 8 << 20 }).pool({ quota: 4 << 20 })
    const { bench } = await listening({}, { memory })
    await bench.send('S', { mss: 1460 })
    bench.expect('SA')
    expect(bench.counters['halfOpen']).toBe(1)
    const held = []
    while (memory.level < MemoryLevel.High) held.push(memory.allocate(0, 2000)!)
    await bench.send('S', { mss: 1460, sourcePort: 9 })
    bench.expect('SA')
    expect(bench.counters).toMatchObject({ halfOpen: 1, cookiesSent: 1, synQueueFull: 0 })
    for (const packet of held) packet.release()
    await bench.end()
  })

  test('off: the oldest half-open connection makes room, and no ACK is looked at twice', async () => {
    const { bench } = await listening({ synCookies: 'off', synBacklog: 1 })
    for (const sourcePort of [1, 2]) {
      await bench.send('S', { sourcePort, mss: 1460 })
      bench.expect('SA')
    }
    expect(bench.counters).toMatchObject({ halfOpen: 1, cookiesSent: 0, synQueueFull: 1 })
    await bench.end()
  })
})

test('a full accept queue drops the ACK; the text that follows finds room', async () => {
  const { bench, listener } = await listening({ synCookies: 'always', backlog: 1 })
  const isns: number[] = []
  for (const sourcePort of [1, 2]) {
    await bench.send('S', { sourcePort, mss: 1460 })
    bench.expect('SA')
    isns.push(bench.iss)
  }
  for (const sourcePort of [1, 2]) {
    bench.iss = isns[sourcePort - 1]!
    await bench.send('A', { sourcePort, seq: 1, ack: 1 })
  }
  bench.expectNothing()
  expect(bench.counters).toMatchObject({ listenOverflow: 1, cookiesAccepted: 1, connections: 1 })
  expect(listener.tryAccept()?.remote.port).toBe(1)
  await bench.send('PA', { sourcePort: 2, seq: 1, ack: 1, data: pattern(10) })
  expect(listener.tryAccept()?.readableLength).toBe(10)
  await bench.end()
})

test('a SYN that takes over a tuple in TIME-WAIT gets no cookie: its ISS is given (RFC 6191)', async () => {
  const { bench, listener } = await listening()
  await bench.send('S', { mss: 1460 })
  bench.expect('SA')
  await bench.send('A', { seq: 1, ack: 1 })
  const connection = listener.tryAccept()!
  const closed = connection.close()
  await bench.clock.settle()
  bench.expect('FA', { seq: 1 })
  await bench.send('FA', { seq: 1, ack: 2 })
  bench.expect('A')
  await closed
  await bench.send('S', { seq: 100, mss: 1460 })
  bench.expect('SA', { ack: 101 })
  expect(bench.counters).toMatchObject({ halfOpen: 1, timeWaitReused: 1, cookiesSent: 1 })
  await bench.end()
})

test('5,000 SYNs: no record, no timer', async () => {
  const { bench } = await listening(undefined, { memory: ample() })
  const { armed } = bench.clock.scheduler.timers
  for (let i = 0; i < 5000; i++) {
    bench.inject('S', { sourcePort: 1 + i, seq: i, mss: 1460 })
    if (i % 500 !== 499) continue
    await bench.clock.settle()
    expect(bench.all()).toHaveLength(500)
  }
  expect(bench.counters).toMatchObject({ halfOpen: 0, connections: 0, cookiesSent: 5000 })
  expect(bench.clock.scheduler.timers.armed).toBe(armed)
  await bench.end()
})
