import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { V86 } from 'v86'
import { rate, type Figure } from '../measure.ts'

const PORT = 5001
const CHUNK = 256 * 1024

/** What v86 calls a TCPConnection, as far as it is used here. */
interface Connection {
  readonly sport: number
  readonly state: string
  readonly send_buffer: { readonly length: number }
  on(event: 'connect' | 'data' | 'shutdown', handler: (data: Uint8Array) => void): void
  accept(): void
  write(data: Uint8Array): void
  close(): void
}

/** What v86 calls a FetchNetworkAdapter. */
interface Adapter {
  vm_mac: Uint8Array
  readonly router_mac: Uint8Array
  connect(port: number): Connection
  send(frame: Uint8Array): void
  receive(frame: Uint8Array): void
}

interface Machine {
  readonly adapter: Adapter
  readonly emulator: V86
}

interface Pair {
  readonly client: Adapter
  /** Carries frames, answers included, until there are none. */
  readonly settle: () => void
  readonly close: () => Promise<void>
}

/**
 * The TCP of v86's fake network against itself: the network of one emulator that never runs is the guest of another's. What
 * one sends is copied, as v86 does for its guests, and waits in a queue: its encoder has room for one frame at a time.
 * It computes checksums and verifies none, has one segment in flight and no timers.
 */
async function makePair(mtu: number, accept: (connection: Connection) => void): Promise<Pair> {
  const near = await makeMachine(mtu, '10.0.0.1', '10.0.0.2')
  const far = await makeMachine(mtu, '10.0.0.2', '10.0.0.1')
  near.adapter.vm_mac = far.adapter.router_mac
  far.adapter.vm_mac = near.adapter.router_mac
  const wire: (Uint8Array | Adapter)[] = []
  near.adapter.receive = (frame) => void wire.push(far.adapter, new Uint8Array(frame))
  far.adapter.receive = (frame) => void wire.push(near.adapter, new Uint8Array(frame))
  far.emulator.add_listener('tcp-connection' as 'emulator-ready', (connection: unknown) => {
    accept(connection as Connection)
  })
  return {
    client: near.adapter,
    settle: () => {
      for (let i = 0; i < wire.length; i += 2) {
        ;(wire[i] as Adapter).send(wire[i + 1] as Uint8Array)
        if (i < 1024) continue
        wire.splice(0, i + 2)
        i = -2
      }
      wire.length = 0
    },
    close: async () => {
      await near.emulator.destroy()
      await far.emulator.destroy()
    },
  }
}

async function makeMachine(mtu: number, router_ip: string, vm_ip: string): Promise<Machine> {
  const { V86 } = await import('v86')
  const wasm = new Uint8Array(readFileSync(createRequire(import.meta.url).resolve('v86/build/v86.wasm')))
  const emulator = new V86({
    wasm_fn: async (imports) => new WebAssembly.Instance(await WebAssembly.compile(wasm), imports).exports,
    memory_size: 16 << 20,
    vga_memory_size: 1 << 20,
    autostart: false,
    net_device: { type: 'ne2k', relay_url: 'fetch', router_ip, vm_ip, mtu },
  })
  await new Promise<void>((resolve) => {
    emulator.add_listener('emulator-loaded', () => {
      resolve()
    })
  })
  return { emulator, adapter: (emulator as unknown as { network_adapter: Adapter }).network_adapter }
}

export async function v86Bulk(mtu: number, bytes: number): Promise<Figure> {
  const chunk = new Uint8Array(CHUNK).fill(7)
  let sent = 0
  let got = 0
  let client: Connection | null = null
  const push = (): void => {
    if (client!.send_buffer.length >= CHUNK || sent >= bytes) return
    sent += CHUNK
    client!.write(chunk)
  }
  const pair = await makePair(mtu, (connection) => {
    connection.on('data', (data) => {
      got += data.length
      push()
    })
    connection.accept()
  })
  client = pair.client.connect(PORT)
  pair.settle()
  const result = await rate(bytes / 1e6, () => {
    push()
    pair.settle()
    return Promise.resolve()
  })
  if (got < bytes) throw new Error(`${got} of ${bytes} bytes arrived.`)
  await pair.close()
  return result
}

export async function v86RequestResponse(count: number, size: number): Promise<Figure> {
  const pair = await makePair(1500, echo)
  const message = new Uint8Array(size)
  const client = pair.client.connect(PORT)
  pair.settle()
  let left = count
  client.on('data', () => {
    if (--left > 0) client.write(message)
  })
  const result = await rate(count, () => {
    client.write(message)
    pair.settle()
    return Promise.resolve()
  })
  if (left !== 0) throw new Error(`${left} of ${count} answers are missing.`)
  await pair.close()
  return result
}

export async function v86ConnectRequestClose(count: number): Promise<Figure> {
  // Closed from its handler, a server's FIN overtakes its own ACK, and the two then answer RST with RST for ever.
  let atServer: Connection | null = null
  const pair = await makePair(1500, (connection) => {
    atServer = connection
    echo(connection)
  })
  const message = new Uint8Array(64)
  const result = await rate(count, () => {
    for (let i = 0; i < count; i++) {
      const client = pair.client.connect(PORT)
      client.on('connect', () => {
        client.write(message)
      })
      client.on('data', () => {
        client.close()
      })
      pair.settle()
      atServer!.close()
      pair.settle()
      if (client.state !== 'closed') throw new Error(`Connection ${i} is ${client.state}.`)
    }
    return Promise.resolve()
  })
  await pair.close()
  return result
}

function echo(connection: Connection): void {
  connection.on('data', (data) => {
    connection.write(data)
  })
  connection.accept()
}
