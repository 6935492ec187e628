/**
 * Whole topologies of @stack hosts, routers and bottlenecks in virtual time: the same seed gives the same packets.
 *
 * @example
 * ```ts
 * import { simulation } from '@stack/simulation'
 *
 * const net = simulation({ seed: 1 })
 * const [a, r, b] = [net.host('a'), net.router('r'), net.host('b')]
 * net.wire(a, r, { delay: 1 })
 * const bottleneck = net.wire(r, b, { rate: 10e6, delay: 20, queue: { bdp: 1 } })
 * const flow = net.transfer(a, b)
 * await net.run(5)
 * console.log(flow.goodput(1, 5), bottleneck.there.queue(1, 5).p95)
 * ```
 *
 * @packageDocumentation
 */
export { simulation, type Simulation, type SimulationOptions, type SimulationResult } from './simulation.ts'
export { jainIndex } from './fairness.ts'
export type { Node, NodeOptions, NodeStack } from './topology/node.ts'
export type { DirectionOptions, DirectionSettings, Marking, Outage, QueueLimit, Reordering, WireOptions } from './wire/options.ts'
export type { MarkSettings } from './wire/mark.ts'
export { gilbertElliott, losePackets, randomLoss, type GilbertElliottOptions, type LossDecision, type LossModel } from './wire/loss.ts'
export type { DirectionCounters } from './wire/direction.ts'
export type { QueueFigures } from './wire/queue.ts'
export { QUEUE_SAMPLE_INTERVAL, type Wire, type WireDirection } from './wire/wire.ts'
export type { Interval } from './flow/deliveries.ts'
export type { DatagramFlow, DatagramOptions } from './flow/datagrams.ts'
export type { RttSample } from './flow/rtt.ts'
export type { Trace, TraceRow } from './flow/trace.ts'
export type { Flow, Transfer, TransferOptions } from './flow/transfer.ts'
export { drawFigure, type Bar, type Figure, type Panel, type Point, type Series } from './plot/figure.ts'
export type { Unit } from './plot/ticks.ts'
export { goodputPlot, queuePlot, timeSequencePlot, windowPlot, type PlotOptions } from './plot/plots.ts'
export { goodputTable, queueTable, summaryOf, traceTable } from './tables.ts'
