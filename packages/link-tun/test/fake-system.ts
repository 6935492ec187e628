import type { PacketMemory } from '@stack/buffer'
import type { TunSystem } from '../src/system.ts'

const EAGAIN = 11

/** A device in memory. Addresses are offsets in the arena of `memory`; what the link passes around as scratch is beyond it. */
export class FakeSystem implements TunSystem {
  /** Packets from the kernel, in order; a number is an error that `read` gives once. */
  readonly incoming: (Uint8Array | number)[] = []
  readonly written: Uint8Array[] = []
  /** What `write` gives instead of success, in order. */
  readonly writeErrors: number[] = []
  /** What each step gives instead of success, by its name. */
  readonly failures: Partial<Record<'open' | 'socket' | 'setInterface' | 'setPersist' | 'getMtu' | 'setMtu', number>> = {}
  readonly calls: string[] = []
  readonly openDescriptors = new Set<number>()
  deviceMtu = 1500
  waitsFor = { readable: false, writable: false }
  /** As the event loop would: something is up. */
  fire: () => void = () => {}
  private readonly memory: PacketMemory
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
      this.calls.push(`TUNSETPERSIST ${argument}`)
      return -(this.failures.setPersist ?? 0)
    }
    const value = new DataView(argument.buffer, argument.byteOffset + 16)
    const name = new TextDecoder().decode(argument.subarray(0, argument.indexOf(0)))
    switch (request) {
      case 0x400454ca:
        this.calls.push(`TUNSETIFF ${name} ${value.getUint16(0, true).toString(16)}`)
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
    return bytes === this.memory.bytes ? 0 : this.memory.size
  }

  read(_fd: number, address: number, length: number): number {
    const packet = this.incoming.shift()
    if (packet === undefined) return -EAGAIN
    if (typeof packet === 'number') return -packet
    const taken = Math.min(length, packet.length)
    if (address < this.memory.size) this.memory.bytes.set(packet.subarray(0, taken), address)
    return taken
  }

  write(_fd: number, address: number, length: number): number {
    const error = this.writeErrors.shift() ?? 0
    if (error !== 0) return -error
    this.written.push(this.memory.bytes.slice(address, address + length))
    return length
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
