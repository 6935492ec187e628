import { GsoType, type Packet } from '@stack/buffer'
import { createStack, fifo, HookPoint, seededRandom, type Qdisc } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { pipe } from '@stack/link-pipe'
import { deterministicRandom, leaksOf, manualClock, pattern } from '@stack/testing'
import { describe, expect, test } from 'vitest'
import { bbr, dctcp, tcp, type Connection, type ConnectionOptions } from '../src/index.ts'
import { Bench } from './support/peer.ts'

interface Scene {
  readonly family?: 4 | 6
  readonly loss?: number
  readonly marks?: number
  readonly seed?: number
  readonly mtu?: number
  readonly latency?: number
  /** Packets under way. */
  readonly limit?: number
  readonly options?: ConnectionOptions
  /** Bytes of each write. */
  readonly writes?: readonly number[]
  readonly tries?: number
}

/** What was on the wire, when, and how many packets with how many segments went to the queue of the client. */
interface Wire {
  readonly frames: readonly string[]
  readonly superPackets: number
  readonly largest: number
  readonly info: readonly unknown[]
  readonly counters: readonly unknown[]
}

function counting(seen: { superPackets: number; largest: number }): Qdisc {
  const queue = fifo()
  const enqueue = queue.enqueue.bind(queue)
  queue.enqueue = (packet: Packet): boolean => {
    if (packet.gsoType !== GsoType.None) {
      seen.superPackets++
      seen.largest = Math.max(seen.largest, packet.length)
    }
    return enqueue(packet)
  }
  return queue
}

async function play(scene: Scene, softwareGso: boolean): Promise<Wire> {
  const { family = 4, loss = 0, marks = 0, seed = 1, mtu = 1500, latency = 5, limit = 1024, options = {}, writes = [400_000] } = scene
  const clock = manualClock()
  const links = pipe({ latency, mtu, limit })
  const make = (own: number) =>
    createStack({ plugins: [ipv4(), ipv6(), tcp({ congestionControls: [bbr(), dctcp()] })] as const, clock, random: seededRandom(own), secureRandom: deterministicRandom(own) })
  const [a, b] = [make(1), make(2)]
  const prefix = family === 4 ? '10.0.0.' : 'fd00::'
  const length = family === 4 ? '/24' : '/64'
  const seen = { superPackets: 0, largest: 0 }
  const nic = await a.addNic(links[0], { addresses: [`${prefix}1${length}`], skipDuplicateDetection: true, softwareGso, qdisc: counting(seen) })
  await b.addNic(links[1], { addresses: [`${prefix}2${length}`], skipDuplicateDetection: true, softwareGso })
  const frames: string[] = []
  nic.tap((direction, _nic, _protocol, packet) => {
    frames.push(`${clock.now().toFixed(6)} ${direction} ${Buffer.from(packet.bytes.subarray(packet.start, packet.end)).toString('latin1')}`)
  })
  const random = seededRandom(seed)
  for (const stack of [a, b]) {
    stack.hooks.add(HookPoint.Prerouting, (packet) => {
      if (random.next() < loss) return { action: 'drop', reason: 'test' }
      if (random.next() < marks && (packet.tos & 3) !== 0) packet.tos |= 3
      return 'accept'
    })
  }
  const listener = b.tcp.listen({ port: 7, ...options })
  const opening = Promise.all([a.tcp.connect({ host: `${prefix}2`, port: 7, ...options }), listener.accept()])
  const ends = (await clock.until(opening, 600_000)) as [Connection, Connection]
  const total = writes.reduce((sum, bytes) => sum + bytes, 0)
  const readAll = async (connection: Connection): Promise<number> => {
    let at = 0
    for await (const chunk of connection) for (const byte of chunk) if (byte !== ((at++ * 7) & 0xff)) throw new Error(`byte ${String(at)} is wrong`)
    return at
  }
  const write = async (connection: Connection): Promise<void> => {
    let at = 0
    for (const bytes of writes) {
      at += bytes
      await connection.write(pattern(bytes, at - bytes), { end: at === total })
    }
  }
  const [down, up] = await clock.until(Promise.all([...ends.map(readAll), ...ends.map(write)]), 3_600_000)
  expect([down, up]).toEqual([total, total])
  const info = ends.map((end) => end.info())
  const counters = [a, b].map((stack) => stack.statistics().protocols['tcp'])
  for (const stack of [a, b]) {
    expect(stack.statistics().protocols['tcp']).toMatchObject({ dropMalformed: 0, dropChecksum: 0, illegalTransitions: 0 })
    stack.destroy()
  }
  await clock.settle()
  expect([leaksOf(a), leaksOf(b)]).toEqual([[], []])
  return { frames, ...seen, info, counters }
}

/** With and without: the same on the wire, at the same time, and in all that is counted. */
async function expectSame(scene: Scene): Promise<Wire> {
  const [on, off] = [await play(scene, true), await play(scene, false)]
  for (let i = 0; i < Math.max(on.frames.length, off.frames.length); i++) {
    if (on.frames[i] !== off.frames[i]) throw new Error(`frame ${String(i)} of ${String(off.frames.length)} differs:\n${describeFrame(on.frames[i])}\n${describeFrame(off.frames[i])}`)
  }
  expect(on.info).toEqual(off.info)
  expect(on.counters).toEqual(off.counters)
  expect(off.superPackets).toBe(0)
  return on
}

function describeFrame(frame = 'none'): string {
  const at = frame.indexOf(' ', frame.indexOf(' ') + 1) + 1
  return `${frame.slice(0, at)}${Buffer.from(frame.slice(at, at + 80), 'latin1').toString('hex')} (${String(frame.length - at)} bytes)`
}

describe('super-packets are on the wire what segments would have been', () => {
  const SEEDS = [1, 2, 3, 4, 5, 6]
  for (const family of [4, 6] as const) {
    test.each(SEEDS)(`IPv${String(family)}, one packet in fifty lost, seed %i`, async (seed) => {
      const { superPackets } = await expectSame({ family, seed, loss: 0.02, writes: [700, 300_000, 1, 100_000, 64, 64, 200_000] })
      expect(superPackets).toBeGreaterThan(10)
    })
  }

  test.each<[string, Scene]>([
    ['nothing lost', {}],
    ['a path that marks, classic ECN', { marks: 0.05, options: { ecn: 'on' } }],
    ['a path that marks and loses, DCTCP', { marks: 0.05, loss: 0.01, options: { ecn: 'on', congestionControl: 'dctcp' } }],
    ['BBR, which paces and measures each segment', { loss: 0.01, options: { congestionControl: 'bbr' }, writes: [2_000_000] }],
    ['Reno', { loss: 0.02, options: { congestionControl: 'reno' } }],
    ['pacing', { loss: 0.01, options: { pacing: true }, writes: [1_000_000] }],
    ['a rate of less than a segment in a millisecond', { options: { maxPacingRate: 400_000 } }],
    ['small segments', { mtu: 576, loss: 0.01 }],
    ['an MTU that leaves room for few', { mtu: 30_000, loss: 0.02, writes: [2_000_000] }],
    ['without delay', { loss: 0.02, options: { noDelay: true }, writes: [5000, 100_000, 3, 8000, 8000] }],
    ['classic Nagle', { loss: 0.02, options: { nagle: 'classic' }, writes: [5000, 100_000, 3, 8000, 8000] }],
    ['writes of a multiple of the segment', { writes: [14_480, 1448, 144_800] }],
  ])('%s', async (_what, scene) => {
    const { superPackets } = await expectSame(scene)
    expect(superPackets).toBeGreaterThan(2)
  })

  test.each<[string, Scene]>([
    ['Accurate ECN counts on in each header', { marks: 0.05, options: { ecn: 'accurate' } }],
    ['a trace is of segments', { options: { trace: () => undefined } }],
    ['a search for the MTU', { options: { mtuProbing: 'always' } }],
  ])('not where segments differ: %s', async (_what, scene) => {
    expect((await expectSame(scene)).superPackets).toBe(0)
  })

  test('64 KiB at most', async () => {
    const { largest } = await expectSame({ mtu: 9000, writes: [3_000_000] })
    expect([largest > 60_000, largest <= 65_536]).toEqual([true, true])
  })

  test('32 segments at most, where the NIC cuts', async () => {
    expect((await expectSame({ writes: [3_000_000] })).largest).toBe(32 * 1448 + 52)
  })

  test('text lies in one place of each slot, whether its segment was cut off or sent alone', async () => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: 1000 })
    const places: number[] = []
    bench.nic.tap((direction, _nic, _protocol, packet) => {
      if (direction === 'out') places.push(packet.transportHeader + packet.transportHeaderLength)
    })
    connection.tryWrite(pattern(5000))
    await bench.clock.settle()
    connection.tryWrite(pattern(1000))
    await bench.clock.settle()
    expect(bench.all()).toHaveLength(6)
    expect(new Set(places).size).toBe(1)
    await bench.end()
  })
})
