import type { Packet } from '@stack/buffer'
import { StackError } from '../errors/stack-error.ts'
import { checkHandler } from '../edge/check-handler.ts'
import { HookPoint, type DropVerdict, type Hook, type HookContext, type HookContinuation, type HookOptions, type HookResult, type Hooks, type Verdict } from './hooks.ts'

const POINTS = 5

/** What the chains tell their stack. */
export interface HookChainOptions {
  /** A packet was dropped, and released, by the verdict of a hook. It came in by NIC `nicId`, or was about to leave by it. */
  onDrop(reason: string, nicId: number): void
  /** Runs `task` in a turn, soon: reinjected packets go on from there. */
  defer(task: () => void): void
  /** Gets what a hook threw; its packet is dropped with the reason `hookError`. */
  onError?(error: unknown): void
}

/** Hooks with what their stack needs. */
export interface HookChains extends Hooks {
  /** Removes all hooks; packets that are stolen now cannot be reinjected any more. */
  clear(): void
}

/** Makes the hook chains of a stack. */
export function createHooks(options: HookChainOptions): HookChains {
  return new Chains(options)
}

interface Entry {
  readonly hook: Hook
  readonly priority: number
  readonly order: number
  readonly takesChains: boolean
}

/** A stolen packet: where it left the chain, and where it was going. */
interface Theft {
  readonly thief: Entry
  readonly point: HookPoint
  readonly networkProtocol: number
  readonly inputNic: number
  readonly outputNic: number
  readonly resume: HookContinuation
}

type MutableContext = { -readonly [K in keyof HookContext]: HookContext[K] }

class Chains implements HookChains {
  readonly isEmpty: boolean[] = new Array<boolean>(POINTS).fill(true)
  takesChains = true
  readonly #options: HookChainOptions
  /** Replaced, never changed: a hook may add and remove hooks while a chain runs. */
  readonly #chains: (readonly Entry[])[] = Array.from({ length: POINTS }, () => [])
  /** A hook that sends a packet runs a chain within a chain: one context for each depth. */
  readonly #contexts: MutableContext[] = []
  #depth = 0
  #orders = 0
  /** Weak, so that a packet which its thief forgot is still found by the pool. */
  #thefts = new WeakMap<Packet, Theft>()
  #hasThefts = false

  constructor(options: HookChainOptions) {
    this.#options = options
  }

  add(point: HookPoint, hook: Hook, { priority = 0, takesChains = false }: HookOptions = {}): () => void {
    checkHandler('hooks.add', hook, 'function')
    const entry: Entry = { hook, priority, order: ++this.#orders, takesChains }
    const chain = this.#chains[point]
    if (chain === undefined) throw new StackError('ERR_STACK_INVALID_ARGUMENT', `There is no hook point ${String(point)}: take one of HookPoint.`, { syscall: 'hooks.add' })
    const behind = chain.findIndex((other) => isBefore(entry, other))
    this.#replace(point, chain.toSpliced(behind < 0 ? chain.length : behind, 0, entry))
    return () => this.#replace(point, this.#chains[point]!.filter((other) => other !== entry))
  }

  run(point: HookPoint, packet: Packet, networkProtocol: number, inputNic: number, outputNic: number, resume: HookContinuation): HookResult {
    if (this.isEmpty[point]) return 'accept'
    // A thief may have released it: then it is another packet now, and nothing to reinject.
    if (this.#hasThefts) this.#thefts.delete(packet)
    return this.#run(0, point, packet, networkProtocol, inputNic, outputNic, resume)
  }

  reinject(packet: Packet): boolean {
    const theft = this.#thefts.get(packet)
    if (theft === undefined) {
      packet.release()
      return false
    }
    this.#thefts.delete(packet)
    this.#options.defer(() => this.#goOn(packet, theft))
    return true
  }

  clear(): void {
    for (let point = 0; point < POINTS; point++) this.#replace(point as HookPoint, [])
    this.#thefts = new WeakMap()
    this.#hasThefts = false
  }

  #replace(point: HookPoint, chain: readonly Entry[]): void {
    this.#chains[point] = chain
    this.isEmpty[point] = chain.length === 0
    this.takesChains = this.#chains.every((entries, at) => at === HookPoint.Output || entries.every((entry) => entry.takesChains))
  }

  /** Continues behind the thief, by its place in the order: it may have been removed meanwhile. */
  #goOn(packet: Packet, theft: Theft): void {
    const { thief, point, networkProtocol, inputNic, outputNic, resume } = theft
    const chain = this.#chains[point]!
    const next = chain.findIndex((entry) => isBefore(thief, entry))
    const result =
      next < 0 ? 'accept' : this.#run(next, point, packet, networkProtocol, inputNic, outputNic, resume)
    if (result !== 'gone') resume(packet, result === 'reroute')
  }

  #run(from: number, point: HookPoint, packet: Packet, networkProtocol: number, inputNic: number, outputNic: number, resume: HookContinuation): HookResult {
    const chain = this.#chains[point]!
    const context = this.#contextAt(this.#depth++)
    context.point = point
    context.networkProtocol = networkProtocol
    context.inputNic = inputNic
    context.outputNic = outputNic
    let result: HookResult = 'accept'
    for (let i = from; i < chain.length; i++) {
      const entry = chain[i]!
      const verdict = this.#ask(entry, packet, context)
      if (verdict === 'accept') continue
      if (verdict === 'reroute') {
        result = 'reroute'
        continue
      }
      if (verdict === 'steal') {
        this.#thefts.set(packet, { thief: entry, point, networkProtocol, inputNic, outputNic, resume })
        this.#hasThefts = true
      } else {
        packet.release()
        this.#options.onDrop(verdict.reason, inputNic === 0 ? outputNic : inputNic)
      }
      result = 'gone'
      break
    }
    this.#depth--
    return result
  }

  #ask(entry: Entry, packet: Packet, context: HookContext): Verdict {
    try {
      return entry.hook(packet, context)
    } catch (error) {
      this.#options.onError?.(error)
      return HOOK_ERROR
    }
  }

  #contextAt(depth: number): MutableContext {
    return (this.#contexts[depth] ??= { point: 0, networkProtocol: 0, inputNic: 0, outputNic: 0 })
  }
}

const HOOK_ERROR: DropVerdict = { action: 'drop', reason: 'hookError' }

function isBefore(x: Entry, y: Entry): boolean {
  return x.priority < y.priority || (x.priority === y.priority && x.order < y.order)
}
