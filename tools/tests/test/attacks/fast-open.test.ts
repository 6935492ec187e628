import { scriptedPeer, tcp, type Segment } from '@stack/testing'
import { describe, expect, it } from 'vitest'
import { forgery, TCP } from './support/forgery.ts'
import { FRIEND, network, siege } from './support/siege.ts'

const PORT = 7000
/** Fast Open requests that may be pending. */
const QUEUE = 16
/** Default of the listener: as many half-open connections as its backlog. */
const SYN_QUEUE = 511
const TEXT = 1000

/** The cookie that a segment brings. */
function cookieOf(segment: Segment): Uint8Array {
  const found = segment.options.find(({ kind }) => kind === 'fastOpen')
  if (found?.kind !== 'fastOpen') throw new Error('There is no cookie in this segment.')
  return found.cookie
}

describe('a flood with a cookie that was overheard (RFC 7413 §5.1)', () => {
  it('begins no more connections than may be pending, resets or not, and holds no more text', async () => {
    const besieged = await siege()
    const { stack, clock, friend, hit, run, random, attack, tcp: counters, end } = besieged
    const listener = stack.tcp.listen({ port: PORT, fastOpen: { queue: QUEUE } })
    let served = 0
    listener.setHandler((connection) => {
      served++
      connection.setHandler({ readable: () => undefined, closed: () => connection.abort() })
    })
    const peer = scriptedPeer({ stack, clock, link: friend, family: 'ipv4' })
    peer.localPort = PORT
    peer.remotePort = 1
    peer.inject('S', { mss: 1460, options: [{ kind: 'fastOpen', cookie: new Uint8Array(0) }] })
    run(1)
    const cookie = cookieOf(peer.expect('SA'))
    // That handshake is of no more interest.
    peer.inject('R', { seq: 1 })
    run(1)
    const spoofed = network('ipv4', FRIEND.ipv4)
    const syn = forgery(spoofed, tcp({ flags: 'S', destinationPort: PORT, options: [{ kind: 'fastOpen', cookie }] }), new Uint8Array(TEXT))
    const reset = forgery(spoofed, tcp({ flags: 'R', destinationPort: PORT }))
    let connections = 0
    let halfOpen = 0
    const toll = attack('Fast Open flood', () => {
      for (let ms = 0; ms < 2000; ms++) {
        for (let i = 0; i < 10; i++) {
          const port = 1024 + (random.uint32() % 60_000)
          const sequence = random.uint32()
          hit(syn.set16(TCP.sourcePort, port).set32(TCP.sequence, sequence).bytes)
          // What a host says to a SYN-ACK that it did not ask for.
          hit(reset.set16(TCP.sourcePort, port).set32(TCP.sequence, (sequence + 1 + TEXT) >>> 0).bytes)
        }
        run(1)
        connections = Math.max(connections, counters()['connections']!)
        halfOpen = Math.max(halfOpen, counters()['halfOpen']!)
      }
    }, { spoofed: true })
    expect(connections).toBeLessThanOrEqual(QUEUE)
    expect(halfOpen).toBeLessThanOrEqual(SYN_QUEUE)
    expect(counters()).toMatchObject({ fastOpenTaken: QUEUE })
    expect(served).toBeLessThanOrEqual(QUEUE)
    expect(counters()['fastOpenOverflow']).toBeGreaterThan(19_000)
    // Nobody is a lever for more than what he sent (§5.2).
    expect(toll.bytesOut).toBeLessThan(toll.bytesIn)
    expect(toll.held).toBeLessThan(2 << 20)
    // A minute later the resets are forgotten, and the friend has its round trip saved again.
    run(61_000)
    peer.all()
    peer.remotePort = 2
    peer.inject('S', { mss: 1460, data: 'hello', options: [{ kind: 'fastOpen', cookie }] })
    run(1)
    peer.expect('SA', { ack: 6 })
    await listener.close()
    for (const connection of stack.tcp.connections()) connection.abort()
    await end()
  })
})
