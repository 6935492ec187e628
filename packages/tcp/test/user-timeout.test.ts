import { describe, expect, test } from 'vitest'
import type { ConnectOptions } from '../src/index.ts'
import { Bench, FAMILIES, pattern, PEER_PORT, type Segment } from './support/peer.ts'

const MSS = 1000
/** ms */
const MINUTE = 60_000

/** The option as the peer sends it. */
const said = (value: number, granularity: 'seconds' | 'minutes' = 'seconds') => [{ kind: 'userTimeout', granularity, value }] as const

/** What a segment tells of our timeout; null = nothing. */
function told(segment: Segment): string | null {
  for (const option of segment.options) if (option.kind === 'userTimeout') return `${String(option.value)} ${option.granularity}`
  return null
}


async function open(options: Partial<ConnectOptions>, peer?: ReturnType<typeof said>) {
  const bench = await Bench.create()
  const connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT, ...options })
  const syn = bench.expect('S')
  bench.localPort = syn.sourcePort
  await bench.send('SA', { ack: 1, mss: MSS, ...(peer === undefined ? {} : { options: peer }) })
  return { bench, connection, syn, ack: bench.expect('A', { seq: 1 }) }
}

describe('the user timeout option on the wire', () => {
  test.each(FAMILIES)('in the SYN and in three segments behind it, over %s [RFC5482-3-option]', async (family) => {
    const bench = await Bench.create({ family })
    const connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT, userTimeoutOption: true, userTimeout: 90_500 })
    const syn = bench.expect('S')
    expect(told(syn)).toBe('91 seconds')
    bench.localPort = syn.sourcePort
    await bench.send('SA', { ack: 1, mss: MSS })
    expect(told(bench.expect('A', { seq: 1 }))).toBe('91 seconds')
    connection.tryWrite(pattern(1500))
    // A full segment has no room.
    expect(told(bench.expect('A', { length: 1000 }))).toBeNull()
    await bench.send('A', { seq: 1, ack: 1001 })
    expect(told(bench.expect('PA', { length: 500 }))).toBe('91 seconds')
    await bench.send('A', { seq: 1, ack: 1501 })
    connection.tryWrite(pattern(1))
    expect(told(bench.expect('PA', { length: 1 }))).toBe('91 seconds')
    await bench.send('A', { seq: 1, ack: 1502 })
    connection.tryWrite(pattern(1))
    expect(told(bench.expect('PA', { length: 1 }))).toBeNull()
    connection.abort()
    await bench.end()
  })

  test('again when it changes; in minutes where seconds do not reach; in no reset [RFC5482-3-option]', async () => {
    const { bench, connection } = await open({ userTimeoutOption: { advertise: 120_000 } })
    connection.configure({ userTimeoutOption: { advertise: 32_768_000 } })
    connection.tryWrite(pattern(1))
    expect(told(bench.expect('PA'))).toBe('547 minutes')
    connection.abort()
    expect(told(bench.expect('RA'))).toBeNull()
    await bench.end()
  })

  test('in the SYN-ACK of a listener, and behind it', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: 7000, userTimeoutOption: true })
    bench.localPort = 7000
    await bench.send('S', { seq: 0, mss: MSS, options: said(400) })
    expect(told(bench.expect('SA'))).toBe('300 seconds')
    await bench.send('A', { seq: 1, ack: 1 })
    const connection = listener.tryAccept()!
    expect(connection.info().userTimeout).toBe(400_000)
    connection.tryWrite(pattern(1))
    expect(told(bench.expect('PA'))).toBe('300 seconds')
    connection.abort()
    await listener.close()
    await bench.end()
  })

  test('off by default: neither sent nor heeded', async () => {
    const { bench, connection, syn, ack } = await open({}, said(30))
    expect(told(syn)).toBeNull()
    expect(told(ack)).toBeNull()
    expect(connection.info().userTimeout).toBe(0)
    connection.abort()
    await bench.end()
  })
})

describe("the peer's user timeout", () => {
  test('the larger of both, within the limits [RFC5482-3-limits]', async () => {
    const { bench, connection } = await open({ userTimeoutOption: { advertise: 200_000, least: 150_000, most: 400_000 } }, said(5, 'minutes'))
    const inForce = (): number => connection.info().userTimeout
    expect(inForce()).toBe(300_000)
    await bench.send('A', { seq: 1, ack: 1, options: said(10) })
    expect(inForce()).toBe(200_000)
    await bench.send('A', { seq: 1, ack: 1, options: said(0x7fff, 'minutes') })
    expect(inForce()).toBe(400_000)
    connection.configure({ userTimeoutOption: { advertise: 1000, least: 150_000, most: 400_000 } })
    await bench.send('A', { seq: 1, ack: 1, options: said(2) })
    expect(inForce()).toBe(150_000)
    // Zero says nothing; neither does what lies outside of the window.
    await bench.send('A', { seq: 1, ack: 1, options: said(0) })
    await bench.send('A', { seq: 900_000, ack: 1, options: said(350) })
    expect(inForce()).toBe(150_000)
    connection.abort()
    await bench.end()
  })

  test('what the application set stays, unless it says so', async () => {
    const { bench, connection } = await open({ userTimeoutOption: true, userTimeout: 5000 }, said(200))
    expect(connection.info().userTimeout).toBe(5000)
    connection.configure({ userTimeoutOption: { adopt: true } })
    expect(connection.info().userTimeout).toBe(200_000)
    connection.abort()
    await bench.end()
  })

  test('text that nobody acknowledges is given up after it, not before, however many retransmissions', async () => {
    const { bench, connection } = await open({ userTimeoutOption: { most: 10_000_000 } }, said(120, 'minutes'))
    connection.tryWrite(pattern(1))
    await bench.clock.advance(119 * MINUTE)
    expect(connection.state).toBe('established')
    await bench.clock.advance(MINUTE)
    expect(connection.error?.code).toBe('ETIMEDOUT')
    await bench.end()
  })

  test('nonsense is refused', async () => {
    const bench = await Bench.create()
    const listen = (userTimeoutOption: unknown) => () => bench.stack.tcp.listen({ port: 1, userTimeoutOption: userTimeoutOption as boolean })
    expect(listen(5)).toThrow(/userTimeoutOption' must be a boolean or/)
    expect(listen(null)).toThrow(/must be a boolean or/)
    expect(listen({ advertise: 10 })).toThrow(/advertise/)
    expect(listen({ unknown: 10 })).toThrow(/unknown/)
    await bench.end()
  })
})
