import { kernelBulk, kernelConnectRequestClose, kernelDatagrams, kernelRequestResponse } from './peers/kernel.ts'
import { missingNetstack, netstack } from './peers/netstack.ts'
import { v86Bulk, v86ConnectRequestClose, v86RequestResponse } from './peers/v86.ts'
import { bulk, bulkSync } from './scenarios/bulk.ts'
import { collections } from './scenarios/collections.ts'
import { connectRequestClose } from './scenarios/connections.ts'
import { floor } from './scenarios/floor.ts'
import { lossy } from './scenarios/loss.ts'
import { besideIdle, bulkOfMany, idleBytes } from './scenarios/many.ts'
import { requestResponse, requestResponseSync } from './scenarios/round-trips.ts'
import { install, memory, start } from './scenarios/start.ts'
import { timers } from './scenarios/timers.ts'
import { iperf, iperfThroughRelay } from './scenarios/tun.ts'
import { datagrams } from './scenarios/udp.ts'
import { whyNoNamespace } from './tun/namespace.ts'
import type { Figure, Scenario } from './measure.ts'

const KIB = 1024
const MIB = 1 << 20
const MTU = 1500
const MAX_MTU = 65_535
/** What streams write and read at once. */
const STREAM_PIECE = 64 * KIB
/** Records of TIME-WAIT that a stack keeps by default. */
const TIME_WAIT = 65_536
/** Connections that do nothing while others are measured beside them. */
const IDLE = 100_000
/** Each segment goes its way alone. */
const PLAIN = { softwareGso: false, gro: false } as const

/**
 * Every row of `npm run bench`. "kernel" is Node's own `net` or `dgram` over the loopback of this machine, "netstack" gVisor's,
 * "v86" the TCP of that emulator's fake network.
 * @param scale The part of the work to do: 1 to measure, much less to see whether it runs.
 */
export function scenarios(scale = 1): readonly Scenario[] {
  const n = (count: number): number => Math.max(1, Math.ceil(count * scale))
  const mib = (count: number): number => n(count * MIB)
  const seconds = n(2)
  const hasNetstack = missingNetstack() === null
  const go = (...scenario: (string | number)[]): Record<string, () => Promise<Figure>> => hasNetstack ? { netstack: () => netstack(...scenario) } : {}
  const installed = once(install)
  const loss = (percent: number, suffix: string, offload?: typeof PLAIN): Scenario => ({
    name: `tcp-loss-${percent}${suffix}`, unit: 'ns/B', isCost: true, run: () => lossy(percent / 100, mib(256), offload), peers: { lossless: () => lossy(0, mib(256), offload) },
  })
  // One connection does what a thousand do: the same calls, the same offloads.
  const many = (name: string, size: number): Scenario => ({
    name, unit: 'MB/s', run: () => bulkOfMany(n(1000), mib(2048), size), peers: { one: () => bulk({ mtu: MTU }, mib(1024), {}, undefined, size) },
  })
  return [
    { name: 'floor-1500', unit: 'MB/s', run: () => floor(1448, mib(1024)) },
    { name: 'floor-64k', unit: 'MB/s', run: () => floor(65_483, mib(2048)) },
    {
      name: 'tcp-bulk-1500', unit: 'MB/s', run: () => bulk({ mtu: MTU }, mib(1024), PLAIN),
      peers: { floor: () => floor(1448, mib(1024)), ...go('bulk', MTU, mib(256)), v86: () => v86Bulk(MTU, mib(128)) },
    },
    { name: 'tcp-bulk-1500-sync', unit: 'MB/s', run: () => bulkSync({ mtu: MTU }, mib(1024), PLAIN) },
    {
      name: 'tcp-bulk-gso', unit: 'MB/s', run: () => bulk({ mtu: MTU }, mib(1024)),
      peers: { plain: () => bulk({ mtu: MTU }, mib(1024), PLAIN), floor: () => floor(1448, mib(1024)) },
    },
    { name: 'tcp-bulk-gso-sync', unit: 'MB/s', run: () => bulkSync({ mtu: MTU }, mib(1024)), peers: { plain: () => bulkSync({ mtu: MTU }, mib(1024), PLAIN) } },
    {
      name: 'tcp-bulk-64k', unit: 'MB/s', run: () => bulk({ mtu: MAX_MTU }, mib(2048)),
      peers: {
        floor: () => floor(65_483, mib(1024)), kernel: () => kernelBulk(mib(512)), ...go('bulk', MAX_MTU, mib(512)), v86: () => v86Bulk(MAX_MTU, mib(128)),
      },
    },
    { name: 'tcp-bulk-64k-sync', unit: 'MB/s', run: () => bulkSync({ mtu: MAX_MTU }, mib(2048)) },
    {
      name: 'tcp-bulk-gc', unit: 'GC/s', isCost: true, run: () => collections(mib(4096) / 1e6, () => bulkSync({ mtu: MTU }, mib(4096), {}, STREAM_PIECE)),
      peers: { awaited: () => collections(mib(512) / 1e6, () => bulk({ mtu: MTU }, mib(512))) },
    },
    {
      name: 'tcp-rr', unit: '/s', run: () => requestResponse(n(400_000), 1),
      peers: { kernel: () => kernelRequestResponse(n(50_000), 1), ...go('rr', 1, n(50_000)), v86: () => v86RequestResponse(n(100_000), 1) },
    },
    { name: 'tcp-rr-sync', unit: '/s', run: () => requestResponseSync(n(400_000), 1) },
    {
      name: 'tcp-rr-64', unit: '/s', run: () => requestResponse(n(400_000), 64),
      peers: { kernel: () => kernelRequestResponse(n(50_000), 64), ...go('rr', 64, n(50_000)), v86: () => v86RequestResponse(n(100_000), 64) },
    },
    {
      name: 'tcp-crr', unit: '/s', run: () => connectRequestClose(n(600_000), n(TIME_WAIT)),
      peers: { kernel: () => kernelConnectRequestClose(n(4_000)), ...go('crr', n(20_000)), v86: () => v86ConnectRequestClose(n(100_000)) },
    },
    {
      name: 'udp-1200', unit: '/s', run: () => datagrams(n(1_000_000)),
      peers: { kernel: () => kernelDatagrams(n(100_000)), ...go('udp', n(200_000)) },
    },
    many('tcp-many', 16 * KIB),
    many('tcp-many-64k', 64 * KIB),
    { name: 'tcp-idle-bytes', unit: 'B/end', isCost: true, run: () => idleBytes(n(50_000)) },
    {
      name: 'tcp-bulk-beside-idle', unit: 'MB/s', run: () => besideIdle(n(IDLE), (pair) => bulk({}, mib(1024), {}, pair)),
      peers: { alone: () => bulk({}, mib(1024)) },
    },
    {
      name: 'tcp-rr-beside-idle', unit: '/s', run: () => besideIdle(n(IDLE), (pair) => requestResponse(n(50_000), 1, pair)),
      peers: { alone: () => requestResponse(n(50_000), 1) },
    },
    {
      name: 'tcp-crr-beside-idle', unit: '/s',
      run: () => besideIdle(n(IDLE), (pair) => connectRequestClose(n(30_000), n(TIME_WAIT), pair), { maxTimeWait: n(TIME_WAIT) }),
      peers: { alone: () => connectRequestClose(n(30_000), n(TIME_WAIT)) },
    },
    {
      name: 'udp-beside-idle', unit: '/s', run: () => besideIdle(n(IDLE), (pair) => datagrams(n(200_000), pair)),
      peers: { alone: () => datagrams(n(200_000)) },
    },
    {
      name: 'tun-iperf', unit: 'Gbit/s', whyNot: whyNoNamespace, run: () => iperf('in', seconds),
      peers: { relay: () => iperfThroughRelay('in', seconds), 'no offload': () => iperf('in', seconds, false) },
    },
    {
      name: 'tun-iperf-out', unit: 'Gbit/s', whyNot: whyNoNamespace, run: () => iperf('out', seconds),
      peers: { relay: () => iperfThroughRelay('out', seconds), 'no offload': () => iperf('out', seconds, false) },
    },
    // So many bytes because the engine goes on compiling for the first 200 MiB.
    ...[0.1, 1, 5].flatMap((percent) => [loss(percent, ''), loss(percent, '-plain', PLAIN)]),
    ...(['arm', 'cancel', 'tick'] as const).map((what): Scenario => ({
      name: `timers-${what}`, unit: 'ns', isCost: true, run: () => timers(what, n(1_000_000)), peers: { thousand: () => timers(what, 1000) },
    })),
    { name: 'start', unit: 'ms', isCost: true, run: () => start(installed()) },
    { name: 'start-memory', unit: 'MB', isCost: true, run: () => memory(installed()) },
  ]
}

function once(make: () => string): () => string {
  let made: string | null = null
  return () => (made ??= make())
}
