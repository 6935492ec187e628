import { isIP } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { InvalidArgumentError, type Command } from 'commander'
import { explain } from '../failure.ts'
import { createNetwork, type InternetStack } from '../network.ts'
import { integer } from '../numbers.ts'
import { say, type Terminal } from '../terminal.ts'
import { openTun } from '../tun-network.ts'

interface PingOptions {
  readonly count: number
  readonly size: number
  readonly interval: number
  readonly tun?: true
}

const ICMP_HEADER = 8
const IP_HEADER = { 4: 20, 6: 40 } as const

export function addPing(program: Command, terminal: Terminal, done: (code: number) => void): void {
  program
    .command('ping')
    .description('Ping from the stack: the other host of a network in memory, or with --tun this machine.')
    .argument('[host]', 'an IPv4 or IPv6 address (default: 10.0.0.2; with --tun the kernel)', address)
    .option('--count <number>', 'requests to send', integer(1, 1_000_000), 4)
    .option('--size <bytes>', 'bytes of data in each', integer(0, 65_507), 56)
    .option('--interval <ms>', 'between two requests', integer(0, 3_600_000), 1000)
    .option('--tun', 'from a TUN device of this machine (Linux; root or CAP_NET_ADMIN)')
    .addHelpText('after', '\nThe network in memory has 10.0.0.1 and fd00::1, which ping, and 10.0.0.2 and fd00::2, which answer.')
    .action(async (host: string | undefined, options: PingOptions) => {
      done(await (options.tun === true ? fromTun(host, options, terminal) : inMemory(host, options, terminal)))
    })
}

function address(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError('It must be an IPv4 or IPv6 address; names are not looked up.')
  return text
}

async function inMemory(host: string | undefined, options: PingOptions, terminal: Terminal): Promise<number> {
  const network = await createNetwork()
  try {
    return await ping(network.client.stack, host ?? network.server.ipv4, options, terminal)
  } finally {
    await network.close()
  }
}

async function fromTun(host: string | undefined, options: PingOptions, terminal: Terminal): Promise<number> {
  const network = await openTun()
  try {
    return await ping(network.stack, host ?? network.kernelIpv4, options, terminal)
  } finally {
    await network.close()
  }
}

async function ping(stack: InternetStack, host: string, { count, size, interval }: PingOptions, terminal: Terminal): Promise<number> {
  const { interrupted } = terminal
  const total = size + ICMP_HEADER + IP_HEADER[isIP(host) === 6 ? 6 : 4]
  say(terminal, `PING ${host} ${String(size)}(${String(total)}) bytes of data.`)
  const started = performance.now()
  const times: number[] = []
  let sent = 0
  const socket = stack.icmp.open(host)
  const isInterrupted = (): boolean => interrupted.aborted
  while (sent < count && !isInterrupted()) {
    const sequence = ++sent
    const next = started + sequence * interval
    try {
      const { rtt, ttl } = await socket.ping({ sequence, size, signal: interrupted })
      times.push(rtt)
      say(terminal, `${String(size + ICMP_HEADER)} bytes from ${host}: icmp_seq=${String(sequence)} ttl=${String(ttl)} time=${rtt.toFixed(3)} ms`)
    } catch (error) {
      // Nothing is lost yet when Ctrl-C ends the wait for an answer.
      if (isInterrupted()) sent--
      else say(terminal, `icmp_seq=${String(sequence)}: ${explain(error)}`)
    }
    if (sent < count) await setTimeout(Math.max(0, next - performance.now()), undefined, { signal: interrupted }).catch(() => undefined)
  }
  socket.close()
  summarize(terminal, host, sent, times, performance.now() - started)
  return times.length > 0 ? 0 : 1
}

function summarize(terminal: Terminal, host: string, sent: number, times: readonly number[], elapsed: number): void {
  const loss = sent === 0 ? 0 : (100 * (sent - times.length)) / sent
  say(terminal)
  say(terminal, `--- ${host} ping statistics ---`)
  say(terminal, `${String(sent)} packets transmitted, ${String(times.length)} received, ${String(Math.round(loss))}% packet loss, time ${String(Math.round(elapsed))}ms`)
  if (times.length === 0) return
  const average = times.reduce((sum, time) => sum + time, 0) / times.length
  const deviation = Math.sqrt(times.reduce((sum, time) => sum + (time - average) ** 2, 0) / times.length)
  const numbers = [Math.min(...times), average, Math.max(...times), deviation]
  say(terminal, `rtt min/avg/max/mdev = ${numbers.map((time) => time.toFixed(3)).join('/')} ms`)
}
