import { StackError, type ErrorCode } from '@stack/core'
import type { TunOptions } from './options.ts'
import { EACCES, EBUSY, ENODEV, ENOENT, ENXIO, EPERM, type TunSystem } from './system.ts'

/** An open device: what {@link openDevice} found out. */
export interface TunDevice {
  readonly fd: number
  /** The name that the kernel gave it. */
  readonly name: string
  /** Bytes, as the kernel has it. */
  readonly mtu: number
}

const PATH = '/dev/net/tun'

// <linux/if_tun.h>, <linux/sockios.h>
const TUNSETIFF = 0x400454ca
const TUNSETPERSIST = 0x400454cb
const SIOCGIFMTU = 0x8921
const SIOCSIFMTU = 0x8922
const IFF_TUN = 1
const IFF_TAP = 2
const IFF_NO_PI = 0x1000

// struct ifreq: a name, then a union of which flags and MTU are the first bytes.
const IFREQ_SIZE = 40
const IFREQ_NAME_SIZE = 16
const IFREQ_VALUE = 16

/**
 * Opens the device that the options name, or makes it.
 *
 * @throws StackError
 */
export function openDevice(system: TunSystem, options: TunOptions): TunDevice {
  const fd = system.open(PATH)
  if (fd < 0) throw failure(-fd, 'open', OPEN_ERRORS, PATH)
  try {
    const mode = options.mode ?? 'tun'
    const request = ifreq(options.name ?? `${mode}%d`)
    new DataView(request.buffer).setUint16(IFREQ_VALUE, (mode === 'tap' ? IFF_TAP : IFF_TUN) | IFF_NO_PI, true)
    check(system.ioctl(fd, TUNSETIFF, request), 'ioctl TUNSETIFF', DEVICE_ERRORS, `${options.name ?? mode} (${mode})`)
    const name = nameOf(request)
    if (options.persist !== undefined) {
      check(system.ioctl(fd, TUNSETPERSIST, options.persist ? 1 : 0), 'ioctl TUNSETPERSIST', PERSIST_ERRORS, name)
    }
    return { fd, name, mtu: agreeOnMtu(system, name, options.mtu) }
  } catch (error) {
    system.close(fd)
    throw error
  }
}

/** Asks the kernel for the MTU of its side, and has it changed to the one that is wanted. */
function agreeOnMtu(system: TunSystem, name: string, wanted: number | undefined): number {
  const socket = system.socket()
  check(socket, 'socket', {}, name)
  try {
    const request = ifreq(name)
    const value = new DataView(request.buffer)
    check(system.ioctl(socket, SIOCGIFMTU, request), 'ioctl SIOCGIFMTU', {}, name)
    const current = value.getInt32(IFREQ_VALUE, true)
    if (wanted === undefined || wanted === current) return current
    value.setInt32(IFREQ_VALUE, wanted, true)
    check(system.ioctl(socket, SIOCSIFMTU, request), 'ioctl SIOCSIFMTU', MTU_ERRORS, `${name} from ${current} to ${wanted}`)
    return wanted
  } finally {
    system.close(socket)
  }
}

function ifreq(name: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(IFREQ_SIZE)
  new TextEncoder().encodeInto(name, bytes.subarray(0, IFREQ_NAME_SIZE - 1))
  return bytes
}

function nameOf(request: Uint8Array): string {
  const end = request.indexOf(0)
  return new TextDecoder().decode(request.subarray(0, end))
}

/** What an error number means for the step that got it. */
type Explanations = Readonly<Record<number, readonly [ErrorCode, string]>>

const MISSING = ['ENODEV', 'the kernel has no TUN driver here. Run `modprobe tun`; in a container, pass the device in (`--device /dev/net/tun`)'] as const
const NO_RIGHT = ['EACCES', 'this needs CAP_NET_ADMIN, or a device made for you: `sudo ip tuntap add dev NAME mode tun user $USER` (or `mode tap`)'] as const

const OPEN_ERRORS: Explanations = {
  [ENOENT]: MISSING,
  [ENXIO]: MISSING,
  [ENODEV]: MISSING,
  [EACCES]: ['EACCES', 'this process may not read and write it. Let it (`sudo chmod 666 /dev/net/tun` is the usual mode), then make a device for the user: `sudo ip tuntap add dev NAME mode tun user $USER`'],
  [EPERM]: NO_RIGHT,
}
const DEVICE_ERRORS: Explanations = {
  [EPERM]: NO_RIGHT,
  [EACCES]: NO_RIGHT,
  [EBUSY]: ['ERR_STACK_BUSY', 'another program has the device open. Close it or take another name'],
}
const PERSIST_ERRORS: Explanations = { [EPERM]: NO_RIGHT }
const MTU_ERRORS: Explanations = {
  [EPERM]: ['EACCES', 'changing the MTU needs CAP_NET_ADMIN. Leave the option out to use the MTU that the device has, or run `sudo ip link set dev NAME mtu BYTES` first'],
}
/** EINVAL has many reasons; the one that users meet is a device of the other mode. */
const OTHERWISE = 'the kernel refused. Does a device of this name exist, of another kind or mode (`ip -d link`)?'

function check(result: number, syscall: string, explanations: Explanations, subject: string): void {
  if (result < 0) throw failure(-result, syscall, explanations, subject)
}

function failure(errno: number, syscall: string, explanations: Explanations, subject: string): StackError {
  const [code, text] = explanations[errno] ?? (['EINVAL', OTHERWISE] as const)
  return new StackError(code, `tun: ${subject}: ${text}. (${syscall}: errno ${errno})`, { syscall })
}
