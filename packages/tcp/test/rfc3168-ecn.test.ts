import { describe, expect, test } from 'vitest'
import { dctcp, type Connection, type ConnectOptions } from '../src/index.ts'
import { Bench, FAMILIES, pattern, PORT } from './support/peer.ts'

const [NOT_ECT, ECT0, CE] = [0, 2, 3]
const FULL = pattern(1000)

/** A connection that the stack opened, with classic ECN. */
async function connected(options: Partial<ConnectOptions> = {}, peer: { readonly sackPermitted?: boolean } = {}) {
  const bench = await Bench.create()
  const opening = bench.stack.tcp.open({ host: bench.remote, port: 5000, ecn: 'on', noDelay: true, ...options })
  const syn = bench.expect('SEC', { ecn: NOT_ECT })
  bench.localPort = syn.sourcePort
  await bench.send('SAE', { seq: 0, ack: 1, mss: 1000, ...peer })
  bench.expect('A', { ecn: NOT_ECT })
  await opening.opened
  return { bench, connection: opening }
}

/** One that the peer opened. */
async function accepted(syn = 'SEC', options = {}) {
  const bench = await Bench.create()
  const listener = bench.stack.tcp.listen({ port: PORT, noDelay: true, ...options })
  await bench.send(syn, { mss: 1000 })
  const answer = bench.next()
  await bench.send('A', { seq: 1, ack: 1 })
  const connection = (await listener.accept())!
  return { bench, connection, answer }
}

describe.each(FAMILIES)('the handshake over %s', (family) => {
  test('a SYN asks with ECE and CWR, a SYN-ACK with ECE agrees [RFC3168-6.1.1-negotiate]', async () => {
    for (const [answer, kind] of [['SAE', 'classic'], ['SA', 'none'], ['SAEC', 'none']] as const) {
      const bench = await Bench.create({ family })
      const connection = bench.stack.tcp.open({ host: bench.remote, port: 5000, ecn: 'on' })
      bench.localPort = bench.expect('SEC', { ecn: NOT_ECT }).sourcePort
      await bench.send(answer, { seq: 0, ack: 1, mss: 1000 })
      bench.expect('A', { ecn: NOT_ECT })
      expect(connection.info().ecn).toMatchObject({ kind, isCapable: kind !== 'none' })
      connection.tryWrite(FULL)
      bench.expect('AP', { ecn: kind === 'none' ? NOT_ECT : ECT0 })
      await bench.end()
    }
  })
})

describe('who asks gets it', () => {
  test('an ECN-setup SYN is answered with ECE, others are not [RFC3168-6.1.1-passive]', async () => {
    for (const [syn, ecn, expected] of [
      ['SEC', 'passive', 'SAE'], ['S', 'passive', 'SA'], ['SE', { accept: 'classic' }, 'SA'], ['SC', { accept: 'classic' }, 'SA'], ['SECN', { accept: 'classic' }, 'SAE'], ['SEC', 'off', 'SA'],
    ] as const) {
      const bench = await Bench.create()
      bench.stack.tcp.listen({ port: PORT, ecn })
      await bench.send(syn, { mss: 1000 })
      bench.expect(expected, { ecn: NOT_ECT })
      await bench.end()
    }
  })

  test('a SYN that gets no answer goes again without [RFC3168-6.1.1-broken]', async () => {
    const bench = await Bench.create()
    const connection = bench.stack.tcp.open({ host: bench.remote, port: 5000, ecn: 'on' })
    bench.localPort = bench.expect('SEC').sourcePort
    await bench.clock.advance(1000)
    bench.expect('S')
    await bench.send('SA', { seq: 0, ack: 1, mss: 1000 })
    bench.expect('A')
    expect(connection.info().ecn.kind).toBe('none')
    await bench.end()
  })

  test('with verify off it goes again as it was', async () => {
    const bench = await Bench.create()
    bench.stack.tcp.open({ host: bench.remote, port: 5000, ecn: { offer: 'classic', verify: false } })
    bench.expect('SEC')
    await bench.clock.advance(1000)
    bench.expect('SEC')
    await bench.end()
  })

  test.each([['SEC', 'SEA', 'classic'], ['S', 'SA', 'none']])('in a simultaneous open %s gets %s, as from a listener', async (syn, answer, kind) => {
    const bench = await Bench.create()
    const connection = bench.stack.tcp.open({ host: bench.remote, port: 5000, ecn: 'on' })
    bench.localPort = bench.expect('SEC').sourcePort
    await bench.send(syn, { seq: 0, mss: 1000 })
    bench.expect(answer)
    await bench.send(answer, { seq: 0, ack: 1, mss: 1000 })
    expect(connection.info().ecn.kind).toBe(kind)
    await bench.end()
  })

  test('a policy with an unknown part is refused', async () => {
    const bench = await Bench.create()
    for (const ecn of ['sometimes', { offer: 'some' }, { until: 3 }, null]) {
      expect(() => bench.stack.tcp.listen({ port: PORT, ecn: ecn as never })).toThrow(/ecn/)
    }
    await bench.end()
  })
})

describe('the sender', () => {
  test('only new text leaves as ECT(0): no SYN, no ACK, no FIN [RFC3168-6.1.4-pure]', async () => {
    const { bench, connection } = await connected()
    connection.tryWrite(FULL)
    bench.expect('AP', { ecn: ECT0 })
    await bench.send('AP', { seq: 1, ack: 1001, data: FULL, ecn: ECT0 })
    await bench.clock.advance(50)
    bench.expect('A', { ack: 1001, ecn: NOT_ECT })
    connection.shutdown('write')
    bench.expect('AF', { ecn: NOT_ECT })
    await bench.end()
  })

  test('nothing leaves again as ECT, nor do probes of a window [RFC3168-6.1.5-retransmit, RFC3168-6.1.6-probe]', async () => {
    const { bench, connection } = await connected({ tailLossProbe: false })
    connection.tryWrite(FULL)
    bench.expect('AP', { seq: 1, ecn: ECT0 })
    await bench.clock.advance(1500)
    expect(bench.all().map(({ seq, ecn }) => [seq, ecn])).toContainEqual([1, NOT_ECT])
    await bench.send('A', { seq: 1, ack: 1001, win: 0 })
    connection.tryWrite(FULL)
    bench.expectNothing()
    await bench.clock.advance(3000)
    const probe = bench.next()
    expect([probe.seq, probe.length, probe.ecn]).toEqual([1001, 1, NOT_ECT])
    await bench.end()
  })

  test('ECE brings the window down once in a round trip, and CWR with the next new text [RFC9293-SHLD-8, RFC3168-6.1.2-sender, RFC3168-6.1.2-once]', async () => {
    const { bench, connection } = await connected({ congestionControl: 'reno' })
    connection.tryWrite(pattern(10_000))
    expect(bench.all().map(({ flags, ecn }) => [flags.includes('C'), ecn])).toEqual(Array.from({ length: 10 }, () => [false, ECT0]))
    expect(connection.info().cwnd).toBe(10_000)
    await bench.send('AE', { seq: 1, ack: 2001 })
    expect(connection.info()).toMatchObject({ ssthresh: 5000, congestionState: 'cwr', ecn: { reductions: 1 } })
    await bench.send('AE', { seq: 1, ack: 4001 })
    await bench.send('AE', { seq: 1, ack: 10_001 })
    expect(connection.info()).toMatchObject({ ssthresh: 5000, ecn: { reductions: 1 } })
    connection.tryWrite(pattern(2000))
    expect(bench.all().map(({ seq, flags }) => [seq, flags.includes('C')])).toEqual([[10_001, true], [11_001, false]])
    // The peer has seen CWR: what it marks now is new.
    await bench.send('A', { seq: 1, ack: 12_001 })
    expect(connection.info()).toMatchObject({ cwnd: 5000, ssthresh: 5000, congestionState: 'open' })
    connection.tryWrite(FULL)
    bench.expect('AP', { ecn: ECT0 })
    await bench.send('AE', { seq: 1, ack: 13_001 })
    expect(connection.info()).toMatchObject({ ssthresh: 2500, ecn: { reductions: 2 } })
    await bench.end()
  })

  test('the window never goes below two segments', async () => {
    const { bench, connection } = await connected({ congestionControl: 'reno' })
    for (let i = 0; i < 12; i++) {
      connection.tryWrite(FULL)
      bench.next()
      await bench.send('AE', { seq: 1, ack: 1001 + 1000 * i })
    }
    expect(connection.info()).toMatchObject({ ssthresh: 2000 })
    expect(connection.info().cwnd).toBeGreaterThanOrEqual(1000)
    await bench.end()
  })

  test('CUBIC takes marks as losses (RFC 9438 §4.6) [RFC3168-6.1.2-sender]', async () => {
    const { bench, connection } = await connected()
    connection.tryWrite(pattern(10_000))
    bench.all()
    await bench.send('AE', { seq: 1, ack: 1001 })
    expect(connection.info().ssthresh).toBe(7000)
    await bench.end()
  })

  test('loss of the window that was marked is no second reduction, and is told with CWR [RFC3168-6.1.2-once]', async () => {
    const { bench, connection } = await connected({ congestionControl: 'reno' }, { sackPermitted: true })
    connection.tryWrite(pattern(10_000))
    bench.all()
    await bench.send('AE', { seq: 1, ack: 2001 })
    expect(connection.info().ssthresh).toBe(5000)
    for (const right of [5001, 6001, 7001, 8001]) await bench.send('AE', { seq: 1, ack: 2001, sack: [[3001, right]] })
    expect(connection.info()).toMatchObject({ congestionState: 'recovery', ssthresh: 5000 })
    const again = bench.all().find(({ seq }) => seq === 2001)!
    expect([again.ecn, again.flags.includes('C')]).toEqual([NOT_ECT, false])
    await bench.send('A', { seq: 1, ack: 10_001 })
    expect(connection.info()).toMatchObject({ ssthresh: 5000, cwnd: 5000 })
    connection.tryWrite(FULL)
    expect(bench.next().flags).toContain('C')
    await bench.end()
  })

  test('CWR goes with what repairs the loss where that is asked for', async () => {
    const { bench, connection } = await connected({ ecn: { offer: 'classic', cwr: 'first' } }, { sackPermitted: true })
    connection.tryWrite(pattern(5000))
    bench.all()
    for (const right of [2001, 3001, 4001]) await bench.send('A', { seq: 1, ack: 1, sack: [[1001, right]] })
    expect(bench.all().map(({ seq, ecn, flags }) => [seq, ecn, flags.includes('C')])).toEqual([[1, NOT_ECT, true]])
    await bench.end()
  })

  test('with marks in it a reduction is not taken back, though nothing was lost', async () => {
    for (const flags of ['A', 'AE']) {
      const { bench, connection } = await connected({ congestionControl: 'reno' }, { sackPermitted: true })
      connection.tryWrite(pattern(10_000))
      bench.all()
      for (const right of [2001, 3001, 4001]) await bench.send(flags, { seq: 1, ack: 1, sack: [[1001, right]] })
      bench.all()
      await bench.send(flags, { seq: 1, ack: 4001 })
      // The peer has had it before: what was sent again came twice.
      await bench.send(flags, { seq: 1, ack: 4001, sack: [[1, 1001]] })
      expect(connection.info().ssthresh === 5000).toBe(flags === 'AE')
      await bench.end()
    }
  })

  test('a timeout is told with CWR, too [RFC3168-6.1.2-any]', async () => {
    const { bench, connection } = await connected({ tailLossProbe: false })
    connection.tryWrite(FULL)
    bench.all()
    await bench.clock.advance(1500)
    bench.all()
    await bench.send('A', { seq: 1, ack: 1001 })
    connection.tryWrite(FULL)
    expect(bench.next().flags).toContain('C')
    await bench.send('A', { seq: 1, ack: 2001 })
    connection.tryWrite(FULL)
    expect(bench.next().flags).not.toContain('C')
    await bench.end()
  })

  test('ECE of a peer with which nothing was agreed is no mark', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: 1000 })
    connection.tryWrite(FULL)
    bench.all()
    await bench.send('AE', { seq: 1, ack: 1001 })
    expect(connection.info()).toMatchObject({ congestionState: 'open', ecn: { kind: 'none', reductions: 0 } })
    await bench.end()
  })

  test('ECE with nothing out is no mark', async () => {
    const { bench, connection } = await connected()
    await bench.send('AE', { seq: 1, ack: 1 })
    expect(connection.info().ecn.reductions).toBe(0)
    await bench.end()
  })
})

describe('the receiver', () => {
  test('CE brings ECE on every ACK until CWR [RFC3168-6.1.3-receiver]', async () => {
    const { bench, connection } = await accepted()
    let seq = 1
    const receive = async (ecn: number, flags = 'AP'): Promise<boolean> => {
      await bench.send(flags, { seq, ack: 1, data: FULL, ecn })
      seq += 1000
      await bench.clock.advance(50)
      return bench.next().flags.includes('E')
    }
    expect(await receive(ECT0)).toBe(false)
    expect(await receive(CE)).toBe(true)
    expect(await receive(ECT0)).toBe(true)
    // CWR that comes marked itself begins a new echo.
    expect(await receive(CE, 'APC')).toBe(true)
    expect(await receive(ECT0, 'APC')).toBe(false)
    expect(await receive(ECT0)).toBe(false)
    expect(connection.info().ecn).toMatchObject({ kind: 'classic', received: 2, isSeen: true })
    await bench.end()
  })

  test('text carries ECE as ACKs do', async () => {
    const { bench, connection } = await accepted()
    connection.configure({ quickAcks: 0 })
    await bench.send('AP', { seq: 1, ack: 1, data: FULL, ecn: CE })
    connection.tryWrite(FULL)
    bench.expect('APE', { ack: 1001, ecn: ECT0 })
    await bench.end()
  })

  test('what lies outside the window marks nothing', async () => {
    const { bench, connection } = await accepted()
    await bench.send('AP', { seq: 5_000_001, ack: 1, data: FULL, ecn: CE })
    bench.all()
    expect(connection.info().ecn.received).toBe(0)
    await bench.end()
  })
})

describe('SYN-ACKs (RFC 5562)', () => {
  test('one as ECT(0) when asked for, a repeated one not [RFC5562-3-synack]', async () => {
    const bench = await Bench.create()
    bench.stack.tcp.listen({ port: PORT, ecn: { capable: 'syn-ack' } })
    await bench.send('SEC', { mss: 1000 })
    bench.expect('SAE', { ecn: ECT0 })
    await bench.clock.advance(1000)
    bench.expect('SAE', { ecn: NOT_ECT })
    await bench.end()
  })

  test('one that came marked makes the window begin with a segment [RFC5562-3-responder]', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT, ecn: { capable: 'syn-ack' } })
    await bench.send('SEC', { mss: 1000 })
    bench.expect('SAE', { ecn: ECT0 })
    await bench.send('AE', { seq: 1, ack: 1 })
    const connection = (await listener.accept())!
    expect(connection.info().cwnd).toBe(1000)
    await bench.end()
  })

  test('one that comes marked is echoed [RFC5562-3-echo]', async () => {
    const bench = await Bench.create()
    bench.stack.tcp.open({ host: bench.remote, port: 5000, ecn: 'on' })
    bench.localPort = bench.expect('SEC').sourcePort
    await bench.send('SAE', { seq: 0, ack: 1, mss: 1000, ecn: CE })
    bench.expect('AE')
    await bench.end()
  })
})

describe('DCTCP', () => {
  test('asks for ECN whatever the option says, and echoes each change at once [RFC8257-3.2-echo]', async () => {
    const bench = await Bench.create({ tcp: { congestionControls: [dctcp()], congestionControl: 'dctcp' } })
    const connection = bench.stack.tcp.open({ host: bench.remote, port: 5000 })
    bench.localPort = bench.expect('SEC').sourcePort
    await bench.send('SAE', { seq: 0, ack: 1, mss: 1000 })
    bench.expect('A')
    await bench.send('AP', { seq: 1, ack: 1, data: pattern(100), ecn: ECT0 })
    bench.expectNothing()
    // The ACK that waited leaves without ECE, then the one of the mark.
    await bench.send('AP', { seq: 101, ack: 1, data: pattern(100), ecn: CE })
    bench.expect('A', { ack: 101 })
    bench.expect('AE', { ack: 201 })
    await bench.send('AP', { seq: 201, ack: 1, data: pattern(100), ecn: CE })
    bench.expectNothing()
    await bench.send('AP', { seq: 301, ack: 1, data: pattern(100), ecn: ECT0 })
    bench.expect('AE', { ack: 301 })
    bench.expect('A', { ack: 401 })
    expect(connection.info().ecn.received).toBe(2)
    await bench.end()
  })
})

describe('handshakes that are different', () => {
  test('a SYN cookie without timestamps agrees to nothing: the ACK would not bring it back', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT, synCookies: 'always' })
    await bench.send('SEC', { mss: 1000 })
    bench.expect('SA')
    // Not even to an ACK that has the flags.
    await bench.send('AEC', { seq: 1, ack: 1 })
    const connection = (await listener.accept())!
    expect(connection.info().ecn.kind).toBe('none')
    await bench.end()
  })

  test('a forwarder agrees as a listener does', async () => {
    for (const [syn, answer, kind] of [['SEC', 'SAE', 'classic'], ['SECN', 'SAC', 'accurate'], ['S', 'SA', 'none']] as const) {
      const bench = await Bench.create()
      let accepting: Promise<Connection> | null = null
      bench.stack.tcp.forward({}, (request) => {
        accepting = request.accept()
      })
      await bench.send(syn, { mss: 1000 })
      bench.expect(answer)
      await bench.send(kind === 'accurate' ? 'AC' : 'A', { seq: 1, ack: 1 })
      expect((await accepting!).info().ecn).toMatchObject({ kind, isCapable: kind !== 'none' })
      await bench.end()
    }
  })
})
