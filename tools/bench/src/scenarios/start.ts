import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const HERE = fileURLToPath(new URL('../..', import.meta.url))
const BUILT = fileURLToPath(new URL('../../../../packages/tcp/dist/index.js', import.meta.url))

/** A program of the built packages: two stacks, a connection, a byte. */
const PROGRAM = `
import { createStack } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { pipe } from '@stack/link-pipe'
import { tcp } from '@stack/tcp'
const [left, right] = pipe()
const client = createStack({ plugins: [ipv4(), tcp()] })
const server = createStack({ plugins: [ipv4(), tcp()] })
await client.addNic(left, { addresses: ['10.0.0.1/24'] })
await server.addNic(right, { addresses: ['10.0.0.2/24'] })
const listener = server.tcp.listen({ port: 7 })
const connection = await client.tcp.connect({ host: '10.0.0.2', port: 7 })
await (await listener.accept()).write(Uint8Array.of(1))
await connection.read(new Uint8Array(1))
`

/** An idle stack with a NIC. */
const IDLE = `
import { createStack } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { pipe } from '@stack/link-pipe'
import { tcp } from '@stack/tcp'
const [left] = pipe()
const stack = createStack({ plugins: [ipv4(), tcp()] })
await stack.addNic(left, { addresses: ['10.0.0.1/24'] })
`

/** ms from nothing to the first byte served by the built packages, less what Node itself takes to start. */
export function start(): Promise<number> {
  return Promise.resolve(elapsed(PROGRAM) - elapsed('0'))
}

/** MB of resident memory of an idle stack, over that of Node alone. */
export function memory(): Promise<number> {
  return Promise.resolve((resident(IDLE) - resident('')) / 1e6)
}

function elapsed(program: string): number {
  const begun = performance.now()
  node(`${program}\nprocess.exit()`)
  return performance.now() - begun
}

function resident(program: string): number {
  return Number(node(`${program}\nconsole.log(process.memoryUsage.rss())\nprocess.exit()`))
}

function node(program: string): string {
  if (!existsSync(BUILT)) throw new Error('The packages are not built: npm run build.')
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: HERE, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return stdout
}
