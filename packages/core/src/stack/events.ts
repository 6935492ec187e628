import type { AddressEndpoint } from '../registration/network.ts'
import type { NeighborState } from '../registration/neighbor.ts'

/** Everything a stack tells about itself, by type. */
export interface StackEvents {
  'nic-added': { readonly nicId: number; readonly name: string }
  'nic-up': { readonly nicId: number; readonly name: string }
  'nic-down': { readonly nicId: number; readonly name: string }
  'nic-removed': { readonly nicId: number; readonly name: string }
  'address-changed': { readonly nicId: number; readonly address: string; readonly state: AddressEndpoint['state']; readonly holder?: Uint8Array }
  'neighbor-changed': { readonly nicId: number; readonly address: string; readonly state: NeighborState | 'removed'; readonly linkAddress: Uint8Array | null }
  'routes-changed': { readonly generation: number }
  'connection-opened': { readonly protocol: string; readonly local: { readonly host: string; readonly port: number }; readonly remote: { readonly host: string; readonly port: number } }
  'connection-closed': { readonly protocol: string; readonly local: { readonly host: string; readonly port: number }; readonly remote: { readonly host: string; readonly port: number }; readonly code: string | null }
  'limit-reached': { readonly limit: string; readonly value: number }
}

export type StackEventType = keyof StackEvents

/** Listeners of a stack or NIC. Events are delivered from the end of the turn; a listener that throws goes to `onError`. */
export interface Events {
  /** Returns the removal; `signal` removes too. */
  on<T extends StackEventType>(type: T, listener: (event: StackEvents[T]) => void, options?: { readonly signal?: AbortSignal | undefined }): () => void
  /** Is anybody listening? Build the event only then. */
  has(type: StackEventType): boolean
  emit<T extends StackEventType>(type: T, event: StackEvents[T]): void
}
