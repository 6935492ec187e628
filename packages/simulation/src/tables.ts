import type { DatagramFlow } from './flow/datagrams.ts'
import type { Transfer } from './flow/transfer.ts'
import type { Trace } from './flow/trace.ts'
import type { SimulationResult } from './simulation.ts'
import { QUEUE_SAMPLE_INTERVAL, type Wire, type WireDirection } from './wire/wire.ts'

/** The trace of a transfer as lines of CSV, a line for each segment and timeout, without line ends. Times in s, `srtt` and `rto` in ms. */
export function* traceTable(trace: Trace): Generator<string> {
  yield 'time,kind,reason,flags,seq,ack,length,window,cwnd,ssthresh,srtt,rto,in_flight,send_buffer,receive_buffer,state'
  for (const row of trace.rows()) {
    const { kind, reason, flags, seq, ack, length, window, cwnd, ssthresh, srtt, rto, inFlight, sendBuffer, receiveBuffer, state } = row
    yield `${decimal(row.time, 6)},${kind},${reason},${flags},${seq},${ack},${length},${window},${cwnd},${ssthresh},${decimal(srtt, 3)},${decimal(rto, 3)},${inFlight},${sendBuffer},${receiveBuffer},${state}`
  }
}

/** Goodput of each flow over time as lines of CSV: `time` s, then bit/s of each flow. All flows have the interval of the first. */
export function* goodputTable(flows: readonly (Transfer | DatagramFlow)[]): Generator<string> {
  const columns = flows.map(({ intervals }) => intervals)
  yield ['time', ...flows.map(({ name }) => quoted(name))].join(',')
  for (const [i, { at }] of (columns[0] ?? []).entries()) {
    yield [decimal(at, 3), ...columns.map((column) => Math.round(column[i]?.bitsPerSecond ?? 0))].join(',')
  }
}

/** The queue of one direction of a wire as lines of CSV: `time` s, bytes at that instant, the most since the line before. */
export function* queueTable(direction: WireDirection): Generator<string> {
  const { queueSamples, queuePeaks } = direction
  yield 'time,bytes,peak'
  for (let i = 0; i < queueSamples.length; i++) {
    yield `${decimal(((i + 1) * QUEUE_SAMPLE_INTERVAL) / 1000, 3)},${Math.round(queueSamples[i]!)},${Math.round(queuePeaks[i]!)}`
  }
}

/** A result in figures, for `JSON.stringify`: rates in bit/s, times in s unless the name says ms, sizes in bytes. */
export function summaryOf(result: SimulationResult): object {
  return {
    seed: result.seed,
    seconds: result.seconds,
    jain: result.jain(),
    flows: result.flows.map((flow) => ({
      name: flow.name, kind: flow.kind, start: flow.start, bytes: flow.bytes, goodput: Math.round(flow.goodput()),
      ...(flow.kind === 'tcp' ? transferFigures(flow) : { sent: flow.sent, received: flow.received }),
    })),
    wires: result.wires.map(wireFigures),
  }
}

function transferFigures(flow: Transfer): object {
  const { openedAt, finishedAt, error, retransmits, timeouts, info } = flow
  const rtts = flow.roundTrips.map(({ rtt }) => rtt).sort((a, b) => a - b)
  return {
    openedAt, finishedAt, error, retransmits, timeouts,
    segmentsSent: info?.segmentsSent ?? 0,
    rttMs: rtts.length === 0 ? null : { min: rtts[0], median: rtts[rtts.length >> 1], max: rtts.at(-1) },
  }
}

function wireFigures({ name, there, back }: Wire): object {
  const figures = (direction: WireDirection): object => {
    const { settings, counters } = direction
    return {
      rate: settings.rate === Infinity ? null : settings.rate,
      delayMs: settings.delay,
      queueLimit: settings.limitBytes === Infinity ? null : settings.limitBytes,
      queue: direction.queue(),
      ...counters,
    }
  }
  return { name, there: figures(there), back: figures(back) }
}

function decimal(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)))
}

function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
