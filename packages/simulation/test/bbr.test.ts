import { expect, test } from 'vitest'
import { simulation } from '../src/index.ts'

/** The phases of a trace in order, with when each begins (s), and the largest flight and pacing rate (bytes/s) in it. */
function phasesOf(trace: { readonly length: number; phase(i: number): string; time(i: number): number; inFlight(i: number): number; pacingRate(i: number): number }): { phase: string; at: number; flight: number; rate: number }[] {
  const phases: { phase: string; at: number; flight: number; rate: number }[] = []
  for (let i = 0; i < trace.length; i++) {
    let last = phases.at(-1)
    if (last?.phase !== trace.phase(i)) phases.push(last = { phase: trace.phase(i), at: trace.time(i), flight: 0, rate: 0 })
    last.flight = Math.max(last.flight, trace.inFlight(i))
    last.rate = Math.max(last.rate, trace.pacingRate(i))
  }
  return phases
}

test('BBR through all of its phases, as the trace of a connection shows them', async () => {
  const net = simulation({ seed: 1 })
  const [a, b] = [net.host('a'), net.host('b')]
  const wire = net.wire(a, b, { rate: 10e6, delay: 20, queue: { bdp: 4 } })
  const flow = net.transfer(a, b, { tcp: { congestionControl: 'bbr', sendBuffer: 1 << 20, receiveBuffer: 1 << 20 } })
  await net.run(12)
  const phases = phasesOf(flow.trace)
  const order = phases.map(({ phase }) => phase)
  expect(order.slice(0, 3)).toEqual(['startup', 'drain', 'probe-bw-cruise'])
  // A probe is REFILL, UP and DOWN, then CRUISE again, where ProbeRTT does not come between.
  const probe = order.indexOf('probe-bw-refill')
  expect(order.slice(probe, probe + 4)).toEqual(['probe-bw-refill', 'probe-bw-up', 'probe-bw-down', 'probe-bw-cruise'])
  const probes = phases.filter(({ phase }) => phase === 'probe-rtt')
  expect(probes.map(({ at }) => Math.floor(at / 5))).toEqual([1, 2])
  // The rate goes up by a quarter in UP only; ProbeRTT leaves half of the path in flight, and the next phase fills it again.
  const path = 10e6 / 8 * (1448 / 1514)
  for (const { phase, rate } of phases.slice(3)) {
    if (phase === 'probe-bw-up') expect(rate / path).toBeGreaterThan(1.2)
    else if (phase === 'probe-bw-cruise') expect(rate / path).toBeLessThan(1.27)
  }
  expect(wire.there.queue(2, 12).p95).toBeLessThan(0.5 * 50_000)
  expect(flow.goodput(2, 12)).toBeGreaterThan(0.93 * path * 8)
  net.destroy()
})

test('a connection that writes little is not paced by what it writes', async () => {
  const net = simulation({ seed: 2 })
  const [a, b] = [net.host('a'), net.host('b')]
  net.wire(a, b, { rate: 10e6, delay: 20 })
  const flow = net.transfer(a, b, { bytes: 400_000, tcp: { congestionControl: 'bbr' } })
  await net.run(4)
  expect(flow.info?.deliveryRate ?? 0).toBeGreaterThan(500_000)
  expect(flow.finishedAt).toBeLessThan(0.8)
  net.destroy()
})
