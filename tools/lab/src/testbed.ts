import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStack, type Installed, type LinkEndpoint, type Nic, type StackBase } from '@stack/core'
import { internet, type Internet } from '@stack/preset-internet'
import { tun } from '@stack/link-tun'
import { leaksOf } from '@stack/testing'
import { IPV4, IPV6 } from './addresses.ts'
import { Captures } from './captures.ts'
import { Peer } from './peer.ts'
import { requireDevice } from './requirements.ts'

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
  /** Of the device. Default true. */
  readonly offload?: boolean
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
  const { signal, offload = true } = options
  const folder = mkdtempSync(join(tmpdir(), 'stack-lab-'))
  const stack = createStack({ plugins: [internet()] })
  let peer: Peer | undefined
  let captures: Captures | undefined
  try {
    peer = await Peer.create(signal)
    const device = tun({ name: DEVICE, mode: options.mode, offload })
    const link = options.wrap?.(device) ?? device
    await device.open(signal)
    execFileSync('ip', ['link', 'set', DEVICE, 'netns', peer.pid])
    await peer.run(`ip link set ${DEVICE} up`)
    const families = [IPV4, IPV6]
    for (const { kernel, prefixLength } of families) await peer.run(`ip addr add ${kernel}/${prefixLength} dev ${DEVICE} ${kernel.includes(':') ? 'nodad' : ''}`)
    captures = new Captures(peer, folder, offload)
    await captures.startAtKernel(DEVICE)
    const nic = await stack.addNic(link, { addresses: families.map((family) => `${family.stack}/${family.prefixLength}`), skipDuplicateDetection: true, signal })
    captures.startAtStack(nic)
    // Whatever the body waits for: `destroy` below settles it.
    await Promise.race([body({ stack, nic, peer, folder }), aborted(signal)])
    await stack.close({ timeout: 2000 })
    const leaks = leaksOf(stack)
    if (leaks.length > 0) throw new Error(`the closed stack is not empty: ${leaks.join('; ')}`)
    await captures.stop()
    await captures.check()
  } finally {
    stack.destroy()
    await captures?.stop()
    await peer?.close()
    rmSync(folder, { recursive: true })
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}
