import { addressBits, type Prefix } from '../address/address.ts'
import { StackError } from '../errors/stack-error.ts'
import type { LinkEndpoint } from '../registration/link.ts'
import type { AddressOptions, NetworkInterface, NetworkProtocol } from '../registration/network.ts'
import { reasonOf } from '../stack/abort.ts'
import { formatAddressText, parseAddressText, parsePrefixText, type ParsedPrefix } from '../stack/address-text.ts'
import { installAsyncDispose } from '../edge/async-dispose.ts'
import { checkHandler } from '../edge/check-handler.ts'
import type { StackContext } from '../stack/context.ts'
import type { StackEvents, StackEventType } from '../stack/events.ts'
import { checkOptions, type OptionSchema } from '../stack/options.ts'
import type { CaptureTap, Nic, NicCounters } from '../stack/types.ts'
import { formatLinkAddress } from './ethernet.ts'
import type { NicDevice } from './nic.ts'
import { NicNeighbors } from './nic-neighbors.ts'

/** Smallest MTU that IPv4 allows a link (RFC 791 §3.2), and the largest IP packet. */
const MINIMUM_MTU = 68
const MAXIMUM_MTU = 65_535

type AddOptions = AddressOptions & { readonly signal?: AbortSignal | undefined }

const ADDRESS_SCHEMA: OptionSchema<AddOptions> = {
  preferredLifetime: { type: 'number', min: 0 },
  validLifetime: { type: 'number', min: 0 },
  origin: { type: 'string', oneOf: ['manual', 'autoconf', 'dhcp', 'link'] },
  skipDuplicateDetection: { type: 'boolean' },
  optimistic: { type: 'boolean' },
  signal: { type: 'signal' },
}

/** The NIC as its user sees it: texts, promises and exceptions around a {@link NicDevice}. */
export class NicHandle<L extends LinkEndpoint = LinkEndpoint> implements Nic<L> {
  static {
    installAsyncDispose(this.prototype, (nic) => nic.remove())
  }

  declare readonly [Symbol.asyncDispose]: () => Promise<void>

  readonly link: L
  readonly neighbors: Nic['neighbors']
  readonly #context: StackContext
  readonly #device: NicDevice
  readonly #controller: AbortController
  #removal: Promise<void> | null = null

  constructor(context: StackContext, device: NicDevice, link: L, controller: AbortController) {
    this.link = link
    this.#context = context
    this.#device = device
    this.#controller = controller
    this.neighbors = new NicNeighbors(context, device)
  }

  get id(): number {
    return this.#device.id
  }

  get name(): string {
    return this.#device.name
  }

  get mtu(): number {
    return this.#device.mtu
  }

  get isUp(): boolean {
    return this.#device.isEnabled
  }

  get linkAddress(): string | null {
    const address = this.#device.linkAddress
    return address === null ? null : formatLinkAddress(address)
  }

  get statistics(): Readonly<NicCounters> {
    return this.#device.counters
  }

  get networkInterface(): NetworkInterface {
    return this.#device
  }

  get addresses(): Nic['addresses'] {
    const all: Nic['addresses'][number][] = []
    for (const protocol of this.#context.protocols.network) {
      for (const { address, prefixLength, state } of this.#device.existingTable(protocol.number)?.records ?? []) {
        all.push({ address: protocol.formatAddress(address), prefixLength, state })
      }
    }
    return all
  }

  async addAddress(text: string, options: AddOptions = {}): Promise<void> {
    checkOptions('addAddress', options, ADDRESS_SCHEMA)
    const { signal } = options
    if (signal?.aborted === true) throw reasonOf(signal)
    const prefix = parsePrefixText(this.#context, text)
    this.checkUsable(prefix.protocol)
    const assigned = this.addPrefix(prefix, text, options)
    const { host } = this.#context
    host.ref()
    try {
      host.scheduler.run()
      await assigned
    } finally {
      host.unref()
    }
  }

  removeAddress(text: string): boolean {
    const address = parseAddressText(this.#context, text.replace(/\/\d+$/, ''))
    const protocol = this.#context.protocols.owner(address)
    const removed = protocol !== null && this.#device.existingTable(protocol.number) !== null
      && this.#device.addressTable(protocol.number).remove(address)
    this.#context.host.scheduler.run()
    return removed
  }

  /** Throws unless addresses of `protocol` can be used on this NIC. */
  checkUsable(protocol: NetworkProtocol): void {
    const device = this.#device
    if (device.isRemoved) throw new StackError('ERR_STACK_CLOSED', `The NIC ${device.name} was removed: add a new one.`, { syscall: 'addAddress' })
    const missing = device.missingResolver(protocol)
    if (missing === null) return
    throw new StackError(
      'ERR_STACK_MISSING_PLUGIN',
      `${protocol.name} addresses on ${device.name} need address resolution, because its link ${device.link.kind} has link addresses: add ${missing} to plugins.`,
      { syscall: 'addAddress' },
    )
  }

  /** Resolves when the address is usable: at once while the NIC is down, as duplicates are looked for when it comes up, or when it is optimistic. */
  addPrefix(prefix: ParsedPrefix, text: string, options: AddOptions): Promise<void> {
    const device = this.#device
    const { address, length } = prefix
    const record = device.addressTable(prefix.protocol.number).add(plainPrefix(address, length), { ...(isManual(options) ? { optimistic: true } : null), ...options })
    if (record.state !== 'tentative' || !device.isEnabled) return Promise.resolve()
    return device.waiters.wait(record.address, text, options.signal)
  }

  addRange(network: string): void {
    this.#checkThere()
    this.takeRange(parsePrefixText(this.#context, network, true))
  }

  takeRange(prefix: ParsedPrefix): void {
    this.#device.addressTable(prefix.protocol.number).addRange(plainPrefix(prefix.address, prefix.length))
  }

  removeRange(network: string): boolean {
    this.#checkThere()
    const { address, length, protocol } = parsePrefixText(this.#context, network, true)
    return this.#device.addressTable(protocol.number).removeRange(plainPrefix(address, length))
  }

  get ranges(): readonly string[] {
    const texts: string[] = []
    for (const [, table] of this.#device.addressTables) {
      for (const { address, length } of table.ranges) texts.push(`${formatAddressText(this.#context, address)}/${length}`)
    }
    return texts
  }

  up(): void {
    this.#checkThere()
    this.#device.setUp(true)
    this.#context.host.scheduler.run()
  }

  down(): void {
    this.#checkThere()
    this.#device.setUp(false)
    this.#context.host.scheduler.run()
  }

  setMtu(mtu: number): void {
    this.#checkThere()
    if (!Number.isInteger(mtu) || mtu < MINIMUM_MTU || mtu > MAXIMUM_MTU) {
      throw new StackError('ERR_STACK_INVALID_ARGUMENT', `setMtu takes an integer of ${MINIMUM_MTU} to ${MAXIMUM_MTU} bytes, received ${String(mtu)}.`)
    }
    if (!this.#device.setMtu(mtu)) {
      throw new StackError('ERR_STACK_NOT_SUPPORTED', `The link ${this.link.kind} carries ${this.link.mtu} bytes and cannot change that: set an MTU up to it.`)
    }
  }

  setPromiscuous(on: boolean): void {
    this.#checkThere()
    this.#device.setPromiscuous(on)
  }

  setSpoofing(on: boolean): void {
    this.#checkThere()
    this.#device.setSpoofing(on)
  }

  tap(tap: CaptureTap): () => void {
    this.#checkThere()
    checkHandler('tap', tap, 'function')
    return this.#device.observers.addTap(tap)
  }

  remove(): Promise<void> {
    return (this.#removal ??= this.#remove())
  }

  on<T extends StackEventType>(type: T, listener: (event: StackEvents[T]) => void, options?: { readonly signal?: AbortSignal | undefined }): () => void {
    checkHandler('on', listener, 'function')
    return this.#context.host.events.on(type, (event) => {
      if (!('nicId' in event) || event.nicId === this.id) listener(event)
    }, options)
  }

  has(type: StackEventType): boolean {
    return this.#context.host.events.has(type)
  }

  emit<T extends StackEventType>(type: T, event: StackEvents[T]): void {
    this.#context.host.events.emit(type, event)
  }

  async #remove(): Promise<void> {
    const { nics, host } = this.#context
    this.#device.remove()
    nics.remove(this.#device)
    this.#controller.abort(new StackError('ERR_STACK_CLOSED', `The NIC ${this.name} was removed.`))
    if (host.events.has('nic-removed')) host.events.emit('nic-removed', { nicId: this.id, name: this.name })
    await this.link.closed
  }

  #checkThere(): void {
    if (this.#device.isRemoved) throw new StackError('ERR_STACK_CLOSED', `The NIC ${this.name} was removed: add a new one.`)
  }
}

/** Who sets an address by hand has thought of it; who makes or leases one finds out first, unless asked otherwise. */
function isManual(options: AddressOptions): boolean {
  return (options.origin ?? 'manual') === 'manual'
}

function plainPrefix(address: Prefix['address'], length: number): Prefix {
  return { address: address.zone === 0 ? address : { ...address, zone: 0 }, length: Math.min(length, addressBits(address)) }
}
