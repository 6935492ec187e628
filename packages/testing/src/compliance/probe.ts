import type { Packet } from '@stack/buffer'
import {
  ANY_ADDRESS, type Registration, type TransportEndpoint, type TransportEndpointId, type TransportHost, type TransportPlugin, type TransportProtocol,
  type UnknownDestinationDisposition,
} from '@stack/core'
import { EXPERIMENT } from './packets.ts'

/** What a network protocol handed up. */
export interface Delivery {
  readonly payload: Uint8Array
  /** The four words. */
  readonly source: string
  readonly destination: string
}

/** A transport protocol without a header that keeps what it is given: stands above a network protocol in its suite. */
export class Probe implements TransportProtocol, TransportEndpoint {
  readonly number: number = EXPERIMENT
  readonly name = 'probe'
  readonly minimumPacketSize = 0
  readonly uniqueId: number
  readonly closed: Promise<void> = Promise.resolve()
  readonly deliveries: Delivery[] = []
  readonly host: TransportHost
  private registration: Registration | null = null

  constructor(host: TransportHost) {
    this.host = host
    this.uniqueId = host.nextEndpointId()
  }

  /** Registers for everything, or not any more: then ports are unreachable. */
  listen(on: boolean): void {
    this.registration?.remove()
    this.registration = null
    if (!on) return
    const id = { localAddress: ANY_ADDRESS, localPort: 0, remoteAddress: null, remotePort: 0 }
    const registration = this.host.endpoints.register(EXPERIMENT, id, this, { fanOut: true })
    if (typeof registration === 'object') this.registration = registration
  }

  newEndpoint(): TransportEndpoint {
    return this
  }

  parsePorts(packet: Packet): boolean {
    packet.sourcePort = packet.destinationPort = 0
    return true
  }

  parse(): boolean {
    return true
  }

  handlePacket(_id: TransportEndpointId, packet: Packet): void {
    const { sourceA, sourceB, sourceC, sourceD, destinationA, destinationB, destinationC, destinationD } = packet
    const whole = this.host.memory.flatten(packet) ?? packet
    this.deliveries.push({
      payload: whole.bytes.slice(whole.start, whole.end),
      source: [sourceA, sourceB, sourceC, sourceD].join(),
      destination: [destinationA, destinationB, destinationC, destinationD].join(),
    })
    whole.release()
  }

  handleError(): void {}

  handleUnknownDestinationPacket(): UnknownDestinationDisposition {
    return 'unhandled'
  }

  abort(): void {}

  close(): void {
    this.listen(false)
  }
}

/** The plugin of a {@link Probe}. */
export function probe(): TransportPlugin<'probe', Probe> {
  return {
    kind: 'transport',
    name: 'probe',
    apiVersion: 1,
    setup(host) {
      const made = new Probe(host)
      host.registerTransportProtocol(made)
      made.listen(true)
      return made
    },
  }
}
