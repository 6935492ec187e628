import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** Seconds after which a command is killed, even when nobody is left to do it. */
const LIMIT = 120

/** A command that runs until it is stopped. */
export interface Service {
  /** What it has printed so far, errors too. */
  readonly output: string
  /** Its exit code, when it ends. */
  readonly ended: Promise<number | null>
  /** Asks it to end (SIGINT), and waits until it has. */
  stop(): Promise<void>
}

/** Another host: a network namespace with the kernel's stack. It ends with this process, whatever happens. */
export class Peer {
  private readonly holder: ChildProcess
  private readonly signal: AbortSignal
  private readonly children = new Set<ChildProcess>()

  private constructor(holder: ChildProcess, signal: AbortSignal) {
    this.holder = holder
    this.signal = signal
  }

  /** @param signal - ends every command that runs */
  static async create(signal: AbortSignal): Promise<Peer> {
    // The namespace lives as long as its holder, and that as long as the pipe from this process.
    const holder = spawn('unshare', ['-n', 'sh', '-c', 'ip link set lo up && echo ready && exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
    const [line] = (await once(holder.stdout, 'data', { signal })) as [Buffer]
    if (!line.toString().startsWith('ready')) throw new Error('the namespace did not come up')
    return new Peer(holder, signal)
  }

  /** Names the namespace to `ip link set … netns`. */
  get pid(): string {
    return String(this.holder.pid)
  }

  /** Runs a shell script in the namespace: what it printed. Rejects when it fails, with what it said. */
  async run(script: string): Promise<string> {
    const child = this.spawn(script)
    const { out, done } = collect(child)
    const code = await done
    this.signal.throwIfAborted()
    if (code !== 0) throw new Error(`${script}\nended with ${code}: ${out.all}`)
    return out.stdout
  }

  /** Starts a command in the namespace and waits until it prints `ready`. */
  async start(command: string, ready: RegExp): Promise<Service> {
    const child = this.spawn(`exec ${command}`)
    const { out, done } = collect(child)
    while (!ready.test(out.all)) {
      if (hasEnded(child)) throw new Error(`${command}\nended: ${out.all}`)
      await Promise.race([once(child.stdout!, 'data'), once(child.stderr!, 'data'), done])
      this.signal.throwIfAborted()
    }
    return {
      get output() {
        return out.all
      },
      ended: done,
      stop: async () => {
        // To the group: `timeout` passes it on.
        signalGroup(child, 'SIGINT')
        await done
      },
    }
  }

  /** Ends all that runs in the namespace, and so the namespace. */
  async close(): Promise<void> {
    for (const child of this.children) signalGroup(child, 'SIGKILL')
    this.holder.stdin!.end()
    if (!hasEnded(this.holder)) await once(this.holder, 'exit')
  }

  private spawn(script: string): ChildProcess {
    const args = ['-s', 'KILL', String(LIMIT), 'nsenter', `--net=/proc/${this.pid}/ns/net`, 'bash', '-o', 'pipefail', '-c', script]
    // A process group of its own, so that all of a pipeline can be ended.
    const child = spawn('timeout', args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    this.children.add(child)
    const abort = (): void => {
      signalGroup(child, 'SIGKILL')
    }
    this.signal.addEventListener('abort', abort, { once: true })
    child.once('exit', () => {
      this.children.delete(child)
      this.signal.removeEventListener('abort', abort)
    })
    return child
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || hasEnded(child)) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // It has just ended.
  }
}

function collect(child: ChildProcess): { out: { stdout: string; all: string }; done: Promise<number | null> } {
  const out = { stdout: '', all: '' }
  child.stdout!.on('data', (data: Buffer) => {
    out.stdout += data.toString()
    out.all += data.toString()
  })
  child.stderr!.on('data', (data: Buffer) => {
    out.all += data.toString()
  })
  const done = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { out, done }
}
