import { createStack, type NicOptions, type StackBase } from '@stack/core'
import { ipv4, type Ipv4 } from '@stack/ipv4'
import { pipe, type PipeOptions } from '@stack/link-pipe'
import { tcp, type Tcp, type TcpOptions } from '@stack/tcp'
import { udp, type Udp } from '@stack/udp'

/** A stack of a benchmark. */
type BenchStack = StackBase & { readonly ipv4: Ipv4; readonly tcp: Tcp; readonly udp: Udp }

/** Two stacks and what ends them. */
export interface Pair {
  readonly client: BenchStack
  readonly server: BenchStack
  /** Addresses of the server. */
  readonly hosts: readonly string[]
  readonly host: string
  readonly close: () => void
}

/** Two stacks in one thread, joined by a pipe on which every checksum is computed and verified. */
export async function makePair(options: PipeOptions = {}, addresses = 1, tcpOptions: TcpOptions = {}, nic: NicOptions = {}): Promise<Pair> {
  const [left, right] = pipe(options)
  const client: BenchStack = createStack({ plugins: [ipv4(), tcp(tcpOptions), udp()] })
  const server: BenchStack = createStack({ plugins: [ipv4(), tcp(tcpOptions), udp()] })
  await client.addNic(left, { ...nic, addresses: ['10.0.0.1/24'] })
  const hosts = Array.from({ length: addresses }, (_, i) => `10.0.0.${String(i + 2)}`)
  await server.addNic(right, { ...nic, addresses: hosts.map((host) => `${host}/24`) })
  return {
    client,
    server,
    hosts,
    host: hosts[0]!,
    close: () => {
      client.destroy()
      server.destroy()
    },
  }
}
