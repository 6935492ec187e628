import { FAMILIES, pattern, type PeerLink } from '@stack/testing'
import { describe, expect, test } from 'vitest'
import { md5, type Md5Options } from '../src/md5.ts'
import { md5Hash, optionAt } from './support/reference-signatures.ts'
import { signedBench, type SignedBench } from './support/signed-bench.ts'
import { Md5Link } from './support/signing-link.ts'

const wrap = (link: PeerLink): Md5Link => new Md5Link(link)
const signed = (options: Partial<Md5Options> = {}) => md5({ hash: md5Hash, keys: [{ key: 'secret' }], ...options })

/** With a connection that was accepted, signed. */
async function accepted(options: Partial<Md5Options> = {}, syn = {}) {
  const bench = await signedBench(wrap)
  const authentication = signed(options)
  const connection = await bench.peer.accept({ authentication }, syn)
  const { peer, link, end } = bench
  return { bench, connection, authentication, peer, link, end }
}

describe.each(FAMILIES)('MD5 signatures over %s (RFC 2385)', (family) => {
  test('every segment of a connection is signed, from SYN-ACK to TIME-WAIT [RFC2385-2-option, RFC2385-2-digest]', async () => {
    const bench = await signedBench(wrap, { family })
    const connection = await bench.peer.accept({ authentication: signed() })
    const { peer, clock } = bench
    const mss = connection.info().sendMss
    expect(mss).toBe(family === 'ipv4' ? 1440 : 1420)
    await connection.write(pattern(2 * mss + 100))
    await peer.settle()
    peer.expect('A', { seq: 1, length: mss })
    peer.expect('A', { seq: 1 + mss, length: mss })
    await peer.send('A', { seq: 1, ack: 1 + 2 * mss })
    peer.expect('PA', { seq: 1 + 2 * mss, length: 100 })
    // Lost: sent again, and signed again.
    await clock.advance(1100)
    peer.expect('PA', { seq: 1 + 2 * mss, length: 100 })
    const end = 101 + 2 * mss
    await peer.send('PA', { seq: 1, ack: end, data: 'hello' })
    expect(await connection.readSome()).toEqual(new TextEncoder().encode('hello'))
    void connection.close()
    await peer.settle()
    peer.all()
    await peer.send('FA', { seq: 6, ack: end + 1 })
    peer.expect('A', { seq: end + 1, ack: 7 })
    expect(connection.state).toBe('time-wait')
    await peer.send('FA', { seq: 6, ack: end + 1 })
    peer.expect('A', { seq: end + 1, ack: 7 })
    expect(bench.counters).toMatchObject({ dropBadSignature: 0, dropNoSignature: 0, dropUnexpectedSignature: 0 })
    expect(bench.link.sent.length).toBeGreaterThan(8)
    await bench.end()
  })

  test('a connection of our own: the SYN is signed, and an answer that is not is none [RFC2385-2-option]', async () => {
    const bench = await signedBench(wrap, { family })
    const { peer, link } = bench
    const connecting = bench.stack.tcp.connect({ host: peer.remote, port: peer.remotePort, authentication: signed({ keys: [{ peer: peer.remote, key: 'secret' }] }) })
    await peer.settle()
    peer.localPort = peer.expect('S', { seq: 0 }).sourcePort
    link.manner = 'none'
    await peer.send('SA', { ack: 1, mss: 1460 })
    await peer.send('RA', { ack: 1 })
    link.manner = 'wrong'
    await peer.send('SA', { ack: 1, mss: 1460 })
    peer.expectNothing()
    expect(bench.counters).toMatchObject({ dropNoSignature: 2, dropBadSignature: 1 })
    link.manner = 'good'
    await peer.send('SA', { ack: 1, mss: 1460 })
    peer.expect('A', { seq: 1, ack: 1 })
    const connection = await connecting
    expect(connection.state).toBe('established')
    await bench.end()
  })
})

describe('segments that are not what they say', () => {
  test.each(['none', 'wrong'] as const)('signature %s: nothing is believed and nothing is said, in any state [RFC2385-2-option, RFC2385-4.1-reset]', async (manner) => {
    const bench = await signedBench(wrap)
    const { peer, link } = bench
    const listener = bench.stack.tcp.listen({ port: peer.localPort, authentication: signed() })
    link.manner = manner
    await peer.send('S', { mss: 1460 })
    await peer.send('A', { seq: 1, ack: 1 })
    await peer.send('R', { seq: 1 })
    peer.expectNothing()
    link.manner = 'good'
    await peer.send('S', { mss: 1460 })
    peer.expect('SA', { seq: 0, ack: 1 })
    link.manner = manner
    await peer.send('R', { seq: 1 })
    await peer.send('S', { mss: 1460 })
    await peer.send('A', { seq: 1, ack: 1 })
    peer.expectNothing()
    link.manner = 'good'
    await peer.send('A', { seq: 1, ack: 1 })
    const connection = (await listener.accept())!
    link.manner = manner
    await peer.send('R', { seq: 1 })
    await peer.send('PA', { seq: 1, ack: 1, data: 'x' })
    await peer.send('S', { seq: 1 })
    peer.expectNothing()
    expect(connection.state).toBe('established')
    expect(connection.readableLength).toBe(0)
    // A signed reset is one.
    link.manner = 'good'
    await peer.send('R', { seq: 1 })
    expect(connection.state).toBe('closed')
    await expect(connection.closed).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(bench.counters[manner === 'none' ? 'dropNoSignature' : 'dropBadSignature']).toBe(9)
    await bench.end()
  })

  test('our resets are signed, but where no connection is there is no key [RFC2385-4.1-reset]', async () => {
    const { connection, peer, link, end } = await accepted()
    connection.abort()
    await peer.settle()
    peer.expect('RA', { seq: 1, ack: 1 })
    expect(optionAt(link.sent.at(-1)!, 19)).toBeGreaterThan(0)
    link.isStrict = false
    peer.localPort = 9
    await peer.send('S')
    peer.expect('RA', { ack: 1 })
    expect(optionAt(link.sent.at(-1)!, 19)).toBe(-1)
    await end()
  })

  test('a listener signs the reset that answers an ACK of nothing', async () => {
    const bench = await signedBench(wrap)
    bench.stack.tcp.listen({ port: bench.peer.localPort, authentication: signed() })
    await bench.peer.send('A', { seq: 5, ack: 5 })
    bench.peer.expect('R', { seq: 5 })
    await bench.end()
  })

  test('TIME-WAIT answers signed segments only, and a signed SYN may open the tuple anew', async () => {
    const bench = await signedBench(wrap)
    const { peer, link } = bench
    const connection = await peer.accept({ authentication: signed() })
    void connection.close()
    await peer.settle()
    peer.expect('FA')
    await peer.send('FA', { seq: 1, ack: 2 })
    peer.expect('A', { seq: 2, ack: 2 })
    link.manner = 'wrong'
    await peer.send('FA', { seq: 1, ack: 2 })
    await peer.send('S', { seq: 1_000_000, mss: 1460 })
    peer.expectNothing()
    expect(bench.counters).toMatchObject({ timeWait: 1, dropBadSignature: 2 })
    link.manner = 'good'
    peer.irs += 1_000_000
    await peer.send('S', { mss: 1460 })
    peer.expect('SA', { seq: 0, ack: 1 })
    expect(bench.counters).toMatchObject({ timeWait: 0, timeWaitReused: 1 })
    await bench.end()
  })

  test('options of other lengths, and none behind the end of the list', async () => {
    const { bench, peer, link, end } = await accepted()
    link.manner = 'none'
    await peer.send('PA', { seq: 1, ack: 1, data: 'x', options: [{ kind: 'md5', digest: new Uint8Array(10) }] })
    await peer.send('PA', { seq: 1, ack: 1, data: 'x', options: [{ kind: 'end' }, { kind: 'md5', digest: new Uint8Array(16) }] })
    await peer.send('PA', { seq: 1, ack: 1, data: 'x', options: [{ kind: 'unknown', number: 77, data: new Uint8Array(2), length: 40 }] })
    await peer.send('PA', { seq: 1, ack: 1, data: 'x', options: [{ kind: 'unknown', number: 77, data: new Uint8Array(0), length: 1 }] })
    peer.expectNothing()
    expect(bench.counters).toMatchObject({ dropBadSignature: 1, dropNoSignature: 3, bytesReceived: 0 })
    await end()
  })
})

describe('room', () => {
  test('timestamps make way for SACK, of which two blocks fit [RFC2385-4.3-header]', async () => {
    const { peer, connection, end } = await accepted({}, { sackPermitted: true, ts: { value: 1, echo: 0 } })
    expect(connection.info()).toMatchObject({ sendMss: 1440, options: { timestamps: false, sack: true } })
    for (const seq of [101, 301, 501]) await peer.send('A', { seq, ack: 1, data: pattern(100) })
    peer.expect('A', { sack: [[101, 201]] })
    peer.expect('A', { sack: [[301, 401], [101, 201]] })
    peer.expect('A', { sack: [[501, 601], [301, 401]] })
    await end()
  })

  test('without SACK timestamps stay', async () => {
    const { connection, end } = await accepted({}, { ts: { value: 1, echo: 0 } })
    expect(connection.info()).toMatchObject({ sendMss: 1428, options: { timestamps: true, sack: false } })
    await end()
  })

  test('our SYN offers SACK and no timestamps', async () => {
    const bench = await signedBench(wrap, { options: { authentication: signed() } })
    const connection = await bench.peer.connect({}, { sackPermitted: true, ts: { value: 1, echo: 0 } })
    expect(connection.info()).toMatchObject({ sendMss: 1440, options: { timestamps: false, sack: true } })
    await bench.end()
  })
})

describe('keys', () => {
  test('the first that fits: by address, prefix and ports', async () => {
    const bench = await signedBench(wrap)
    const { peer, link } = bench
    const authentication = signed({
      keys: [
        { peer: '10.0.0.3', key: 'other host' }, { peer: 'fd00::/16', key: 'other family' }, { peer: '10.0.0.2', peerPort: 4999, key: 'other port' },
        { peer: '10.0.0.2', localPort: 81, key: 'other port here' }, { peer: '10.0.0.0/24', peerPort: 5000, localPort: 7000, key: 'mine' }, { key: 'all' },
      ],
    })
    bench.stack.tcp.listen({ port: 7000, authentication })
    link.key = 'mine'
    await peer.send('S', { mss: 1460 })
    peer.expect('SA', { ack: 1 })
    peer.remotePort = 5001
    link.key = 'all'
    await peer.send('S', { mss: 1460 })
    peer.expect('SA', { ack: 1 })
    await bench.end()
  })

  test('of 80 bytes, as bytes or as text [RFC2385-4.5-key]', async () => {
    const long = 'k'.repeat(80)
    const bench = await signedBench(wrap)
    bench.link.key = long
    for (const key of [long, new TextEncoder().encode(long)]) {
      bench.peer.localPort++
      const connection = await bench.peer.accept({ port: bench.peer.localPort, authentication: signed({ keys: [{ key }] }) })
      expect(connection.state).toBe('established')
    }
    await bench.end()
  })

  test('they change while the connection lives (RFC 4808)', async () => {
    const { bench, peer, link, connection, authentication, end } = await accepted()
    authentication.setKeys([{ key: ['newer', 'secret'] }])
    link.stackKey = 'newer'
    await peer.send('PA', { seq: 1, ack: 1, data: 'old' })
    await connection.write(pattern(10))
    await peer.settle()
    peer.expect('PA', { seq: 1, ack: 4 })
    link.key = 'newer'
    await peer.send('PA', { seq: 4, ack: 11, data: 'new' })
    expect(connection.readableLength).toBe(6)
    authentication.setKeys([{ key: 'newer' }])
    link.key = 'secret'
    await peer.send('PA', { seq: 7, ack: 11, data: 'late' })
    expect(connection.readableLength).toBe(6)
    expect(bench.counters['dropBadSignature']).toBe(1)
    await end()
  })

  test('one that is taken away stays with the connections that have it', async () => {
    const { peer, link, connection, authentication, end } = await accepted()
    authentication.setKeys([])
    await peer.send('PA', { seq: 1, ack: 1, data: 'x' })
    expect(connection.readableLength).toBe(1)
    link.manner = 'none'
    await peer.send('PA', { seq: 2, ack: 1, data: 'x' })
    expect(connection.readableLength).toBe(1)
    await end()
  })

  test('one that comes later signs what was not signed, in smaller segments', async () => {
    const { bench, peer, link, connection, authentication, end } = await unsigned()
    expect(connection.info().sendMss).toBe(1460)
    authentication.setKeys([{ key: 'secret' }])
    link.manner = 'good'
    link.isStrict = true
    await connection.write(pattern(2000))
    await peer.settle()
    peer.expect('A', { seq: 1, length: 1440 })
    peer.expect('PA', { seq: 1441, length: 560 })
    expect(bench.counters['dropNoSignature']).toBe(0)
    await end()
  })

  test.each([['drop', 0], ['accept', 4]] as const)('no key for the peer, which signs: %s', async (unexpected, bytes) => {
    const { bench, peer, link, connection, end } = await unsigned({ unexpected })
    link.manner = 'good'
    await peer.send('PA', { seq: 1, ack: 1, data: 'text' })
    expect(connection.readableLength).toBe(bytes)
    expect(bench.counters['dropUnexpectedSignature']).toBe(bytes === 0 ? 1 : 0)
    await end()
  })

  /** With keys for others only. */
  async function unsigned(options: Partial<Md5Options> = {}) {
    const bench = await signedBench(wrap)
    bench.link.isStrict = false
    bench.link.manner = 'none'
    const authentication = signed({ keys: [{ peer: '10.9.9.9', key: 'secret' }], ...options })
    const connection = await bench.peer.accept({ authentication, noDelay: true })
    expect(optionAt(bench.link.sent.at(-1)!, 19)).toBe(-1)
    const { peer, link, end } = bench
    return { bench, connection, authentication, peer, link, end }
  }
})

describe('options', () => {
  const code = (code: string, message: RegExp): object => ({ code: `ERR_STACK_${code}`, message: expect.stringMatching(message) as string })

  test.each([
    ['no hash', {}, /'hash' is missing/],
    ['keys that are none', { hash: md5Hash, keys: {} }, /must be an array/],
    ['an empty key', { hash: md5Hash, keys: [{ key: '' }] }, /at least one byte/],
    ['no key', { hash: md5Hash, keys: [{ peer: '10.0.0.1' }] }, /must be a Uint8Array or a string/],
    ['five keys', { hash: md5Hash, keys: [{ key: ['1', '2', '3', '4', '5'] }] }, /array of 1 to 4/],
    ['a port', { hash: md5Hash, keys: [{ key: 'a', peerPort: 70_000 }] }, /'peerPort'/],
    ['another name', { hash: md5Hash, key: 'a' }, /no option 'key'/],
    ['too many keys', { hash: md5Hash, keys: Array.from({ length: 65_537 }, () => ({ key: 'a' })) }, /more than 65536/],
  ])('%s', (_what, options, message) => {
    expect(() => md5(options as unknown as Md5Options)).toThrow(expect.objectContaining(code('INVALID_OPTION', message)))
  })

  test('addresses are read when the stack knows how', async () => {
    const bench: SignedBench<Md5Link> = await signedBench(wrap)
    const { tcp } = bench.stack
    expect(() => tcp.listen({ port: 7, authentication: signed({ keys: [{ peer: 'nobody', key: 'a' }] }) })).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_ADDRESS' }))
    expect(() => tcp.open({ host: '10.0.0.2', port: 7, authentication: signed({ keys: [{ peer: '10.0.0.0/33', key: 'a' }] }) })).toThrow(expect.objectContaining(code('INVALID_OPTION', /0 to 32/)))
    const later = signed()
    tcp.listen({ port: 7, authentication: later })
    expect(() => {
      later.setKeys([{ peer: 'nobody', key: 'a' }])
    }).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_ADDRESS' }))
    expect(() => tcp.listen({ port: 8, authentication: {} as never })).toThrow(expect.objectContaining(code('INVALID_OPTION', /md5\(\) or ao\(\)/)))
    await bench.end()
  })

  test('authentication is not configured later', async () => {
    const { connection, authentication, end } = await accepted()
    connection.configure({ authentication })
    expect(() => {
      connection.configure({ authentication: null })
    }).toThrow(expect.objectContaining(code('NOT_SUPPORTED', /setKeys/)))
    await end()
  })
})
