import { StackError, type ErrorCode } from '@stack/core'
import type { TunOptions } from './options.ts'
import { EACCES, EBUSY, EINVAL, ENODEV, ENOENT, ENXIO, EPERM, type TunSystem } from './system.ts'
import { VNET_HEADER } from './virtio.ts'

/** An open device: what {@link openDevice} found out. */
export interface TunDevice {
  readonly fd: number
  /** The name that the kernel gave it. */
  readonly name: string
  /** Bytes, as the kernel has it. */
  readonly mtu: number
  /** Packets carry a virtio-net header. */
  readonly hasVnetHeader: boolean
  /** The kernel cuts datagrams, too. */
  readonly udpGso: boolean
}

const PATH = '/dev/net/tun'

// <linux/if_tun.h>, <linux/sockios.h>
const TUNSETIFF = 0x400454ca
const TUNSETPERSIST = 0x400454cb
const TUNSETOFFLOAD = 0x400454d0
const TUNSETVNETHDRSZ = 0x400454d8
const TUNSETVNETLE = 0x400454dc
const SIOCGIFMTU = 0x8921
const SIOCSIFMTU = 0x8922
const IFF_TUN = 1
const IFF_TAP = 2
const IFF_NO_PI = 0x1000
const IFF_VNET_HDR = 0x4000
const TUN_F_CSUM = 0x01
const TUN_F_TSO4 = 0x02
const TUN_F_TSO6 = 0x04
const TUN_F_TSO_ECN = 0x08
const TUN_F_USO4 = 0x20
const TUN_F_USO6 = 0x40

/** What a kernel may leave to who reads. */
const TCP_OFFLOADS = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN
/** Linux has them since 6.2, and takes datagrams to be cut since then, too. */
const UDP_OFFLOADS = TUN_F_USO4 | TUN_F_USO6

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
  return (options.offload === false ? null : tryOpen(system, options, true)) ?? tryOpen(system, options, false)!
}

/** Closes a device. One that stays must be as its next user expects it, who may not know of offloads. */
export function closeDevice(system: TunSystem, fd: number): void {
  clearOffloads(system, fd)
  system.close(fd)
}

/** @returns null when the kernel refuses the virtio-net header, or what could be the reason of a refusal */
function tryOpen(system: TunSystem, options: TunOptions, hasVnetHeader: boolean): TunDevice | null {
  const fd = system.open(PATH)
  if (fd < 0) throw failure(-fd, 'open', OPEN_ERRORS, PATH)
  let isOpen = false
  try {
    const mode = options.mode ?? 'tun'
    const request = ifreq(options.name ?? `${mode}%d`)
    const flags = (mode === 'tap' ? IFF_TAP : IFF_TUN) | IFF_NO_PI | (hasVnetHeader ? IFF_VNET_HDR : 0)
    new DataView(request.buffer).setUint16(IFREQ_VALUE, flags, true)
    const result = system.ioctl(fd, TUNSETIFF, request)
    if (hasVnetHeader && result === -EINVAL) return null
    check(result, 'ioctl TUNSETIFF', DEVICE_ERRORS, `${options.name ?? mode} (${mode})`)
    const offloads = hasVnetHeader ? setOffloads(system, fd) : clearOffloads(system, fd)
    if (offloads < 0) return null
    const name = nameOf(request)
    if (options.persist !== undefined) {
      check(system.ioctl(fd, TUNSETPERSIST, options.persist ? 1 : 0), 'ioctl TUNSETPERSIST', PERSIST_ERRORS, name)
    }
    const mtu = agreeOnMtu(system, name, options.mtu)
    isOpen = true
    return { fd, name, mtu, hasVnetHeader, udpGso: (offloads & UDP_OFFLOADS) !== 0 }
  } finally {
    if (!isOpen) system.close(fd)
  }
}

/**
 * Agrees with the kernel on the layout of the header and on what it leaves to us. All of this belongs to the device and stays
 * with a persistent one, whereas TUNSETIFF sets anew whether there is a header: so nothing is taken for granted.
 *
 * @returns what is left to us; below zero when the kernel refuses
 */
function setOffloads(system: TunSystem, fd: number): number {
  if (system.ioctl(fd, TUNSETVNETHDRSZ, integer(VNET_HEADER)) < 0 || system.ioctl(fd, TUNSETVNETLE, integer(1)) < 0) return -1
  for (const offloads of [TCP_OFFLOADS | UDP_OFFLOADS, TCP_OFFLOADS]) if (system.ioctl(fd, TUNSETOFFLOAD, offloads) >= 0) return offloads
  return -1
}

/** A kernel that was told to would go on to hand out packets of 64 KiB without checksums, to who cannot see that they are. */
function clearOffloads(system: TunSystem, fd: number): number {
  system.ioctl(fd, TUNSETOFFLOAD, 0)
  return 0
}

function integer(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setInt32(0, value, true)
  return bytes
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
