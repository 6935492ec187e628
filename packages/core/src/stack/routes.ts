import { addressBits, ANY_ADDRESS, ANY_MAPPED_ADDRESS, isMapped, type Address, type Prefix } from '../address/address.ts'
import { StackError } from '../errors/stack-error.ts'
import type { RouteEntry } from '../registration/route.ts'
import type { RouteRow } from '../route/routing-table.ts'
import { formatAddressText, parseAddressText, parsePrefixText } from './address-text.ts'
import type { StackContext } from './context.ts'
import { checkOptions, type OptionSchema } from './options.ts'
import type { Routes } from './types.ts'

const SCHEMA: OptionSchema<RouteEntry> = {
  destination: { type: 'string' },
  gateway: { type: 'string' },
  nic: { type: 'any' },
  source: { type: 'string' },
  mtu: { type: 'number', integer: true, min: 68, max: 65_535 },
  mss: { type: 'number', integer: true, min: 28, max: 65_495 },
  metric: { type: 'number', integer: true, min: 0 },
}

/** The routing table in texts and names. */
export class RoutesApi implements Routes {
  readonly #context: StackContext

  constructor(context: StackContext) {
    this.#context = context
  }

  add(entry: RouteEntry): void {
    checkOptions('routes.add', entry, SCHEMA)
    const { router } = this.#context
    const gateway = entry.gateway === undefined ? null : parseAddressText(this.#context, entry.gateway)
    const nicId = this.#nicOf(entry, gateway)
    const source = entry.source === undefined ? null : parseAddressText(this.#context, entry.source)
    for (const prefix of this.#prefixes(entry.destination, gateway)) {
      if (gateway !== null && isMapped(gateway) !== isMapped(prefix.address)) {
        throw new StackError('ERR_STACK_INVALID_ARGUMENT', `The gateway ${entry.gateway!} and the destination ${entry.destination} are of different families: give a gateway of the destination's.`)
      }
      router.table.add({ prefix, gateway, nicId, source, mtu: entry.mtu ?? 0, mss: entry.mss ?? 0, metric: entry.metric ?? 0 })
    }
    router.changed()
  }

  remove(entry: RouteEntry): number {
    checkOptions('routes.remove', entry, SCHEMA)
    const { router, nics } = this.#context
    const gateway = entry.gateway === undefined ? null : parseAddressText(this.#context, entry.gateway)
    let removed = 0
    for (const prefix of this.#prefixes(entry.destination, gateway)) {
      removed += router.table.remove({
        prefix,
        ...(gateway === null ? {} : { gateway }),
        ...(entry.nic === undefined ? {} : { nicId: nics.require(entry.nic).id }),
        ...(entry.source === undefined ? {} : { source: parseAddressText(this.#context, entry.source) }),
        ...(entry.mtu === undefined ? {} : { mtu: entry.mtu }),
        ...(entry.mss === undefined ? {} : { mss: entry.mss }),
        ...(entry.metric === undefined ? {} : { metric: entry.metric }),
      })
    }
    if (removed > 0) router.changed()
    return removed
  }

  list(): ReturnType<Routes['list']> {
    return this.#context.router.table.list().map((row) => this.#entryOf(row))
  }

  lookup(host: string, options: { readonly from?: string } = {}): ReturnType<Routes['lookup']> {
    const local = options.from === undefined ? null : parseAddressText(this.#context, options.from)
    const route = this.#context.router.find(0, local, parseAddressText(this.#context, host), 0, true, false)
    if (typeof route !== 'object' || route === null) return null
    return {
      nic: route.nic.id,
      source: formatAddressText(this.#context, route.localAddress),
      nextHop: formatAddressText(this.#context, route.nextHop),
      mtu: route.mtu,
    }
  }

  /** `default` is the gateway's family, or both when there is no gateway. */
  #prefixes(destination: string, gateway: Address | null): readonly Prefix[] {
    if (destination !== 'default') {
      const { address, length } = parsePrefixText(this.#context, destination, true)
      return [{ address: { ...address, zone: 0 }, length }]
    }
    const everything: readonly Prefix[] = [{ address: ANY_MAPPED_ADDRESS, length: 0 }, { address: ANY_ADDRESS, length: 0 }]
    return gateway === null ? everything : everything.filter(({ address }) => isMapped(address) === isMapped(gateway))
  }

  #nicOf(entry: RouteEntry, gateway: Address | null): number {
    const { nics, router } = this.#context
    if (entry.nic !== undefined) return nics.require(entry.nic).id
    if (gateway !== null && gateway.zone !== 0) return gateway.zone
    const row = gateway === null ? null : router.table.lookup(gateway, 0)
    if (row !== null && row.gateway === null) return row.nicId
    throw new StackError(
      'ERR_STACK_INVALID_ARGUMENT',
      gateway === null
        ? `The route to ${entry.destination} names neither a gateway nor a NIC: give one of them.`
        : `The gateway ${entry.gateway!} is on no NIC's link: add an address of its network to a NIC first, or name the NIC.`,
    )
  }

  #entryOf(row: RouteRow): RouteEntry & Required<Pick<RouteEntry, 'destination' | 'metric'>> {
    const { address, length } = row.prefix
    const text = formatAddressText(this.#context, address)
    return {
      destination: length === addressBits(address) ? text : `${text}/${length}`,
      metric: row.metric,
      nic: row.nicId,
      ...(row.gateway === null ? {} : { gateway: formatAddressText(this.#context, row.gateway) }),
      ...(row.source === null ? {} : { source: formatAddressText(this.#context, row.source) }),
      ...(row.mtu === 0 ? {} : { mtu: row.mtu }),
      ...(row.mss === undefined || row.mss === 0 ? {} : { mss: row.mss }),
    }
  }
}
