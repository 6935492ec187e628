import type { ListenOptions } from '@stack/tcp'
import { FAMILIES, scriptedPeer, tcp, type Family } from '@stack/testing'
import { describe, expect, it } from 'vitest'
import { forgery, TCP } from './support/forgery.ts'
import { network, siege, stranger, type Siege } from './support/siege.ts'

/** ms to the legitimate client and back. */
const ROUND_TRIP = 20
/** Default of the listener: as many half-open connections as its backlog. */
const SYN_QUEUE = 511

/** A server that answers everything with what it was sent. */
function serve({ stack }: Siege, options: Partial<ListenOptions> = {}): void {
  stack.tcp.listen({ port: 7000, ...options }).setHandler((connection) => {
    const buffer = new Uint8Array(2048)
    connection.setHandler({
      readable() {
        for (let count = connection.tryRead(buffer); typeof count === 'number'; count = connection.tryRead(buffer)) connection.tryWrite(buffer.subarray(0, count))
      },
    })
  })
}

/** SYNs from everywhere, `rate` in a millisecond, for as long as `flood` is called. */
function flooder({ hit, run, random }: Siege, family: Family, rate: number): (ms: number, each?: () => void) => void {
  const syn = forgery(network(family), tcp({ flags: 'S' }))
  return (ms, each) => {
    for (let i = 0; i < ms; i++) {
      for (let n = 0; n < rate; n++) hit(syn.from(stranger(random)).set16(TCP.sourcePort, random.uint32() | 1).set32(TCP.sequence, random.uint32()).bytes)
      each?.()
      run(1)
    }
  }
}

/** A client with a TCP's patience: the ms until it has an answer to its request, or Infinity after `patience`. */
function clientOf(besieged: Siege, family: Family, flood: (ms: number, each?: () => void) => void): (port: number, patience: number) => number {
  const peer = scriptedPeer({ stack: besieged.stack, clock: besieged.clock, link: besieged.friend, family })
  return (port, patience) => {
    const start = besieged.clock.now()
    peer.remotePort = port
    let isOpen = false
    let answer = ''
    let resend = start
    while (answer === '' && besieged.clock.now() - start < patience) {
      if (!isOpen && besieged.clock.now() >= resend) {
        peer.inject('S', { seq: 0, mss: 1460 })
        resend += resend - start + 1000
      }
      flood(ROUND_TRIP)
      for (const segment of peer.all()) {
        if (segment.flags === 'SA') {
          isOpen = true
          peer.inject('PA', { seq: 1, ack: 1, data: 'hello' })
        } else if (segment.flags === 'R') isOpen = false
        else if (segment.length > 0) answer = new TextDecoder().decode(segment.data)
      }
    }
    peer.inject('R', { seq: 6 })
    return answer === 'hello' ? besieged.clock.now() - start : Infinity
  }
}

describe.each(FAMILIES)('a SYN flood over %s', (family) => {
  const clients = family === 'ipv4' ? 100 : 30

  it(`${clients},000 SYNs from everywhere: the table is bounded, and who answers is served [RFC4987-3.5-cache]`, async () => {
    const besieged = await siege()
    const { attack, run, tcp: counters, end } = besieged
    serve(besieged)
    const waits: number[] = []
    let halfOpen = 0
    const toll = attack(`SYN flood, ${family}, 10,000/s`, () => {
      const flood = flooder(besieged, family, 10)
      const client = clientOf(besieged, family, (ms) => flood(ms, () => (halfOpen = Math.max(halfOpen, counters()['halfOpen']!))))
      for (let port = 1; waits.length < clients; port++) {
        waits.push(client(port, 3000))
        flood(60)
      }
    })
    expect(toll.packetsIn).toBeGreaterThanOrEqual(1000 * clients)
    // Two round trips: the handshake, and the request with its last ACK.
    expect(Math.max(...waits)).toBe(2 * ROUND_TRIP)
    expect(halfOpen).toBe(SYN_QUEUE)
    // The MSS option is the only thing that our SYN-ACK has and a SYN may lack; half-open connections are told at most five times more.
    const again = 5 * SYN_QUEUE
    expect(toll.packetsOut).toBeLessThanOrEqual(toll.packetsIn * 1.01 + again)
    expect(toll.bytesOut).toBeLessThanOrEqual(toll.bytesIn * 1.11 + 64 * again)
    // Half-open connections hold no packets.
    expect(toll.held).toBeLessThan(64 << 10)
    // When it is over, so are they: each is told at most five times more.
    const before = counters()['segmentsSent']!
    for (let i = 0; i < 80; i++) run(1000)
    expect(counters()).toMatchObject({ halfOpen: 0, connections: 0 })
    expect(counters()['segmentsSent']! - before).toBeLessThanOrEqual(5 * SYN_QUEUE)
    await end()
  })

  it('cookies always: 100,000 SYNs leave nothing behind, and who answers is served [RFC4987-3.6-stateless]', async () => {
    const besieged = await siege()
    const { attack, tcp: counters, end } = besieged
    serve(besieged, { synCookies: 'always' })
    const flood = flooder(besieged, family, 100)
    let halfOpen = 0
    flood(100)
    const toll = attack(`SYN flood, ${family}, cookies`, () => {
      flood(1000, () => (halfOpen = Math.max(halfOpen, counters()['halfOpen']!)))
    })
    expect(toll.packetsIn).toBe(100_000)
    expect(counters()).toMatchObject({ cookiesSent: 110_000, connections: 0 })
    expect(halfOpen).toBe(0)
    // A byte or two each would be a table.
    expect(toll.kept).toBeLessThan(256 << 10)
    expect(clientOf(besieged, family, flood)(1, 1000)).toBe(2 * ROUND_TRIP)
    await end()
  })

  it('a flood that turns the queue over within a round trip: cookies serve who answers [RFC4987-3.6-flood]', async () => {
    const besieged = await siege()
    serve(besieged)
    const client = clientOf(besieged, family, flooder(besieged, family, 30))
    const wait = client(1, 200)
    await besieged.end()
    expect(wait).toBeLessThanOrEqual(2 * ROUND_TRIP)
  })
})
