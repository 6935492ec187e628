import { ChecksumState, type Packet } from '@stack/buffer'
import { createStack, type Framing, type Nic, type StackBase } from '@stack/core'
import { pipe } from '@stack/link-pipe'
import { fakeNic, manualClock, type FakeNic, type ManualClock } from '@stack/testing'
import { MAC_A } from './packets.ts'

export interface Bench {
  readonly clock: ManualClock
  readonly stack: StackBase
  readonly nic: Nic
  /** The other end of the wire. */
  readonly far: FakeNic
  /** Sends a network packet to `far`, from outside the stack's turn. */
  send(protocol: number, bytes: Uint8Array, prepare?: (packet: Packet) => void): Promise<void>
  /** Lets bytes come in. */
  receive(...frames: Uint8Array[]): Promise<void>
}

/** A stack without protocols, on a NIC. Its end has the link address MAC_B. */
export async function bench(framing: Framing, trustChecksums = false): Promise<Bench> {
  const clock = manualClock({ wall: Date.UTC(2026, 0, 1) })
  const [left, right] = pipe({ framing, trustChecksums, linkAddresses: [Uint8Array.from([2, 0, 0, 0, 0, 2]), Uint8Array.from(MAC_A)] })
  const stack = createStack({ plugins: [], clock })
  const nic = await stack.addNic(left, { name: 'net0' })
  const far = fakeNic(clock)
  far.attach(right)
  return {
    clock, stack, nic, far,
    send: async (protocol, bytes, prepare) => {
      const packet = stack.memory.allocate(64, bytes.length)!
      packet.append(bytes, 0, bytes.length)
      prepare?.(packet)
      nic.networkInterface.writePacketTo(framing === 'ethernet' ? Uint8Array.from(MAC_A) : null, protocol, packet)
      await clock.settle()
    },
    receive: async (...frames) => {
      far.send(...frames)
      await clock.settle()
    },
  }
}

/** Leaves the checksum of a transport header, 20 bytes into an IPv4 packet, unfinished. */
export function partial(offset: number, pseudoSum: number): (packet: Packet) => void {
  return (packet) => {
    packet.checksumState = ChecksumState.Partial
    packet.checksumStart = packet.start + 20
    packet.checksumOffset = offset
    packet.view.setUint16(packet.start + 20 + offset, pseudoSum)
  }
}

interface PcapngPacket {
  readonly interfaceId: number
  readonly micros: number
  readonly flags: number
  readonly length: number
  readonly bytes: Uint8Array
}

export interface Pcapng {
  readonly interfaces: readonly { readonly name: string; readonly linkType: number; readonly snapLength: number; readonly resolution: number }[]
  readonly packets: readonly PcapngPacket[]
}

/** Reads blocks strictly: lengths at both ends agree, padding is there, options end. */
export function readPcapng(blocks: readonly Uint8Array[]): Pcapng {
  const interfaces: Pcapng['interfaces'][number][] = []
  const packets: PcapngPacket[] = []
  for (const [index, block] of blocks.entries()) {
    const view = new DataView(block.buffer, block.byteOffset, block.length)
    const type = view.getUint32(0, true)
    if (view.getUint32(4, true) !== block.length || view.getUint32(block.length - 4, true) !== block.length || block.length % 4 !== 0) {
      throw new Error(`block ${index}: lengths do not agree`)
    }
    if ((type === 0x0a0d0d0a) !== (index === 0)) throw new Error(`block ${index}: one section header, first`)
    if (type === 1) {
      const options = readOptions(block, view, 16)
      interfaces.push({ linkType: view.getUint16(8, true), snapLength: view.getUint32(12, true), name: new TextDecoder().decode(options.get(2)), resolution: options.get(9)![0]! })
    } else if (type === 6) {
      const captured = view.getUint32(20, true)
      const options = readOptions(block, view, 28 + Math.ceil(captured / 4) * 4)
      packets.push({
        interfaceId: view.getUint32(8, true),
        micros: view.getUint32(12, true) * 2 ** 32 + view.getUint32(16, true),
        length: view.getUint32(24, true),
        bytes: block.slice(28, 28 + captured),
        flags: options.get(2)![0]!,
      })
    }
  }
  return { interfaces, packets }
}

function readOptions(block: Uint8Array, view: DataView, start: number): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>()
  for (let at = start; ;) {
    const code = view.getUint16(at, true)
    const length = view.getUint16(at + 2, true)
    at += 4
    if (code === 0) {
      if (length !== 0 || at !== block.length - 4) throw new Error('the options do not end where the block does')
      return options
    }
    options.set(code, block.slice(at, at + length))
    at += Math.ceil(length / 4) * 4
  }
}
