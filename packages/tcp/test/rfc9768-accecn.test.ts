import { describe, expect, test } from 'vitest'
import type { ConnectOptions, ListenOptions } from '../src/index.ts'
import { md5 } from '../src/md5.ts'
import { Bench, FAMILIES, pattern, PORT } from './support/peer.ts'

const [NOT_ECT, ECT1, ECT0, CE] = [0, 1, 2, 3]
const FULL = pattern(1000)
/** A SYN that arrives or leaves as this codepoint is answered with these flags (RFC 9768, tables 2 and 3). */
const ANSWERS = [[NOT_ECT, 'C'], [ECT1, 'EC'], [ECT0, 'N'], [CE, 'CN']] as const

/** Letters of the ACE field, in the order of the parser. */
function letters(ace: number): string {
  return `${(ace & 1) === 0 ? '' : 'E'}${(ace & 2) === 0 ? '' : 'C'}${(ace & 4) === 0 ? '' : 'N'}`
}

/** The ACE field of a segment. */
function aceOf({ flags }: { readonly flags: string }): number {
  return (flags.includes('N') ? 4 : 0) | (flags.includes('C') ? 2 : 0) | (flags.includes('E') ? 1 : 0)
}

function option(e0b: number, ceb: number, e1b: number): { readonly kind: 'accEcn0'; readonly counters: readonly number[] } {
  return { kind: 'accEcn0', counters: [e0b, ceb, e1b] }
}

function counters(segment: { readonly options: readonly { readonly kind: string }[] }): readonly number[] | null {
  const found = segment.options.find(({ kind }) => kind === 'accEcn1') as { readonly counters: readonly number[] } | undefined
  return found?.counters ?? null
}

async function accepted(options: Partial<ListenOptions> = {}, ack: { readonly flags?: string; readonly options?: ReturnType<typeof option>[] } = {}) {
  const bench = await Bench.create()
  const listener = bench.stack.tcp.listen({ port: PORT, noDelay: true, ...options })
  await bench.send('SECN', { mss: 1000, sackPermitted: true })
  const answer = bench.expect('SAC', { ecn: NOT_ECT })
  await bench.send(ack.flags ?? 'AC', { seq: 1, ack: 1, options: ack.options ?? [option(1, 0, 1)] })
  const connection = (await listener.accept())!
  return { bench, connection, answer }
}

async function connected(flags = 'SAC', ecn = NOT_ECT, options: Partial<ConnectOptions> = {}) {
  const bench = await Bench.create()
  const connection = bench.stack.tcp.open({ host: bench.remote, port: 5000, ecn: 'accurate', noDelay: true, ...options })
  bench.localPort = bench.expect('SECN', { ecn: NOT_ECT }).sourcePort
  await bench.send(flags, { seq: 0, ack: 1, mss: 1000, ecn, options: [option(1, 0, 1)] })
  return { bench, connection, ack: bench.next() }
}

describe.each(FAMILIES)('the handshake over %s', (family) => {
  test('a SYN-ACK says how the SYN came [RFC9768-3.1.1-negotiate, RFC9768-3.1.2-feedback]', async () => {
    for (const [ecn, flags] of ANSWERS) {
      const bench = await Bench.create({ family })
      bench.stack.tcp.listen({ port: PORT })
      await bench.send('SECN', { mss: 1000, ecn })
      const answer = bench.expect(`SA${flags}`, { ecn: NOT_ECT })
      expect(counters(answer)).toEqual([1, 0, 1])
      await bench.end()
    }
  })

  test('the last ACK says how the SYN-ACK came, and segments then count from 5 [RFC9768-3.2.2.1-ack]', async () => {
    for (const [ecn, flags] of ANSWERS) {
      const bench = await Bench.create({ family })
      const connection = bench.stack.tcp.open({ host: bench.remote, port: 5000, ecn: 'accurate' })
      bench.localPort = bench.expect('SECN', { ecn: NOT_ECT }).sourcePort
      await bench.send('SAC', { seq: 0, ack: 1, mss: 1000, ecn })
      bench.expect(`A${flags}`)
      connection.tryWrite(FULL)
      const text = bench.next()
      expect([aceOf(text), text.ecn]).toEqual([ecn === CE ? 6 : 5, ECT0])
      await bench.end()
    }
  })
})

describe('other answers', () => {
  test('a client takes classic ECN, or none [RFC9768-3.1.2-downgrade]', async () => {
    for (const [flags, kind] of [['SAE', 'classic'], ['SA', 'none'], ['SAECN', 'none'], ['SAEN', 'accurate'], ['SAEC', 'accurate']] as const) {
      const { bench, connection } = await connected(flags)
      expect(connection.info().ecn.kind).toBe(kind)
      await bench.end()
    }
  })

  test('a server gives classic ECN to who asks for that, and accurate to combinations of tomorrow [RFC9768-3.1.2-downgrade, RFC9768-3.1.3-forward]', async () => {
    for (const [flags, answer] of [['SEC', 'SAE'], ['S', 'SA'], ['SCN', 'SAC'], ['SN', 'SAC'], ['SE', 'SAC']] as const) {
      const bench = await Bench.create()
      bench.stack.tcp.listen({ port: PORT })
      await bench.send(flags, { mss: 1000 })
      bench.expect(answer)
      await bench.end()
    }
  })

  test('a SYN is tried once more as it is, then without [RFC9768-3.1.4-retransmit]', async () => {
    const bench = await Bench.create()
    const connection = bench.stack.tcp.open({ host: bench.remote, port: 5000, ecn: 'accurate' })
    bench.localPort = bench.expect('SECN').sourcePort
    await bench.clock.advance(1000)
    bench.expect('SECN')
    await bench.clock.advance(2000)
    bench.expect('S')
    // The first ones got through after all.
    await bench.send('SAC', { seq: 0, ack: 1, mss: 1000 })
    bench.expect('AC')
    expect(connection.info().ecn.kind).toBe('accurate')
    await bench.end()
  })

  test('a SYN-ACK goes again without the option, then without the flags [RFC9768-3.1.4-retransmit]', async () => {
    const bench = await Bench.create()
    bench.stack.tcp.listen({ port: PORT })
    await bench.send('SECN', { mss: 1000 })
    expect(counters(bench.expect('SAC'))).not.toBeNull()
    await bench.clock.advance(1000)
    expect(counters(bench.expect('SAC'))).toBeNull()
    await bench.clock.advance(2000)
    bench.expect('SA')
    await bench.end()
  })

  test('a SYN-ACK that has no room for the option goes without', async () => {
    const bench = await Bench.create()
    bench.stack.tcp.listen({ port: PORT, authentication: md5({ hash: () => new Uint8Array(16), keys: [{ key: 'k' }] }) })
    bench.peerTs = 1
    const signature = { kind: 'md5', digest: new Uint8Array(16) } as const
    await bench.send('SECN', { mss: 1000, scale: 2, sackPermitted: true, ts: { value: 1, echo: 0 }, options: [signature] })
    expect(counters(bench.expect('SAC'))).toBeNull()
    await bench.end()
  })

  test('a SYN that comes again without flags is answered, and nothing is sent as ECT [RFC9768-3.1.5-mixed]', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT })
    await bench.send('SECN', { mss: 1000, ecn: ECT0 })
    bench.expect('SAN')
    await bench.send('S', { mss: 1000 })
    bench.expect('SAC')
    await bench.send('AC', { seq: 1, ack: 1 })
    const connection = (await listener.accept())!
    connection.tryWrite(FULL)
    expect(bench.next().ecn).toBe(NOT_ECT)
    expect(connection.info().ecn).toMatchObject({ kind: 'accurate', isCapable: false })
    await bench.end()
  })

  test('a SYN-ACK that comes again is told as it came now [RFC9768-3.2.2.1-ack]', async () => {
    const { bench, ack } = await connected()
    expect(aceOf(ack)).toBe(0b010)
    await bench.send('SAC', { seq: 0, ack: 1, mss: 1000, ecn: ECT0 })
    expect(aceOf(bench.next())).toBe(0b100)
    await bench.end()
  })
})

describe('the receiver', () => {
  test('counts marked packets in the ACE field, and goes round [RFC9768-3.2.2-ace]', async () => {
    const { bench, connection } = await accepted()
    for (let i = 0; i < 10; i++) {
      // Never two in a row: each is a change, and told at once.
      await bench.send('APEN', { seq: 1 + 2000 * i, ack: 1, data: FULL, ecn: CE })
      expect(aceOf(bench.next())).toBe((6 + i) & 7)
      await bench.send('APEN', { seq: 1001 + 2000 * i, ack: 1, data: FULL, ecn: ECT0 })
      bench.all()
    }
    expect(connection.info().ecn).toMatchObject({ received: 10, isSeen: true })
    await bench.end()
  })

  test('counts bytes of text by how they came, and tells them [RFC9768-3.2.3-option]', async () => {
    const { bench } = await accepted()
    const tell = async (seq: number, ecn: number): Promise<readonly number[] | null> => {
      await bench.send('APEN', { seq, ack: 1, data: FULL, ecn })
      await bench.clock.advance(50)
      return counters(bench.next())
    }
    // ECT(1), CE, ECT(0).
    expect(await tell(1, ECT0)).toEqual([1, 0, 1001])
    expect(await tell(1001, CE)).toEqual([1, 1000, 1001])
    expect(await tell(2001, ECT1)).toEqual([1001, 1000, 1001])
    expect(await tell(3001, NOT_ECT)).toEqual([1001, 1000, 1001])
    await bench.end()
  })

  test('text that comes again counts again; pure ACKs count as packets only [RFC9768-3.2.2-all]', async () => {
    const { bench } = await accepted()
    await bench.send('AEN', { seq: 1, ack: 1, ecn: CE })
    await bench.send('APEN', { seq: 1, ack: 1, data: FULL, ecn: CE })
    const first = bench.next()
    expect([aceOf(first), counters(first)]).toEqual([7, [1, 1000, 1]])
    await bench.send('APEN', { seq: 1, ack: 1, data: FULL, ecn: CE })
    const second = bench.next()
    expect([aceOf(second), counters(second)]).toEqual([0, [1, 2000, 1]])
    await bench.end()
  })

  test('acknowledges at once when marks begin, and with the second of them [RFC9768-3.2.2.5-acks]', async () => {
    const { bench } = await accepted()
    const small = pattern(100)
    await bench.send('APEN', { seq: 1, ack: 1, data: small, ecn: ECT0 })
    bench.expectNothing()
    await bench.send('APEN', { seq: 101, ack: 1, data: small, ecn: CE })
    expect(aceOf(bench.expect(`A${letters(6)}`, { ack: 201 }))).toBe(6)
    await bench.send('APEN', { seq: 201, ack: 1, data: small, ecn: CE })
    bench.expectNothing()
    await bench.send('APEN', { seq: 301, ack: 1, data: small, ecn: CE })
    expect(aceOf(bench.next())).toBe(0)
    await bench.end()
  })

  test('the field never goes round within one batch of the link [RFC9768-3.2.2.5-acks]', async () => {
    const { bench } = await accepted()
    for (let i = 0; i < 20; i++) bench.inject('AEN', { seq: 1 + 100 * i, ack: 1, data: pattern(100), ecn: CE })
    await bench.clock.advance(50)
    const told = bench.all().map(aceOf)
    let [before, total] = [5, 0]
    for (const ace of told) {
      total += (ace - before) & 7
      before = ace
    }
    expect(total).toBe(20)
    await bench.end()
  })

  test('the option leaves SACK two blocks where it has news, and none where it has not [RFC9768-3.2.3-sack]', async () => {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT })
    bench.peerTs = 1
    await bench.send('SECN', { mss: 1000, sackPermitted: true })
    bench.next()
    await bench.send('AC', { seq: 1, ack: 1, options: [option(1, 0, 1)] })
    await listener.accept()
    const beyond = async (seq: number, ecn: number) => {
      await bench.send('APEN', { seq, ack: 1, data: FULL, ecn })
      const segment = bench.next()
      return [counters(segment), segment.sack!.length] as const
    }
    expect(await beyond(1001, ECT1)).toEqual([[1001, 0, 1], 1])
    expect(await beyond(3001, ECT1)).toEqual([[2001, 0], 2])
    // A third block gives way to the two counters.
    expect(await beyond(5001, CE)).toEqual([[2001, 1000], 2])
    // All three do not fit behind two blocks.
    expect(await beyond(7001, ECT0)).toEqual([null, 3])
    await bench.end()
  })

  test('the option goes where it takes nothing from the text, or everywhere, or nowhere [RFC9768-3.2.3-where]', async () => {
    for (const [options, first, rest] of [['acks', 1000, true], ['all', 988, true], ['none', 1000, false]] as const) {
      const { bench, connection } = await accepted({ ecn: { options } })
      connection.tryWrite(pattern(1500))
      const [full, short] = bench.all()
      expect([full!.length, counters(full!) !== null, counters(short!) !== null]).toEqual([first, options === 'all', rest])
      await bench.end()
    }
  })

  test('no option goes to a peer that sends none [RFC9768-3.2.3-mute]', async () => {
    const { bench } = await accepted({}, { options: [] })
    await bench.send('APEN', { seq: 1, ack: 1, data: FULL, ecn: CE })
    expect(counters(bench.next())).toBeNull()
    await bench.send('APEN', { seq: 1001, ack: 1, data: FULL, ecn: ECT0, options: [option(1, 0, 1)] })
    await bench.clock.advance(50)
    expect(counters(bench.next())).toEqual([1, 1000, 1001])
    await bench.end()
  })

  test('an option that does not get through is left out [RFC9768-3.2.3-lost]', async () => {
    const { bench } = await accepted()
    const again = async (): Promise<readonly number[] | null> => {
      await bench.send('APEN', { seq: 1, ack: 1, data: FULL, ecn: ECT0 })
      await bench.clock.advance(50)
      return counters(bench.next())
    }
    expect(await again()).toEqual([1, 0, 1001])
    expect(await again()).toEqual([1, 0, 2001])
    expect(await again()).toBeNull()
    await bench.end()
  })
})

describe('the sender', () => {
  test('brings the window down once in a round trip for what the ACE field says [RFC9768-3.2.2-ace, RFC9768-3.3-response]', async () => {
    const { bench, connection } = await accepted({ congestionControl: 'reno' })
    connection.tryWrite(pattern(10_000))
    bench.all()
    await bench.send(`A${letters(6)}`, { seq: 1, ack: 2001 })
    expect(connection.info()).toMatchObject({ ssthresh: 5000, congestionState: 'cwr', ecn: { marked: 1, reductions: 1 } })
    await bench.send(`A${letters(0)}`, { seq: 1, ack: 6001 })
    expect(connection.info()).toMatchObject({ ssthresh: 5000, ecn: { marked: 3, reductions: 1 } })
    // There is no CWR: the three flags are the counter.
    await bench.send(`A${letters(0)}`, { seq: 1, ack: 10_001 })
    connection.tryWrite(FULL)
    expect(aceOf(bench.all()[0]!)).toBe(5)
    await bench.end()
  })

  test('the first segment of a server counts already', async () => {
    const { bench, connection } = await connected()
    connection.tryWrite(FULL)
    bench.next()
    await bench.send(`A${letters(6)}`, { seq: 1, ack: 1001 })
    expect(connection.info().ecn).toMatchObject({ marked: 1, reductions: 1 })
    await bench.end()
  })

  test('takes nothing from an ACK that is not newer [RFC9768-3.2.2.5-order]', async () => {
    const { bench, connection } = await accepted()
    connection.tryWrite(FULL)
    bench.all()
    await bench.send(`A${letters(6)}`, { seq: 1, ack: 1 })
    expect(connection.info().ecn.marked).toBe(0)
    await bench.send(`A${letters(6)}`, { seq: 1, ack: 1001 })
    expect(connection.info().ecn.marked).toBe(1)
    await bench.end()
  })

  test('an ACK of many packets is taken for the worst, unless the bytes say otherwise [RFC9768-3.2.2.5-wrap]', async () => {
    for (const [options, marked] of [[[], 8], [[option(9001, 0, 1)], 0], [[option(1001, 8000, 1)], 8]] as const) {
      const { bench, connection } = await accepted()
      connection.tryWrite(pattern(10_000))
      bench.all()
      await bench.send('AEN', { seq: 1, ack: 1001 })
      await bench.send('AEN', { seq: 1, ack: 10_001, options })
      expect(connection.info().ecn.marked).toBe(marked)
      await bench.end()
    }
  })

  test('the counters of the option are those of info() [RFC9768-3.2.3-option]', async () => {
    const { bench, connection } = await accepted()
    connection.tryWrite(pattern(3000))
    bench.all()
    await bench.send(`A${letters(6)}`, { seq: 1, ack: 3001, options: [option(1001, 1000, 1001)] })
    expect(connection.info().ecn).toMatchObject({ marked: 1, markedBytes: 1000, ect0Bytes: 1000, ect1Bytes: 1000 })
    // One that goes back says nothing.
    connection.tryWrite(FULL)
    await bench.send(`A${letters(6)}`, { seq: 1, ack: 4001, options: [option(1, 0, 0)] })
    expect(connection.info().ecn).toMatchObject({ marked: 1, markedBytes: 1000, ect0Bytes: 1000, ect1Bytes: 1000 })
    await bench.end()
  })
})

describe('paths that mangle', () => {
  test('flags that are taken away: nothing leaves as ECT [RFC9768-3.2.2.3-mangling, RFC9768-3.2.2.4-zero]', async () => {
    const { bench, connection } = await accepted({}, { flags: 'A' })
    connection.tryWrite(FULL)
    const text = bench.next()
    expect([aceOf(text), text.ecn]).toEqual([5, NOT_ECT])
    // Nor can anything of it come marked.
    await bench.send('A', { seq: 1, ack: 1001 })
    expect(connection.info().ecn).toMatchObject({ marked: 0, reductions: 0 })
    expect(connection.info().ecn).toMatchObject({ kind: 'accurate', isCapable: false })
    await bench.end()
  })

  test('a SYN or SYN-ACK that the peer saw as something else [RFC9768-3.2.2.3-mangling]', async () => {
    for (const flags of ['AEC', 'AN', 'ACN']) {
      const { bench, connection } = await accepted({}, { flags })
      expect(connection.info().ecn.isCapable).toBe(false)
      await bench.end()
      const client = await connected(`S${flags}`)
      expect(client.connection.info().ecn.isCapable).toBe(false)
      await client.bench.end()
    }
  })

  test('with verify off nobody looks, and a mark of the SYN-ACK counts', async () => {
    const { bench, connection } = await accepted({ ecn: { verify: false } }, { flags: 'ACN' })
    expect(connection.info().ecn).toMatchObject({ isCapable: true, marked: 1 })
    await bench.end()
  })
})

test('a closed connection answers from TIME-WAIT without a counter', async () => {
  const { bench, connection } = await connected()
  connection.shutdown('write')
  bench.expect(`AF${letters(5)}`)
  await bench.send(`A${letters(5)}`, { seq: 1, ack: 2 })
  await bench.send(`AF${letters(5)}`, { seq: 1, ack: 2 })
  bench.expect('A', { ack: 2 })
  await bench.end()
})

test('everything behind the handshake leaves as ECT(0) where the policy says so', async () => {
  const { bench, connection, ack } = await connected('SAC', NOT_ECT, { ecn: { offer: 'accurate', capable: 'all' }, tailLossProbe: false })
  expect(ack.ecn).toBe(ECT0)
  connection.tryWrite(FULL)
  bench.all()
  await bench.clock.advance(1500)
  expect(bench.all().filter(({ seq }) => seq === 1).every(({ ecn }) => ecn === ECT0)).toBe(true)
  await bench.end()
})
