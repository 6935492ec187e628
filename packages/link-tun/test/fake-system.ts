import type { PacketMemory } from '@stack/buffer'
import type { TunSystem } from '../src/system.ts'

const EAGAIN = 11
const EINVAL = 22

/** Room in the address space for each array beyond the arena. */
const STRIDE = 1 << 20

/** A device in memory. Addresses are offsets in the arena of `memory`; other arrays lie beyond it, one after the other. */
export class FakeSystem implements TunSystem {
  /** Packets from the kernel as it hands them out, in order; a number is an error that `read` gives once. */
  readonly incoming: (Uint8Array | number)[] = []
  /** Packets to the kernel, and the virtio-net header of each. */
  readonly written: Uint8Array[] = []
  readonly writtenHeaders: Uint8Array[] = []
  /** What `write` gives instead of success, in order. */
  readonly writeErrors: number[] = []
  /** What each step gives instead of success, by its name. */
  readonly failures: Partial<Record<'open' | 'socket' | 'setInterface' | 'setPersist' | 'getMtu' | 'setMtu' | 'setHeaderSize', number>> = {}
  /** Whether drivers know the virtio-net header. */
  knowsVnetHeader = true
  /** What may be left to who reads. */
  knownOffloads = 0x6f
  /** Packets have a virtio-net header, as the link asked. */
  hasVnetHeader = false
  readonly pointerSize = 8
  readonly calls: string[] = []
  readonly openDescriptors = new Set<number>()
  deviceMtu = 1500
  waitsFor = { readable: false, writable: false }
  /** As the event loop would: something is up. */
  fire: () => void = () => {}
  private readonly memory: PacketMemory
  private readonly others: Uint8Array[] = []
  private nextDescriptor = 10

  constructor(memory: PacketMemory) {
    this.memory = memory
  }

  open(path: string): number {
    this.calls.push(`open ${path}`)
    return this.failures.open === undefined ? this.descriptor() : -this.failures.open
  }

  socket(): number {
    return this.failures.socket === undefined ? this.descriptor() : -this.failures.socket
  }

  ioctl(_fd: number, request: number, argument: Uint8Array | number): number {
    if (typeof argument === 'number') {
      if (request === 0x400454d0) {
        this.calls.push(`TUNSETOFFLOAD ${argument.toString(16)}`)
        return (argument & ~this.knownOffloads) === 0 ? 0 : -EINVAL
      }
      this.calls.push(`TUNSETPERSIST ${argument}`)
      return -(this.failures.setPersist ?? 0)
    }
    if (request === 0x400454d8 || request === 0x400454dc) {
      this.calls.push(`${request === 0x400454d8 ? 'TUNSETVNETHDRSZ' : 'TUNSETVNETLE'} ${argument[0]}`)
      return -(this.failures.setHeaderSize ?? 0)
    }
    const value = new DataView(argument.buffer, argument.byteOffset + 16)
    const name = new TextDecoder().decode(argument.subarray(0, argument.indexOf(0)))
    switch (request) {
      case 0x400454ca:
        this.calls.push(`TUNSETIFF ${name} ${value.getUint16(0, true).toString(16)}`)
        this.hasVnetHeader = (value.getUint16(0, true) & 0x4000) !== 0
        if (this.hasVnetHeader && !this.knowsVnetHeader) return -EINVAL
        new TextEncoder().encodeInto(name.replace('%d', '0'), argument)
        if (name.endsWith('%d')) argument[name.length - 1] = 0
        return -(this.failures.setInterface ?? 0)
      case 0x8921:
        value.setInt32(0, this.deviceMtu, true)
        return -(this.failures.getMtu ?? 0)
      case 0x8922:
        if (this.failures.setMtu !== undefined) return -this.failures.setMtu
        this.deviceMtu = value.getInt32(0, true)
        this.calls.push(`SIOCSIFMTU ${name} ${this.deviceMtu}`)
        return 0
      default:
        throw new Error(`unknown ioctl ${request.toString(16)}`)
    }
  }

  addressOf(bytes: Uint8Array): number {
    if (bytes === this.memory.bytes) return 0
    let index = this.others.indexOf(bytes)
    if (index < 0) index = this.others.push(bytes) - 1
    return this.memory.size + index * STRIDE
  }

  read(_fd: number, address: number, length: number): number {
    const packet = this.incoming.shift()
    if (packet === undefined) return -EAGAIN
    if (typeof packet === 'number') return -packet
    const taken = packet.subarray(0, length)
    this.at(address, taken.length).set(taken)
    return taken.length
  }

  write(_fd: number, address: number, length: number): number {
    return this.take(this.at(address, length).slice())
  }

  writev(_fd: number, list: number, count: number): number {
    const parts = this.at(list, count * 16)
    const view = new DataView(parts.buffer, parts.byteOffset)
    const bytes: number[] = []
    for (let i = 0; i < count; i++) {
      bytes.push(...this.at(Number(view.getBigUint64(i * 16, true)), Number(view.getBigUint64(i * 16 + 8, true))))
    }
    return this.take(Uint8Array.from(bytes))
  }

  /** Packets about which a virtio-net header, where there is one, says nothing; a number is an error that `read` gives once. */
  receive(...packets: (Uint8Array | number)[]): void {
    for (const packet of packets) {
      this.incoming.push(this.hasVnetHeader && typeof packet !== 'number' ? Uint8Array.of(...new Uint8Array(10), ...packet) : packet)
    }
  }

  private take(packet: Uint8Array): number {
    const error = this.writeErrors.shift() ?? 0
    if (error !== 0) return -error
    this.writtenHeaders.push(packet.slice(0, this.hasVnetHeader ? 10 : 0))
    this.written.push(packet.slice(this.hasVnetHeader ? 10 : 0))
    return packet.length
  }

  private at(address: number, length: number): Uint8Array {
    const { size } = this.memory
    if (address < size) return this.memory.bytes.subarray(address, address + length)
    const at = (address - size) % STRIDE
    return this.others[Math.floor((address - size) / STRIDE)]!.subarray(at, at + length)
  }

  close(fd: number): void {
    if (!this.openDescriptors.delete(fd)) throw new Error(`descriptor ${fd} is not open`)
  }

  watch(_fd: number, ready: () => void): { set(readable: boolean, writable: boolean): void; close(): void } {
    this.fire = ready
    return {
      set: (readable, writable) => {
        this.waitsFor = { readable, writable }
      },
      close: () => {
        this.fire = () => {}
        this.waitsFor = { readable: false, writable: false }
      },
    }
  }

  private descriptor(): number {
    this.openDescriptors.add(this.nextDescriptor)
    return this.nextDescriptor++
  }
}
