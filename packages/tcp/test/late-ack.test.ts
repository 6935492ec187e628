import { describe, expect, test } from 'vitest'
import type { Connection } from '../src/index.ts'
import { Bench, FAMILIES, PEER_PORT, pattern, PORT } from './support/peer.ts'

// The ACK of the peer's SYN or FIN leaves at the same instant, but behind whoever awaits the one or the other: with the first text, or with the other FIN.

/** Opens as a program does: what `use` does follows the `await`. */
async function open(bench: Bench, use: (connection: Connection) => unknown): Promise<void> {
  const program = async (): Promise<void> => {
    await use(await bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT }))
  }
  const running = program()
  await bench.clock.settle()
  bench.localPort = bench.expect('S').sourcePort
  await bench.send('SA', { seq: 0, ack: 1, mss: 1000 })
  await running
}

describe.each(FAMILIES)('the ACK of a SYN-ACK over %s', (family) => {
  test('leaves with the text that follows the call', async () => {
    const bench = await Bench.create({ family })
    await open(bench, (connection) => connection.write(pattern(64)))
    bench.expect('PA', { seq: 1, ack: 1, length: 64 })
    bench.expectNothing()
    await bench.end()
  })

  test('leaves alone, and at once, when nothing follows', async () => {
    const bench = await Bench.create({ family })
    await open(bench, () => undefined)
    bench.expect('A', { seq: 1, ack: 1 })
    bench.expectNothing()
    await bench.end()
  })

  test('does not wait when text was written ahead', async () => {
    const bench = await Bench.create({ family })
    const connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT })
    void connection.write(pattern(10))
    await bench.clock.settle()
    bench.localPort = bench.expect('S').sourcePort
    bench.inject('SA', { seq: 0, ack: 1, mss: 1000 })
    bench.clock.advanceSync(0)
    bench.expect('PA', { seq: 1, ack: 1, length: 10 })
    await bench.end()
  })
})

describe('the ACK of a FIN', () => {
  async function accepted(use: (connection: Connection) => unknown): Promise<Bench> {
    const bench = await Bench.create()
    const listener = bench.stack.tcp.listen({ port: PORT })
    await bench.send('S', { mss: 1000 })
    bench.expect('SA')
    await bench.send('A', { seq: 1, ack: 1 })
    void use((await listener.accept())!)
    await bench.clock.settle()
    bench.expectNothing()
    return bench
  }

  test('leaves with the FIN of who awaits the end, and closes', async () => {
    const bench = await accepted(async (connection) => {
      expect(await connection.read(new Uint8Array(10))).toBe(null)
      await connection.close()
    })
    await bench.send('FA', { seq: 1, ack: 1 })
    bench.expect('FA', { seq: 1, ack: 2 })
    bench.expectNothing()
    await bench.end()
  })

  test('leaves with what is said after the last text', async () => {
    const bench = await accepted(async (connection) => {
      expect(await connection.read(new Uint8Array(20))).toBe(10)
      expect(await connection.read(new Uint8Array(20))).toBe(null)
      await connection.write(pattern(5))
    })
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(10) })
    bench.expectNothing()
    await bench.send('FA', { seq: 11, ack: 1 })
    bench.expect('PA', { seq: 1, ack: 12, length: 5 })
    bench.expectNothing()
    await bench.end()
  })

  test('leaves alone when nobody says anything, and in the same turn when nobody waits', async () => {
    const reading = await accepted((connection) => connection.read(new Uint8Array(10)))
    await reading.send('FA', { seq: 1, ack: 1 })
    reading.expect('A', { seq: 1, ack: 2 })
    await reading.end()
    const idle = await accepted(() => undefined)
    idle.inject('FA', { seq: 1, ack: 1 })
    idle.clock.advanceSync(0)
    idle.expect('A', { seq: 1, ack: 2 })
    await idle.end()
  })

  test('leaves with the FIN of a handler that closes, in one turn', async () => {
    const bench = await accepted((connection) => {
      connection.setHandler({
        readable: () => {
          if (connection.tryRead(new Uint8Array(10)) === null) void connection.close()
        },
      })
    })
    bench.clock.scheduler.timers.create(() => bench.inject('FA', { seq: 1, ack: 1 })).arm(bench.clock.now() + 1)
    bench.clock.advanceSync(1)
    bench.expect('FA', { seq: 1, ack: 2 })
    bench.expectNothing()
    await bench.end()
  })
})
