import { describe, expect, test } from 'vitest'
import type { TcpTraceEvent } from '../src/index.ts'
import { Bench, pattern } from './support/peer.ts'

const LETTERS = ['F', 'S', 'R', 'P', 'A', 'U']

/** A hook that keeps one line an event: `time kind reason flags seq(length) ack`. */
function recorder(): { readonly lines: string[]; readonly events: TcpTraceEvent[]; readonly trace: (event: TcpTraceEvent) => void } {
  const lines: string[] = []
  const events: TcpTraceEvent[] = []
  return {
    lines, events,
    trace: (event) => {
      const flags = LETTERS.filter((_, bit) => (event.flags & (1 << bit)) !== 0).join('')
      lines.push(`${String(event.time - 1000)} ${event.kind} ${event.reason} ${flags} ${String(event.seq)}(${String(event.length)}) ack ${String(event.ack)}`)
      events.push({ ...event })
    },
  }
}

describe('trace', () => {
  test('tells an active open, data, a loss and the close', async () => {
    const { lines, events, trace } = recorder()
    const bench = await Bench.create({ tcp: { trace } })
    const connection = await bench.connect({}, { mss: 1000, win: 4000 })
    void connection.write(pattern(500))
    await bench.clock.settle()
    await bench.clock.advance(200)
    await bench.send('A', { seq: 1, ack: 501, win: 4000 })
    void connection.close()
    await bench.clock.settle()
    await bench.send('FA', { seq: 1, ack: 502, win: 4000 })
    expect(lines).toEqual([
      '0 send syn S 0(0) ack 0',
      '0 receive  SA 0(0) ack 1',
      '0 send ack A 1(0) ack 1',
      '0 send new PA 1(500) ack 1',
      '200 timeout timeout-retransmit  0(0) ack 0',
      '200 send timeout-retransmit PA 1(500) ack 1',
      '200 receive  A 1(0) ack 501',
      '200 send fin FA 501(0) ack 1',
      '200 receive  FA 1(0) ack 502',
      '200 send ack A 502(0) ack 2',
    ])
    expect(events.map((event) => event.inFlight)).toEqual([1, 1, 0, 500, 500, 500, 500, 1, 1, 0])
    expect(events[1]).toMatchObject({ state: 'syn-sent', window: 4000 })
    expect(events[5]).toMatchObject({ cwnd: 1000, rto: 400, state: 'established', remotePort: 5000 })
    await bench.end()
  })

  test('tells the handshake and ACKs of an accepted connection', async () => {
    const { lines, events, trace } = recorder()
    const bench = await Bench.create()
    await bench.accept({ trace })
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(100) })
    await bench.clock.advance(40)
    expect(lines).toEqual([
      '0 receive  S 0(0) ack 0',
      '0 send syn SA 0(0) ack 1',
      '0 receive  A 1(0) ack 1',
      '0 receive  PA 1(100) ack 1',
      '40 timeout ack  0(0) ack 0',
      '40 send ack A 1(0) ack 101',
    ])
    expect(events.map((event) => event.state)).toEqual(['listen', 'syn-received', 'syn-received', 'established', 'established', 'established'])
    await bench.end()
  })

  test('names fast retransmissions, window probes, keep-alives and resets', async () => {
    const { events, trace } = recorder()
    const bench = await Bench.create()
    const connection = await bench.connect({ trace, keepAlive: { idle: 10_000 } }, { mss: 1000, win: 4000 })
    void connection.write(pattern(4000))
    await bench.clock.settle()
    for (let i = 0; i < 3; i++) await bench.send('A', { seq: 1, ack: 1, win: 4000 })
    await bench.send('A', { seq: 1, ack: 4001, win: 0 })
    void connection.write(pattern(10)).catch(() => undefined)
    await bench.clock.advance(250)
    await bench.send('A', { seq: 1, ack: 4002, win: 4000 })
    await bench.send('A', { seq: 1, ack: 4011, win: 4000 })
    await bench.clock.advance(10_000)
    connection.abort()
    await bench.clock.settle()
    const reasons = events.filter((event) => event.kind === 'send').map((event) => event.reason)
    expect(reasons).toEqual(['syn', 'ack', 'new', 'new', 'new', 'new', 'fast-retransmit', 'window-probe', 'new', 'keep-alive', 'reset'])
    await bench.end()
  })

  test('can be set and taken away while the connection runs; anything but a function is refused', async () => {
    const { lines, trace } = recorder()
    const bench = await Bench.create()
    const connection = await bench.connect()
    connection.configure({ trace })
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(1) })
    connection.configure({ trace: null })
    await bench.send('PA', { seq: 2, ack: 1, data: pattern(1) })
    expect(lines).toEqual(['0 receive  PA 1(1) ack 1'])
    expect(() => {
      connection.configure({ trace: 'all' as never })
    }).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_OPTION' }))
    await bench.end()
  })
})
