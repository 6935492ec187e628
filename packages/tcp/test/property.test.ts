import { seededRandom } from '@stack/core'
import { describe, expect, test } from 'vitest'
import { Bench, PORT, pattern } from './support/peer.ts'

const FLAGS = ['', 'S', 'A', 'SA', 'FA', 'PA', 'R', 'RA', 'FPA', 'F', 'SF', 'PAU', 'SFRPAU', 'FRA']

describe('random segments', () => {
  // Numbers near those that matter, and some from anywhere; the stack may end up anywhere legal, but must hold its invariants.
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('seed %i: no illegal transition, no leak, no byte that was not sent', async (seed) => {
    const random = seededRandom(seed)
    const below = (n: number): number => random.uint32() % n
    const near = (n: number): number => (below(4) === 0 ? random.uint32() | 0 : n + below(5) - 2)
    const bench = await Bench.create({ family: seed % 2 === 0 ? 'ipv4' : 'ipv6' })
    const listener = bench.stack.tcp.listen({ port: PORT, backlog: 4 })
    for (let round = 0; round < 25; round++) {
      bench.localPort = PORT
      bench.remotePort = 1000 + round
      const connection = below(2) === 0 ? await bench.connect({ receiveBuffer: 8192, port: bench.remotePort }) : null
      let next = 1
      for (let step = 0; step < 40; step++) {
        const length = below(3) === 0 ? below(100) : 0
        const seq = near(next)
        bench.inject(FLAGS[below(FLAGS.length)]!, {
          seq, ack: near(1 + below(20)), win: below(2) === 0 ? 65_535 : below(3000),
          data: pattern(length, seq - 1),
          ts: below(6) === 0 ? { value: random.uint32() | 0, echo: random.uint32() | 0 } : null,
        })
        if (connection !== null) {
          if (below(8) === 0) void connection.write(pattern(below(3000))).catch(() => undefined)
          if (below(20) === 0) connection.shutdown('write')
          const into = new Uint8Array(50)
          if (below(4) === 0 && connection.readableLength > 0) {
            const from = connection.bytesRead
            const got = connection.tryRead(into) ?? 0
            expect(into.subarray(0, got)).toEqual(pattern(got, from))
          }
          next = 1 + connection.info().bytesReceived
        }
        if (below(10) === 0) await bench.clock.advance(below(500))
        bench.all()
      }
      if (connection !== null) {
        const info = connection.info()
        expect(info.cwnd).toBeGreaterThan(0)
        expect(info.bytesInFlight).toBeGreaterThanOrEqual(0)
        expect(info.receiveWindow).toBeGreaterThanOrEqual(0)
        if (below(2) === 0) void connection.close()
        else connection.abort()
      }
      for (let waiting = listener.tryAccept(); waiting !== undefined; waiting = listener.tryAccept()) waiting.abort()
      await bench.clock.settle()
      bench.all()
    }
    await bench.clock.advance(2_000_000)
    bench.all()
    expect(bench.counters).toMatchObject({ connections: 0, timeWait: 0 })
    await listener.close()
    await bench.end()
  })
})
