import { addressBits, isMapped, isUnspecified, maskWord, networkOf, prefixContains, sameAddress, type Address, type Prefix } from '../address/address.ts'
import { StackError } from '../errors/stack-error.ts'
import type { Host, Milliseconds, Timer } from '../registration/host.ts'
import type {
  AddressEndpoint,
  AddressOptions,
  AddressState,
  AddressTable,
  DuplicateAddressDetector,
  NetworkEndpointId,
  NetworkProtocol,
} from '../registration/network.ts'
import { selectAddress } from './select-address.ts'
import { isUsableAddress } from './usable.ts'

/** What an address table needs of its NIC. */
export interface AddressTableContext {
  readonly host: Pick<Host, 'scheduler' | 'timers' | 'formatAddress'>
  readonly nicId: number
  readonly protocol: Pick<NetworkProtocol, 'name' | 'ownsAddress' | 'isMulticast' | 'isLinkLocal'>
  readonly isLoopback: boolean
  detector(): DuplicateAddressDetector | null
  isEnabled(): boolean
  /** A record has a new state (`removed` included). `holder` = who has the duplicate, where known. */
  changed(record: AddressEndpoint, holder: Uint8Array | null): void
  rangesChanged(): void
}

/** The table as its NIC has it. */
export interface NicAddressTable extends AddressTable {
  /** The NIC came up: duplicate detection starts (again), what needs none is announced. */
  enable(): void
  /** The NIC went down: probes stop. */
  disable(): void
  /** The NIC goes: removes every address. */
  clear(): void
}

/** Addresses of one (NIC, protocol) at most, and ranges: `isLocal` and `accepts` compare with each. */
const MAX_ADDRESSES = 256

export function createAddressTable(context: AddressTableContext): NicAddressTable {
  return new Table(context)
}

class AddressRecord implements AddressEndpoint {
  readonly id: NetworkEndpointId
  readonly address: Address
  prefixLength = 0
  /** `removed` also before it is in a table. */
  state: AddressState = 'removed'
  preferredUntil: Milliseconds = Infinity
  validUntil: Milliseconds = Infinity
  origin: AddressEndpoint['origin'] = 'manual'
  skipDuplicateDetection = false
  /** Undefined = only when it has been in use before. */
  optimistic: boolean | undefined = undefined

  constructor(address: Address) {
    this.id = { localAddress: address }
    this.address = address
  }

  get isUsable(): boolean {
    return isUsableAddress(this)
  }

  /** Duplicates are looked for. */
  get isChecked(): boolean {
    return this.state === 'tentative' || this.state === 'optimistic'
  }
}

class Table implements NicAddressTable {
  readonly context: AddressTableContext
  /** Replaced, never changed in place: listeners may add and remove while somebody reads. */
  records: readonly AddressRecord[] = []
  /** Words of the usable addresses, four each. */
  local: Int32Array = new Int32Array(0)
  ranges: readonly Prefix[] = []
  /** Their networks and masks, eight words each. */
  masked: Int32Array = new Int32Array(0)
  /** Last words of the directed broadcast addresses. */
  broadcasts: Int32Array = new Int32Array(0)
  /** The next end of a lifetime, of all records. */
  readonly timer: Timer

  constructor(context: AddressTableContext) {
    this.context = context
    this.timer = context.host.timers.create((now) => this.expire(now))
  }

  get(address: Address): AddressRecord | null {
    const { a, b, c, d } = address
    return this.records.find(({ address: x }) => x.d === d && x.c === c && x.b === b && x.a === a) ?? null
  }

  isLocal(a: number, b: number, c: number, d: number): boolean {
    const local = this.local
    for (let i = 0; i < local.length; i += 4) {
      if (local[i + 3] === d && local[i + 2] === c && local[i + 1] === b && local[i] === a) return true
    }
    return false
  }

  accepts(a: number, b: number, c: number, d: number): boolean {
    if (this.isLocal(a, b, c, d)) return true
    const w = this.masked
    for (let i = 0; i < w.length; i += 8) {
      const difference = ((d ^ w[i + 3]!) & w[i + 7]!) | ((c ^ w[i + 2]!) & w[i + 6]!) | ((b ^ w[i + 1]!) & w[i + 5]!) | ((a ^ w[i]!) & w[i + 4]!)
      if (difference === 0) return true
    }
    return false
  }

  claims(address: Address): boolean {
    const longest = this.ranges.reduce((most, range) => (range.length > most && prefixContains(range, address) ? range.length : most), -1)
    return longest >= 0 && !this.records.some(({ address: own, prefixLength, isUsable }) =>
      isUsable && prefixLength > longest && prefixContains({ address: own, length: prefixLength }, address))
  }

  addRange(given: Prefix): void {
    this.checkOwner(given)
    const prefix = networkOf(given)
    if (this.ranges.some((other) => isSame(other, prefix))) return
    if (this.ranges.length >= MAX_ADDRESSES) {
      throw new StackError('ERR_STACK_LIMIT', `an interface has at most ${MAX_ADDRESSES} ranges of a protocol: remove some`)
    }
    this.setRanges([...this.ranges, prefix])
  }

  removeRange(given: Prefix): boolean {
    const prefix = networkOf(given)
    const left = this.ranges.filter((other) => !isSame(other, prefix))
    if (left.length === this.ranges.length) return false
    this.setRanges(left)
    return true
  }

  private setRanges(ranges: readonly Prefix[]): void {
    this.ranges = ranges
    this.masked = Int32Array.from(ranges.flatMap(({ address, length }) => {
      const bits = isMapped(address) ? 96 + length : length
      return [address.a, address.b, address.c, address.d, maskWord(bits), maskWord(bits - 32), maskWord(bits - 64), maskWord(bits - 96)]
    }))
    this.context.rangesChanged()
  }

  isSubnetBroadcast(d: number): boolean {
    const broadcasts = this.broadcasts
    for (let i = 0; i < broadcasts.length; i++) if (broadcasts[i] === d) return true
    return false
  }

  selectSource(remote: Address): Address | null {
    return selectAddress(this.records, remote, this.context.protocol)
  }

  add(prefix: Prefix, options: AddressOptions = {}): AddressEndpoint {
    this.check(prefix, options)
    const known = this.get(prefix.address)
    const record = known ?? new AddressRecord(prefix.address)
    const moved = known !== null && known.prefixLength !== prefix.length
    record.prefixLength = prefix.length
    record.origin = options.origin ?? record.origin
    record.skipDuplicateDetection = options.skipDuplicateDetection ?? record.skipDuplicateDetection
    record.optimistic = options.optimistic ?? record.optimistic
    this.store(record, options.preferredLifetime ?? Infinity, options.validLifetime ?? Infinity)
    if (known === null) {
      this.records = [...this.records, record]
      this.start(record)
      return record
    }
    if (moved) this.move(record, record.state)
    // Asking again for an address that was a duplicate means: try again.
    if (record.state === 'duplicate' || (record.isChecked && record.skipDuplicateDetection)) this.start(record)
    this.expire(this.context.host.scheduler.now)
    return record
  }

  remove(address: Address): boolean {
    const record = this.get(address)
    if (record === null) return false
    this.drop(record)
    return true
  }

  setLifetimes(address: Address, preferred: Milliseconds, valid: Milliseconds): void {
    const record = this.get(address)
    if (record === null) return
    this.store(record, preferred, valid)
    this.expire(this.context.host.scheduler.now)
  }

  markAssigned(address: Address): void {
    const record = this.get(address)
    if (record?.isChecked === true) this.assign(record)
  }

  markDuplicate(address: Address, holder: Uint8Array | null): void {
    const record = this.get(address)
    if (record === null || record.state === 'duplicate') return
    this.move(record, 'duplicate', holder)
    this.context.detector()?.addressRemoved?.(address)
  }

  enable(): void {
    for (const record of this.records) {
      // RFC 4862 §5.4: detection is due whenever an interface is enabled anew. What has been in use stays so meanwhile, or a
      // loose plug would end every connection (docs/decisions/0004). What autoconfiguration found to be a duplicate stays one (§5.4.5); what a person has set is tried again.
      if (record.state === 'duplicate' && record.origin === 'autoconf') continue
      if (record.state !== 'removed') this.start(record)
    }
  }

  disable(): void {
    const detector = this.context.detector()
    if (detector === null) return
    for (const record of this.records) if (record.isChecked) detector.cancelDuplicateCheck(record.address)
  }

  clear(): void {
    for (const record of this.records) this.drop(record)
  }

  /** Detection where there is any, else straight to assigned. */
  start(record: AddressRecord): void {
    const detector = this.context.isLoopback || record.skipDuplicateDetection ? null : this.context.detector()
    if (detector === null) {
      if (record.isChecked) this.context.detector()?.cancelDuplicateCheck(record.address)
      if (record.isUsable && !record.isChecked) this.announce(record)
      else this.assign(record)
      return
    }
    const state = (record.optimistic ?? record.isUsable) ? 'optimistic' : 'tentative'
    if (record.state !== state) this.move(record, state)
    if (this.context.isEnabled() && record.isChecked) detector.checkDuplicate(record.address)
  }

  assign(record: AddressRecord): void {
    this.move(record, record.preferredUntil > this.context.host.scheduler.now ? 'assigned' : 'deprecated')
    if (record.isUsable) this.announce(record)
  }

  announce(record: AddressRecord): void {
    if (this.context.isEnabled()) this.context.detector()?.addressAssigned?.(record.address)
  }

  drop(record: AddressRecord): void {
    if (!this.records.includes(record)) return
    const before = record.state
    this.records = this.records.filter((other) => other !== record)
    const detector = this.context.detector()
    if (before === 'tentative' || before === 'optimistic') detector?.cancelDuplicateCheck(record.address)
    this.move(record, 'removed')
    if (before !== 'duplicate') detector?.addressRemoved?.(record.address)
  }

  move(record: AddressRecord, state: AddressState, holder: Uint8Array | null = null): void {
    record.state = state
    this.index()
    this.rearm()
    this.context.changed(record, holder)
  }

  store(record: AddressRecord, preferred: Milliseconds, valid: Milliseconds): void {
    const now = this.context.host.scheduler.now
    record.validUntil = now + valid
    record.preferredUntil = now + Math.min(preferred, valid)
  }

  /** RFC 4862 §5.5.4: preferred lifetime over → deprecated, valid lifetime over → removed. */
  expire(now: Milliseconds): void {
    for (const record of this.records) {
      if (record.validUntil <= now) this.drop(record)
      else if (record.state === 'assigned' && record.preferredUntil <= now) this.move(record, 'deprecated')
      else if (record.state === 'deprecated' && record.preferredUntil > now) this.move(record, 'assigned')
    }
    this.rearm()
  }

  rearm(): void {
    let next = Infinity
    for (const record of this.records) {
      next = Math.min(next, record.validUntil)
      if (record.state === 'assigned') next = Math.min(next, record.preferredUntil)
    }
    if (next === Infinity) this.timer.cancel()
    else this.timer.arm(next)
  }

  /** Makes the small arrays that the packet path compares with. */
  index(): void {
    const usable = this.records.filter((record) => record.isUsable)
    this.local = Int32Array.from(usable.flatMap(({ address: { a, b, c, d } }) => [a, b, c, d]))
    // RFC 3021 §2.1: a /31 has no broadcast address, and a /32 has no subnet.
    const subnets = usable.filter(({ address, prefixLength }) => isMapped(address) && prefixLength <= 30)
    this.broadcasts = Int32Array.from(subnets, ({ address, prefixLength }) => address.d | ~maskWord(prefixLength))
  }

  checkOwner({ address }: Prefix): void {
    const { protocol, host } = this.context
    if (protocol.ownsAddress?.(address) === false) {
      throw new StackError('EAFNOSUPPORT', `${host.formatAddress(address)} is not an address of ${protocol.name}`)
    }
  }

  check(prefix: Prefix, options: AddressOptions): void {
    const { protocol, host } = this.context
    const { address, length } = prefix
    const fail = (why: string): never => {
      throw new StackError('ERR_STACK_INVALID_ARGUMENT', why)
    }
    this.checkOwner(prefix)
    if (isUnspecified(address) || protocol.isMulticast?.(address) === true) {
      fail(`${host.formatAddress(address)} cannot be assigned to an interface: give it a unicast address`)
    }
    if (!Number.isInteger(length) || length < 0 || length > addressBits(address)) {
      fail(`the prefix length of ${host.formatAddress(address)} must be an integer of 0 to ${addressBits(address)}, got ${length}`)
    }
    const { preferredLifetime: preferred = Infinity, validLifetime: valid = Infinity } = options
    if (!(valid > 0) || !(preferred >= 0)) {
      fail(`lifetimes are ms from now, the valid one more than 0: got preferred ${preferred}, valid ${valid}`)
    }
    if (this.records.length >= MAX_ADDRESSES && this.get(address) === null) {
      throw new StackError('ERR_STACK_LIMIT', `an interface has at most ${MAX_ADDRESSES} addresses of a protocol: remove some`)
    }
  }
}

function isSame(x: Prefix, y: Prefix): boolean {
  return x.length === y.length && sameAddress(x.address, y.address)
}
