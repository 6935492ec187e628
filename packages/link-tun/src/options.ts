import { checkOptions, StackError, type OptionSchema } from '@stack/core'

/** Options of `tun`. */
export interface TunOptions {
  /** Device, 1–15 bytes; it is made unless it exists. `%d` in it stands for the first free number. Default `'tun%d'` or `'tap%d'`. */
  readonly name?: string
  /** `'tun'` (default): bare IP packets. `'tap'`: Ethernet frames. */
  readonly mode?: 'tun' | 'tap'
  /** Bytes of the largest network packet, 68–65,535; the device is changed to it, which needs CAP_NET_ADMIN. Default: what the device has (1,500). */
  readonly mtu?: number
  /** Own link address of a TAP link, 6 bytes, not the address of the device: that one is the kernel's. Default: random, locally administered. */
  readonly linkAddress?: Uint8Array
  /** Whether the device stays when it is closed. Default: as it is; a new device goes. */
  readonly persist?: boolean
  /**
   * Whether packets carry a virtio-net header: checksums need not be computed here, and a packet may be up to 64 KiB that the
   * kernel has not cut, or will cut. Default: true where the device can; a kernel that refuses gets the device without. False
   * keeps to packets of the MTU with whole checksums, as they are on a wire, and to a quarter of the packet memory.
   */
  readonly offload?: boolean
}

const SCHEMA: OptionSchema<TunOptions> = {
  name: { type: 'string' },
  mode: { type: 'string', oneOf: ['tun', 'tap'] },
  mtu: { type: 'number', integer: true, min: 68, max: 65535 },
  linkAddress: { type: 'object' },
  persist: { type: 'boolean' },
  offload: { type: 'boolean' },
}

/** IFNAMSIZ without its zero. */
const MAX_NAME = 15
const LINK_ADDRESS_LENGTH = 6
const GROUP_BIT = 1

/** @throws StackError `ERR_STACK_INVALID_OPTION` */
export function checkTunOptions(options: TunOptions): void {
  checkOptions('tun()', options, SCHEMA)
  const { name, linkAddress, mode } = options
  if (name !== undefined && (!/^[^/:\s\0]+$/.test(name) || name === '.' || name === '..' || new TextEncoder().encode(name).length > MAX_NAME)) {
    throw new StackError('ERR_STACK_INVALID_OPTION', `tun(): option 'name' must be 1 to ${MAX_NAME} bytes without '/', ':' and space, received '${name}'.`)
  }
  if (linkAddress === undefined) return
  if (mode !== 'tap') {
    throw new StackError('ERR_STACK_INVALID_OPTION', "tun(): option 'linkAddress' is for mode 'tap'; packets of a TUN device have no link header.")
  }
  if (!(linkAddress instanceof Uint8Array) || linkAddress.length !== LINK_ADDRESS_LENGTH || (linkAddress[0]! & GROUP_BIT) !== 0) {
    throw new StackError('ERR_STACK_INVALID_OPTION', "tun(): option 'linkAddress' must be a Uint8Array of 6 bytes that is not a group address (an even first byte).")
  }
}
