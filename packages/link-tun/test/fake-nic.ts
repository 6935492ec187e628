import type { Packet, PacketPool } from '@stack/buffer'
import { seededRandom, type LinkHost, type NetworkDispatcher } from '@stack/core'
import type { ManualClock } from '@stack/testing'

/** What a NIC sees of its link, as text. */
export class FakeNic implements NetworkDispatcher {
  readonly log: string[] = []
  readonly host: LinkHost
  onPacket: (packet: Packet) => void = () => {}

  constructor(clock: ManualClock, pool: PacketPool) {
    this.host = {
      clock, scheduler: clock.scheduler, random: seededRandom(1), memory: pool,
      log: { debug: () => {}, warn: (message: string) => void this.log.push(`warn ${message}`) },
    }
  }

  deliverNetworkPacket(protocol: number, packet: Packet): void {
    this.log.push(`${protocol.toString(16)} ${hex(packet.bytes.subarray(packet.start, packet.end))}`)
    this.onPacket(packet)
    packet.release()
  }
  deliverLinkPacket(_protocol: number, packet: Packet): void {
    packet.release()
  }
  flush(): void {
    this.log.push('flush')
  }
  writable(): void {
    this.log.push('writable')
  }
  setCarrier(up: boolean): void {
    this.log.push(`carrier ${up ? 'up' : 'down'}`)
  }
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
