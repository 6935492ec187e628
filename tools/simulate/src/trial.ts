/** One figure of a run and what it has to be. */
export interface Claim {
  readonly what: string
  readonly value: number
  readonly bound: string
  readonly holds: boolean
}

/** Collects the claims of one run of a scenario: all of them are looked at, not only the first that fails. */
export class Trial {
  readonly claims: Claim[] = []

  atLeast(what: string, value: number, bound: number): void {
    this.claims.push({ what, value, bound: `>= ${show(bound)}`, holds: value >= bound })
  }

  atMost(what: string, value: number, bound: number): void {
    this.claims.push({ what, value, bound: `<= ${show(bound)}`, holds: value <= bound })
  }

  exactly(what: string, value: number, bound: number): void {
    this.claims.push({ what, value, bound: `= ${show(bound)}`, holds: value === bound })
  }

  get holds(): boolean {
    return this.claims.length > 0 && this.claims.every(({ holds }) => holds)
  }
}

/** A figure with as many digits as one reads. */
export function show(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)))
}
