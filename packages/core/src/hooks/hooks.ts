import type { Packet } from '@stack/buffer'

/** The five places where a packet can be looked at and decided about (the same as Netfilter's). */
export const HookPoint = { Prerouting: 0, Input: 1, Forward: 2, Output: 3, Postrouting: 4 } as const
export type HookPoint = (typeof HookPoint)[keyof typeof HookPoint]

/** A drop with a reason that its counter carries. Made once by {@link drop}. */
export interface DropVerdict {
  readonly action: 'drop'
  readonly reason: string
}

/**
 * The verdict that drops a packet. Make it once, not per packet.
 *
 * @param reason - names the counter, in the style of the others: `'blocklist'`
 *
 * @example
 * ```ts
 * import { createStack, drop, HookPoint } from '@stack/core'
 *
 * const stack = createStack({ plugins: [] })
 * const blocked = drop('blocklist')
 * stack.hooks.add(HookPoint.Input, (packet) => (packet.mark === 1 ? blocked : 'accept'))
 * ```
 */
export function drop(reason: string): DropVerdict {
  return Object.freeze({ action: 'drop', reason })
}

/**
 * accept: go on. A DropVerdict: released and counted. steal: the hook owns the packet now (`Hooks.reinject` later).
 * reroute: the addresses changed, find another route.
 */
export type Verdict = 'accept' | 'steal' | 'reroute' | DropVerdict

/** What the network layer does next. */
export type HookResult = 'accept' | 'gone' | 'reroute'

/** What a hook is told beside the packet. The object is reused: read it during the call only. */
export interface HookContext {
  readonly point: HookPoint
  readonly networkProtocol: number
  /** 0 at Output and Postrouting. */
  readonly inputNic: number
  /** 0 at Prerouting and Input. */
  readonly outputNic: number
}

/** How a hook is added. */
export interface HookOptions {
  /** Lower ones are asked first. Default 0. */
  readonly priority?: number
  readonly name?: string
  /**
   * The hook copes with TCP segments that the NIC has merged: it is asked once about all of them, sees the first whole and the
   * others behind it, through `packet.chain`, each with only its text; its verdict and what it changes in the headers of
   * the first go for all. Default false: as long as there is such a hook, at any point but Output, NICs merge nothing.
   */
  readonly takesChains?: boolean
}

export type Hook = (packet: Packet, context: HookContext) => Verdict

/**
 * Where a reinjected packet goes on: called with the packet, in a turn, after the remaining hooks let it pass.
 * `reroute` says that one of them changed its addresses.
 */
export type HookContinuation = (packet: Packet, reroute: boolean) => void

/** Chains of hooks by priority. An empty chain costs one branch: test `isEmpty[point]` first. */
export interface Hooks {
  /** Indexed by {@link HookPoint}. */
  readonly isEmpty: readonly boolean[]
  /** Does every hook that a received packet can come to take chains? */
  readonly takesChains: boolean
  /** Lower priority first; equal ones in order of registration. Returns the removal. */
  add(point: HookPoint, hook: Hook, options?: HookOptions): () => void
  /** Runs a chain; on `gone` the packet is not the caller's any more. `resume` is kept only when the packet is stolen. */
  run(point: HookPoint, packet: Packet, networkProtocol: number, inputNic: number, outputNic: number, resume: HookContinuation): HookResult
  /** Continues a stolen packet behind the hook that stole it. Takes ownership. False when it was not stolen here (released). */
  reinject(packet: Packet): boolean
}
