import { Option, type Command } from 'commander'
import { formatLinkAddress } from '@stack/core'
import { captureTo, temporaryCapturePath, type CaptureFile } from '../capture-file.ts'
import { pseudoRandom } from '../content.ts'
import { download, serveContent, CONTENT_PATH, type ContentServer, type Download } from '../download.ts'
import { explain } from '../failure.ts'
import { count, milliseconds, plural, rate, url } from '../format.ts'
import { createNetwork, type Host } from '../network.ts'
import { integer, number } from '../numbers.ts'
import { showProgress } from '../progress.ts'
import { say, type Terminal } from '../terminal.ts'
import { tunDemo } from './demo-tun.ts'

/** Options of `stack demo`. */
export interface DemoOptions {
  /** MB of 2^20 bytes. */
  readonly size: number
  /** Percent. */
  readonly loss: number
  /** ms each way. */
  readonly delay: number
  /** Mbit/s. */
  readonly rate: number
  readonly seed: number
  readonly ipv6?: true
  /** A file, true for one of our choice, false for none. */
  readonly capture?: string | boolean
  readonly tun?: true
  /** s */
  readonly for?: number
}

const PINGS = 3
const HINT_WIDTH = 42
/** What only means something when the network is in memory. */
const WIRE_OPTIONS = ['loss', 'delay', 'rate', 'ipv6']

export function addDemo(program: Command, terminal: Terminal, done: (code: number) => void): void {
  program
    .command('demo')
    .description('Two hosts on an Ethernet in memory: ARP, ping and a download over HTTP. Needs no privileges.')
    .option('--size <MB>', 'bytes to download, in MB of 2^20', integer(1, 65_536), 64)
    .option('--loss <percent>', 'packets that the wire loses, each way', number(0, 100), 0.02)
    .option('--delay <ms>', 'one-way delay', number(0, 60_000), 1)
    .option('--rate <Mbit/s>', 'speed of the wire', number(0.01, 1_000_000), 300)
    .option('--seed <number>', 'makes the losses and the data; the same for the same seed', integer(0, 0xffff_ffff), 1)
    .option('--ipv6', 'over IPv6, with neighbour discovery')
    .option('--capture <file>', 'write the packets there as pcapng (default: a file in the temporary folder)')
    .option('--no-capture', 'write no capture')
    .option('--tun', 'serve on a TUN device of this machine instead (Linux; root or CAP_NET_ADMIN)')
    .addOption(new Option('--for <seconds>', 'with --tun: end after this time').argParser(number(0, 1e6)))
    .action(async (options: DemoOptions, command: Command) => {
      const given = (name: string): boolean => command.getOptionValueSource(name) === 'cli'
      if (options.tun !== true && given('for')) command.error('error: --for goes with --tun; the demo in memory ends by itself', { exitCode: 2 })
      const foreign = options.tun === true ? WIRE_OPTIONS.find(given) : undefined
      if (foreign !== undefined) command.error(`error: --${foreign} is for the wire in memory; leave it out with --tun`, { exitCode: 2 })
      done(await (options.tun === true ? tunDemo(options, terminal) : demo(options, terminal)))
    })
}

async function demo(options: DemoOptions, terminal: Terminal): Promise<number> {
  const content = await pseudoRandom(options.size * 2 ** 20, options.seed)
  const network = await createNetwork({ delay: options.delay, rate: options.rate * 1e6, loss: options.loss / 100, seed: options.seed })
  const { client, server } = network
  const capture = startCapture(options, client)
  try {
    say(terminal, `Two hosts on an Ethernet in memory: ${String(options.rate)} Mbit/s, ${String(options.delay)} ms each way, ${String(options.loss)} % loss (seed ${String(options.seed)}).`)
    const to = options.ipv6 === true ? server.ipv6 : server.ipv4
    for (const [name, host] of Object.entries({ client, server })) {
      say(terminal, `  ${name}  ${options.ipv6 === true ? host.ipv6 : host.ipv4}  ${host.nic.linkAddress ?? ''}`)
    }
    say(terminal)
    showNeighbor(terminal, client, to)
    await ping(terminal, client, to)
    const from = serveContent(server.stack, content)
    const ok = await showDownload(terminal, download(client.stack, to, terminal.interrupted), from, to)
    if (capture !== null) {
      capture.close()
      say(terminal, `PCAP  ${capture.path}  ${plural(capture.packets, 'packet')}; open it with Wireshark or tshark`)
    }
    if (ok) suggest(terminal)
    return ok ? 0 : 1
  } catch (error) {
    terminal.error(`The demo did not finish: ${terminal.interrupted.aborted ? 'interrupted' : explain(error)}.\n`)
    return 1
  } finally {
    capture?.close()
    await network.close()
  }
}

function startCapture({ capture }: DemoOptions, host: Host): CaptureFile | null {
  if (capture === false) return null
  return captureTo(typeof capture === 'string' ? capture : temporaryCapturePath(), host.nic)
}

/** Tells once where the neighbour is. */
function showNeighbor(terminal: Terminal, host: Host, to: string): void {
  const stop = host.stack.on('neighbor-changed', ({ address, linkAddress }) => {
    if (linkAddress === null || address !== to) return
    stop()
    say(terminal, `${to.includes(':') ? 'NDP' : 'ARP'}   ${to} is at ${formatLinkAddress(linkAddress)}`)
  })
}

async function ping(terminal: Terminal, host: Host, to: string): Promise<void> {
  const socket = host.stack.icmp.open(to)
  for (let sequence = 1; sequence <= PINGS && !terminal.interrupted.aborted; sequence++) {
    try {
      const { rtt, ttl, size } = await socket.ping({ sequence, signal: terminal.interrupted })
      say(terminal, `PING  ${String(size + 8)} bytes from ${to}: seq=${String(sequence)} ttl=${String(ttl)} time=${milliseconds(rtt)}`)
    } catch (error) {
      say(terminal, `PING  seq=${String(sequence)}: ${explain(error)}`)
    }
  }
  socket.close()
}

async function showDownload(terminal: Terminal, running: Download, from: ContentServer, to: string): Promise<boolean> {
  say(terminal, `HTTP  GET ${url(to, 80, CONTENT_PATH)}`)
  let shown = { bytes: 0, seconds: 0 }
  const stop = showProgress(terminal, () => {
    const { bytes, size, seconds } = running
    const now = rate((bytes - shown.bytes) / (seconds - shown.seconds))
    shown = { bytes, seconds }
    const percent = size === 0 ? 0 : Math.floor((100 * bytes) / size)
    return `HTTP  ${String(percent).padStart(3)} %  ${now}  ${describeSender(from)}`
  })
  const verified = await running.verified.finally(stop)
  const { bytes, seconds } = running
  say(terminal, `HTTP  ${count(bytes)} bytes in ${seconds.toFixed(2)} s: ${rate(bytes / seconds)}, ${describeSender(from)}`)
  say(terminal, verified ? 'HTTP  sha256 verified' : 'HTTP  sha256 differs: the data arrived changed or cut short')
  return verified
}

function describeSender({ connection }: ContentServer): string {
  if (connection === null) return 'connecting'
  const { smoothedRtt, retransmits } = connection.info()
  return `rtt ${milliseconds(smoothedRtt)}, ${plural(retransmits, 'retransmit')}`
}

function suggest(terminal: Terminal): void {
  const hints = [
    ['demo --loss 1 --delay 20', 'a worse network'],
    ['demo --ipv6', 'the same over IPv6'],
    ['demo --tun', 'a server that curl reaches (Linux, root)'],
    ['ping', 'only ping'],
    ['serve .', 'this folder over HTTP, served by the stack'],
  ] as const
  say(terminal)
  say(terminal, 'Next:')
  for (const [args, what] of hints) {
    const line = terminal.invocation(args)
    if (line !== null) say(terminal, `  ${line.padEnd(HINT_WIDTH)}  ${what}`)
  }
}
