import type { Expression, Position } from '../language/ast.ts'
import { ScriptError } from '../language/error.ts'

/** Looks names up; undefined = nobody knows it. */
export type Names = (name: string) => number | undefined

/** Functions that only swap bytes: numbers of a script are in host order already. */
const BYTE_SWAPS = new Set(['htons', 'htonl', 'ntohs', 'ntohl'])

/** The number of an expression: integers, symbols, `|`, `~`, `htons(8080)`. */
export function numberOf(expression: Expression, names: Names): number {
  switch (expression.kind) {
    case 'integer':
    case 'decimal':
      return expression.value
    case 'symbol': {
      const value = names(expression.name)
      if (value === undefined) throw new ScriptError(`unknown symbol ${expression.name}`, expression.at)
      return value
    }
    case 'or':
      return expression.operands.reduce((sum, operand) => (sum | numberOf(operand, names)) >>> 0, 0)
    case 'not':
      return ~numberOf(expression.operand, names)
    case 'function':
      if (BYTE_SWAPS.has(expression.name) && expression.arguments.length === 1) return numberOf(expression.arguments[0]!, names)
      throw new ScriptError(`${expression.name}() is no number`, expression.at)
    default:
      throw new ScriptError(`a number was expected, not ${article(expression)}`, expression.at)
  }
}

/** `[1]` or `1`: how scripts write a pointer to an integer. */
export function pointedNumber(expression: Expression, names: Names): number {
  if (expression.kind !== 'array') return numberOf(expression, names)
  if (expression.items.length !== 1) throw new ScriptError(`one number in brackets was expected, not ${String(expression.items.length)}`, expression.at)
  return numberOf(expression.items[0]!, names)
}

/** A field of a struct: by its name, or one of its other names, or by its place; null = it is not there. */
export function field(expression: Expression, fieldNames: readonly string[], place?: number): Expression | null {
  if (expression.kind !== 'struct') throw new ScriptError(`a struct was expected, not ${article(expression)}`, expression.at)
  const named = expression.fields.find((candidate) => candidate.name !== null && fieldNames.includes(candidate.name))
  if (named !== undefined) return named.value
  const positional = place === undefined ? undefined : expression.fields[place]
  return positional?.name === null ? positional.value : null
}

/** The items of an array; anything else stands for an array of itself. */
export function items(expression: Expression): readonly Expression[] {
  return expression.kind === 'array' ? expression.items : [expression]
}

export function stringOf(expression: Expression): string {
  if (expression.kind === 'string') return expression.value
  if (expression.kind === 'array' && expression.items.length === 1) return stringOf(expression.items[0]!)
  throw new ScriptError(`a string was expected, not ${article(expression)}`, expression.at)
}

/** What kind of thing an expression is, for messages. */
function article(expression: Expression): string {
  switch (expression.kind) {
    case 'ellipsis':
      return "'...'"
    case 'integer':
      return 'an integer'
    case 'array':
      return 'an array'
    case 'or':
    case 'not':
      return 'a number'
    case 'function':
      return `${expression.name}()`
    default:
      return `a ${expression.kind}`
  }
}

/** Arguments of a call, by place. */
export class Arguments {
  readonly at: Position
  readonly names: Names
  private readonly call: string
  private readonly list: readonly Expression[]

  constructor(call: string, list: readonly Expression[], names: Names, at: Position) {
    this.call = call
    this.list = list
    this.names = names
    this.at = at
  }

  get count(): number {
    return this.list.length
  }

  /** @throws ScriptError unless the call has `least` to `most` arguments */
  expect(least: number, most: number = least): void {
    const { length } = this.list
    if (length >= least && length <= most) return
    const wanted = least === most ? String(least) : `${String(least)} to ${String(most)}`
    throw new ScriptError(`${this.call}() takes ${wanted} arguments, not ${String(length)}`, this.at)
  }

  get(index: number): Expression {
    const expression = this.list[index]
    if (expression === undefined) throw new ScriptError(`${this.call}() lacks argument ${String(index + 1)}`, this.at)
    return expression
  }

  number(index: number): number {
    return numberOf(this.get(index), this.names)
  }

  /** A number, or `fallback` for `...` and for an argument that is not there. */
  numberOr(index: number, fallback: number): number {
    const expression = this.list[index]
    return expression === undefined || expression.kind === 'ellipsis' ? fallback : numberOf(expression, this.names)
  }

  pointed(index: number): number {
    return pointedNumber(this.get(index), this.names)
  }
}
