import type { Address } from '../address/address.ts'
import { StackError } from '../errors/stack-error.ts'
import { ERROR_CODES, type ErrorCode } from '../errors/codes.ts'
import type { NeighborTable } from '../registration/neighbor.ts'
import { reasonOf } from '../stack/abort.ts'
import { formatAddressText, parseAddressText } from '../stack/address-text.ts'
import type { StackContext } from '../stack/context.ts'
import type { Nic } from '../stack/types.ts'
import { formatLinkAddress, parseLinkAddress } from './ethernet.ts'
import type { NicDevice } from './nic.ts'

type Neighbors = Nic['neighbors']

/** The neighbours of a NIC at the API: all protocols in one list, texts for addresses. */
export class NicNeighbors implements Neighbors {
  readonly #context: StackContext
  readonly #device: NicDevice

  constructor(context: StackContext, device: NicDevice) {
    this.#context = context
    this.#device = device
  }

  list(): ReturnType<Neighbors['list']> {
    return this.#device.allNeighborTables.flatMap((table) =>
      table.list().map(({ address, linkAddress, state }) => ({
        address: formatAddressText(this.#context, address),
        linkAddress: linkAddress === null ? null : formatLinkAddress(linkAddress),
        state,
      })))
  }

  addStatic(address: string, linkAddress: string): void {
    const bytes = parseLinkAddress(linkAddress)
    if (bytes === null) {
      throw new StackError('ERR_STACK_INVALID_ARGUMENT', `"${linkAddress}" is not a link address: write six bytes as 02:00:00:00:00:01.`)
    }
    const { table, parsed } = this.#find(address)
    table.addStatic(parsed, bytes)
    this.#context.host.scheduler.run()
  }

  remove(address: string): boolean {
    const { table, parsed } = this.#find(address)
    const removed = table.remove(parsed)
    this.#context.host.scheduler.run()
    return removed
  }

  async resolve(address: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<string> {
    const { signal } = options
    if (signal?.aborted === true) throw reasonOf(signal)
    const { table, parsed } = this.#find(address)
    const { host } = this.#context
    host.ref()
    try {
      return await new Promise<string>((resolve, reject) => {
        const onAbort = (): void => {
          cancel()
          reject(reasonOf(signal!))
        }
        const cancel = table.getLinkAddress(parsed, (linkAddress, failure) => {
          signal?.removeEventListener('abort', onAbort)
          if (linkAddress !== null) resolve(formatLinkAddress(linkAddress))
          else reject(unresolved(failure ?? 'EHOSTDOWN', address, this.#device.name))
        })
        signal?.addEventListener('abort', onAbort)
        host.scheduler.run()
      })
    } finally {
      host.unref()
    }
  }

  flush(): void {
    for (const table of this.#device.allNeighborTables) table.flush()
    this.#context.host.scheduler.run()
  }

  #find(address: string): { readonly table: NeighborTable; readonly parsed: Address } {
    const parsed = parseAddressText(this.#context, address)
    const protocol = this.#context.protocols.owner(parsed)
    const table = protocol === null ? null : this.#device.neighborTable(protocol.number)
    if (table === null) {
      throw new StackError('ERR_STACK_NOT_SUPPORTED', `${this.#device.name} resolves no addresses like ${address}: its link has no link addresses, or no resolver is installed.`, { address })
    }
    return { table, parsed: parsed.zone === 0 ? parsed : { ...parsed, zone: 0 } }
  }
}

function unresolved(code: ErrorCode, address: string, nic: string): StackError {
  const why = code === 'EHOSTDOWN' ? `did not answer on ${nic}` : `was not resolved on ${nic}: ${ERROR_CODES[code]}`
  return new StackError(code, `The neighbour ${address} ${why}`, { syscall: 'resolve', address })
}
