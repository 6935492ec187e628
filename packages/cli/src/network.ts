import { createStack, type Installed, type Nic, type StackBase } from '@stack/core'
import { netem, type NetemOptions } from '@stack/link-netem'
import { pipe } from '@stack/link-pipe'
import { internet, type Internet } from '@stack/preset-internet'

/** A stack with the usual protocols. */
export type InternetStack = StackBase & Installed<[Internet]>

/** One end of a {@link Network}. */
export interface Host {
  readonly stack: InternetStack
  readonly nic: Nic
  readonly ipv4: string
  readonly ipv6: string
}

/** Two hosts on an Ethernet in memory. */
export interface Network {
  readonly client: Host
  readonly server: Host
  /** Ends both stacks, connections first. */
  readonly close: () => Promise<void>
}

/** ms that connections have to end by themselves. */
const CLOSE_TIMEOUT = 1000

export function internetStack(name: string): InternetStack {
  return createStack({ name, plugins: [internet()] })
}

/** Makes the hosts 10.0.0.1 (client) and 10.0.0.2 (server). `wire` is what each of them does to what it sends. */
export async function createNetwork(wire: NetemOptions = {}): Promise<Network> {
  const [left, right] = pipe({ framing: 'ethernet' })
  const seed = wire.seed ?? 1
  const client = await createHost('client', netem(left, { ...wire, seed }), 1)
  const server = await createHost('server', netem(right, { ...wire, seed: seed + 1 }), 2)
  return {
    client,
    server,
    async close() {
      await Promise.all([client, server].map(({ stack }) => stack.close({ timeout: CLOSE_TIMEOUT })))
    },
  }
}

async function createHost(name: string, link: Parameters<InternetStack['addNic']>[0], number: number): Promise<Host> {
  const stack = internetStack(name)
  const ipv4 = `10.0.0.${String(number)}`
  const ipv6 = `fd00::${String(number)}`
  // Nobody else is on the wire: no second to wait for duplicates.
  const nic = await stack.addNic(link, { name: 'eth0', addresses: [`${ipv4}/24`, `${ipv6}/64`], skipDuplicateDetection: true })
  return { stack, nic, ipv4, ipv6 }
}
