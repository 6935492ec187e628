import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'

/** Seconds after which a command is killed, even when nobody is left to do it. */
const LIMIT = 60

/** Why no namespace with a TUN device and iperf3 can be made here; null = it can. */
export function whyNoNamespace(): string | null {
  if (!existsSync('/dev/net/tun')) return 'needs /dev/net/tun'
  const tools = ['ip', 'nsenter', 'timeout', 'iperf3'].filter((tool) => spawnSync('which', [tool], { stdio: 'ignore' }).status !== 0)
  if (tools.length > 0) return `needs ${tools.join(', ')}`
  return spawnSync('unshare', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? null : 'needs root with the right to make network namespaces'
}

/** A network namespace with the kernel's TCP, which ends with this process. */
export class Namespace {
  private readonly holder: ChildProcess

  private constructor(holder: ChildProcess) {
    this.holder = holder
  }

  /** @param device - a device of this namespace that moves there, up and with `address` */
  static async create(device: string, address: string): Promise<Namespace> {
    // It lives as long as its holder, and that as long as the pipe from this process.
    const holder = spawn('unshare', ['-n', 'sh', '-c', 'ip link set lo up && echo ready && exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(holder.stdout, 'data')
    const namespace = new Namespace(holder)
    execFileSync('ip', ['link', 'set', device, 'netns', String(holder.pid)])
    await namespace.run('ip', 'link', 'set', device, 'up')
    await namespace.run('ip', 'addr', 'add', address, 'dev', device)
    return namespace
  }

  /** Runs a command there; resolves with what it printed. */
  async run(...command: string[]): Promise<string> {
    const child = this.start(...command)
    let output = ''
    child.stdout!.on('data', (data: Buffer) => {
      output += data.toString()
    })
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${String(code)}: ${output}`)
    return output
  }

  /** Starts a command there. It is killed after a minute. */
  start(...command: string[]): ChildProcess {
    const args = ['-s', 'KILL', String(LIMIT), 'nsenter', `--net=/proc/${String(this.holder.pid)}/ns/net`, ...command]
    return spawn('timeout', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  }

  close(): void {
    this.holder.stdin!.end()
  }
}
