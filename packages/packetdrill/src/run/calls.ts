import type { CallAction, Expression, ScriptEvent } from '../language/ast.ts'
import type { Call, CallResult, Posix } from '../posix/index.ts'
import { Mismatch } from './mismatch.ts'
import type { Network } from './network.ts'
import type { Slot } from './timeline.ts'

/** Longest wait for a call that the script does not say to block, ms. */
const PATIENCE = 60_000

/** A call that may still block. */
interface Pending {
  readonly event: ScriptEvent
  readonly action: CallAction
  readonly call: Call
  readonly slot: Slot
}

/** The calls of a script: one at a time, as a program with one thread makes them. */
export class Calls {
  private readonly posix: Posix
  private readonly network: Network
  private pending: Pending | null = null

  constructor(posix: Posix, network: Network) {
    this.posix = posix
    this.network = network
  }

  /**
   * Starts a call. One that the script says to block goes on in the background; any other is waited for.
   *
   * @throws Mismatch when it does not return, or returns something else
   */
  async start(event: ScriptEvent, action: CallAction, slot: Slot): Promise<void> {
    await this.finish()
    const call = this.posix.start(action.name, action.arguments, action.result, action.at)
    await this.network.clock.settle()
    this.pending = { event, action, call, slot }
    if (slot.end === null) await this.finish()
    else this.check()
  }

  /** Looks at the call that is under way, if it has returned. */
  check(): void {
    const { pending } = this
    if (pending?.call.done !== true) return
    this.pending = null
    compareTime(pending, this.network)
    const difference = compareResult(pending.action, pending.call.result!, this.posix)
    if (difference.length > 0) {
      const got = pending.call.result!
      throw new Mismatch('syscall', pending.event, difference.join('; '), pending.event.text.trim(), printResult(pending.action, got), difference)
    }
  }

  /** Waits for the call that is under way. */
  async finish(): Promise<void> {
    const { pending, network } = this
    if (pending === null) return
    const limit = pending.slot.end === null ? network.now + PATIENCE : pending.slot.end + pending.slot.tolerance
    while (!isDone(pending) && await network.step(limit)) { /* A timer at a time. */ }
    if (!isDone(pending)) {
      // Deadlines that no timer of the stack stands for.
      await network.advanceTo(limit)
      if (!isDone(pending)) {
        this.pending = null
        const difference = `time: expected ${pending.action.name}() to return by ${(limit / 1000).toFixed(3)} s, it blocks`
        throw new Mismatch('syscall', pending.event, difference, pending.event.text.trim(), `${pending.action.name}() blocks`, [difference])
      }
    }
    this.check()
  }
}

/** It may turn true whenever time goes on. */
function isDone({ call }: Pending): boolean {
  return call.done
}

function compareTime({ event, action, call, slot }: Pending, network: Network): void {
  if (slot.end === null) return
  const done = network.sinceStart(call.doneAt!)
  if (done >= slot.end - slot.tolerance - 1e-6 && done <= slot.end + slot.tolerance + 1e-6) return
  const difference = `time: expected ${action.name}() to return at ${(slot.end / 1000).toFixed(6)} s (± ${(slot.tolerance / 1000).toFixed(6)}), it did at ${(done / 1000).toFixed(6)} s`
  throw new Mismatch('syscall', event, difference, event.text.trim(), `it returned at ${(done / 1000).toFixed(6)} s`, [difference])
}

/** Two names of one number. */
const ALSO: Readonly<Record<string, string>> = { EWOULDBLOCK: 'EAGAIN', ENOTSUP: 'EOPNOTSUPP' }

function compareResult(action: CallAction, got: CallResult, posix: Posix): string[] {
  const differences: string[] = []
  if (action.result !== null && !isAny(action.result)) {
    const wanted = posix.evaluate(action.result)
    if (isDescriptor(action.name) && got.value >= 0 && wanted >= 0) { /* The script's number is bound to what there is. */ } else if (wanted !== got.value) {
      differences.push(`result: expected ${String(wanted)}, got ${String(got.value)}${got.errno === null ? '' : ` ${got.errno}`}`)
    }
  }
  if (action.errno !== null && (ALSO[action.errno] ?? action.errno) !== got.errno) differences.push(`errno: expected ${action.errno}, got ${got.errno ?? 'none'}`)
  return [...differences, ...got.out.map(({ what, expected, actual }) => `${what}: expected ${expected}, got ${actual}`)]
}

function printResult(action: CallAction, got: CallResult): string {
  const out = got.out.map(({ what, actual }) => `, ${what} ${actual}`).join('')
  return `${action.name}(…) = ${String(got.value)}${got.errno === null ? '' : ` ${got.errno}`}${out}`
}

function isAny(expression: Expression): boolean {
  return expression.kind === 'ellipsis'
}

function isDescriptor(name: string): boolean {
  return ['socket', 'accept', 'accept4', 'open', 'epoll_create', 'epoll_create1', 'dup'].includes(name)
}
