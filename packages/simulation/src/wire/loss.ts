import { StackError, type Random } from '@stack/core'

/** Decides on one packet after the other: true = it is lost. `bytes` is the network packet's length, `at` seconds since the start. */
export type LossDecision = (bytes: number, at: number) => boolean

/** Makes the decision function of one direction of a wire; keep its state in the closure and draw from `random` only. */
export type LossModel = (random: Random) => LossDecision

/** Parameters of {@link gilbertElliott}, each a probability. */
export interface GilbertElliottOptions {
  /** From the good state to the bad one, for each packet. */
  readonly enter: number
  /** From the bad state back to the good one, for each packet: bursts are 1/leave packets long on average. */
  readonly leave: number
  /** Loss in the good state. Default 0. */
  readonly good?: number
  /** Loss in the bad state. Default 1. */
  readonly bad?: number
}

/**
 * Each packet on its own, with the same probability.
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION` unless 0 <= probability <= 1
 */
export function randomLoss(probability: number): LossModel {
  assertProbability('randomLoss()', 'probability', probability)
  return (random) => () => random.next() < probability
}

/**
 * Loss in bursts: a chain of two states (Gilbert 1960, Elliott 1963).
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION` for a value that is no probability
 */
export function gilbertElliott(options: GilbertElliottOptions): LossModel {
  const { enter, leave, good = 0, bad = 1 } = options
  for (const [name, value] of Object.entries({ enter, leave, good, bad })) assertProbability('gilbertElliott()', name, value)
  return (random) => {
    let isBad = false
    return () => {
      isBad = isBad ? random.next() >= leave : random.next() < enter
      return random.next() < (isBad ? bad : good)
    }
  }
}

/** The packets with these numbers in their direction are lost; 1 is the first. With a TCP client 1 is the SYN, 2 the ACK, 3 the first data. */
export function losePackets(...numbers: readonly number[]): LossModel {
  return () => {
    const wanted = new Set(numbers)
    let count = 0
    return () => wanted.has(++count)
  }
}

/** @internal */
export function assertProbability(what: string, name: string, value: number): void {
  if (typeof value === 'number' && value >= 0 && value <= 1) return
  throw new StackError('ERR_STACK_INVALID_OPTION', `${what}: '${name}' must be a probability, 0 to 1, received ${value}.`)
}
