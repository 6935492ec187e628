import { seededRandom } from '@stack/core'
import { expect, test } from 'vitest'
import type { Connection, ListenOptions } from '../src/index.ts'
import type { TcpContext } from '../src/context.ts'
import { bbr } from '../src/bbr/bbr.ts'
import { isPlain } from '../src/header-prediction.ts'
import type { Tcb } from '../src/tcb.ts'
import { Flag, SegmentHeader } from '../src/wire.ts'
import { Bench, pattern } from './support/peer.ts'

/*
 * The short way of plain segments changes nothing: the same traffic into two connections, one with it and one without, leaves
 * the same state and brings the same answers, after each step.
 */

function tcbOf(connection: Connection): Tcb & { readonly context: TcpContext } {
  return (connection as unknown as { readonly endpoint: Tcb }).endpoint
}

/** What belongs to others, or is a place and not a state. */
const ELSEWHERE = new Set(['context', 'host', 'route', 'user', 'owner', 'settings', 'registration', 'sender', 'pool', 'wheel', 'actions', 'timer', 'chunk', 'head', 'tail', 'next', 'authenticator', 'uniqueId', 'listener'])

function stateOf(tcb: Tcb): string {
  return JSON.stringify(tcb, (key, value: unknown) => {
    if (ELSEWHERE.has(key)) return undefined
    if (value === Infinity) return 'Infinity'
    // A packet or a chunk of memory: its bytes say enough.
    if (value !== null && typeof value === 'object' && 'slot' in value) return 'length' in value ? value.length : 'memory'
    return ArrayBuffer.isView(value) ? Array.from(value as Int32Array) : value
  })
}

interface Difference {
  readonly name: string
  readonly listen?: Partial<ListenOptions>
  readonly timestamps?: boolean
  readonly sack?: boolean
  /** Classic ECN, and packets that come marked. */
  readonly marks?: boolean
}

const KINDS: readonly Difference[] = [
  { name: 'a plain connection' },
  { name: 'timestamps', timestamps: true },
  { name: 'timestamps and SACK', timestamps: true, sack: true },
  { name: 'a small buffer', listen: { receiveBuffer: 4096 }, sack: true },
  { name: 'no delayed ACKs', listen: { delayedAck: 0, noDelay: true }, sack: true },
  { name: 'ECN', listen: { ecn: 'on' }, sack: true, marks: true },
  { name: 'BBR', listen: { congestionControl: 'bbr' }, timestamps: true, sack: true },
]

/** One run of random traffic, most of it as a well-behaved peer sends it; answers and states in the order in which they came. */
async function run({ listen = {}, timestamps = false, sack = false, marks = false }: Difference, seed: number, predicts: boolean): Promise<string[]> {
  const random = seededRandom(seed)
  const int = (from: number, to: number): number => from + Math.floor(random.next() * (to - from + 1))
  const chance = (share: number): boolean => random.next() < share
  const bench = await Bench.create({ tcp: { congestionControls: [bbr()] } })
  bench.irs = seed % 2 === 0 ? -2000 : 1_000_000
  let stamp = 1
  if (timestamps) bench.peerTs = stamp
  const listener = bench.stack.tcp.listen({ port: bench.localPort, ...listen })
  await bench.send(marks ? 'SEC' : 'S', { mss: 1460, scale: 7, ...(sack ? { sackPermitted: true } : {}), ...(timestamps ? { ts: { value: stamp, echo: 0 } } : {}) })
  bench.expect(marks ? 'SAE' : 'SA', { seq: 0, ack: 1 })
  await bench.send('A', { seq: 1, ack: 1 })
  const connection = (await listener.accept())!
  const tcb = tcbOf(connection)
  tcb.context.predicts = predicts
  const into = new Uint8Array(4000)
  const log: string[] = []
  let isReading = true
  let answer = 0
  connection.setHandler({
    readable: () => {
      while (isReading && typeof connection.tryRead(into) === 'number');
      if (answer > 0) connection.tryWrite(pattern(answer))
    },
  })
  // What the peer sent and got, relative to both ISNs.
  let seq = 1
  let echo = 0
  for (let step = 0; step < 300; step++) {
    isReading = chance(0.8)
    answer = chance(0.4) ? int(1, 200) : 0
    if (chance(0.15)) connection.tryWrite(pattern(int(1, 6000)))
    // The state says how far our text got: any good ACK lies there.
    const out = (tcb.snd.nxt - tcb.snd.una) | 0
    const una = 1 + tcb.snd.bytesAcked
    const ack = chance(0.85) ? una + out : chance(0.7) ? una + int(0, Math.max(0, out)) : una + int(-3000, 3000)
    if (timestamps && chance(0.5)) stamp++
    const length = chance(0.35) ? 0 : chance(0.5) ? int(1, 64) : int(1000, 1460)
    const at = chance(0.9) ? seq : seq + int(-2000, 4000)
    const flags = chance(0.94) ? (chance(0.5) ? 'A' : 'PA') : ['UA', 'EA', 'R', 'S', 'A', 'CA'][int(0, 5)]!
    // A reset ends it, so it lies outside.
    const isReset = flags === 'R'
    bench.inject(flags, {
      seq: isReset ? seq + 100_000 : at, ack, win: chance(0.9) ? 500 : int(0, 1000), data: pattern(isReset ? 0 : length),
      ...(marks ? { ecn: chance(0.1) ? 3 : 2 } : {}),
      ...(timestamps ? { ts: chance(0.95) ? { value: stamp, echo } : { value: stamp - 5, echo } } : {}),
    })
    // Batches of several segments, and single ones.
    if (chance(0.7)) await bench.clock.advance(chance(0.9) ? 0 : int(1, 300))
    seq = 1 + tcb.rcv.bytes
    for (const { flags: answered, seq: from, ack: to, win, length: bytes, ts, sack: blocks, ecn, urgentPointer } of bench.all()) {
      if (ts !== null) echo = ts.value
      log.push(JSON.stringify({ step, answered, from, to, win, bytes, ts, blocks, ecn, urgentPointer }))
    }
    log.push(`${String(step)} ${stateOf(tcb)}`)
    log.push(`${String(step)} ${JSON.stringify(tcb.context.counters)}`)
  }
  connection.setHandler(null)
  connection.abort()
  await bench.end()
  return log
}

test.each(KINDS)('changes nothing: $name', async (kind) => {
  for (let seed = 1; seed <= 4; seed++) {
    const fast = await run(kind, seed, true)
    const slow = await run(kind, seed, false)
    for (let i = 0; i < slow.length; i++) if (fast[i] !== slow[i]) expect(fast[i]).toBe(slow[i])
    expect(fast).toHaveLength(slow.length)
  }
}, 60_000)

test('what is plain', async () => {
  const bench = await Bench.create()
  const connection = await bench.accept({}, { mss: 1460, sackPermitted: true })
  const tcb = tcbOf(connection)
  connection.tryWrite(pattern(100))
  await bench.clock.settle()
  const header = new SegmentHeader()
  const reset = (): void => {
    Object.assign(header, { flags: Flag.Ack, sequence: tcb.rcv.nxt, acknowledgment: tcb.snd.nxt, sackBlocks: 0, rare: 0, timestamps: false })
  }
  const is = (change: Partial<SegmentHeader>, length = 10): boolean => {
    reset()
    Object.assign(header, change)
    return isPlain(tcb, header, length)
  }
  expect(is({})).toBe(true)
  expect(is({ flags: Flag.Ack | Flag.Psh })).toBe(true)
  expect(is({}, 0)).toBe(true)
  expect(is({ acknowledgment: tcb.snd.una })).toBe(true)
  expect(is({ acknowledgment: (tcb.snd.una - 1) | 0 })).toBe(false)
  expect(is({ acknowledgment: (tcb.snd.nxt + 1) | 0 })).toBe(false)
  expect(is({ sequence: (tcb.rcv.nxt + 1) | 0 })).toBe(false)
  expect(is({ sequence: (tcb.rcv.nxt - 1) | 0 })).toBe(false)
  for (const flag of [Flag.Fin, Flag.Syn, Flag.Rst, Flag.Urg, Flag.Ece, Flag.Cwr, Flag.Ae]) expect(is({ flags: Flag.Ack | flag })).toBe(false)
  expect(is({ flags: 0 })).toBe(false)
  expect(is({ rare: 1 })).toBe(false)
  const window = (tcb.rcv.edge - tcb.rcv.nxt) | 0
  expect(is({}, window)).toBe(true)
  expect(is({}, window + 1)).toBe(false)
  expect(is({ timestamps: true, timestampValue: tcb.rcv.tsRecent })).toBe(true)
  expect(is({ timestamps: true, timestampValue: (tcb.rcv.tsRecent - 1) | 0 })).toBe(false)
  // A FIN was seen beyond a gap.
  await bench.send('FA', { seq: 101, ack: 1 })
  expect(is({})).toBe(false)
  bench.all()
  connection.abort()
  await bench.end()
})
