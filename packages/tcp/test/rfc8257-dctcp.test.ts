import { seededRandom } from '@stack/core'
import { describe, expect, test } from 'vitest'
import { dctcp } from '../src/index.ts'
import type { AckSample, CongestionControl } from '../src/index.ts'

const MSS = 1000

/** A control that sends windows of ten segments, so many of which come marked. */
class Windows {
  readonly control: CongestionControl = dctcp().create({ mss: MSS, smoothedRtt: 0, random: seededRandom(1) })
  private una = 0x7fff_0000

  /** One window, a segment with each ACK; the first one that is marked reduces, as in TCP. */
  pass(marked: number, segments = 10): void {
    let isReduced = false
    const end = (this.una + segments * MSS) | 0
    for (let i = 0; i < segments; i++) {
      this.una = (this.una + MSS) | 0
      const isMarked = i < marked
      this.control.onMarks!(sample({ acked: MSS, delivered: MSS, una: this.una, nxt: end, marked: isMarked ? MSS : 0 }))
      if (!isMarked || isReduced) continue
      isReduced = true
      this.control.onCongestion!()
    }
  }
}

function sample(fields: Partial<AckSample>): AckSample {
  return { acked: 0, delivered: 0, flight: 0, una: 0, nxt: 0, rtt: 0, smoothedRtt: 0, minimumRtt: 0, now: 0, limited: true, marked: 0, ...fields }
}

/** What a mark would leave of 1,000 segments. */
function remains(control: CongestionControl): number {
  control.cwnd = 1000 * MSS
  control.onCongestion!()
  return control.cwnd / (1000 * MSS)
}

describe('DCTCP (RFC 8257)', () => {
  test('begins with the worst: the first mark halves the window', () => {
    const { control } = new Windows()
    expect(control.cwnd).toBe(10 * MSS)
    control.onCongestion!()
    expect([control.cwnd, control.ssthresh]).toEqual([5 * MSS, 5 * MSS])
  })

  test('alpha comes to the part that is marked, a sixteenth of the way each window [RFC8257-3.3-alpha]', () => {
    const windows = new Windows()
    // The first ACK begins a window.
    windows.pass(0)
    windows.pass(0)
    expect(remains(windows.control)).toBeCloseTo(1 - 15 / 16 / 2, 3)
    for (let i = 0; i < 200; i++) windows.pass(2)
    // A fifth was marked.
    expect(remains(windows.control)).toBeCloseTo(0.9, 2)
    for (let i = 0; i < 200; i++) windows.pass(0)
    expect(remains(windows.control)).toBeCloseTo(1, 3)
  })

  test('the window falls in proportion, to two segments at least [RFC8257-3.3-reduce]', () => {
    const windows = new Windows()
    for (let i = 0; i < 300; i++) windows.pass(10)
    expect(remains(windows.control)).toBeCloseTo(0.5, 3)
    for (let i = 0; i < 20; i++) windows.control.onCongestion!()
    expect([windows.control.cwnd, windows.control.ssthresh]).toEqual([2 * MSS, 2 * MSS])
  })

  test('loss halves it whatever alpha is [RFC8257-3.4-loss]', () => {
    const windows = new Windows()
    for (let i = 0; i < 300; i++) windows.pass(0)
    windows.control.cwnd = 40 * MSS
    windows.control.onLoss(40 * MSS)
    expect(windows.control.ssthresh).toBe(20 * MSS)
    windows.control.onTimeout(20 * MSS)
    expect([windows.control.cwnd, windows.control.ssthresh]).toEqual([MSS, 10 * MSS])
  })

  test('grows as Reno does', () => {
    const { control } = new Windows()
    control.onAck(sample({ acked: 2 * MSS }))
    expect(control.cwnd).toBe(12 * MSS)
    control.onCongestion!()
    for (let i = 0; i < 6; i++) control.onAck(sample({ acked: MSS }))
    expect(control.cwnd).toBe(7 * MSS)
  })
})
