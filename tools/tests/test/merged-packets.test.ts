import { ChecksumState, GsoType, type Packet } from '@stack/buffer'
import { HookPoint, type NicOptions } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { raw } from '@stack/raw'
import { tcp, type Connection, type ListenOptions } from '@stack/tcp'
import { udp } from '@stack/udp'
import { createTestStack, fakeLink, ipv4 as v4, ipv6 as v6, packet, parsePacket, pattern, tcp as segment, udp as datagram, type FakeLink, type TcpFields, type TestStack } from '@stack/testing'
import { describe, expect, test } from 'vitest'
import { receiveBatch } from './support/batches.ts'

/*
 * What comes in one batch and what comes in one super-packet: who sees it as it came, who sees it merged, and who gets it cut.
 */

const MSS = 1000
const PORT = 7000

const text = (at: number, fields: TcpFields = {}): Uint8Array => packet(v4({ dontFragment: true }), segment({ seq: 1000 + at, destinationPort: PORT, ...fields }), pattern(MSS, at))

async function made(nic: NicOptions = {}, link?: FakeLink) {
  return createTestStack({ plugins: [ipv4(), ipv6({ linkLocal: false }), tcp(), udp(), raw()], nic, ...(link === undefined ? {} : { link }) })
}

async function established(bench: TestStack & Awaited<ReturnType<typeof made>>, options: Partial<ListenOptions> = {}, syn: TcpFields = {}): Promise<{ connection: Connection; ack: number }> {
  const listener = bench.stack.tcp.listen({ port: PORT, ...options })
  const { link } = bench
  link.inject(packet(v4(), segment({ flags: 'S', seq: 999, mss: MSS, destinationPort: PORT, ...syn })))
  await bench.settle()
  const ack = parsePacket(link.tryRead()!).tcp!.seq + 1
  link.inject(packet(v4(), segment({ seq: 1000, ack, destinationPort: PORT })))
  await bench.settle()
  const connection = (await listener.accept())!
  connection.closed.catch(() => undefined)
  return { connection, ack }
}

describe('a batch', () => {
  test('goes up as one; taps, packet sockets and counters of TCP see each segment', async () => {
    const bench = await made()
    const { connection, ack } = await established(bench)
    const tapped: number[] = []
    bench.nic.tap((direction, _nic, _protocol, seen) => {
      if (direction === 'in') tapped.push(seen.length)
    })
    await receiveBatch(bench, [text(0, { ack }), text(MSS, { ack }), text(2 * MSS, { ack })])
    expect(bench.nic.statistics).toMatchObject({ rxPackets: 5, rxMerged: 2 })
    expect(tapped).toEqual([1040, 1040, 1040])
    expect(connection.info()).toMatchObject({ dataSegmentsReceived: 3, segmentsReceived: 4, largestReceived: MSS, bytesReceived: 3 * MSS })
    expect(bench.link.sent.map(({ bytes }) => parsePacket(bytes).tcp!.ack)).toEqual([1000 + 3 * MSS])
    const into = new Uint8Array(5000)
    expect(connection.tryRead(into)).toBe(3 * MSS)
    expect(into.subarray(0, 3 * MSS)).toEqual(pattern(3 * MSS))
    connection.abort()
    await bench.end()
  })

  test('stays apart without the option', async () => {
    const bench = await made({ gro: false })
    const { connection, ack } = await established(bench)
    await receiveBatch(bench, [text(0, { ack }), text(MSS, { ack })])
    expect(bench.nic.statistics.rxMerged).toBe(0)
    expect(connection.info().bytesReceived).toBe(2 * MSS)
    connection.abort()
    await bench.end()
  })

  test('may be what a handshake ends with: the listener gets the segments one by one', async () => {
    const bench = await made()
    const listener = bench.stack.tcp.listen({ port: PORT })
    bench.link.inject(packet(v4(), segment({ flags: 'S', seq: 999, mss: MSS, destinationPort: PORT })))
    await bench.settle()
    const ack = parsePacket(bench.link.tryRead()!).tcp!.seq + 1
    await receiveBatch(bench, [text(0, { ack }), text(MSS, { ack }), text(2 * MSS, { ack })])
    expect(bench.nic.statistics.rxMerged).toBe(2)
    const connection = (await listener.accept())!
    connection.closed.catch(() => undefined)
    expect(connection.info()).toMatchObject({ state: 'established', bytesReceived: 3 * MSS, dataSegmentsReceived: 3 })
    connection.abort()
    await bench.end()
  })

  test('that nobody wants is answered segment by segment', async () => {
    const bench = await made()
    await receiveBatch(bench, [text(0, { ack: 5 }), text(MSS, { ack: 5 }), text(2 * MSS, { ack: 5 })])
    expect(bench.link.sent.map(({ bytes }) => parsePacket(bytes).tcp!.flags)).toEqual(['R', 'R', 'R'])
    await bench.end()
  })

  test('comes to raw sockets as it came', async () => {
    const bench = await made()
    const { connection, ack } = await established(bench)
    const socket = bench.stack.raw.open({ networkProtocol: 0x0800, protocol: 6 })
    await receiveBatch(bench, [text(0, { ack }), text(MSS, { ack }), text(2 * MSS, { ack })])
    const seen: number[] = []
    for (let i = 0; i < 3; i++) {
      const message = (await socket.receive())!
      seen.push(message.data.length)
    }
    expect(bench.nic.statistics.rxMerged).toBe(2)
    expect(new Set(seen).size).toBe(1)
    expect(connection.info().bytesReceived).toBe(3 * MSS)
    socket.close()
    connection.abort()
    await bench.end()
  })

  test('is not merged as long as there is a hook that takes no chains', async () => {
    const bench = await made()
    const { connection, ack } = await established(bench)
    let calls = 0
    const remove = bench.stack.hooks.add(HookPoint.Input, () => {
      calls++
      return 'accept'
    })
    await receiveBatch(bench, [text(0, { ack }), text(MSS, { ack })])
    expect([calls, bench.nic.statistics.rxMerged]).toEqual([2, 0])
    remove()
    const chains: number[] = []
    bench.stack.hooks.add(HookPoint.Input, (head) => {
      let length = 1
      for (let each = head.chain; each !== null; each = each.chain) length++
      chains.push(length)
      return 'accept'
    }, { takesChains: true })
    await receiveBatch(bench, [text(2 * MSS, { ack }), text(3 * MSS, { ack }), text(4 * MSS, { ack })])
    expect(chains).toEqual([3])
    expect(connection.info().bytesReceived).toBe(5 * MSS)
    connection.abort()
    await bench.end()
  })

  test('of a hook that drops, steals, or takes the NIC away leaves nothing behind', async () => {
    for (const fate of ['drop', 'steal', 'remove'] as const) {
      const bench = await made()
      const { connection, ack } = await established(bench)
      const stolen: Packet[] = []
      bench.stack.hooks.add(HookPoint.Prerouting, (head) => {
        if (fate === 'drop') return { action: 'drop', reason: 'test' }
        if (fate === 'remove') {
          void bench.nic.remove()
          return 'accept'
        }
        stolen.push(head)
        return 'steal'
      }, { takesChains: true })
      await receiveBatch(bench, [text(0, { ack }), text(MSS, { ack, flags: 'PA' }), text(2 * MSS, { ack }), text(3 * MSS, { ack }), text(0, { ack, sourcePort: 1 })])
      for (const each of stolen) bench.stack.hooks.reinject(each)
      await bench.settle()
      expect(connection.info().bytesReceived).toBe(fate === 'steal' ? 4 * MSS : fate === 'remove' ? connection.info().bytesReceived : 0)
      connection.abort()
      await bench.end()
    }
  })

  test('a chain that a link hands in is dropped', async () => {
    const bench = await made()
    const { memory } = bench.link.dispatcher!.host
    const [head, follower] = [memory.allocate(0, 100)!, memory.allocate(0, 100)!]
    head.append(new Uint8Array(100), 0, 100)
    head.chain = follower
    bench.link.injectInbound(0x0800, head)
    await bench.settle()
    expect(bench.nic.statistics.dropBadOffload).toBe(1)
    await bench.end()
  })
})

/** Comes in as a device with offloads hands it in. */
function offload(bench: TestStack, bytes: Uint8Array, type: GsoType, mss: number, l3 = 20, state: ChecksumState = ChecksumState.Partial): void {
  const link = bench.link as FakeLink
  const incoming = link.dispatcher!.host.memory.allocate(0, bytes.length)!
  incoming.append(bytes, 0, bytes.length)
  incoming.checksumState = state
  incoming.checksumStart = l3
  incoming.checksumOffset = type === GsoType.Udp ? 6 : 16
  incoming.gsoType = type
  incoming.gsoMss = mss
  incoming.gsoL3HeaderLength = l3
  link.injectInbound(bytes[0]! >> 4 === 6 ? 0x86dd : 0x0800, incoming)
}

const offloading = (): FakeLink => fakeLink({ capabilities: { rxChecksumOffload: true } })

describe('a super-packet of TCP', () => {
  const whole = (ack: number, length: number, fields: TcpFields = {}, ecn = 0): Uint8Array =>
    packet(v4({ dontFragment: true, ecn }), segment({ seq: 1000, ack, destinationPort: PORT, ...fields }), pattern(length))

  test('is read as one and counted as it was cut', async () => {
    const bench = await made({}, offloading())
    const { connection, ack } = await established(bench)
    offload(bench, whole(ack, 30_500, { flags: 'FPA' }), GsoType.TcpV4, MSS)
    await bench.settle()
    expect(connection.info()).toMatchObject({ state: 'close-wait', bytesReceived: 30_500, dataSegmentsReceived: 31, segmentsReceived: 32, largestReceived: MSS })
    expect(bench.link.sent.map(({ bytes }) => parsePacket(bytes).tcp!.ack)).toEqual([1000 + 30_501])
    connection.abort()
    await bench.end()
  })

  test('is trimmed at both ends, and waits behind a gap', async () => {
    const bench = await made({}, offloading())
    const { connection, ack } = await established(bench, { receiveBuffer: 20_000 }, { sackPermitted: true })
    offload(bench, packet(v4(), segment({ seq: 6000, ack, destinationPort: PORT }), pattern(60_000, 5000)), GsoType.TcpV4, MSS)
    await bench.settle()
    const edge = 1000 + connection.info().receiveWindow
    expect(parsePacket(bench.link.sent.at(-1)!.bytes).tcp!).toMatchObject({ ack: 1000, sack: [[6000, edge]] })
    offload(bench, whole(ack, 7000), GsoType.TcpV4, MSS)
    await bench.settle()
    const into = new Uint8Array(40_000)
    const count = connection.tryRead(into)!
    expect(count).toBe(edge - 1000)
    expect(into.subarray(0, count)).toEqual(pattern(count))
    connection.abort()
    await bench.end()
  })

  test('that came marked counts as its segments [RFC9768-3.2.2-all]', async () => {
    const bench = await made({}, offloading())
    const { connection, ack } = await established(bench, { ecn: 'accurate' }, { flags: 'SECN' })
    offload(bench, whole(ack, 5000, { flags: 'AEN' }, 3), GsoType.TcpV4, MSS)
    await bench.settle()
    expect(connection.info().ecn.received).toBe(5)
    // ACE began with 5: five more are 10, modulo 8.
    expect(parsePacket(bench.link.sent.at(-1)!.bytes).tcp!.flags).toBe('AC')
    connection.abort()
    await bench.end()
  })

  test('that lies, or of a link that verifies nothing, is a packet like others', async () => {
    for (const [link, type, mss, l3, state] of [
      [fakeLink(), GsoType.TcpV4, MSS, 20, ChecksumState.Partial], [offloading(), GsoType.TcpV4, 0, 20, ChecksumState.Partial],
      [offloading(), GsoType.TcpV4, MSS, 60_000, ChecksumState.Partial], [offloading(), GsoType.TcpV6, MSS, 40, ChecksumState.Partial],
      [offloading(), GsoType.Udp, MSS, 20, ChecksumState.Partial], [offloading(), GsoType.TcpV4, MSS, 20, ChecksumState.None],
      [offloading(), GsoType.Software, -1, -1, ChecksumState.Complete],
    ] as const) {
      const bench = await made({}, link)
      const { connection, ack } = await established(bench)
      offload(bench, whole(ack, 5000), type, mss, l3, state)
      await bench.settle()
      const { bytesReceived, dataSegmentsReceived } = connection.info()
      expect(bytesReceived === 0 || dataSegmentsReceived === 1).toBe(true)
      connection.abort()
      await bench.end()
    }
  })
})

describe('a super-packet of UDP', () => {
  const whole = (length: number): Uint8Array => packet(v4(), datagram({ destinationPort: 9 }), pattern(length))

  test.each([['IPv4', 20], ['IPv6', 40]] as const)('is delivered as datagrams, %s', async (_name, l3) => {
    const bench = await made({}, offloading())
    const socket = bench.stack.udp.bind({ port: 9 })
    const got: number[] = []
    let bytes = 0
    socket.setHandler({
      datagram: (data) => {
        got.push(data.length)
        expect(data).toEqual(pattern(data.length, bytes))
        bytes += data.length
      },
    })
    const ip = l3 === 20 ? v4() : v6()
    offload(bench, packet(ip, datagram({ destinationPort: 9 }), pattern(3300)), GsoType.Udp, 1000, l3)
    await bench.settle()
    expect(got).toEqual([1000, 1000, 1000, 300])
    socket.close()
    await bench.end()
  })

  test('that nobody wants is answered once', async () => {
    const bench = await made({}, offloading())
    offload(bench, whole(3300), GsoType.Udp, 1000)
    await bench.settle()
    expect(bench.link.sent.map(({ bytes }) => parsePacket(bytes).icmpv4?.code)).toEqual([3])
    await bench.end()
  })
})
