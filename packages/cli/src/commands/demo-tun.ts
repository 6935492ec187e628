import { captureTo } from '../capture-file.ts'
import { pseudoRandom, type Content } from '../content.ts'
import { contentListener, CONTENT_PATH } from '../download.ts'
import { url } from '../format.ts'
import { createHttpServer } from '@stack/node'
import { aborted, say, type Terminal } from '../terminal.ts'
import { openTun } from '../tun-network.ts'
import type { DemoOptions } from './demo.ts'
import { logRequests } from './log-requests.ts'

/** A server of the stack that this machine's kernel reaches. */
export async function tunDemo(options: DemoOptions, terminal: Terminal): Promise<number> {
  const content = await pseudoRandom(options.size * 2 ** 20, options.seed)
  const network = await openTun()
  const { stack, nic, device, ipv4, ipv6, kernelIpv4 } = network
  const capture = typeof options.capture === 'string' ? captureTo(options.capture, nic) : null
  try {
    const server = createHttpServer(stack, contentListener(content))
    logRequests(server, terminal)
    server.listen(80)
    say(terminal, `The stack is at the end of ${device} as ${[ipv4, ipv6].filter((address) => address !== null).join(' and ')}; the kernel is ${kernelIpv4}.`)
    say(terminal)
    say(terminal, 'In another terminal:')
    say(terminal, `  ping -c 3 ${ipv4}`)
    for (const line of curls(ipv4, ipv6)) say(terminal, `  ${line}`)
    say(terminal, `It sends ${String(options.size)} MB with sha256 ${digest(content)}.`)
    say(terminal)
    say(terminal, options.for === undefined ? 'Ctrl-C ends it.' : `It ends after ${String(options.for)} s, or with Ctrl-C.`)
    await aborted(options.for === undefined ? terminal.interrupted : AbortSignal.any([terminal.interrupted, AbortSignal.timeout(options.for * 1000)]))
    server.close()
    server.closeAllConnections()
    return 0
  } finally {
    await network.close()
    capture?.close()
  }
}

function curls(ipv4: string, ipv6: string | null): string[] {
  const line = (host: string): string => `curl -g '${url(host, 80, CONTENT_PATH)}' | sha256sum`
  return ipv6 === null ? [line(ipv4)] : [line(ipv4), line(ipv6)]
}

function digest(content: Content): string {
  return Buffer.from(content.digest, 'base64').toString('hex')
}
