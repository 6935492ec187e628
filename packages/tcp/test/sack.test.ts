import { describe, expect, test } from 'vitest'
import { Bench, FAMILIES, pattern } from './support/peer.ts'

const MSS = 1000

/** A connection with SACK whose peer sends out of order. */
async function receiving(bench: Bench) {
  return bench.connect({}, { mss: MSS, sackPermitted: true })
}

describe.each(FAMILIES)('the receiver tells what it has, over %s', (family) => {
  test('SACK is offered on a SYN, answered when it was offered, and used only then [RFC2018-2-permitted]', async () => {
    const bench = await Bench.create({ family })
    bench.stack.tcp.listen({ port: 7000 })
    await bench.send('S', { mss: MSS, sackPermitted: true })
    expect(bench.expect('SA').sackPermitted).toBe(true)
    bench.remotePort++
    await bench.send('S', { mss: MSS })
    expect(bench.expect('SA').sackPermitted).toBe(false)
    await bench.send('A', { seq: 1, ack: 1 })
    await bench.send('A', { seq: 1001, ack: 1, data: pattern(100) })
    expect(bench.expect('A', { ack: 1 }).sack).toBe(null)
    bench.stack.tcp.open({ host: bench.remote, port: 5000, sack: false })
    expect(bench.expect('S').sackPermitted).toBe(false)
    await bench.end()
  })

  test('the first block holds what came last, the others what came before [RFC2018-4-first, RFC2018-4-recent]', async () => {
    const bench = await Bench.create({ family })
    await receiving(bench)
    await bench.send('A', { seq: 1001, ack: 1, data: pattern(1000) })
    expect(bench.expect('A', { ack: 1 }).sack).toEqual([[1001, 2001]])
    await bench.send('A', { seq: 3001, ack: 1, data: pattern(1000) })
    expect(bench.expect('A', { ack: 1 }).sack).toEqual([[3001, 4001], [1001, 2001]])
    await bench.send('A', { seq: 5001, ack: 1, data: pattern(1000) })
    expect(bench.expect('A', { ack: 1 }).sack).toEqual([[5001, 6001], [3001, 4001], [1001, 2001]])
    // It joins two blocks: one, in front.
    await bench.send('A', { seq: 2001, ack: 1, data: pattern(1000) })
    expect(bench.expect('A', { ack: 1 }).sack).toEqual([[1001, 4001], [5001, 6001]])
    await bench.send('A', { seq: 1, ack: 1, data: pattern(1000) })
    expect(bench.expect('A', { ack: 4001 }).sack).toEqual([[5001, 6001]])
    await bench.send('A', { seq: 4001, ack: 1, data: pattern(1000) })
    expect(bench.expect('A', { ack: 6001 }).sack).toBe(null)
    await bench.end()
  })

  test('four blocks, three beside timestamps [RFC2018-4-many]', async () => {
    for (const timestamps of [false, true]) {
      const bench = await Bench.create({ family })
      if (timestamps) bench.peerTs = 1
      await receiving(bench)
      for (let i = 1; i <= 6; i++) await bench.send('A', { seq: 1 + 2000 * i, ack: 1, data: pattern(1000) })
      const blocks = [[12_001, 13_001], [10_001, 11_001], [8001, 9001], [6001, 7001]]
      expect(bench.all().at(-1)!.sack).toEqual(timestamps ? blocks.slice(0, 3) : blocks)
      await bench.end()
    }
  })

  test('what came twice is told in the first block, once [RFC2883-4-duplicate, RFC2883-4-once]', async () => {
    const bench = await Bench.create({ family })
    await receiving(bench)
    await bench.send('A', { seq: 1, ack: 1, data: pattern(1000) })
    bench.all()
    await bench.send('A', { seq: 1, ack: 1, data: pattern(1000) })
    expect(bench.expect('A', { ack: 1001 }).sack).toEqual([[1, 1001]])
    await bench.send('A', { seq: 2001, ack: 1, data: pattern(1000) })
    expect(bench.expect('A', { ack: 1001 }).sack).toEqual([[2001, 3001]])
    await bench.end()
  })

  test('of a segment of which a part came twice, that part [RFC2883-4-partial]', async () => {
    const bench = await Bench.create({ family })
    await receiving(bench)
    await bench.send('A', { seq: 1, ack: 1, data: pattern(1000) })
    bench.all()
    await bench.send('A', { seq: 501, ack: 1, data: pattern(1000) })
    expect(bench.expect('A', { ack: 1501 }).sack).toEqual([[501, 1001]])
    await bench.end()
  })

  test('a duplicate beyond the gap, with the block that holds it [RFC2883-4-above]', async () => {
    const bench = await Bench.create({ family })
    await receiving(bench)
    await bench.send('A', { seq: 1001, ack: 1, data: pattern(2000) })
    bench.all()
    await bench.send('A', { seq: 2001, ack: 1, data: pattern(1000) })
    expect(bench.expect('A', { ack: 1 }).sack).toEqual([[2001, 3001], [1001, 3001]])
    await bench.end()
  })
})

describe('the sender believes what can be', () => {
  async function sending(bytes: number) {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: MSS, sackPermitted: true })
    const written = connection.write(pattern(bytes))
    written.catch(() => undefined)
    await bench.clock.settle()
    return { bench, connection, sent: bench.all() }
  }

  test('what was sacked is not sent again, only the hole is [RFC2018-5-sender]', async () => {
    const { bench, connection, sent } = await sending(10_000)
    expect(sent).toHaveLength(10)
    for (let i = 1; i <= 3; i++) await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 1001 + 1000 * i]] })
    expect(bench.all().map((segment) => segment.seq)).toEqual([1])
    expect(connection.info()).toMatchObject({ congestionState: 'recovery', bytesSacked: 3000 })
    await bench.send('A', { seq: 1, ack: 10_001 })
    bench.expectNothing()
    expect(connection.info()).toMatchObject({ congestionState: 'open', bytesSacked: 0, bytesLost: 0, retransmits: 1 })
    await bench.end()
  })

  test('a block of what was never sent, an empty one and one below SND.UNA change nothing', async () => {
    const { bench, connection } = await sending(5000)
    await bench.send('A', { seq: 1, ack: 1, sack: [[3001, 9001]] })
    await bench.send('A', { seq: 1, ack: 1, sack: [[2001, 2001]] })
    await bench.send('A', { seq: 1, ack: 1, sack: [[3001, 2001]] })
    await bench.send('A', { seq: 1, ack: 1001, sack: [[1, 1001]] })
    expect(connection.info()).toMatchObject({ bytesSacked: 0, bytesLost: 0, congestionState: 'open' })
    expect(bench.counters['dropBadSack']).toBe(1)
    bench.expectNothing()
    await bench.end()
  })

  test('segments are sacked whole: a peer that names single bytes makes no records', async () => {
    const { bench, connection } = await sending(5000)
    for (let i = 0; i < 50; i++) await bench.send('A', { seq: 1, ack: 1, sack: [[1002 + 2 * i, 1003 + 2 * i], [2002 + 2 * i, 2003 + 2 * i]] })
    expect(connection.info()).toMatchObject({ bytesSacked: 0, bytesLost: 0 })
    await bench.send('A', { seq: 1, ack: 1, sack: [[1500, 3500]] })
    expect(connection.info().bytesSacked).toBe(1000)
    await bench.end()
  })

  test('a peer that throws away what it sacked gets it again after a timeout [RFC2018-8-renege]', async () => {
    const { bench, connection } = await sending(4000)
    await bench.send('A', { seq: 1, ack: 1, sack: [[1001, 2001]] })
    await bench.clock.advance(250)
    const again = bench.all().map((segment) => segment.seq)
    expect(again).not.toContain(1001)
    // It has the first now, and says no more of the second.
    await bench.send('A', { seq: 1, ack: 1001 })
    bench.all()
    await bench.clock.advance(2000)
    expect(bench.all().map((segment) => segment.seq)).toContain(1001)
    expect(bench.counters['reneged']).toBeGreaterThan(0)
    await bench.send('A', { seq: 1, ack: 4001 })
    expect(connection.info()).toMatchObject({ bytesSacked: 0, bytesLost: 0, bytesInFlight: 0 })
    await bench.end()
  })
})
