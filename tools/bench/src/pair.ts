import { createStack, type Installed, type StackBase } from '@stack/core'
import { ipv4, type Ipv4 } from '@stack/ipv4'
import { pipe, type PipeOptions } from '@stack/link-pipe'
import { tcp, type Tcp } from '@stack/tcp'
import { udp, type Udp } from '@stack/udp'

/** A stack of a benchmark. */
export type BenchStack = StackBase & { readonly ipv4: Ipv4; readonly tcp: Tcp; readonly udp: Udp }

/** Two stacks and what ends them. */
export interface Pair {
  readonly client: BenchStack
  readonly server: BenchStack
  readonly host: string
  close(): void
}

/** Two stacks in one thread, joined by a pipe on which every checksum is computed and verified. */
export async function makePair(options: PipeOptions = {}): Promise<Pair> {
  const [left, right] = pipe(options)
  const plugins = (): [ReturnType<typeof ipv4>, ReturnType<typeof tcp>, ReturnType<typeof udp>] => [ipv4(), tcp({ timeWait: 10 }), udp()]
  const client: BenchStack & Installed<ReturnType<typeof plugins>> = createStack({ plugins: plugins() })
  const server: BenchStack = createStack({ plugins: plugins() })
  await client.addNic(left, { addresses: ['10.0.0.1/24'] })
  await server.addNic(right, { addresses: ['10.0.0.2/24'] })
  return {
    client,
    server,
    host: '10.0.0.2',
    close() {
      client.destroy()
      server.destroy()
    },
  }
}
