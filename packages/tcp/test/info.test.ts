import { expect, test } from 'vitest'
import { Bench, pattern } from './support/peer.ts'

test('a connection that sends: round trips, what is out, what is lost', async () => {
  const bench = await Bench.create()
  const promise = bench.stack.tcp.connect({ host: bench.remote, port: 5000, timestamps: false })
  await bench.clock.settle()
  bench.localPort = bench.expect('S').sourcePort
  await bench.clock.advance(50)
  await bench.send('SA', { ack: 1, mss: 1000, scale: 3, win: 30_000 })
  const connection = await promise
  bench.expect('A')
  expect(connection.info()).toMatchObject({
    state: 'established', smoothedRtt: 50, rttVariance: 25, minimumRtt: 50, rto: 200, backoff: 0, sinceSent: Infinity, sinceReceived: Infinity, sinceHeard: 0,
    congestionControl: 'cubic', congestionState: 'open', cwnd: 10_000, sendMss: 1000, receiveMss: 1460, pathMtu: 1500, bytesInFlight: 0,
    options: { timestamps: false, windowScale: true, sack: false, sendScale: 3, receiveScale: 9 },
  })
  connection.tryWrite(pattern(12_000))
  await bench.clock.advance(10)
  expect(connection.info()).toMatchObject({
    bytesInFlight: 10_000, segmentsInFlight: 10, bytesNotSent: 2000, bytesSent: 10_000, dataSegmentsSent: 10, segmentsSent: 12, sinceSent: 10, bytesLost: 0,
  })
  for (let i = 0; i < 2; i++) await bench.send('A', { seq: 1, ack: 1, win: 3750 })
  expect(connection.info().congestionState).toBe('disorder')
  await bench.send('A', { seq: 1, ack: 1, win: 3750 })
  expect(connection.info()).toMatchObject({ congestionState: 'recovery', bytesRetransmitted: 1000, bytesRetransmitting: 1000, retransmits: 1, ssthresh: 7000 })
  await bench.clock.advance(300)
  expect(connection.info()).toMatchObject({ congestionState: 'loss', unansweredTimeouts: 1, unansweredProbes: 0, backoff: 1, timeouts: 1, bytesLost: 11_000 })
  connection.abort()
  await bench.end()
})

test('a connection that receives, and one that probes a closed window', async () => {
  const bench = await Bench.create()
  const connection = await bench.connect({ receiveBuffer: 100_000, windowClamp: 50_000 }, { mss: 1000, win: 0 })
  await bench.send('PA', { seq: 1, ack: 1, win: 0, data: pattern(700) })
  await bench.clock.advance(30)
  connection.tryWrite(pattern(10))
  expect(connection.info()).toMatchObject({
    bytesReceived: 700, dataSegmentsReceived: 1, segmentsReceived: 2, sinceReceived: 30, largestReceived: 700, receiveWindowLimit: 50_000, ackTimeout: 40, sendWindow: 0,
  })
  await bench.clock.advance(250)
  expect(connection.info()).toMatchObject({ unansweredProbes: 1, unansweredTimeouts: 0 })
  connection.abort()
  await bench.end()
})
