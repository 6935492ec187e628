import { describe, expect, test } from 'vitest'
import type { StackError } from '@stack/core'
import { icmpv4, icmpv6, ipv4, ipv6, packet, tcp } from '@stack/testing'
import type { ConnectionOptions } from '../src/index.ts'
import { Bench, FAMILIES, PEER_PORT, pattern, type Family } from './support/peer.ts'

/** Type and code of what a router says, by family. */
const MESSAGES = {
  port: { ipv4: [3, 3], ipv6: [1, 4] },
  host: { ipv4: [3, 1], ipv6: [1, 3] },
  net: { ipv4: [3, 0], ipv6: [1, 0] },
  prohibited: { ipv4: [3, 13], ipv6: [1, 1] },
  expired: { ipv4: [11, 0], ipv6: [3, 0] },
  reassembly: { ipv4: [11, 1], ipv6: [3, 1] },
  parameter: { ipv4: [12, 0], ipv6: [4, 0] },
  tooBig: { ipv4: [3, 4], ipv6: [2, 0] },
} as const

/** An ICMP error from the peer about a segment of ours: `sequence` absolute, 8 bytes of TCP quoted. */
async function icmp(bench: Bench, kind: keyof typeof MESSAGES, sequence: number, mtu = 0): Promise<void> {
  const { family, localPort, remotePort, local: source, remote: destination } = bench
  const [type, code] = MESSAGES[kind][family]
  const isIpv4 = family === 'ipv4'
  const header = isIpv4 ? ipv4({ source, destination, totalLength: 1500 }) : ipv6({ source, destination, payloadLength: 1460 })
  const quoted = packet(header, tcp({ sourcePort: localPort, destinationPort: remotePort, seq: sequence })).slice(0, isIpv4 ? 28 : 48)
  await bench.peer.sendPacket(isIpv4 ? icmpv4({ type, code, mtu }) : icmpv6({ type, code, mtu }), quoted)
}

async function connecting(family: Family, options: ConnectionOptions = {}) {
  const bench = await Bench.create({ family, tcp: options })
  const promise = bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT })
  promise.catch(() => undefined)
  await bench.clock.settle()
  bench.localPort = bench.expect('S').sourcePort
  return { bench, promise }
}

describe.each(FAMILIES)('ICMP errors over %s', (family) => {
  test.each([
    ['port', 'ECONNREFUSED'],
    ['host', 'EHOSTUNREACH'],
    ['net', 'ENETUNREACH'],
    ['prohibited', family === 'ipv4' ? 'EHOSTUNREACH' : 'EACCES'],
  ] as const)('during the handshake %s unreachable is %s', async (kind, code) => {
    const { bench, promise } = await connecting(family)
    await icmp(bench, kind, bench.iss)
    await expect(promise).rejects.toMatchObject({ code })
    await bench.end()
  })

  test('during the handshake: a wrong sequence number is not believed, time exceeded is soft [RFC5927-4-sequence, RFC9293-MUST-56]', async () => {
    const { bench, promise } = await connecting(family)
    await icmp(bench, 'port', bench.iss + 1)
    await icmp(bench, 'expired', bench.iss)
    expect(bench.counters).toMatchObject({ dropIcmpStale: 1, softErrors: 1, connections: 1 })
    await bench.send('SA', { seq: 0, ack: 1 })
    expect((await promise).state).toBe('established')
    await bench.end()
  })

  test('openErrors says which end an open; the connection tells which it was', async () => {
    const { bench, promise } = await connecting(family, { openErrors: ['timeExceeded'] })
    for (const kind of ['port', 'host', 'net', 'prohibited', 'parameter', 'reassembly'] as const) await icmp(bench, kind, bench.iss)
    expect(bench.counters).toMatchObject({ softErrors: 6, connections: 1 })
    await icmp(bench, 'expired', bench.iss)
    await expect(promise).rejects.toMatchObject({ code: 'EHOSTUNREACH', cause: { kind: 'timeExceeded', cause: 'icmp' } })
    await bench.end()
  })

  test('without openErrors the last one is told when the SYNs are over (RFC 9293 §3.9.2.2 to the letter) [RFC9293-MUST-56]', async () => {
    const { bench, promise } = await connecting(family, { openErrors: [], synRetries: 1 })
    await icmp(bench, 'port', bench.iss)
    await bench.clock.advance(2999)
    bench.expect('S')
    expect(bench.counters).toMatchObject({ connections: 1 })
    await bench.clock.advance(1)
    await expect(promise).rejects.toMatchObject({ code: 'ECONNREFUSED', cause: { kind: 'portUnreachable' } })
    await bench.end()
  })

  test('an open that times out for another reason has no cause', async () => {
    const { bench, promise } = await connecting(family, { synRetries: 0 })
    await bench.clock.advance(1000)
    const error = await promise.catch((reason: unknown) => reason as StackError)
    expect(error).toMatchObject({ code: 'ETIMEDOUT' })
    expect((error as StackError).cause).toBeUndefined()
    await bench.end()
  })

  test.each(['port', 'host', 'prohibited'] as const)('established: %s is soft (RFC 5927 §5.2), and told when it times out [RFC5927-5-hard, RFC9293-MUST-54, RFC9293-MUST-56]', async (kind) => {
    const bench = await Bench.create({ family })
    const connection = await bench.connect({ userTimeout: 5000 })
    const closed = expect(connection.closed).rejects.toMatchObject({ code: kind === 'port' ? 'ECONNREFUSED' : kind === 'prohibited' && family === 'ipv6' ? 'EACCES' : 'EHOSTUNREACH' })
    await connection.write(pattern(10))
    await bench.clock.settle()
    await icmp(bench, kind, bench.iss + 1)
    expect(connection.state).toBe('established')
    expect(connection.error).toBeNull()
    await bench.clock.advance(5000)
    await closed
    await bench.end()
  })

  test('takeError takes a soft error once, and the connection goes on [RFC9293-MUST-47, RFC9293-SHLD-25, RFC9293-SHLD-20]', async () => {
    const bench = await Bench.create({ family })
    const connection = await bench.connect()
    await connection.write(pattern(10))
    await bench.clock.settle()
    await icmp(bench, 'host', bench.iss + 1)
    expect(connection.takeError()).toMatchObject({ code: 'EHOSTUNREACH' })
    expect(connection.takeError()).toBeNull()
    expect(connection.state).toBe('established')
    connection.abort()
    await bench.end()
  })

  test('packet too big: smaller segments at once, no loss to congestion control [RFC5927-7-mtu, RFC9293-SHLD-6, RFC9293-MUST-16, RFC1191-6.4-retransmit, RFC8201-5.4-transport]', async () => {
    const bench = await Bench.create({ family })
    const connection = await bench.connect()
    void connection.write(pattern(8000))
    await bench.clock.settle()
    const sent = bench.all()
    const { cwnd, ssthresh, sendMss } = connection.info()
    await icmp(bench, 'tooBig', bench.iss + 1, 1300)
    const mss = 1300 - (family === 'ipv4' ? 40 : 60)
    expect(connection.info()).toMatchObject({ sendMss: mss, cwnd, ssthresh, timeouts: 0 })
    const again = bench.all()
    expect(again[0]).toMatchObject({ seq: 1 })
    expect(again[0]?.data.length).toBe(mss)
    expect(sendMss).toBeGreaterThan(mss)
    expect(sent.length).toBeLessThanOrEqual(again.length)
    // A larger one, or one for what is not in flight, changes nothing.
    await icmp(bench, 'tooBig', bench.iss + 1, 1400)
    await icmp(bench, 'tooBig', bench.iss + 1_000_000, 1290)
    expect(connection.info().sendMss).toBe(mss)
    await bench.end()
  })
})

test('openErrors that are none are refused', async () => {
  const bench = await Bench.create()
  for (const openErrors of [['packetTooBig'], 'all', null, [1]]) {
    expect(() => bench.stack.tcp.listen({ port: 1, openErrors: openErrors as never })).toThrow(/'openErrors' must be an array of portUnreachable/)
  }
  await bench.end()
})
