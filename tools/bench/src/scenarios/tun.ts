import { once } from 'node:events'
import { createStack } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { tun } from '@stack/link-tun'
import { tcp } from '@stack/tcp'
import type { Figure } from '../measure.ts'
import { bareRelay } from '../tun/bare-relay.ts'
import { serveIperf } from '../tun/iperf-server.ts'
import { Namespace } from '../tun/namespace.ts'

const CLIENT = '10.80.0.1'
const SERVER = '10.80.0.2'

/** Who sends: the kernel's TCP to ours, or ours to the kernel's. */
export type Direction = 'in' | 'out'

/** Of what iperf3 prints with -J. */
interface IperfOutput {
  readonly end: { readonly sum_received: { readonly bytes: number; readonly bits_per_second: number } }
}

/** Gbit/s between iperf3 on the kernel's TCP and a server on this stack. */
export async function iperf(direction: Direction, seconds: number, offload = true): Promise<Figure> {
  const link = tun({ offload })
  await link.open()
  const namespace = await Namespace.create(link.name, `${CLIENT}/24`)
  const stack = createStack({ plugins: [ipv4(), tcp()] })
  try {
    await stack.addNic(link, { addresses: [`${SERVER}/24`], skipDuplicateDetection: true })
    const [figure] = await Promise.all([runClient(namespace, direction, seconds), serveIperf(stack.tcp)])
    return figure
  } finally {
    stack.destroy()
    namespace.close()
  }
}

/** Gbit/s between two iperf3 on the kernel's TCP, whose packets this process carries. */
export async function iperfThroughRelay(direction: Direction, seconds: number): Promise<Figure> {
  const relay = bareRelay()
  const near = await Namespace.create(relay.left, `${CLIENT}/24`)
  const far = await Namespace.create(relay.right, `${SERVER}/24`)
  try {
    const server = far.start('iperf3', '-s', '-1', '--forceflush')
    await once(server.stdout!, 'data')
    const figure = await runClient(near, direction, seconds)
    if (server.exitCode === null) await once(server, 'exit')
    return figure
  } finally {
    relay.close()
    near.close()
    far.close()
  }
}

async function runClient(namespace: Namespace, direction: Direction, seconds: number): Promise<Figure> {
  const before = process.cpuUsage()
  const output = await namespace.run('iperf3', '-c', SERVER, '-J', '-t', String(seconds), ...(direction === 'out' ? ['-R'] : []))
  const { user, system } = process.cpuUsage(before)
  const { bytes, bits_per_second: rate } = (JSON.parse(output) as IperfOutput).end.sum_received
  return { value: rate / 1e9, cpu: (user + system) / (bytes / 1e6) }
}
