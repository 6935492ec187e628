import koffi from 'koffi'

const O_RDWR = 0o2
const O_NONBLOCK = 0o4000
const TUNSETIFF = 0x400454ca
const TUNSETOFFLOAD = 0x400454d0
const IFF_TUN = 1
const IFF_NO_PI = 0x1000
const IFF_VNET_HDR = 0x4000
/** Checksums, TCP over IPv4 and IPv6, ECN. */
const OFFLOADS = 0xf
const IFREQ_SIZE = 40
const IFREQ_FLAGS = 16
/** A packet of 64 KiB behind its virtio-net header. */
const BUFFER = 65_546
/** Packets of one side before the other has its turn. */
const BUDGET = 64

/** Two TUN devices in this namespace. */
export interface BareRelay {
  readonly left: string
  readonly right: string
  close(): void
}

/** Carries packets of up to 64 KiB between two TUN devices, and nothing else: what Node can do, without a stack. */
export function bareRelay(): BareRelay {
  const libc = koffi.load(null)
  const open = libc.func('open', 'int', ['str', 'int'])
  const read = libc.func('read', 'int', ['int', 'uintptr_t', 'uint32_t'])
  const write = libc.func('write', 'int', ['int', 'uintptr_t', 'uint32_t'])
  const closeFile = libc.func('close', 'int', ['int'])
  const ioctlPointer = libc.func('ioctl', 'int', ['int', 'ulong', 'void *'])
  const ioctlInteger = libc.func('ioctl', 'int', ['int', 'ulong', 'long'])
  const buffer = new Uint8Array(BUFFER)
  const address = Number(koffi.address(buffer))

  const openDevice = (): { readonly fd: number; readonly name: string } => {
    const fd = open('/dev/net/tun', O_RDWR | O_NONBLOCK) as number
    const request = new Uint8Array(IFREQ_SIZE)
    new TextEncoder().encodeInto('tun%d', request)
    new DataView(request.buffer).setUint16(IFREQ_FLAGS, IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, true)
    if (fd < 0 || ioctlPointer(fd, TUNSETIFF, request) < 0 || ioctlInteger(fd, TUNSETOFFLOAD, OFFLOADS) < 0) throw new Error('No TUN device can be made.')
    return { fd, name: new TextDecoder().decode(request.subarray(0, request.indexOf(0))) }
  }

  const left = openDevice()
  const right = openDevice()
  /** @returns whether there may be more */
  const carry = (from: number, to: number): boolean => {
    for (let i = 0; i < BUDGET; i++) {
      // The buffer is named here so that it lives as long as this: who has but its address does not hold it.
      const length = read(from, address, buffer.length) as number
      if (length <= 0) return false
      write(to, address, length)
    }
    return true
  }
  let isPending = false
  let isClosed = false
  const pump = (): void => {
    isPending = false
    if (isClosed) return
    const isMore = [carry(left.fd, right.fd), carry(right.fd, left.fd)].includes(true)
    if (isMore) wake()
  }
  const wake = (): void => {
    if (isPending) return
    isPending = true
    setImmediate(pump)
  }
  const watches = [left, right].map(({ fd }) => koffi.node.poll(fd, { readable: true, writable: false }, wake))
  return {
    left: left.name,
    right: right.name,
    close() {
      isClosed = true
      for (const watch of watches) watch.close()
      closeFile(left.fd)
      closeFile(right.fd)
    },
  }
}
