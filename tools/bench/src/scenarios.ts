import { bulk, bulkSync } from './scenarios/bulk.ts'
import { connectRequestClose } from './scenarios/connections.ts'
import { floor } from './scenarios/floor.ts'
import { kernelBulk, kernelConnectRequestClose, kernelDatagrams, kernelRequestResponse } from './scenarios/kernel.ts'
import { lossy } from './scenarios/loss.ts'
import { besideIdle, bulkOfMany, idleBytes } from './scenarios/many.ts'
import { requestResponse, requestResponseSync } from './scenarios/round-trips.ts'
import { memory, start } from './scenarios/start.ts'
import { timers } from './scenarios/timers.ts'
import { datagrams } from './scenarios/udp.ts'
import type { Scenario } from './measure.ts'

const MiB = 1 << 20
const MILLION = 1_000_000

/** Every row of `npm run bench`. "kernel" is Node's own `net` or `dgram` over the loopback of this machine. */
export const scenarios: readonly Scenario[] = [
  { name: 'floor-1500', unit: 'MB/s', run: () => floor(1448, 1024 * MiB) },
  { name: 'floor-64k', unit: 'MB/s', run: () => floor(65_483, 2048 * MiB) },
  { name: 'tcp-bulk-1500', unit: 'MB/s', run: () => bulk({ mtu: 1500 }, 256 * MiB), peers: { floor: () => floor(1448, 512 * MiB) } },
  { name: 'tcp-bulk-1500-sync', unit: 'MB/s', run: () => bulkSync({ mtu: 1500 }, 256 * MiB) },
  {
    name: 'tcp-bulk-64k', unit: 'MB/s', run: () => bulk({ mtu: 65535 }, 512 * MiB),
    peers: { kernel: () => kernelBulk(512 * MiB), floor: () => floor(65_483, 1024 * MiB) },
  },
  { name: 'tcp-bulk-64k-sync', unit: 'MB/s', run: () => bulkSync({ mtu: 65535 }, 512 * MiB) },
  { name: 'tcp-rr', unit: '/s', run: () => requestResponse(50_000, 1), peers: { kernel: () => kernelRequestResponse(20_000, 1) } },
  { name: 'tcp-rr-sync', unit: '/s', run: () => requestResponseSync(50_000, 1) },
  { name: 'tcp-rr-64', unit: '/s', run: () => requestResponse(50_000, 64) },
  { name: 'tcp-crr', unit: '/s', run: () => connectRequestClose(60_000), peers: { kernel: () => kernelConnectRequestClose(2_000) } },
  { name: 'udp-1200', unit: '/s', run: () => datagrams(200_000), peers: { kernel: () => kernelDatagrams(50_000) } },
  {
    name: 'tcp-many', unit: 'MB/s', run: () => bulkOfMany(1000, 512 * MiB), peers: { one: () => bulk({ mtu: 1500 }, 256 * MiB) },
  },
  { name: 'tcp-idle-bytes', unit: 'B/end', isCost: true, run: () => idleBytes(50_000) },
  { name: 'tcp-rr-beside-idle', unit: '/s', run: () => besideIdle(50_000, 50_000), peers: { alone: () => requestResponse(50_000, 1) } },
  { name: 'tcp-loss-0.1', unit: 'ns/B', isCost: true, run: () => lossy(0.001, 64 * MiB), peers: { lossless: () => lossy(0, 64 * MiB) } },
  { name: 'tcp-loss-1', unit: 'ns/B', isCost: true, run: () => lossy(0.01, 64 * MiB), peers: { lossless: () => lossy(0, 64 * MiB) } },
  { name: 'tcp-loss-5', unit: 'ns/B', isCost: true, run: () => lossy(0.05, 64 * MiB), peers: { lossless: () => lossy(0, 64 * MiB) } },
  { name: 'timers-arm', unit: 'ns', isCost: true, run: () => timers('arm', MILLION), peers: { thousand: () => timers('arm', 1000) } },
  { name: 'timers-cancel', unit: 'ns', isCost: true, run: () => timers('cancel', MILLION), peers: { thousand: () => timers('cancel', 1000) } },
  { name: 'timers-tick', unit: 'ns', isCost: true, run: () => timers('tick', MILLION), peers: { thousand: () => timers('tick', 1000) } },
  { name: 'start', unit: 'ms', isCost: true, run: start },
  { name: 'start-memory', unit: 'MB', isCost: true, run: memory },
]
