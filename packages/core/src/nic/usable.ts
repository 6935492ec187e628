import type { AddressEndpoint } from '../registration/network.ts'

/** May packets be sent from the address, and are packets to it for this host? */
export function isUsableAddress({ state }: Pick<AddressEndpoint, 'state'>): boolean {
  return state === 'assigned' || state === 'deprecated' || state === 'optimistic'
}
