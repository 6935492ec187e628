import { bulk, bulkSync } from './scenarios/bulk.ts'
import { connectRequestClose } from './scenarios/connections.ts'
import { requestResponse, requestResponseSync } from './scenarios/round-trips.ts'
import { datagrams } from './scenarios/udp.ts'
import { kernelBulk, kernelConnectRequestClose, kernelDatagrams, kernelRequestResponse } from './scenarios/kernel.ts'
import type { Scenario } from './measure.ts'

const MiB = 1 << 20

/** Every row of `npm run bench`. "kernel" is Node's own `net` or `dgram` over the loopback of this machine. */
export const scenarios: readonly Scenario[] = [
  { name: 'tcp-bulk-1500', unit: 'MB/s', run: () => bulk({ mtu: 1500 }, 256 * MiB) },
  { name: 'tcp-bulk-1500-sync', unit: 'MB/s', run: () => bulkSync({ mtu: 1500 }, 256 * MiB) },
  { name: 'tcp-bulk-64k', unit: 'MB/s', run: () => bulk({ mtu: 65535 }, 512 * MiB), peers: { kernel: () => kernelBulk(512 * MiB) } },
  { name: 'tcp-bulk-64k-sync', unit: 'MB/s', run: () => bulkSync({ mtu: 65535 }, 512 * MiB) },
  { name: 'tcp-rr', unit: '/s', run: () => requestResponse(50_000, 1), peers: { kernel: () => kernelRequestResponse(20_000, 1) } },
  { name: 'tcp-rr-sync', unit: '/s', run: () => requestResponseSync(50_000, 1) },
  { name: 'tcp-rr-64', unit: '/s', run: () => requestResponse(50_000, 64) },
  { name: 'tcp-crr', unit: '/s', run: () => connectRequestClose(60_000), peers: { kernel: () => kernelConnectRequestClose(2_000) } },
  { name: 'udp-1200', unit: '/s', run: () => datagrams(200_000), peers: { kernel: () => kernelDatagrams(50_000) } },
]
