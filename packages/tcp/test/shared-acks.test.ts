import { seededRandom } from '@stack/core'
import { describe, expect, test } from 'vitest'
import { dctcp } from '../src/index.ts'
import { ample, Bench, pattern, type Segment } from './support/peer.ts'

const MSS = 1000
const CE = 3

/** The text of segment `i`; the first one is 0. */
function segment(i: number, count = 1) {
  return { seq: 1 + MSS * i, ack: 1, data: pattern(MSS * count, MSS * i) }
}

/** Segments `[from, to)` as a block. */
function block(from: number, to: number): [number, number] {
  return [1 + MSS * from, 1 + MSS * to]
}

/** What is answered to what `inject` hands in as one batch of the link: from inside a turn, which goes on with what it finds there. */
async function together(bench: Bench, inject: () => void): Promise<Segment[]> {
  bench.clock.scheduler.wake({ waking: false, wake: inject })
  await bench.clock.settle()
  return bench.all()
}

/** All of `segments` come in one batch. */
async function batch(bench: Bench, ...segments: number[]): Promise<Segment[]> {
  return together(bench, () => {
    for (const i of segments) bench.inject('A', segment(i))
  })
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

function sacks(answers: readonly Segment[]) {
  return answers.map(({ ack, sack }) => [(ack - 1) / MSS, ...(sack ?? []).map(([left, right]) => `${(left - 1) / MSS}-${(right - 1) / MSS}`)].join(' '))
}

describe.each([true, false])('segments beyond a gap share an ACK within a batch, merged: %s', (gro) => {
  async function receiving(options: { sack?: boolean; timestamps?: boolean } = {}): Promise<Bench> {
    const bench = await Bench.create({ nic: { gro }, memory: ample() })
    if (options.timestamps === true) bench.peerTs = 1
    await bench.connect({}, { mss: MSS, sackPermitted: options.sack ?? true })
    return bench
  }

  test('three leave at once, as a peer counts them, one at the end for the rest [RFC5681-3.2-immediate, RFC9293-MUST-58]', async () => {
    const bench = await receiving()
    expect(sacks(await batch(bench, ...range(1, 11)))).toEqual(['0 1-2', '0 1-3', '0 1-4', '0 1-11'])
    await bench.end()
  })

  test('the next batch with the same gap has one; a batch of one segment has its own', async () => {
    const bench = await receiving()
    await batch(bench, ...range(1, 5))
    expect(sacks(await batch(bench, ...range(5, 15)))).toEqual(['0 1-15'])
    for (const i of [15, 16, 17]) expect(sacks(await batch(bench, i))).toEqual([`0 1-${i + 1}`])
    await bench.clock.advance(1000)
    bench.expectNothing()
    await bench.end()
  })

  test('44 segments at most', async () => {
    const bench = await receiving()
    expect(sacks(await batch(bench, ...range(1, 61)))).toEqual(['0 1-2', '0 1-3', '0 1-4', '0 1-48', '0 1-61'])
    await bench.end()
  })

  test('each range is told: when an option is full it leaves', async () => {
    const bench = await receiving()
    expect(sacks(await batch(bench, 1, 2, 3, 5, 6, 8, 9, 11, 13, 14, 15, 17))).toEqual(['0 1-2', '0 1-3', '0 1-4', '0 13-14 11-12 8-10 5-7', '0 17-18 13-16 11-12 8-10'])
    await bench.end()
  })

  test('beside timestamps that is with three', async () => {
    const bench = await receiving({ timestamps: true })
    expect(sacks(await batch(bench, 1, 2, 3, 5, 6, 8, 9, 11, 13, 14))).toEqual(['0 1-2', '0 1-3', '0 1-4', '0 11-12 8-10 5-7', '0 13-15 11-12 8-10'])
    await bench.end()
  })

  test('a range that joins others counts once', async () => {
    const bench = await receiving({ timestamps: true })
    await batch(bench, 1, 2, 3)
    expect(sacks(await batch(bench, 5, 7, 6, 9, 8, 11))).toEqual(['0 11-12 5-10 1-4'])
    // What follows the newest may reach an older one.
    expect(sacks(await batch(bench, 15, 13, 14))).toEqual(['0 13-16 11-12 5-10'])
    await bench.end()
  })

  test('what fills the gap is acknowledged at once, and the three begin again', async () => {
    const bench = await receiving()
    expect(sacks(await batch(bench, 1, 2, 3, 4, 6, 0, 7, 8, 9, 10, 11))).toEqual(['0 1-2', '0 1-3', '0 1-4', '5 6-7', '5 6-8', '5 6-9', '5 6-10', '5 6-12'])
    // A part of it.
    const answers = await together(bench, () => {
      bench.inject('A', segment(12))
      bench.inject('A', { seq: 5001, ack: 1, data: pattern(400, 5000) })
      for (const i of range(13, 18)) bench.inject('A', segment(i))
    })
    expect(sacks(answers)).toEqual(['5.4 6-13', '5.4 6-14', '5.4 6-15', '5.4 6-16', '5.4 6-18'])
    await bench.end()
  })

  test('what fills it last of all: what waits is in that ACK', async () => {
    const bench = await receiving()
    await batch(bench, 1, 2, 3)
    expect(sacks(await batch(bench, 4, 5, 0))).toEqual(['6'])
    await bench.clock.advance(1000)
    bench.expectNothing()
    await bench.end()
  })

  test('what comes twice is told at once, and what waits before it [RFC2883-4-duplicate, RFC2883-4-above]', async () => {
    const bench = await receiving({ timestamps: true })
    await batch(bench, 1, 2, 3)
    expect(sacks(await batch(bench, 5, 7, 2, 9, 10))).toEqual(['0 7-8 5-6 1-4', '0 2-3 1-4 7-8', '0 9-11 1-4 7-8'])
    // Below the gap.
    const bench2 = await receiving()
    await batch(bench2, 0)
    await batch(bench2, 2, 3, 4)
    expect(sacks(await batch(bench2, 5, 0, 6))).toEqual(['1 0-1 2-6', '1 2-7'])
    await bench.end()
    await bench2.end()
  })

  test('a FIN beyond the gap is acknowledged at once', async () => {
    const bench = await receiving()
    await batch(bench, 1, 2, 3)
    const answers = await together(bench, () => {
      bench.inject('A', segment(4))
      bench.inject('FA', segment(5))
      bench.inject('A', segment(6))
    })
    expect(sacks(answers)).toEqual(['0 1-6', '0 1-7'])
    await bench.end()
  })

  test('without SACK each has its own', async () => {
    const bench = await receiving({ sack: false })
    expect(sacks(await batch(bench, ...range(1, 11)))).toEqual(range(1, 11).map(() => '0'))
    await bench.end()
  })

  test('full segments that leave in the same turn have no room for blocks: the ACK follows', async () => {
    const bench = await Bench.create({ nic: { gro }, memory: ample() })
    const connection = await bench.connect({}, { mss: MSS, sackPermitted: true })
    await batch(bench, 1, 2, 3)
    const answers = await together(bench, () => {
      for (const i of range(4, 9)) bench.inject('A', segment(i))
      connection.tryWrite(pattern(3 * MSS))
    })
    expect(answers.filter(({ data }) => data.length === MSS)).toHaveLength(3)
    expect(sacks(answers.filter(({ data }) => data.length === 0))).toEqual(['0 1-9'])
    await bench.end()
  })
})

test('with accurate ECN, whose counters take room from blocks, each has its own', async () => {
  const bench = await Bench.create({ tcp: { ecn: 'accurate' } })
  const listener = bench.stack.tcp.listen({ port: 7000 })
  await bench.send('SECN', { mss: MSS, sackPermitted: true })
  bench.next()
  await bench.send('AC', { seq: 1, ack: 1 })
  await listener.accept()
  expect(await batch(bench, ...range(1, 11))).toHaveLength(10)
  await bench.end()
})

test('where each change of marks is told, what waits is told as it came [RFC8257-3.2-echo]', async () => {
  const bench = await Bench.create({ tcp: { congestionControls: [dctcp()] } })
  bench.stack.tcp.open({ host: bench.remote, port: 5000, congestionControl: 'dctcp' })
  bench.localPort = bench.expect('SEC').sourcePort
  await bench.send('SAE', { seq: 0, ack: 1, mss: MSS, sackPermitted: true })
  bench.expect('A')
  await batch(bench, 1, 2, 3)
  const answers = await together(bench, () => {
    for (const [i, ecn] of [[4, 2], [5, 2], [6, CE], [7, CE], [8, CE]] as const) bench.inject('A', { ...segment(i), ecn })
  })
  expect(answers.map(({ flags, sack }) => [flags, sack])).toEqual([['A', [block(1, 6)]], ['AE', [block(1, 7)]], ['AE', [block(1, 9)]]])
  await bench.end()
})

test.each([1, 2, 3, 4, 5, 6, 7, 8])('whatever comes, at the end of its batch it was told, seed %i', async (seed) => {
  const random = seededRandom(seed)
  const below = (n: number): number => random.uint32() % n
  const bench = await Bench.create({ nic: { gro: seed % 2 === 0 }, memory: ample() })
  if (seed % 3 === 0) bench.peerTs = 1
  const connection = await bench.connect({}, { mss: MSS, sackPermitted: true })
  let known = 0
  for (let round = 0; round < 200; round++) {
    const first = below(6)
    const kept = range(first, first + below(60)).filter(() => below(8) !== 0).map((i) => known + i)
    if (below(3) === 0) kept.sort(() => below(3) - 1)
    const answers = await batch(bench, ...kept)
    const told = new Set<number>()
    for (const { ack, sack } of answers) {
      known = (ack - 1) / MSS
      for (const [left, right] of sack ?? []) for (const i of range((left - 1) / MSS, (right - 1) / MSS)) told.add(i)
    }
    expect(kept.filter((i) => i >= known && !told.has(i))).toEqual([])
    const into = new Uint8Array(1 << 20)
    connection.tryRead(into)
  }
  expect(known).toBeGreaterThan(500)
  await bench.end()
})
