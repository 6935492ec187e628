import type { Packet } from '@stack/buffer'
import type { Host, Timer } from '@stack/core'

/** ms until fragments are forgotten. */
const TIMEOUT = 30_000
const LIMIT = 64

interface Train {
  readonly fragments: Packet[]
  readonly timer: Timer
}

/** Fragments of {@link plainNetwork} until they are whole. A packet's `start` is at its payload, `networkHeader` at its header. */
export class PlainReassembly {
  private readonly trains = new Map<string, Train>()
  private readonly host: Host

  constructor(host: Host) {
    this.host = host
  }

  /** Takes a fragment; returns the payload once it is whole. */
  add(packet: Packet): Uint8Array | null {
    const key = `${String(packet.sourceD)} ${String(packet.destinationD)} ${String(packet.view.getUint16(packet.networkHeader + 4))}`
    const train = this.trains.get(key) ?? this.begin(key)
    if (train === null) {
      packet.release()
      return null
    }
    train.fragments.push(packet)
    train.fragments.sort((x, y) => offsetOf(x) - offsetOf(y))
    return this.join(key, train.fragments)
  }

  clear(): void {
    for (const key of [...this.trains.keys()]) this.forget(key)
  }

  protected begin(key: string): Train | null {
    if (this.trains.size >= LIMIT) return null
    const train = { fragments: [], timer: this.host.timers.create(() => this.forget(key)) }
    train.timer.armAfter(TIMEOUT)
    this.trains.set(key, train)
    return train
  }

  private join(key: string, fragments: readonly Packet[]): Uint8Array | null {
    let end = 0
    for (const fragment of fragments) {
      if (offsetOf(fragment) !== end) return null
      end += fragment.length
    }
    if ((flagsOf(fragments[fragments.length - 1]!) & 0x2000) !== 0) return null
    const whole = new Uint8Array(end)
    for (const fragment of fragments) whole.set(fragment.bytes.subarray(fragment.start, fragment.end), offsetOf(fragment))
    this.forget(key)
    return whole
  }

  private forget(key: string): void {
    const train = this.trains.get(key)
    this.trains.delete(key)
    train?.timer.cancel()
    for (const packet of train?.fragments ?? []) packet.release()
  }
}

function flagsOf(packet: Packet): number {
  return packet.view.getUint16(packet.networkHeader + 6)
}

function offsetOf(packet: Packet): number {
  return (flagsOf(packet) & 0x1fff) << 3
}
