import { congestionControlCompliance, ipv4, packet, tcp as tcpHeader, transportCompliance } from '@stack/testing'
import type {
  AckSampleLike, CongestionAlgorithmLike, CongestionControlLike, CongestionSenderLike, LostSegmentLike, RateSampleLike,
} from '@stack/testing'
import { describe, expectTypeOf, it } from 'vitest'
import { bbr, cubic, dctcp, reno, tcp } from '../src/index.ts'
import type { AckSample, CongestionAlgorithm, CongestionControl, CongestionSender, LostSegment, RateSample } from '../src/index.ts'

describe.each([reno(), cubic(), bbr(), dctcp()])('$name', (algorithm) => {
  for (const { name, run } of congestionControlCompliance(() => algorithm)) it(name, (context) => run(context))
})

describe('congestion control', () => {
  it('has the interface that the suite has a copy of', () => {
    expectTypeOf<AckSampleLike>().toEqualTypeOf<AckSample>()
    expectTypeOf<RateSampleLike>().toEqualTypeOf<RateSample>()
    expectTypeOf<LostSegmentLike>().toEqualTypeOf<LostSegment>()
    expectTypeOf<CongestionSenderLike>().toEqualTypeOf<CongestionSender>()
    expectTypeOf<CongestionControlLike>().toEqualTypeOf<CongestionControl>()
    expectTypeOf<CongestionAlgorithmLike>().toEqualTypeOf<CongestionAlgorithm>()
  })
})

describe('tcp', () => {
  const cases = transportCompliance(() => ({
    plugin: tcp(),
    number: 6,
    checksumOffset: 16,
    open(stack) {
      const listener = stack.tcp.listen({ port: 5000 })
      return { port: 5000, close: () => listener.close() }
    },
    // A SYN without text: what a listener takes.
    build: ({ source, destination, sourcePort, destinationPort }) =>
      packet(ipv4({ source: source.join('.'), destination: destination.join('.') }), tcpHeader({ sourcePort, destinationPort, flags: 'S', seq: 1000, ack: 0 })).slice(20),
  }))
  for (const { name, run } of cases) it(name, run)
})
