import { seededRandom } from '@stack/core'
import { expect, test } from 'vitest'
import type { Connection } from '../src/index.ts'
import { Bench, pattern } from './support/peer.ts'

/*
 * Segments made up at random, most of them near the numbers that matter, into every state of a connection: nothing
 * throws, no transition is illegal, memory stays bounded, and all is gone afterwards.
 */

const PACKETS = 30_000
const PACKETS_PER_CONNECTION = 250
const FLAGS = ['', 'S', 'F', 'R', 'A', 'A', 'A', 'PA', 'PA', 'FA', 'SA', 'RA', 'SF', 'SR', 'FPU', 'SFRPAUEC', 'UA', 'EA']

type Preparation = (bench: Bench) => Promise<Connection | null>

const STATES: Readonly<Record<string, Preparation>> = {
  'listen': (bench) => {
    bench.stack.tcp.listen({ port: bench.localPort, backlog: 2 })
    return Promise.resolve(null)
  },
  'listen with cookies': (bench) => {
    bench.stack.tcp.listen({ port: bench.localPort, backlog: 2, synCookies: 'always' })
    return Promise.resolve(null)
  },
  'after a cookie': async (bench) => {
    bench.stack.tcp.listen({ port: bench.localPort, receiveBuffer: 8192, synCookies: 'always' })
    await bench.send('S', { mss: 1460 })
    return null
  },
  'accept deferred': async (bench) => {
    bench.stack.tcp.listen({ port: bench.localPort, receiveBuffer: 8192, deferAccept: 3000 })
    await bench.send('S', { mss: 1460 })
    await bench.send('A', { seq: 1, ack: 1 })
    return null
  },
  'forwarder': async (bench) => {
    bench.stack.tcp.forward({}, (request) => {
      if (bench.clock.now() % 2 < 1) void request.accept().catch(() => undefined)
    })
    await bench.send('S', { mss: 1460 })
    return null
  },
  'syn-received': async (bench) => {
    bench.stack.tcp.listen({ port: bench.localPort, receiveBuffer: 8192 })
    await bench.send('S', { mss: 1460 })
    return null
  },
  'syn-sent': async (bench) => {
    void bench.stack.tcp.connect({ host: bench.remote, port: bench.remotePort }).catch(() => undefined)
    await bench.clock.settle()
    bench.localPort = bench.expect('S').sourcePort
    return null
  },
  'established': async (bench) => {
    const connection = await bench.accept({ receiveBuffer: 8192 }, { mss: 1460 })
    void connection.write(pattern(20_000)).catch(() => undefined)
    return connection
  },
  'established, window closed': async (bench) => {
    const connection = await bench.accept({ receiveBuffer: 4096 }, { mss: 1460, win: 0 })
    void connection.write(pattern(20_000)).catch(() => undefined)
    return connection
  },
  'fin-wait-1': async (bench) => {
    const connection = await bench.accept({ receiveBuffer: 8192 }, { mss: 1460 })
    connection.shutdown('write')
    return connection
  },
  'fin-wait-2': async (bench) => {
    const connection = await bench.accept({ receiveBuffer: 8192 }, { mss: 1460 })
    connection.shutdown('write')
    await bench.send('A', { seq: 1, ack: 2 })
    return connection
  },
  'close-wait': async (bench) => {
    const connection = await bench.accept({}, { mss: 1460 })
    await bench.send('FA', { seq: 1, ack: 1 })
    void connection.write(pattern(5000)).catch(() => undefined)
    return connection
  },
  'closing': async (bench) => {
    const connection = await bench.accept({}, { mss: 1460 })
    connection.shutdown('write')
    await bench.send('FA', { seq: 1, ack: 1 })
    return connection
  },
  'last-ack': async (bench) => {
    const connection = await bench.accept({}, { mss: 1460 })
    await bench.send('FA', { seq: 1, ack: 1 })
    void connection.close()
    return connection
  },
  'time-wait': async (bench) => {
    const connection = await bench.accept({}, { mss: 1460 })
    connection.shutdown('write')
    await bench.send('FA', { seq: 1, ack: 2 })
    return connection
  },
}

const names = Object.keys(STATES)

test.each(names)('random segments in %s', async (name) => {
  const random = seededRandom(names.indexOf(name) + 1)
  const int = (from: number, to: number): number => from + Math.floor(random.next() * (to - from + 1))
  const pick = <T>(values: readonly T[]): T => values[int(0, values.length - 1)]!
  const number = (): number => pick([0, 1, 1, 1, 2, int(0, 20), int(0, 9000), int(-2000, 70_000), random.uint32() | 0])

  const rounds = Math.ceil(PACKETS / PACKETS_PER_CONNECTION / names.length)
  for (let round = 0; round < rounds; round++) {
    const bench = await Bench.create({ tcp: { timeWait: 5000 } })
    // Sequence numbers wrap in some rounds.
    bench.irs = pick([0, 100_000, -5, 0x7fff_ffff - 5])
    bench.peerTs = pick([null, 1, -1])
    const connection = await STATES[name]!(bench)
    for (let i = 0; i < PACKETS_PER_CONNECTION; i++) {
      bench.inject(pick(FLAGS), {
        seq: number(),
        ack: number(),
        win: pick([0, 1, 1000, 65_535]),
        data: pattern(pick([0, 0, 0, 1, int(0, 1400)])),
        mss: pick([null, null, 1, 536, 65_535]),
        scale: pick([null, null, 0, 14, 200]),
        ts: pick([null, { value: number(), echo: number() }, ...(bench.peerTs === null ? [] : [{ value: bench.peerTs, echo: 0 }])]),
        sackPermitted: random.next() < 0.2,
        urgentPointer: pick([0, int(0, 65_535)]),
      })
      if (i % 8 === 0) await bench.clock.advance(pick([0, 0, 1, 50, 1000]))
      if (connection !== null && connection.readableLength > 0 && random.next() < 0.1) connection.readSome().catch(() => undefined)
      bench.all()
    }
    await bench.clock.settle()
    bench.all()
    // Within the window, however many came.
    expect(bench.stack.memory.packets).toBeLessThan(150)
    connection?.abort()
    await bench.end()
  }
})
