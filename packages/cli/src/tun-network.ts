import { execFile } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import { promisify } from 'node:util'
import { isStackError, type Nic } from '@stack/core'
import { tun } from '@stack/link-tun'
import { CommandFailure, explain } from './failure.ts'
import { internetStack, type InternetStack } from './network.ts'

const run = promisify(execFile)

/** A stack at one end of a TUN device, the kernel at the other. */
export interface TunNetwork {
  readonly stack: InternetStack
  readonly nic: Nic
  readonly device: string
  /** The stack's addresses; IPv6 is null where the kernel has none. */
  readonly ipv4: string
  readonly ipv6: string | null
  /** The kernel's addresses. */
  readonly kernelIpv4: string
  /** Ends the stack; the device goes with it. */
  readonly close: () => Promise<void>
}

const RIGHTS = 'It needs root or CAP_NET_ADMIN: run it with sudo, or in a network namespace of your own (unshare -rn).'

/** Opens a device, gives both ends addresses and sets the kernel's end up. */
export async function openTun(): Promise<TunNetwork> {
  const subnet = freeSubnet()
  const [ipv4, kernelIpv4] = [`198.18.${String(subnet)}.2`, `198.18.${String(subnet)}.1`]
  const prefix = `fd5f:4c1e:77a0:${(0x100 + subnet).toString(16)}`
  const [ipv6, kernelIpv6] = [`${prefix}::2`, `${prefix}::1`]
  const stack = internetStack('stack')
  try {
    const link = tun({ name: 'stack%d' })
    const nic = await stack.addNic(link, {
      addresses: [`${ipv4}/24`, `${ipv6}/64`],
      gateway: [kernelIpv4, kernelIpv6],
      skipDuplicateDetection: true,
    }).catch((error: unknown) => {
      throw deviceFailure(error)
    })
    await ip('addr', 'add', `${kernelIpv4}/24`, 'dev', link.name)
    // A kernel without IPv6 is no reason to stop.
    const hasIpv6 = await ip('-6', 'addr', 'add', `${kernelIpv6}/64`, 'dev', link.name, 'nodad').then(() => true, () => false)
    await ip('link', 'set', link.name, 'up')
    return {
      stack,
      nic,
      device: link.name,
      ipv4,
      ipv6: hasIpv6 ? ipv6 : null,
      kernelIpv4,
      close: () => stack.close({ timeout: 1000 }),
    }
  } catch (error) {
    stack.destroy()
    throw error
  }
}

/** The first of 198.18.0.0/16 (RFC 2544 benchmarks: nobody's network) that this machine has no address in. */
function freeSubnet(): number {
  const used = new Set(Object.values(networkInterfaces()).flatMap((list) => list ?? []).map(({ address }) => address.split('.').slice(0, 3).join('.')))
  let subnet = 0
  while (used.has(`198.18.${String(subnet)}`) && subnet < 255) subnet++
  return subnet
}

function deviceFailure(error: unknown): unknown {
  return isStackError(error) && error.code === 'EACCES' ? new CommandFailure(`The TUN device cannot be opened. ${RIGHTS}`) : error
}

async function ip(...args: readonly string[]): Promise<void> {
  try {
    await run('ip', args)
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT') throw new CommandFailure('The program `ip` is missing: install iproute2.')
    const said = stderr?.trim() ?? ''
    throw new CommandFailure(`\`ip ${args.join(' ')}\` failed: ${said === '' ? explain(error) : said} ${said.includes('not permitted') ? RIGHTS : ''}`.trim())
  }
}
