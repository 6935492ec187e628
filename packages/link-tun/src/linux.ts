import { StackError } from '@stack/core'
import type koffi from 'koffi'
import type { TunSystem, Watch } from './system.ts'

type Koffi = typeof koffi
type PollHandle = ReturnType<Koffi['node']['poll']>

const O_RDWR = 0o2
const O_NONBLOCK = 0o4000
const O_CLOEXEC = 0o2000000
const AF_INET = 2
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = O_CLOEXEC

/**
 * The system calls of Linux through koffi, which is loaded here and not before: the package can be imported anywhere.
 *
 * @throws StackError `ERR_STACK_NOT_SUPPORTED`
 */
export async function loadLinux(): Promise<TunSystem> {
  if (process.platform !== 'linux') {
    throw new StackError('ERR_STACK_NOT_SUPPORTED', `tun: TUN and TAP devices are there on Linux only, this is ${process.platform}. Use another link, such as @stack/link-channel.`)
  }
  try {
    const { default: koffi } = await import('koffi')
    return bind(koffi)
  } catch (cause) {
    throw new StackError('ERR_STACK_NOT_SUPPORTED', `tun: the package koffi, which calls the system, does not load on this machine (${process.arch}). Reinstall @stack/link-tun with its dependencies.`, { cause })
  }
}

function bind(koffi: Koffi): TunSystem {
  const libc = koffi.load(null)
  const open = libc.func('open', 'int', ['str', 'int'])
  const socket = libc.func('socket', 'int', ['int', 'int', 'int'])
  const ioctlPointer = libc.func('ioctl', 'int', ['int', 'ulong', 'void *'])
  const ioctlInteger = libc.func('ioctl', 'int', ['int', 'ulong', 'long'])
  // Addresses as numbers: a view per packet, to read or write in the middle of a slot, would cost more than the call.
  const read = libc.func('read', 'int', ['int', 'uintptr_t', 'uint32_t'])
  const write = libc.func('write', 'int', ['int', 'uintptr_t', 'uint32_t'])
  const writev = libc.func('writev', 'int', ['int', 'uintptr_t', 'int'])
  const close = libc.func('close', 'int', ['int'])
  const answer = (result: number): number => (result < 0 ? -koffi.errno() : result)
  return {
    open: (path) => answer(open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC) as number),
    socket: () => answer(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) as number),
    ioctl: (fd, request, argument) => answer((typeof argument === 'number' ? ioctlInteger(fd, request, argument) : ioctlPointer(fd, request, argument)) as number),
    addressOf: (bytes) => Number(koffi.address(bytes)),
    read: (fd, address, length) => answer(read(fd, address, length) as number),
    write: (fd, address, length) => answer(write(fd, address, length) as number),
    writev: (fd, list, count) => answer(writev(fd, list, count) as number),
    pointerSize: koffi.sizeof('void *') as 4 | 8,
    close: (fd) => void close(fd),
    watch: (fd, ready) => new LoopWatch(koffi, fd, ready),
  }
}

/**
 * Waits in the event loop itself (epoll, through libuv), and closing it ends the wait at once. A blocking `poll` in an
 * asynchronous call would keep one of koffi's few threads busy for each idle link, and cost two changes of thread a batch.
 * It never holds the process; that is up to the stack.
 */
class LoopWatch implements Watch {
  readonly #koffi: Koffi
  readonly #fd: number
  readonly #ready: () => void
  #handle: PollHandle | null = null
  #isPending = false
  #isClosed = false

  constructor(koffi: Koffi, fd: number, ready: () => void) {
    this.#koffi = koffi
    this.#fd = fd
    this.#ready = ready
  }

  set(readable: boolean, writable: boolean): void {
    if (this.#isClosed) return
    if (!readable && !writable) {
      this.#handle?.stop()
    } else if (this.#handle === null) {
      this.#handle = this.#koffi.node.poll(this.#fd, { readable, writable }, this.#onEvent)
      this.#handle.unref()
    } else {
      this.#handle.start({ readable, writable }, this.#onEvent)
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#handle?.close()
    this.#handle = null
  }

  /**
   * koffi calls this outside of any callback scope of Node: microtasks would not run after it, and nobody would catch
   * what it throws. An immediate, which comes next in the same round of the loop, has both.
   */
  readonly #onEvent = (): void => {
    if (this.#isPending) return
    this.#isPending = true
    setImmediate(this.#onImmediate)
  }

  readonly #onImmediate = (): void => {
    this.#isPending = false
    if (!this.#isClosed) this.#ready()
  }
}
