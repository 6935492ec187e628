import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LabCase } from '../case.ts'
import { content } from '../content.ts'
import { Peer, type Service } from '../peer.ts'
import { requireDevice } from '../requirements.ts'

/** The command line from its sources, with the flags that this process has. */
const CLI = [process.execPath, ...process.execArgv, fileURLToPath(new URL('../../../../packages/cli/src/main.ts', import.meta.url))].map((word) => `'${word}'`).join(' ')

const SIZE = 20_000_000

/** The program, with a TUN device that it opens and sets up itself, and the kernel of its own namespace. */
export const cliCases: readonly LabCase[] = [
  {
    name: 'stack serve --tun',
    run: (signal) => withPeer(signal, async (peer, folder) => {
      const { bytes, hash } = content(SIZE)
      writeFileSync(join(folder, 'file'), bytes)
      const server = await start(peer, `serve ${folder} --tun`)
      const urls = [...server.output.matchAll(/^Serving \S+ at (http:\S+)$/gm)].map(([, url]) => url!)
      if (urls.length !== 2) throw new Error(`an address of each family was expected:\n${server.output}`)
      for (const url of urls) {
        await ping(peer, new URL(url).hostname)
        const got = await peer.run(`curl -gsS --fail '${url}file' | sha256sum`)
        if (!got.startsWith(hash)) throw new Error(`curl ${url} got other bytes: ${got}`)
        const missing = await peer.run(`curl -gsS -o /dev/null -w '%{http_code}' '${url}missing'`)
        if (missing !== '404') throw new Error(`what is missing is ${missing}`)
      }
      await interrupt(server)
      // The device has gone with it.
      const links = await peer.run('ip -o link')
      if (links.trim().split('\n').length !== 1) throw new Error(`something is left:\n${links}`)
    }),
  },
  {
    name: 'stack demo --tun',
    run: (signal) => withPeer(signal, async (peer) => {
      const demo = await start(peer, 'demo --tun --size 8')
      const curls = [...demo.output.matchAll(/^ {2}(curl .*)$/gm)].map(([, line]) => line!)
      const hash = /with sha256 ([0-9a-f]{64})/.exec(demo.output)?.[1]
      if (curls.length !== 2 || hash === undefined) throw new Error(`two curl lines and a hash were expected:\n${demo.output}`)
      for (const line of curls) {
        const got = await peer.run(line)
        if (!got.startsWith(hash)) throw new Error(`${line}\ngot other bytes: ${got}`)
      }
      await interrupt(demo)
    }),
  },
  {
    name: 'stack, exit codes',
    run: (signal) => withPeer(signal, async (peer, folder) => {
      await expectCode(peer, 'demo --tun --size 1 --for 0.5', 0)
      await expectCode(peer, `serve ${join(folder, 'missing')} --tun`, 1)
      await expectCode(peer, 'demo --tun --loss 1', 2)
    }),
  },
]

async function withPeer(signal: AbortSignal, body: (peer: Peer, folder: string) => Promise<void>): Promise<void> {
  requireDevice('curl', 'ping', 'sha256sum')
  const folder = mkdtempSync(join(tmpdir(), 'stack-lab-'))
  const peer = await Peer.create(signal)
  try {
    await body(peer, folder)
  } finally {
    await peer.close()
    rmSync(folder, { recursive: true })
  }
}

/** A command of the program that runs until Ctrl-C. */
async function start(peer: Peer, command: string): Promise<Service> {
  return peer.start(`bash -c 'echo "pid $$"; exec "$@"' bash ${CLI} ${command}`, /Ctrl-C ends it/)
}

/** Ctrl-C, which is how it ends well. Once: the second one ends the program whatever it does. */
async function interrupt(service: Service): Promise<void> {
  process.kill(Number(/^pid (\d+)$/m.exec(service.output)![1]), 'SIGINT')
  const code = await service.ended
  if (code !== 0) throw new Error(`it ended with ${code}:\n${service.output}`)
}

async function ping(peer: Peer, host: string): Promise<void> {
  const said = await peer.run(`ping -n -c 3 -i 0.2 -W 2 ${host.replaceAll(/[[\]]/g, '')}`)
  if (!said.includes(' 0% packet loss')) throw new Error(said)
}

async function expectCode(peer: Peer, command: string, code: number): Promise<void> {
  const said = await peer.run(`${CLI} ${command} 2>&1; echo "exit $?"`)
  if (!said.endsWith(`exit ${code}\n`)) throw new Error(`stack ${command}: ${code} was expected\n${said}`)
}
