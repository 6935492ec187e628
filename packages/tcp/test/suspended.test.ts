import { expect, test } from 'vitest'
import { bbr } from '../src/index.ts'
import { Bench, pattern } from './support/peer.ts'

/*
 * A process that is stopped (a debugger, SIGSTOP, a laptop that sleeps) stands still in the middle of a flight: what it finds in
 * its link when it goes on is no late answer of the network.
 */

// Half an hour, and times at which int32 microseconds have turned to negative, and to small ones.
const PAUSES = [1000, 1_800_000, 3_600_000, 4_400_000, 86_400_000]

test.each(PAUSES)('stopped for %i ms with a flight out: the round trip stays what it was', async (pause) => {
  const bench = await Bench.create({ tcp: { congestionControls: [bbr()] } })
  const connection = await bench.connect({ congestionControl: 'bbr' }, { sackPermitted: true, mss: 1000, scale: 7 })
  const flight = async (ms: number, stop = 0): Promise<void> => {
    void connection.write(pattern(4000))
    await bench.clock.settle()
    await bench.clock.advance(ms)
    if (stop > 0) bench.clock.jump(stop)
    const { seq, length } = bench.all().at(-1)!
    await bench.send('A', { seq: 1, ack: seq + length })
  }
  for (let i = 0; i < 10; i++) await flight(50)
  const { smoothedRtt, minimumRtt, rto, retransmits } = connection.info()
  await flight(10, pause)
  expect(connection.info()).toMatchObject({ smoothedRtt, minimumRtt, rto, retransmits, state: 'established' })
  // And the next answer counts again.
  await flight(40)
  expect(connection.info().smoothedRtt).toBeGreaterThan(smoothedRtt)
  connection.abort()
  await bench.end()
})
