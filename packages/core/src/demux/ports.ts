import type { Address } from '../address/address.ts'
import type { Failure } from '../errors/codes.ts'

/** What a port is reserved for. */
export interface PortRequest {
  /** Transport protocol number. */
  readonly protocol: number
  readonly address: Address
  /** 0 = an ephemeral one is picked (RFC 6056 §3.3.3 algorithm, range 49152–65535). */
  readonly port: number
  /** 0 = any NIC. */
  readonly nicId?: number
  readonly reusePort?: boolean
  /** A listener may share with connections in TIME-WAIT and with other addresses (SO_REUSEADDR). */
  readonly reuseAddress?: boolean
}

/** A reserved port. */
export interface PortReservation {
  readonly port: number
  /** Idempotent. */
  release(): void
}

/** Which local ports are taken, per protocol, address and NIC. */
export interface PortAllocator {
  /** `EADDRINUSE` when taken or none is free. */
  reserve(request: PortRequest): PortReservation | Failure
  /**
   * An ephemeral port for a connection: tries candidates in the keyed-hash order of RFC 6056 §3.3.3 until `usable`
   * says yes (the caller checks its four-tuple). Ports reserved for listeners are skipped. 0 = none.
   */
  pickEphemeral(protocol: number, local: Address, remote: Address, remotePort: number, usable: (port: number) => boolean): number
}
