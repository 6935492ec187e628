import { stat } from 'node:fs/promises'
import type http from 'node:http'
import type { Command } from 'commander'
import { createHttpServer, type TcpStack } from '@stack/node'
import { CommandFailure, explain } from '../failure.ts'
import { url } from '../format.ts'
import { createNetwork } from '../network.ts'
import { integer } from '../numbers.ts'
import { openRelay } from '../relay.ts'
import { staticFiles } from '../static-files.ts'
import { aborted, say, type Terminal } from '../terminal.ts'
import { openTun } from '../tun-network.ts'
import { logRequests } from './log-requests.ts'

interface ServeOptions {
  readonly port: number
  readonly hostPort: number
  readonly tun?: true
}

export function addServe(program: Command, terminal: Terminal, done: (code: number) => void): void {
  program
    .command('serve')
    .description('Files of a folder over HTTP, served by the stack.')
    .argument('<folder>', 'what to serve; names that begin with a dot are left out')
    .option('--port <number>', 'port on the stack', integer(1, 65_535), 80)
    .option('--host-port <number>', 'port of 127.0.0.1 from where connections are carried to the stack; 0 = any', integer(0, 65_535), 8080)
    .option('--tun', 'on a TUN device of this machine instead (Linux; root or CAP_NET_ADMIN)')
    .action(async (folder: string, options: ServeOptions, command: Command) => {
      if (options.tun === true && command.getOptionValueSource('hostPort') === 'cli') {
        command.error('error: --host-port is for the network in memory; with --tun the stack has an address of its own', { exitCode: 2 })
      }
      done(await serve(folder, options, terminal))
    })
}

async function serve(folder: string, options: ServeOptions, terminal: Terminal): Promise<number> {
  await assertFolder(folder)
  const files = await staticFiles(folder)
  const place = await (options.tun === true ? onTun(options) : inMemory(options))
  const server = listen(place.stack, files, options.port, terminal)
  try {
    for (const address of place.urls) say(terminal, `Serving ${folder} at ${address}`)
    say(terminal, 'Ctrl-C ends it.')
    await aborted(terminal.interrupted)
    return 0
  } finally {
    server.close()
    server.closeAllConnections()
    await place.close()
  }
}

interface Place {
  readonly stack: TcpStack
  readonly urls: readonly string[]
  readonly close: () => Promise<void>
}

async function onTun({ port }: ServeOptions): Promise<Place> {
  const { stack, ipv4, ipv6, close } = await openTun()
  return { stack, urls: [ipv4, ipv6].filter((host) => host !== null).map((host) => url(host, port)), close }
}

async function inMemory({ port, hostPort }: ServeOptions): Promise<Place> {
  const { client, server, close } = await createNetwork()
  try {
    const relay = await openRelay(hostPort, client.stack, { host: server.ipv4, port })
    return {
      stack: server.stack,
      urls: [url('127.0.0.1', relay.port)],
      close: () => {
        relay.close()
        return close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

function listen(stack: TcpStack, files: http.RequestListener, port: number, terminal: Terminal): http.Server {
  const server = createHttpServer(stack, files)
  logRequests(server, terminal)
  return server.listen(port)
}

async function assertFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error: unknown) => {
    throw new CommandFailure(`${folder} cannot be served: ${explain(error)}.`)
  })
  if (!found.isDirectory()) throw new CommandFailure(`${folder} is a file: name the folder that holds it.`)
}
