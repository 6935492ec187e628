import { congestionControlCompliance } from '@stack/testing'
import type { AckSampleLike, CongestionAlgorithmLike, CongestionControlLike, CongestionSenderLike } from '@stack/testing'
import { describe, expectTypeOf, it } from 'vitest'
import type { AckSample, CongestionAlgorithm, CongestionControl, CongestionSender } from '../src/index.ts'
import { newReno } from '../src/newreno.ts'

describe('newreno', () => {
  for (const { name, run } of congestionControlCompliance(newReno)) it(name, run)

  it('has the interface that the suite has a copy of', () => {
    expectTypeOf<AckSampleLike>().toEqualTypeOf<AckSample>()
    expectTypeOf<CongestionSenderLike>().toEqualTypeOf<CongestionSender>()
    expectTypeOf<CongestionControlLike>().toEqualTypeOf<CongestionControl>()
    expectTypeOf<CongestionAlgorithmLike>().toEqualTypeOf<CongestionAlgorithm>()
  })
})
