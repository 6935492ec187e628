import type { PacketPool } from '@stack/buffer'
import type { Address } from '../address/address.ts'
import { StackError } from '../errors/stack-error.ts'
import type { Hooks } from '../hooks/hooks.ts'
import type { Clock, Counters, Milliseconds, TimerWheel } from '../registration/host.ts'
import type { LinkEndpoint } from '../registration/link.ts'
import type { PacketEndpoint } from '../registration/transport.ts'
import { NicAdder } from './add-nic.ts'
import { formatAddressText, parseAddressText } from './address-text.ts'
import { installAsyncDispose } from '../edge/async-dispose.ts'
import { DEFAULT_CLOSE_TIMEOUT, destroyParts, finishTransports } from './close.ts'
import type { StackEvents, StackEventType } from './events.ts'
import { checkOptions } from './options.ts'
import type { StackParts } from './parts.ts'
import { RoutesApi } from './routes.ts'
import type { Nic, NicOptions, Routes, StackBase, StackStatistics } from './types.ts'

const NIC_PATH = 'nics/'

/** The stack as its user sees it. The APIs of plugins are added to it as read-only properties. */
export class StackObject implements StackBase {
  static {
    installAsyncDispose(this.prototype, (stack) => stack.close())
  }

  declare readonly [Symbol.asyncDispose]: () => Promise<void>

  readonly routes: Routes
  readonly #parts: StackParts
  readonly #adder: NicAdder
  readonly #apis: ReadonlyMap<string, unknown>
  #closing: Promise<void> | null = null
  #isDestroyed = false

  constructor(parts: StackParts, apis: ReadonlyMap<string, unknown>) {
    this.#parts = parts
    this.#apis = apis
    this.#adder = new NicAdder(parts, this)
    this.routes = new RoutesApi(parts)
  }

  get name(): string {
    return this.#parts.name
  }

  get nics(): readonly Nic[] {
    return this.#parts.nics.handles
  }

  get hooks(): Hooks {
    return this.#parts.hooks
  }

  get clock(): Clock {
    return this.#parts.host.clock
  }

  get timers(): TimerWheel {
    return this.#parts.timers
  }

  get memory(): PacketPool {
    return this.#parts.host.memory
  }

  get generation(): number {
    return this.#parts.router.generation
  }

  get isClosed(): boolean {
    return this.#isDestroyed || this.#closing !== null
  }

  find(name: string): never {
    return this.#apis.get(name) as never
  }

  async addNic<const L extends LinkEndpoint>(link: L, options: NicOptions = {}): Promise<Nic<L>> {
    this.#checkOpen('addNic')
    return await this.#adder.add(link, options)
  }

  nic(nameOrId: string | number): Nic | undefined {
    const device = this.#parts.nics.find(nameOrId)
    return device === null ? undefined : this.nics.find((nic) => nic.id === device.id)
  }

  statistics(): StackStatistics {
    const nics: Record<string, Counters> = {}
    const protocols: Record<string, Counters> = {}
    for (const [path, counters] of Object.entries(this.#parts.statistics.snapshot())) {
      if (path.startsWith(NIC_PATH)) nics[path.slice(NIC_PATH.length)] = counters
      else protocols[path] = counters
    }
    return { nics, protocols, totals: this.#parts.statistics.totals() }
  }

  parseAddress(text: string): Address {
    return parseAddressText(this.#parts, text)
  }

  formatAddress(address: Address): string {
    return formatAddressText(this.#parts, address)
  }

  checkLocalAddress(nicId: number, address: string): number {
    return this.#parts.router.localNic(nicId, 0, this.parseAddress(address))
  }

  registerPacketEndpoint(nicId: number, networkProtocol: number, endpoint: PacketEndpoint): () => void {
    this.#checkOpen('registerPacketEndpoint')
    return this.#parts.packetEndpoints.add(nicId, networkProtocol, endpoint)
  }

  on<T extends StackEventType>(type: T, listener: (event: StackEvents[T]) => void, options?: { readonly signal?: AbortSignal | undefined }): () => void {
    return this.#parts.events.on(type, listener, options)
  }

  has(type: StackEventType): boolean {
    return this.#parts.events.has(type)
  }

  emit<T extends StackEventType>(type: T, event: StackEvents[T]): void {
    this.#parts.events.emit(type, event)
  }

  ref(): this {
    this.#parts.hold.setWanted(!this.#isDestroyed)
    return this
  }

  unref(): this {
    this.#parts.hold.setWanted(false)
    return this
  }

  close(options: { readonly timeout?: Milliseconds } = {}): Promise<void> {
    return (this.#closing ??= this.#close(options))
  }

  destroy(): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    destroyParts(this.#parts)
  }

  async #close(options: { readonly timeout?: Milliseconds }): Promise<void> {
    checkOptions('close', options, { timeout: { type: 'number', min: 0 } })
    const links = this.nics.map((nic) => nic.link)
    if (!this.#isDestroyed) {
      await finishTransports(this.#parts, options.timeout ?? DEFAULT_CLOSE_TIMEOUT)
      this.destroy()
    }
    await Promise.all(links.map((link) => link.closed))
  }

  #checkOpen(what: string): void {
    if (this.isClosed) throw new StackError('ERR_STACK_CLOSED', `${what}: the stack "${this.name}" is closed. Make a new one with createStack.`, { syscall: what })
  }
}
