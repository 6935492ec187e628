/**
 * Tools for testing what runs on @stack: virtual time and leak checks, without a test runner of their own.
 *
 * @example
 * ```ts
 * import { manualClock } from '@stack/testing'
 *
 * const clock = manualClock()
 * await clock.advance(1000)
 * ```
 *
 * @packageDocumentation
 */
export { fakeNic, type FakeNic, type ReceivedPacket } from './fake-nic.ts'
export { leaksOf } from './leaks.ts'
export { manualClock, type ManualClock, type ManualClockOptions } from './manual-clock.ts'
export * from './packets/index.ts'
