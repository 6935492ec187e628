import type { Trace } from './trace.ts'

/** A round trip: `at` in seconds since the start, `rtt` in ms. */
export interface RttSample {
  readonly at: number
  readonly rtt: number
}

/**
 * One round trip for each ACK of something new that was sent once, as RFC 7323 §4 takes them with a timestamp on every
 * segment: what the path did, not what the sender made of it.
 */
export function rttSamples(trace: Trace): RttSample[] {
  const samples: RttSample[] = []
  // Segments sent, in order of their ends; those before `first` are acknowledged.
  const ends: number[] = []
  const times: number[] = []
  let first = 0
  for (let i = 0; i < trace.length; i++) {
    const position = trace.position(i)
    if (trace.isSend(i)) {
      const end = position + trace.segmentLength(i)
      if (trace.segmentLength(i) === 0) continue
      if (end > (ends.at(-1) ?? -1)) {
        ends.push(end)
        times.push(trace.time(i))
      } else blur(ends, times, first, position, end)
    } else if (trace.isReceive(i)) {
      // An ACK that fills a hole comes late for what lay behind the hole: NaN stays NaN.
      let sentAt = -Infinity
      while (first < ends.length && ends[first]! <= position) sentAt = Math.max(sentAt, times[first++]!)
      if (sentAt >= 0) samples.push({ at: trace.time(i), rtt: (trace.time(i) - sentAt) * 1000 })
    }
  }
  return samples
}

/** Karn's rule (RFC 6298 §3): what was sent twice has no round trip. */
function blur(ends: readonly number[], times: number[], first: number, from: number, until: number): void {
  let low = first
  let high = ends.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ends[middle]! <= from) low = middle + 1
    else high = middle
  }
  for (let i = low; i < ends.length && ends[i]! <= until; i++) times[i] = NaN
}
