import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStack, type Installed, type LinkEndpoint, type Nic, type StackBase } from '@stack/core'
import { internet, type Internet } from '@stack/preset-internet'
import { tun } from '@stack/link-tun'
import { leaksOf } from '@stack/testing'
import { Capture } from './capture.ts'
import { Peer } from './peer.ts'
import { requireDevice } from './requirements.ts'

/** The two ends of the link in one address family. */
export interface Addresses {
  readonly name: 'IPv4' | 'IPv6'
  readonly stack: string
  readonly kernel: string
  readonly prefixLength: number
  /** How the address stands in a URL. */
  url(address: string): string
}

export const IPV4: Addresses = { name: 'IPv4', stack: '10.77.0.2', kernel: '10.77.0.1', prefixLength: 24, url: (address) => address }
export const IPV6: Addresses = { name: 'IPv6', stack: 'fd77::2', kernel: 'fd77::1', prefixLength: 64, url: (address) => `[${address}]` }

/** Our stack in this process, the kernel's in a namespace, and a TUN or TAP device between them. */
export interface Testbed {
  readonly stack: StackBase & Installed<readonly [Internet]>
  readonly nic: Nic
  readonly peer: Peer
  /** For files; removed at the end. */
  readonly folder: string
}

/** Options of {@link withTestbed}. */
export interface TestbedOptions {
  readonly mode: 'tun' | 'tap'
  /** Tools that the case needs beside those of every case. */
  readonly tools?: readonly string[]
  /** Puts something between the stack and the device. */
  readonly wrap?: (link: LinkEndpoint) => LinkEndpoint
  readonly signal: AbortSignal
}

/** Name of the device: it is made in the namespace of the lab, where nothing else is, and moved to the peer's. */
export const DEVICE = 'lab0'

/**
 * Builds a testbed, runs `body` on it, and takes it down. All that went over the device must decode in tshark, and the stack
 * must leave nothing behind.
 */
export async function withTestbed(options: TestbedOptions, body: (bed: Testbed) => Promise<void>): Promise<void> {
  requireDevice('tcpdump', 'tshark', ...(options.tools ?? []))
  const { signal } = options
  const folder = mkdtempSync(join(tmpdir(), 'stack-lab-'))
  const stack = createStack({ plugins: [internet()] })
  let peer: Peer | undefined
  try {
    peer = await Peer.create(signal)
    const device = tun({ name: DEVICE, mode: options.mode })
    const link = options.wrap?.(device) ?? device
    await device.open(signal)
    execFileSync('ip', ['link', 'set', DEVICE, 'netns', peer.pid])
    await peer.run(`ip link set ${DEVICE} up`)
    const families = [IPV4, IPV6]
    for (const { kernel, prefixLength } of families) await peer.run(`ip addr add ${kernel}/${prefixLength} dev ${DEVICE} ${kernel.includes(':') ? 'nodad' : ''}`)
    const capture = await Capture.start(peer, DEVICE, join(folder, 'capture.pcap'))
    const nic = await stack.addNic(link, { addresses: families.map((family) => `${family.stack}/${family.prefixLength}`), skipDuplicateDetection: true, signal })
    // Whatever the body waits for: `destroy` below settles it.
    await Promise.race([body({ stack, nic, peer, folder }), aborted(signal)])
    await stack.close({ timeout: 2000 })
    const leaks = leaksOf(stack)
    if (leaks.length > 0) throw new Error(`the closed stack is not empty: ${leaks.join('; ')}`)
    await capture.check()
  } finally {
    stack.destroy()
    await peer?.close()
    rmSync(folder, { recursive: true })
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}
