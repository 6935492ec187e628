/**
 * The few system calls that a TUN device needs. Answers below zero are negated error numbers; nothing here throws, so
 * that the packet path can use it. Tests put a fake in its place.
 */
export interface TunSystem {
  /** Opens a file for non-blocking reading and writing: a descriptor. */
  open(path: string): number
  /** A datagram socket, to ask and tell the kernel about devices: a descriptor. */
  socket(): number
  /** `argument` is an integer or a structure that the kernel may fill in. */
  ioctl(fd: number, request: number, argument: Uint8Array | number): number
  /** Where `bytes` lies in the address space of this process. It must not move: the arena of a packet memory does not. */
  addressOf(bytes: Uint8Array): number
  /** Reads one packet to `address`: its length, cut off at `length`. */
  read(fd: number, address: number, length: number): number
  /** Writes one packet from `address`. */
  write(fd: number, address: number, length: number): number
  /** Writes one packet in `count` parts; an array of `struct iovec` at `list` says where they are. */
  writev(fd: number, list: number, count: number): number
  /** Bytes of an address, and of a length, in `struct iovec`. */
  readonly pointerSize: 4 | 8
  close(fd: number): void
  /** Calls `ready` from a macrotask of its own when the descriptor can do what the watch waits for, or has failed. Sleeps at first. */
  watch(fd: number, ready: () => void): Watch
}

/** Waits for a descriptor, without keeping the process alive. */
export interface Watch {
  /** What to wait for. Nothing = sleep. */
  set(readable: boolean, writable: boolean): void
  /** To be called before the descriptor is closed. */
  close(): void
}

// Error numbers of Linux, the same on all its architectures that Node runs on.
export const EPERM = 1
export const ENOENT = 2
export const EINTR = 4
export const EIO = 5
export const ENXIO = 6
export const EAGAIN = 11
export const EACCES = 13
export const EBUSY = 16
export const ENODEV = 19
export const EINVAL = 22
