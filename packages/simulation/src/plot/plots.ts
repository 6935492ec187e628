import type { Flow, Transfer } from '../flow/transfer.ts'
import type { Trace } from '../flow/trace.ts'
import { QUEUE_SAMPLE_INTERVAL, type WireDirection } from '../wire/wire.ts'
import { drawFigure, type Bar, type Panel, type Point, type Series } from './figure.ts'

/** Options of the plots. */
export interface PlotOptions {
  /** Default: what is drawn. */
  readonly title?: string
  /** Seconds. Default: everything. */
  readonly from?: number
  readonly until?: number
  /** Pixels. Default 960 × 540. */
  readonly width?: number
  readonly height?: number
}

/**
 * The time-sequence graph of a transfer, as the sender saw it: segments by their place in the stream, those sent again
 * in red, the line of what is acknowledged below and the edge of the peer's window above. The slope is the rate.
 *
 * @returns an SVG document, readable on light and dark
 */
export function timeSequencePlot(flow: Transfer, options: PlotOptions = {}): string {
  const { trace } = flow
  const range = rangeOf(trace, options)
  const inRange = indexRange(trace, range)
  const highest = highestPosition(trace, inRange)
  return drawFigure({
    title: `Time-sequence graph of ${flow.name}`, ...options, ...range,
    panels: [{
      label: 'position in the stream', unit: 'bytes',
      min: lowestAck(trace, inRange),
      // The edge of a large window would press everything else to the floor.
      max: highest,
      series: [
        { label: 'window edge', color: 'grey', kind: 'step', points: windowEdge(trace, inRange) },
        { label: 'acknowledged', color: 'green', kind: 'step', points: acks(trace, inRange) },
        { label: 'sent', color: 'blue', kind: 'bars', points: segments(trace, inRange, false) },
        { label: 'sent again', color: 'red', kind: 'bars', strong: true, points: segments(trace, inRange, true) },
      ],
    }],
  })
}

/**
 * Congestion window, slow start threshold and bytes in flight of a transfer over time, and its round-trip time below.
 *
 * @returns an SVG document
 */
export function windowPlot(flow: Transfer, options: PlotOptions = {}): string {
  const { trace } = flow
  const range = rangeOf(trace, options)
  const inRange = indexRange(trace, range)
  const most = greatest(trace, inRange)
  return drawFigure({
    title: `Congestion window and round-trip time of ${flow.name}`, ...options, ...range,
    panels: [
      {
        label: 'window', unit: 'bytes', min: 0, max: most, weight: 2,
        series: [
          { label: 'in flight', color: 'grey', kind: 'step', points: column(trace, inRange, (i) => trace.inFlight(i)) },
          // Before the first loss it is as good as endless.
          { label: 'ssthresh', color: 'orange', kind: 'step', dashed: true, points: column(trace, inRange, (i) => (trace.ssthresh(i) > most ? null : trace.ssthresh(i))) },
          { label: 'cwnd', color: 'blue', kind: 'step', points: column(trace, inRange, (i) => trace.cwnd(i)) },
        ],
      },
      {
        label: 'round-trip time', unit: 'ms', min: 0,
        series: [
          { label: 'samples', color: 'grey', kind: 'dots', points: flow.roundTrips.map(({ at, rtt }): Point => [at, rtt]) },
          { label: 'smoothed', color: 'purple', kind: 'step', points: column(trace, inRange, (i) => (trace.srtt(i) === 0 ? null : trace.srtt(i))) },
        ],
      },
    ],
  })
}

/**
 * Bytes in the queue of one direction of a wire over time, and the packets that were dropped.
 *
 * @returns an SVG document
 */
export function queuePlot(direction: WireDirection, options: PlotOptions = {}): string {
  const { queuePeaks, drops, settings } = direction
  const { from = 0, until = (queuePeaks.length * QUEUE_SAMPLE_INTERVAL) / 1000 } = options
  const limit: Series[] = settings.limitBytes === Infinity
    ? []
    : [{ label: 'limit', color: 'orange', kind: 'line', dashed: true, points: [[from, settings.limitBytes], [until, settings.limitBytes]] }]
  const most = settings.limitBytes === Infinity ? queuePeaks.reduce((high, value) => Math.max(high, value), 0) : settings.limitBytes
  return drawFigure({
    title: `Queue of ${direction.name}`, ...options, from, until,
    panels: [{
      label: 'waiting', unit: 'bytes', min: 0, max: most * 1.06,
      series: [
        ...limit,
        { label: 'queue', color: 'blue', kind: 'line', points: Array.from(queuePeaks, (value, i): Point => [((i + 1) * QUEUE_SAMPLE_INTERVAL) / 1000, value]) },
        { label: 'dropped', color: 'red', kind: 'bars', points: Array.from(drops, (at): Bar => [at, most * 1.02, most * 1.06]) },
      ],
    }],
  })
}

const COLORS = ['blue', 'orange', 'green', 'purple', 'red', 'grey'] as const

/**
 * What the receiving applications got, over time: one line for each flow.
 *
 * @returns an SVG document
 */
export function goodputPlot(flows: readonly Flow[], options: PlotOptions = {}): string {
  const until = options.until ?? wholeSeconds(Math.max(...flows.map(({ intervals }) => intervals.at(-1)?.at ?? 0)))
  const panel: Panel = {
    label: 'goodput', unit: 'bit/s', min: 0,
    series: flows.map((flow, i) => ({
      label: flow.name, color: COLORS[i % COLORS.length]!, kind: 'step',
      points: flow.intervals.filter(({ at }) => at >= flow.start).map(({ at, bitsPerSecond }): Point => [at, bitsPerSecond]),
    })),
  }
  return drawFigure({ title: 'Goodput', ...options, from: options.from ?? 0, until, panels: [panel] })
}

type Range = readonly [first: number, end: number]

function rangeOf(trace: Trace, { from, until }: PlotOptions): { readonly from: number; readonly until: number } {
  const first = trace.length === 0 ? 0 : trace.time(0)
  const last = trace.length === 0 ? 1 : trace.time(trace.length - 1)
  return { from: from ?? Math.floor(first), until: until ?? wholeSeconds(last) }
}

/** Axes end at a tick, unless that would leave much empty. */
function wholeSeconds(value: number): number {
  return value > 2 ? Math.ceil(value) : Math.max(0.01, Math.ceil(value * 100) / 100)
}

function indexRange(trace: Trace, { from, until }: { readonly from: number; readonly until: number }): Range {
  let first = 0
  while (first < trace.length && trace.time(first) < from) first++
  let end = trace.length
  while (end > first && trace.time(end - 1) > until) end--
  return [first, end]
}

function* segments(trace: Trace, [first, end]: Range, again: boolean): Generator<Bar> {
  for (let i = first; i < end; i++) {
    if (!trace.isSend(i) || trace.segmentLength(i) === 0 || trace.isRetransmission(i) !== again) continue
    yield [trace.time(i), trace.position(i), trace.position(i) + trace.segmentLength(i)]
  }
}

function* acks(trace: Trace, [first, end]: Range): Generator<Point> {
  for (let i = first; i < end; i++) if (trace.isReceive(i)) yield [trace.time(i), trace.position(i)]
}

function* windowEdge(trace: Trace, [first, end]: Range): Generator<Point> {
  for (let i = first; i < end; i++) if (trace.isReceive(i)) yield [trace.time(i), trace.position(i) + trace.window(i)]
}

function* column(trace: Trace, [first, end]: Range, value: (index: number) => number | null): Generator<Point> {
  for (let i = first; i < end; i++) yield [trace.time(i), value(i)]
}

function highestPosition(trace: Trace, [first, end]: Range): number {
  let most = 0
  for (let i = first; i < end; i++) most = Math.max(most, trace.position(i) + trace.segmentLength(i))
  return most
}

function greatest(trace: Trace, [first, end]: Range): number {
  let most = 0
  for (let i = first; i < end; i++) most = Math.max(most, trace.cwnd(i), trace.inFlight(i))
  return most
}

/** Everything else lies above the first ACK. */
function lowestAck(trace: Trace, [first, end]: Range): number {
  for (let i = first; i < end; i++) if (trace.isReceive(i)) return trace.position(i)
  return 0
}
