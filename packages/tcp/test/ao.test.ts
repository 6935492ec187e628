import { createHmac } from 'node:crypto'
import { FAMILIES, icmpv4, type PeerLink, type Segment } from '@stack/testing'
import { describe, expect, test } from 'vitest'
import { ao, hmac, type AoKey, type AoOptions } from '../src/ao.ts'
import type { ForwarderRequest } from '../src/index.ts'
import { hmacSha1, optionAt } from './support/reference-signatures.ts'
import { signedBench, type SignedBench } from './support/signed-bench.ts'
import { AoLink } from './support/signing-link.ts'

const algorithm = hmac(hmacSha1)
const FIRST: AoKey = { sendId: 1, receiveId: 2, secret: 'secret', algorithm }
const SECOND: AoKey = { sendId: 11, receiveId: 12, secret: 'newer', algorithm }

/** A bench whose link knows the numbers of its peer. */
async function aoBench(options: Parameters<typeof signedBench>[1] = {}): Promise<SignedBench<AoLink>> {
  const bench = await signedBench((link: PeerLink) => new AoLink(link), options)
  bench.link.numbers = bench.peer
  return bench
}

async function accepted(options: AoOptions = {}, syn = {}) {
  const bench = await aoBench()
  const authentication = ao({ keys: [FIRST], ...options })
  const connection = await bench.peer.accept({ authentication, noDelay: true, delayedAck: 0 }, syn)
  const { peer, link, end } = bench
  return { bench, connection, authentication, peer, link, end }
}

/** The KeyID and RNextKeyID of what the stack sent last. */
function idsOf(link: AoLink): number[] {
  const bytes = link.sent.at(-1)!
  const at = optionAt(bytes, 29)
  return [bytes[at + 2]!, bytes[at + 3]!]
}

describe.each(FAMILIES)('TCP-AO over %s (RFC 5925)', (family) => {
  test('every segment is signed, from SYN-ACK to TIME-WAIT [RFC5925-2.2-option, RFC5925-7.1-keys]', async () => {
    const bench = await aoBench({ family })
    const { peer, clock } = bench
    const connection = await peer.accept({ authentication: ao({ keys: [FIRST] }), delayedAck: 0 }, { sackPermitted: true, ts: { value: 7, echo: 0 } })
    expect(connection.info()).toMatchObject({ sendMss: family === 'ipv4' ? 1432 : 1412, options: { timestamps: true, sack: true } })
    await peer.send('A', { seq: 101, ack: 1, data: 'beyond' })
    await peer.send('A', { seq: 201, ack: 1, data: 'beyond' })
    peer.expect('A', { sack: [[101, 107]] })
    // Beside timestamps there is room for one block.
    peer.expect('A', { sack: [[201, 207]] })
    await connection.write(new Uint8Array(100), { end: true })
    await peer.settle()
    peer.expect('FPA', { seq: 1, length: 100 })
    await clock.advance(1100)
    peer.expect('FPA', { seq: 1, length: 100 })
    await peer.send('FA', { seq: 1, ack: 102 })
    peer.all()
    await clock.advance(100)
    expect(bench.counters).toMatchObject({ dropBadSignature: 0, dropNoSignature: 0 })
    await bench.end()
  })

  test('a connection of our own [RFC5925-2.2-option, RFC5925-7.1-keys]', async () => {
    const bench = await aoBench({ family, options: { authentication: ao({ keys: [FIRST] }) } })
    const { peer, link } = bench
    const connecting = bench.stack.tcp.connect({ host: peer.remote, port: peer.remotePort })
    await peer.settle()
    peer.localPort = peer.expect('S').sourcePort
    link.manner = 'none'
    await peer.send('SA', { ack: 1, mss: 1460 })
    await peer.send('RA', { ack: 1 })
    link.manner = 'wrong'
    await peer.send('SA', { ack: 1, mss: 1460 })
    peer.expectNothing()
    link.manner = 'good'
    await peer.send('SA', { ack: 1, mss: 1460 })
    peer.expect('A', { seq: 1, ack: 1 })
    const connection = await connecting
    await peer.send('PA', { seq: 1, ack: 1, data: 'text' })
    expect(connection.readableLength).toBe(4)
    expect(bench.counters).toMatchObject({ dropNoSignature: 2, dropBadSignature: 1 })
    await bench.end()
  })

  test('a simultaneous open', async () => {
    const bench = await aoBench({ family, options: { authentication: ao({ keys: [FIRST] }) } })
    const { peer } = bench
    const connecting = bench.stack.tcp.connect({ host: peer.remote, port: peer.remotePort })
    await peer.settle()
    peer.localPort = peer.expect('S').sourcePort
    await peer.send('S', { mss: 1460 })
    peer.expect('SA', { seq: 0, ack: 1 })
    await peer.send('SA', { ack: 1, mss: 1460 })
    expect((await connecting).state).toBe('established')
    await bench.end()
  })
})

describe('segments that are not what they say', () => {
  test.each(['none', 'wrong'] as const)('MAC %s: nothing is believed and nothing is said [RFC5925-2.2-option]', async (manner) => {
    const bench = await aoBench()
    const { peer, link } = bench
    const listener = bench.stack.tcp.listen({ port: peer.localPort, authentication: ao({ keys: [FIRST] }) })
    link.manner = manner
    await peer.send('S', { mss: 1460 })
    await peer.send('R', { seq: 1 })
    peer.expectNothing()
    link.manner = 'good'
    await peer.send('S', { mss: 1460 })
    peer.expect('SA')
    link.manner = manner
    await peer.send('R', { seq: 1 })
    await peer.send('A', { seq: 1, ack: 1 })
    peer.expectNothing()
    link.manner = 'good'
    await peer.send('A', { seq: 1, ack: 1 })
    const connection = (await listener.accept())!
    link.manner = manner
    await peer.send('R', { seq: 1 })
    await peer.send('A', { seq: 1, ack: 1, data: 'x' })
    peer.expectNothing()
    expect(connection.readableLength).toBe(0)
    link.manner = 'good'
    await peer.send('R', { seq: 1 })
    expect(connection.state).toBe('closed')
    expect(bench.counters[manner === 'none' ? 'dropNoSignature' : 'dropBadSignature']).toBe(6)
    await bench.end()
  })

  test('an old SYN, well signed, is challenged and changes nothing', async () => {
    const { bench, peer, connection, end } = await accepted()
    await peer.send('S', { seq: -5000 })
    peer.expect('A', { seq: 1, ack: 1 })
    await peer.send('A', { seq: 1, ack: 1, data: 'x' })
    expect(connection.readableLength).toBe(1)
    expect(bench.counters['dropBadSignature']).toBe(0)
    await end()
  })

  test('unknown KeyID, other lengths, and both kinds of signatures at once [RFC5925-2.2-both]', async () => {
    const { peer, link, bench, connection, end } = await accepted()
    link.own = { ...link.own, keyId: 77 }
    await peer.send('A', { seq: 1, ack: 1, data: 'x' })
    link.own = { ...link.own, keyId: 2 }
    await peer.send('A', { seq: 1, ack: 1, data: 'x', options: [{ kind: 'md5', digest: new Uint8Array(16) }] })
    link.manner = 'none'
    for (const length of [0, 1, 2, 6, 13]) await peer.send('A', { seq: 1, ack: 1, data: 'x', options: [{ kind: 'unknown', number: 29, data: new Uint8Array(length).fill(2) }] })
    peer.expectNothing()
    expect(connection.readableLength).toBe(0)
    expect(bench.counters['dropBadSignature']).toBe(7)
    await end()
  })

  test('an ACK that finds no connection: dropped, unless it could end a handshake', async () => {
    const bench = await aoBench()
    bench.stack.tcp.listen({ port: bench.peer.localPort, authentication: ao({ keys: [FIRST] }) })
    await bench.peer.send('A', { seq: 500, ack: 500 })
    bench.peer.expectNothing()
    // As if there had been one with cookies: the two numbers before these are the initial ones.
    await bench.peer.send('A', { seq: 1, ack: 1 })
    bench.peer.expect('R', { seq: 1 })
    await bench.end()
  })

  test('SYN cookies: the keys of a connection come from the numbers that the ACK repeats', async () => {
    const bench = await aoBench()
    const { peer } = bench
    const listener = bench.stack.tcp.listen({ port: peer.localPort, authentication: ao({ keys: [FIRST] }), synCookies: 'always' })
    await peer.send('S', { mss: 1460, scale: 3, ts: { value: 7, echo: 0 } })
    const { ts } = peer.expect('SA')
    expect(bench.counters).toMatchObject({ halfOpen: 0, cookiesSent: 1 })
    await peer.send('PA', { seq: 1, ack: 1, data: 'hello', ts: { value: 8, echo: ts!.value } })
    const connection = listener.tryAccept()!
    expect(connection.readableLength).toBe(5)
    await connection.write(new Uint8Array(10))
    peer.expect('PA', { seq: 1, ack: 6, length: 10 })
    expect(bench.counters).toMatchObject({ cookiesAccepted: 1, dropBadSignature: 0 })
    await bench.end()
  })

  test('a forwarder is asked about signed SYNs only, and its connections are signed', async () => {
    const bench = await aoBench({ options: { authentication: ao({ keys: [FIRST] }) } })
    const { peer, link } = bench
    const requests: ForwarderRequest[] = []
    bench.stack.tcp.forward({}, (request) => requests.push(request))
    link.manner = 'none'
    await peer.send('S', { mss: 1460 })
    expect(requests).toHaveLength(0)
    link.manner = 'good'
    await peer.send('S', { mss: 1460 })
    link.manner = 'none'
    await peer.send('R', { seq: 1 })
    expect(requests[0]?.pending).toBe(true)
    link.manner = 'good'
    await expect(requests[0]!.accept({ authentication: null })).rejects.toMatchObject({ code: 'ERR_STACK_NOT_SUPPORTED' })
    const accepting = requests[0]!.accept()
    await peer.settle()
    peer.expect('SA')
    await peer.send('A', { seq: 1, ack: 1 })
    expect((await accepting).state).toBe('established')
    expect(bench.counters).toMatchObject({ dropNoSignature: 2, dropBadSignature: 0 })
    await bench.end()
  })

  test.each([['accept', 'SA'], ['drop', null]] as const)('no key for the peer, which signs: %s [RFC5925-7.3-unmatched]', async (unexpected, answer) => {
    const bench = await aoBench()
    bench.link.isStrict = false
    bench.stack.tcp.listen({ port: bench.peer.localPort, authentication: ao({ keys: [{ ...FIRST, peer: '10.7.7.7' }], unexpected }) })
    await bench.peer.send('S', { mss: 1460 })
    if (answer !== null) bench.peer.expect(answer)
    else bench.peer.expectNothing()
    expect(bench.counters['dropUnexpectedSignature']).toBe(answer === null ? 1 : 0)
    bench.link.manner = 'none'
    bench.peer.remotePort++
    await bench.peer.send('S', { mss: 1460 })
    const synAck: Segment = bench.peer.expect('SA')
    expect(synAck.options).toEqual([{ kind: 'mss', value: 1460 }])
    await bench.end()
  })
})

describe('keys change (RFC 5925 §6.1)', () => {
  test('we ask for the new one, and sign with it when the peer asks [RFC5925-7.5.1-rollover]', async () => {
    const { peer, link, connection, authentication, bench, end } = await accepted()
    authentication.setKeys([SECOND, FIRST])
    link.stack = { keyId: 1, nextId: 12, secret: 'secret' }
    await peer.send('A', { seq: 1, ack: 1, data: 'a' })
    peer.expect('A', { ack: 2 })
    // The peer has it too, and signs with it; it still asks for the old one.
    link.own = { keyId: 12, nextId: 1, secret: 'newer' }
    await peer.send('A', { seq: 2, ack: 1, data: 'b' })
    peer.expect('A', { ack: 3 })
    link.own = { keyId: 12, nextId: 11, secret: 'newer' }
    link.stack = { keyId: 11, nextId: 12, secret: 'newer' }
    await peer.send('A', { seq: 3, ack: 1, data: 'c' })
    peer.expect('A', { ack: 4 })
    // What was under way with the old key is still good.
    link.own = { keyId: 2, nextId: 11, secret: 'secret' }
    await peer.send('A', { seq: 4, ack: 1, data: 'd' })
    peer.expect('A', { ack: 5 })
    authentication.setKeys([SECOND])
    await peer.send('A', { seq: 5, ack: 1, data: 'e' })
    peer.expectNothing()
    link.own = { keyId: 12, nextId: 11, secret: 'newer' }
    await peer.send('A', { seq: 5, ack: 1, data: 'e' })
    peer.expect('A', { ack: 6 })
    expect(connection.readableLength).toBe(5)
    expect(bench.counters['dropBadSignature']).toBe(1)
    await end()
  })

  test('a next key that we do not have changes nothing; keys that are all taken away stay [RFC5925-7.5.1-rollover]', async () => {
    const { peer, link, authentication, end } = await accepted()
    link.own = { ...link.own, nextId: 99 }
    await peer.send('A', { seq: 1, ack: 1, data: 'a' })
    peer.expect('A', { ack: 2 })
    authentication.setKeys([])
    await peer.send('A', { seq: 2, ack: 1, data: 'a' })
    peer.expect('A', { ack: 3 })
    expect(idsOf(link)).toEqual([1, 2])
    await end()
  })

  test('the SYN says with which key it wants to be answered [RFC5925-7.5.1-rollover]', async () => {
    const bench = await aoBench()
    const { peer, link } = bench
    bench.stack.tcp.listen({ port: peer.localPort, authentication: ao({ keys: [FIRST, SECOND] }) })
    link.own = { keyId: 2, nextId: 11, secret: 'secret' }
    link.stack = { keyId: 11, nextId: 2, secret: 'newer' }
    await peer.send('S', { mss: 1460 })
    peer.expect('SA')
    await bench.end()
  })

  test('longer MACs make smaller segments [RFC5925-7.6-header]', async () => {
    const { connection, authentication, peer, link, end } = await accepted()
    expect(connection.info().sendMss).toBe(1444)
    authentication.setKeys([{ ...FIRST, macLength: 16 }])
    link.isStrict = false
    await connection.write(new Uint8Array(2000))
    await peer.settle()
    peer.expect('A', { length: 1440 })
    await end()
  })

  test('longer MACs than the handshake knew of leave no room for SACK [RFC5925-7.6-header]', async () => {
    const { authentication, peer, link, end } = await accepted({}, { sackPermitted: true, ts: { value: 7, echo: 0 } })
    await peer.send('A', { seq: 1, ack: 1, data: 'x', ts: { value: 8, echo: 0 } })
    peer.expect('A', { ack: 2 })
    authentication.setKeys([FIRST, { ...FIRST, sendId: 3, receiveId: 4, macLength: 16 }])
    link.own = { ...link.own, nextId: 3 }
    link.isStrict = false
    // Twice, and beyond a gap: a D-SACK and a SACK block are due.
    await peer.send('A', { seq: 1, ack: 1, data: 'x', ts: { value: 9, echo: 0 } })
    await peer.send('A', { seq: 100, ack: 1, data: 'x', ts: { value: 9, echo: 0 } })
    for (const segment of [peer.next(), peer.next()]) expect(segment).toMatchObject({ flags: 'A', ack: 2, sack: null, ts: { echo: 8 } })
    await end()
  })
})

describe('sequence numbers go round (RFC 5925 §6.2)', () => {
  test('ours and the peer\'s, with an old segment between [RFC5925-6.2-sne]', async () => {
    const bench = await aoBench()
    const { peer, link } = bench
    peer.irs = -100
    const connection = await peer.accept({ authentication: ao({ keys: [FIRST] }), delayedAck: 0 })
    await peer.send('A', { seq: 1, ack: 1, data: new Uint8Array(98) })
    peer.expect('A', { ack: 99 })
    await peer.send('A', { seq: 99, ack: 1, data: new Uint8Array(10) })
    peer.expect('A', { ack: 109 })
    // From here on the numbers are past zero.
    link.peerExtension = 1
    await peer.send('A', { seq: 109, ack: 1, data: new Uint8Array(10) })
    peer.expect('A', { ack: 119 })
    // Sent before, come behind: of the round before.
    link.peerExtension = 0
    await peer.send('A', { seq: 1, ack: 1, data: new Uint8Array(98) })
    peer.expect('A', { ack: 119 })
    expect(connection.readableLength).toBe(118)
    expect(bench.counters['dropBadSignature']).toBe(0)
    await bench.end()
  })
})

describe('ICMP (RFC 5925 §7.8)', () => {
  const quoting = (link: AoLink) => link.sent.findLast((bytes) => optionAt(bytes, 29) > 0)!

  test.each([['ignore', 1444, 2], ['accept', 944, 0]] as const)('%s: hard errors and too big packets of a synchronized connection [RFC5925-7.8-icmp]', async (icmp, mss, ignored) => {
    const { connection, peer, link, bench, end } = await accepted({ icmp })
    await connection.write(new Uint8Array(1400))
    await peer.settle()
    peer.expect('PA', { length: 1400 })
    const quoted = quoting(link)
    const send = (code: number, mtu = 0) =>
      peer.sendPacket(icmpv4({ type: 'unreachable', code, ...(mtu > 0 ? { mtu } : {}) }), quoted)
    await send(3)
    await send(4, 1000)
    expect(connection.info().sendMss).toBe(mss)
    expect(connection.takeError() === null).toBe(icmp === 'ignore')
    expect(bench.counters['dropIcmpIgnored']).toBe(ignored)
    // Others say what they always say.
    await send(1)
    expect(connection.takeError()).toMatchObject({ code: 'EHOSTUNREACH' })
    await end()
  })

  test('while it opens they count', async () => {
    const bench = await aoBench({ options: { authentication: ao({ keys: [FIRST] }) } })
    const { peer, link } = bench
    const connecting = bench.stack.tcp.connect({ host: peer.remote, port: peer.remotePort })
    const settled = expect(connecting).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await peer.settle()
    peer.expect('S')
    await peer.sendPacket(icmpv4({ type: 'unreachable', code: 3 }), quoting(link))
    await settled
    await bench.end()
  })
})

describe('options', () => {
  const key = (more: object): AoOptions => ({ keys: [{ ...FIRST, ...more }] })

  test.each([
    ['keys that are none', { keys: 'secret' }, /must be an array/],
    ['an id', key({ sendId: 256 }), /'sendId'/],
    ['no secret', { keys: [{ sendId: 1, receiveId: 1, algorithm }] }, /'secret' is missing/],
    ['an empty secret', key({ secret: new Uint8Array(0) }), /at least one byte/],
    ['a MAC that leaves no room', key({ macLength: 17 }), /'macLength'/],
    ['another name', { hash: hmacSha1 }, /no option 'hash'/],
    ['another choice', { icmp: 'maybe' }, /'icmp'/],
  ])('%s', (_what, options, message) => {
    expect(() => ao(options as AoOptions)).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_OPTION', message: expect.stringMatching(message) as string }))
  })

  test('HMACs of other hashes', () => {
    const sha256 = (secret: Uint8Array, message: Uint8Array): Uint8Array => createHmac('sha256', secret).update(message).digest()
    expect(hmac(sha256, 32).keyLength).toBe(32)
    expect(() => hmac(sha256, 8)).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_OPTION' }))
  })
})
