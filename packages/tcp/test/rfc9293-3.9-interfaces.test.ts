import { icmpv4, icmpv6, ipv4, ipv6, packet, tcp, type Layer } from '@stack/testing'
import { describe, expect, test } from 'vitest'
import { Bench, FAMILIES, pattern, PEER_PORT, PORT, type Family, type Segment } from './support/peer.ts'

/** What IP carried a segment with. */
function network({ packet: { ipv4: four, ipv6: six } }: Segment): { source: string; tos: number; ttl: number } {
  return four === null ? { source: six!.source, tos: six!.trafficClass, ttl: six!.hopLimit } : { source: four.source, tos: four.tos, ttl: four.ttl }
}

const SECOND: Readonly<Record<Family, readonly [address: string, prefix: number]>> = { ipv4: ['10.0.0.77', 24], ipv6: ['fd00::77', 64] }

async function withTwoAddresses(family: Family): Promise<{ bench: Bench; second: string }> {
  const bench = await Bench.create({ family })
  const [second, prefix] = SECOND[family]
  await bench.stack.nic(1)!.addAddress(`${second}/${String(prefix)}`)
  return { bench, second }
}

describe.each(FAMILIES)('§3.9.1.1: OPEN over %s', (family) => {
  test('takes a local address, and every segment carries it [RFC9293-MUST-43, RFC9293-MUST-45]', async () => {
    const { bench, second } = await withTwoAddresses(family)
    const connecting = bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT, localHost: second, localPort: PORT })
    await bench.clock.settle()
    const header = (flags: string, seq: number, ack: number): [Layer, Layer] => {
      const addresses = { source: bench.remote, destination: second }
      const fields = { sourcePort: PEER_PORT, destinationPort: PORT, flags, seq: bench.peer.irs + seq, ack: bench.iss + ack, mss: flags.includes('S') ? 1460 : null }
      return [family === 'ipv4' ? ipv4(addresses) : ipv6(addresses), tcp(fields)]
    }
    const segments = [bench.expect('S', { seq: 0 })]
    await bench.peer.sendPacket(...header('SA', 0, 1))
    const connection = await connecting
    expect(connection.local).toEqual({ host: second, port: PORT })
    await connection.write(pattern(10))
    await bench.clock.advance(250)
    connection.abort()
    await bench.clock.settle()
    segments.push(...bench.all())
    expect(segments.map(({ flags }) => flags)).toEqual(['S', 'A', 'PA', 'PA', 'RA'])
    expect(new Set(segments.map((segment) => network(segment).source))).toEqual(new Set([second]))
    await bench.end()
  })

  test('passive: for one address only [RFC9293-MUST-43]', async () => {
    const { bench, second } = await withTwoAddresses(family)
    bench.stack.tcp.listen({ port: PORT, host: second })
    await bench.send('S', { mss: 1460 })
    bench.expect('RA', { ack: 1 })
    const addresses = { source: bench.remote, destination: second }
    await bench.peer.sendPacket(family === 'ipv4' ? ipv4(addresses) : ipv6(addresses), tcp({ sourcePort: PEER_PORT, destinationPort: PORT, flags: 'S', seq: bench.peer.irs, mss: 1460 }))
    expect(network(bench.expect('SA', { ack: 1 })).source).toBe(second)
    await bench.end()
  })

  test('without one IP chooses [RFC9293-MUST-44]', async () => {
    const { bench } = await withTwoAddresses(family)
    bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT })
    const { source } = network(bench.expect('S'))
    expect([bench.local, SECOND[family][0]]).toContain(source)
    await bench.end()
  })
})

test.each([['syn-sent', 'S'], ['syn-received', 'SA']] as const)('a port is listened on while a connection from it is in %s [RFC9293-MUST-42]', async (state, flags) => {
  const bench = await Bench.create()
  const connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT, localPort: PORT })
  bench.expect('S', { sourcePort: PORT })
  if (state === 'syn-received') {
    await bench.send('S', { seq: 0, mss: 1460 })
    bench.expect('SA', { seq: 0, ack: 1 })
  }
  expect(connection.state).toBe(state)
  expect(() => bench.stack.tcp.listen({ port: PORT })).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }))
  bench.stack.tcp.listen({ port: PORT, reusePort: true })
  const { iss } = bench
  await bench.send('S', { sourcePort: 6000, mss: 1460 })
  bench.expect('SA', { destinationPort: 6000, ack: 1 })
  // Each segment finds its own.
  bench.iss = iss
  await bench.send(flags === 'S' ? 'SA' : 'A', { seq: flags === 'S' ? 0 : 1, ack: 1, mss: null })
  expect(connection.state).toBe('established')
  await bench.end()
})

test('and while one that chose its own port is [RFC9293-MUST-42]', async () => {
  const bench = await Bench.create()
  bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT })
  const { sourcePort } = bench.expect('S')
  bench.stack.tcp.listen({ port: sourcePort })
  await bench.send('S', { sourcePort: 6000, destinationPort: sourcePort, mss: 1460 })
  bench.expect('SA', { sourcePort, destinationPort: 6000 })
  await bench.end()
})

describe.each(FAMILIES)('§3.9.2: what IP is told, over %s', (family) => {
  test('TTL and Diffserv field as set, on every segment, until they are set anew [RFC9293-MUST-48, RFC9293-MUST-49, RFC9293-SHLD-21, RFC9293-SHLD-22]', async () => {
    const bench = await Bench.create({ family })
    const connecting = bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT, tos: 0xb8, ttl: 9 })
    await bench.clock.settle()
    const segments = [bench.expect('S')]
    bench.localPort = segments[0]!.sourcePort
    await bench.send('SA', { seq: 0, ack: 1, mss: 1460 })
    const connection = await connecting
    await connection.write(pattern(10))
    await bench.clock.advance(250)
    await bench.send('A', { seq: 101, ack: 11, data: pattern(5) })
    segments.push(...bench.all())
    expect(segments.map(({ flags }) => flags)).toEqual(['S', 'A', 'PA', 'PA', 'A'])
    expect(segments.every((segment) => network(segment).tos === 0xb8 && network(segment).ttl === 9)).toBe(true)
    connection.configure({ tos: 0x20, ttl: 11 })
    await connection.write(pattern(10))
    expect(network(bench.expect('PA', { seq: 11 }))).toMatchObject({ tos: 0x20, ttl: 11 })
    connection.abort()
    expect(network(bench.expect('RA'))).toMatchObject({ tos: 0x20, ttl: 11 })
    await bench.end()
  })

  test('the answer to a SYN has those of its listener [RFC9293-MUST-48, RFC9293-MUST-49]', async () => {
    const bench = await Bench.create({ family })
    bench.stack.tcp.listen({ port: PORT, tos: 0x28, ttl: 33 })
    await bench.send('S', { mss: 1460 })
    expect(network(bench.expect('SA'))).toMatchObject({ tos: 0x28, ttl: 33 })
    await bench.end()
  })
})

test('IP options that nobody knows do not hinder a segment [RFC9293-MUST-50]', async () => {
  const bench = await Bench.create()
  const connection = await bench.accept()
  const options = [{ kind: 'unknown', number: 222, data: Uint8Array.of(1, 2) }, { kind: 'nop' }, { kind: 'unknown', number: 94, data: Uint8Array.of(1) }] as const
  const header = tcp({ sourcePort: bench.remotePort, destinationPort: bench.localPort, flags: 'PA', seq: bench.peer.irs + 1, ack: bench.iss + 1, window: 65_535 })
  await bench.peer.sendPacket(ipv4({ source: bench.remote, destination: bench.local, options }), header, pattern(10))
  expect(connection.readableLength).toBe(10)
  await bench.end()
})

describe('§3.9.2.2: ICMP', () => {
  const quote = (bench: Bench, sequence: number): Uint8Array =>
    packet(ipv4({ source: bench.local, destination: bench.remote, totalLength: 1500 }), tcp({ sourcePort: bench.localPort, destinationPort: bench.remotePort, seq: sequence })).slice(0, 28)

  test('source quench is nothing [RFC9293-MUST-55, RFC5927-6-quench]', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: 1000 })
    void connection.write(pattern(20_000))
    await bench.clock.settle()
    const sent = bench.all()
    const { cwnd, ssthresh } = connection.info()
    await bench.peer.sendPacket(icmpv4({ type: 'source-quench', code: 0 }), quote(bench, bench.iss + 1))
    expect(connection.info()).toMatchObject({ cwnd, ssthresh })
    expect(connection.takeError()).toBeNull()
    bench.expectNothing()
    expect(sent).toHaveLength(10)
    connection.abort()
    await bench.end()
  })

  test.each([
    ['network unreachable', 3, 0, 'ENETUNREACH'], ['host unreachable', 3, 1, 'EHOSTUNREACH'], ['source route failed', 3, 5, 'EHOSTUNREACH'],
    ['time exceeded', 11, 0, 'EHOSTUNREACH'], ['time of reassembly exceeded', 11, 1, 'EHOSTUNREACH'], ['parameter problem', 12, 0, 'EPROTO'],
  ])('%s does not abort a connection, and is told to who asks [RFC9293-MUST-54, RFC9293-MUST-56, RFC9293-MUST-47, RFC9293-SHLD-25]', async (_, type, code, told) => {
    const bench = await Bench.create()
    const connection = await bench.connect()
    await connection.write(pattern(10))
    bench.expect('PA', { seq: 1 })
    await bench.peer.sendPacket(icmpv4({ type, code }), quote(bench, bench.iss + 1))
    expect(bench.counters['softErrors']).toBe(1)
    expect(connection.state).toBe('established')
    expect(connection.takeError()).toMatchObject({ code: told })
    await bench.send('A', { seq: 1, ack: 11 })
    expect(connection.info().bytesAcked).toBe(10)
    await bench.end()
  })
})

describe('§3.9.2.3: addresses of one host only', () => {
  const syn = (destinationPort: number): Layer => tcp({ sourcePort: PEER_PORT, destinationPort, flags: 'S', seq: 7, mss: 1460 })

  test.each([
    ['to the broadcast address of the network', ipv4({ destination: '10.0.0.255' })],
    ['to 255.255.255.255', ipv4({ destination: '255.255.255.255' })],
    ['to all hosts', ipv4({ destination: '224.0.0.1' })],
    ['to all nodes', ipv6({ destination: 'ff02::1' })],
  ])('a SYN %s is dropped, and nothing said [RFC9293-MUST-57]', async (_, header) => {
    const bench = await Bench.create()
    bench.stack.tcp.listen({ port: PORT })
    for (const port of [PORT, PORT + 1]) await bench.peer.sendPacket(header, syn(port))
    bench.expectNothing()
    expect(bench.counters).toMatchObject({ dropNotUnicast: 2 })
    await bench.end()
  })

  test.each([
    ['a multicast address', ipv4({ source: '224.0.0.5' })],
    ['the broadcast address of the network', ipv4({ source: '10.0.0.255' })],
    ['255.255.255.255', ipv4({ source: '255.255.255.255' })],
    ['0.0.0.0', ipv4({ source: '0.0.0.0' })],
    ['127.0.0.1', ipv4({ source: '127.0.0.1' })],
    ['a multicast address', ipv6({ source: 'ff02::5' })],
    ['::', ipv6({ source: '::' })],
    ['::1', ipv6({ source: '::1' })],
  ])('a SYN from %s is dropped, and nothing said [RFC9293-MUST-63]', async (_, header) => {
    const bench = await Bench.create()
    bench.stack.tcp.listen({ port: PORT })
    for (const port of [PORT, PORT + 1]) await bench.peer.sendPacket(header, syn(port))
    bench.expectNothing()
    await bench.end()
  })
})

test('three writes that Nagle held back leave as one segment, with one PSH [RFC9293-SHLD-27]', async () => {
  const bench = await Bench.create()
  const connection = await bench.connect()
  for (const at of [0, 10, 20, 30]) await connection.write(pattern(10, at))
  bench.expect('PA', { seq: 1, length: 10 })
  bench.expectNothing()
  await bench.send('A', { seq: 1, ack: 11 })
  bench.expect('PA', { seq: 11, length: 30 })
  bench.expectNothing()
  await bench.end()
})

test('a packet too big changes the segments that follow [RFC9293-SHLD-6]', async () => {
  const bench = await Bench.create({ family: 'ipv6' })
  const connection = await bench.connect()
  connection.tryWrite(pattern(1440))
  bench.expect('PA', { seq: 1, length: 1440 })
  const quoted = packet(ipv6({ source: bench.local, destination: bench.remote, payloadLength: 1460 }), tcp({ sourcePort: bench.localPort, destinationPort: bench.remotePort, seq: bench.iss + 1 })).slice(0, 48)
  await bench.peer.sendPacket(icmpv6({ type: 2, code: 0, mtu: 1300 }), quoted)
  expect(bench.all().map((segment) => segment.length)).toEqual([1240, 200])
  expect(connection.info().sendMss).toBe(1240)
  await bench.end()
})
