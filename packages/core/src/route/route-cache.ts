import { sameAddress, type Address } from '../address/address.ts'
import type { Route } from '../registration/route.ts'

const BITS = 8
/** Routes held. */
const SIZE = 1 << BITS

/** What was asked for. */
interface Question {
  readonly nicId: number
  readonly local: Address | null
  readonly remote: Address
  readonly protocol: number
  readonly echo: boolean
  readonly anySource: boolean
}

interface Answer extends Question {
  readonly route: Route
}

/**
 * The last routes that were found, one for each hash of source and destination. Connections to one host share a route instead of
 * holding one each. Routes are immutable, and say by their generation when they are stale.
 */
export class RouteCache {
  private readonly answers: (Answer | null)[] = new Array<Answer | null>(SIZE).fill(null)

  find(generation: number, nicId: number, local: Address | null, remote: Address, protocol: number, echo: boolean, anySource: boolean): Route | null {
    const answer = this.answers[slotOf(local, remote)] ?? null
    if (answer === null) return null
    const isSame =
      answer.route.generation === generation && same(answer.remote, remote) && answer.nicId === nicId && answer.protocol === protocol &&
      answer.echo === echo && answer.anySource === anySource &&
      (answer.local === local || (answer.local !== null && local !== null && same(answer.local, local)))
    return isSame ? answer.route : null
  }

  add(nicId: number, local: Address | null, remote: Address, protocol: number, echo: boolean, anySource: boolean, route: Route): void {
    this.answers[slotOf(local, remote)] = { nicId, local, remote, protocol, echo, anySource, route }
  }

  clear(): void {
    this.answers.fill(null)
  }
}

function same(x: Address, y: Address): boolean {
  return sameAddress(x, y) && x.zone === y.zone
}

function slotOf(local: Address | null, { a, b, c, d }: Address): number {
  const mixed = Math.imul(a ^ b ^ c ^ d, 0x9e3779b1) ^ (local === null ? 0 : Math.imul(local.b ^ local.d, 0x85ebca6b))
  return Math.imul(mixed, 0xc2b2ae35) >>> (32 - BITS)
}
