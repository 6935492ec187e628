import type { PacketPool } from '@stack/buffer'
import {
  createStack, installAsyncDispose, seededRandom, type Check, type Installed, type LinkEndpoint, type Logger, type Milliseconds, type Nic, type NicOptions, type PluginItem, type StackBase,
} from '@stack/core'
import { leaksOf } from '../leaks.ts'
import { manualClock, type ManualClock } from '../manual-clock.ts'
import { STACK } from '../packets/addresses.ts'
import { deterministicRandom } from './deterministic-random.ts'
import { fakeLink, type FakeLink } from './fake-link.ts'

/** Options of {@link createTestStack} beside `plugins` and `link`. */
export interface TestStackOptions {
  /** Default: a clock of its own. Give several stacks the same one and they live in the same time. */
  readonly clock?: ManualClock
  /** Seed of all that is left to chance, the "secure" numbers included. Default 1. */
  readonly seed?: number
  /** Addresses of the NIC, usable at once. Default: 10.0.0.1/24 and fd00::1/64, as far as the plugins know such addresses. */
  readonly addresses?: readonly string[]
  /** More options of the NIC. */
  readonly nic?: Omit<NicOptions, 'addresses'>
  /** Name of the stack. Default `'test'`. */
  readonly name?: string
  /** The stack's account on a packet memory. Default: one on the realm's memory. */
  readonly memory?: PacketPool
  readonly log?: Logger
}

/** What {@link createTestStack} makes. */
export interface TestStack<S extends StackBase = StackBase, K extends LinkEndpoint = LinkEndpoint> extends AsyncDisposable {
  readonly stack: S
  readonly clock: ManualClock
  readonly link: K
  readonly nic: Nic<K>
  /** What listeners and handlers threw. `end` fails when there is something here. */
  readonly errors: unknown[]
  /** Lets everything happen that needs no time. */
  readonly settle: () => Promise<void>
  /** Moves time on, see `ManualClock.advance`. */
  readonly advance: (ms: Milliseconds) => Promise<void>
  /**
   * Destroys the stack and looks at what it leaves behind: packets, chunks, timers, NICs, an attached link, holds on the
   * process, errors of listeners. Idempotent. `await using` calls it.
   *
   * @throws Error that lists the leaks
   */
  readonly end: () => Promise<void>
}

const DEFAULT_ADDRESSES = [`${STACK.ipv4}/24`, `${STACK.ipv6}/64`]

/**
 * A stack for a test: virtual time, chance with a seed, a link whose other end is the test, and a look for leaks at the end.
 *
 * @example
 * ```ts
 * import { ipv4 } from '@stack/ipv4'
 * import { createTestStack, check, icmpv4, icmpv4Header, ipv4 as ipv4Layer, packet } from '@stack/testing'
 *
 * const { link, settle, end } = await createTestStack({ plugins: [ipv4()] })
 * link.inject(packet(ipv4Layer(), icmpv4({ type: 'echo-request', identifier: 7 })))
 * await settle()
 * check(link.tryRead()!, icmpv4Header({ type: 'echo-reply', identifier: 7 }))
 * await end()
 * ```
 */
export async function createTestStack<const L extends readonly PluginItem[], K extends LinkEndpoint = FakeLink>(
  options: { readonly plugins: L; readonly link?: K } & TestStackOptions & Check<L>,
): Promise<TestStack<StackBase & Installed<L>, K>> {
  const clock = options.clock ?? manualClock()
  const { seed = 1, memory, log } = options
  const errors: unknown[] = []
  const stack = createStack({
    plugins: options.plugins as readonly PluginItem[], clock,
    name: options.name ?? 'test', random: seededRandom(seed), secureRandom: deterministicRandom(seed + 1),
    ...(memory === undefined ? {} : { memory }),
    ...(log === undefined ? {} : { log }),
    onError: (error) => errors.push(error),
  }) as StackBase & Installed<L>
  const link = options.link ?? (fakeLink() as LinkEndpoint as K)
  const addresses = options.addresses ?? DEFAULT_ADDRESSES.filter((address) => isKnown(stack, address))
  try {
    const nic = await clock.until(stack.addNic(link, { skipDuplicateDetection: true, ...options.nic, addresses }))
    await clock.settle()
    return new Test(stack, clock, link, nic, errors, options.clock === undefined)
  } catch (error) {
    stack.destroy()
    throw error
  }
}

function isKnown(stack: StackBase, address: string): boolean {
  try {
    stack.parseAddress(address.split('/')[0]!)
    return true
  } catch {
    return false
  }
}

class Test<S extends StackBase, K extends LinkEndpoint> implements TestStack<S, K> {
  declare readonly [Symbol.asyncDispose]: () => Promise<void>
  readonly stack: S
  readonly clock: ManualClock
  readonly link: K
  readonly nic: Nic<K>
  readonly errors: unknown[]
  private readonly ownsClock: boolean
  private isEnded = false

  constructor(stack: S, clock: ManualClock, link: K, nic: Nic<K>, errors: unknown[], ownsClock: boolean) {
    this.stack = stack
    this.clock = clock
    this.link = link
    this.nic = nic
    this.errors = errors
    this.ownsClock = ownsClock
    installAsyncDispose(this, (test) => test.end())
  }

  // Fields, so that tests may take them out of the object.
  readonly settle = (): Promise<void> => this.clock.settle()

  readonly advance = (ms: Milliseconds): Promise<void> => this.clock.advance(ms)

  readonly end = async (): Promise<void> => {
    if (this.isEnded) return
    this.isEnded = true
    this.stack.destroy()
    await this.clock.settle()
    const leaks = leaksOf(this.stack)
    if (this.link.isAttached) leaks.push('the link is attached')
    if (this.ownsClock && this.clock.isHeld) leaks.push('the process is held alive')
    leaks.push(...this.errors.map((error) => `a listener or handler threw: ${error instanceof Error ? error.message : String(error)}`))
    if (leaks.length > 0) throw new Error(`The stack ${this.stack.name} left something behind:\n${leaks.map((leak) => `  ${leak}`).join('\n')}`)
  }
}
