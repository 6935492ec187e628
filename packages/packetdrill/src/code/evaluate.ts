import { ScriptError, Unsupported } from '../language/error.ts'
import type { Position } from '../language/ast.ts'
import { formatSpec, formatTemplate, show } from './format.ts'
import type { CodeExpression } from './syntax.ts'

/** A value of Python; a tuple is a list. */
export type CodeValue = number | string | boolean | null | readonly CodeValue[]

/** Where names get their values. */
export interface Scope {
  /** Undefined: the name is not known. */
  get(name: string): CodeValue | undefined
}

/** The longest text and the widest shift that code may make. */
const LONGEST = 65_536
const WIDEST = 1024

/** @throws ScriptError when Python would raise an error; Unsupported for a name or function that is not known */
export function evaluate(expression: CodeExpression, scope: Scope): CodeValue {
  const { at } = expression
  switch (expression.kind) {
    case 'literal':
      return expression.value
    case 'name': {
      const value = scope.get(expression.name)
      if (value === undefined) throw new Unsupported(`code with the name ${expression.name}, which is not known`, at)
      return value
    }
    case 'list':
      return expression.items.map((item) => evaluate(item, scope))
    case 'unary':
      return unary(expression.operator, evaluate(expression.operand, scope), at)
    case 'binary':
      return binary(expression.operator, evaluate(expression.left, scope), evaluate(expression.right, scope), at)
    case 'logical': {
      const left = evaluate(expression.left, scope)
      return truth(left) === (expression.operator === 'or') ? left : evaluate(expression.right, scope)
    }
    case 'comparison':
      return comparison(expression.operands, expression.operators, scope)
    case 'choice':
      return evaluate(truth(evaluate(expression.test, scope)) ? expression.yes : expression.no, scope)
    case 'call':
      return call(expression.name, expression.arguments.map((argument) => evaluate(argument, scope)), at)
    case 'format':
      return expression.parts.map((part) => part.text + (part.value === null ? '' : formatSpec(evaluate(part.value, scope), part.spec, at))).join('')
  }
}

/** What Python takes for true. */
export function truth(value: CodeValue): boolean {
  return isList(value) ? value.length > 0 : Boolean(value)
}

function isList(value: CodeValue): value is readonly CodeValue[] {
  return Array.isArray(value)
}

function isNumber(value: CodeValue): value is number | boolean {
  return typeof value === 'number' || typeof value === 'boolean'
}

function mistake(what: string, at: Position): never {
  throw new ScriptError(`in code: ${what}`, at)
}

function unary(operator: string, value: CodeValue, at: Position): CodeValue {
  if (operator === 'not') return !truth(value)
  if (!isNumber(value)) return mistake(`${operator} of ${show(value)}`, at)
  if (operator === '~') return -integer(value, operator, at) - 1
  return operator === '-' ? -Number(value) : Number(value)
}

function binary(operator: string, left: CodeValue, right: CodeValue, at: Position): CodeValue {
  if (operator === '%' && typeof left === 'string') return formatTemplate(left, isList(right) ? right : [right], at)
  if (operator === '+' && typeof left === 'string' && typeof right === 'string') return bounded(left + right, at)
  if (operator === '+' && isList(left) && isList(right)) return bounded([...left, ...right], at)
  if (operator === '*' && typeof left === 'string' && isNumber(right)) {
    const count = Math.max(0, integer(right, operator, at))
    return left.length * count > LONGEST ? tooLong(at) : left.repeat(count)
  }
  if (!isNumber(left) || !isNumber(right)) return mistake(`${show(left)} ${operator} ${show(right)}`, at)
  return arithmetic(operator, Number(left), Number(right), at)
}

function bounded<Value extends string | readonly CodeValue[]>(value: Value, at: Position): Value {
  return value.length > LONGEST ? tooLong(at) : value
}

function tooLong(at: Position): never {
  return mistake(`a value of more than ${LONGEST} characters`, at)
}

function arithmetic(operator: string, left: number, right: number, at: Position): number {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '**':
      return left ** right
    case '/':
    case '//':
    case '%': {
      if (right === 0) return mistake(`${left} ${operator} 0`, at)
      const quotient = left / right
      // The remainder of Python has the sign of the divisor.
      return operator === '/' ? quotient : operator === '//' ? Math.floor(quotient) : left - right * Math.floor(quotient)
    }
    default:
      return bitwise(operator, integer(left, operator, at), integer(right, operator, at), at)
  }
}

/** Integers of Python have no width: those of more than 32 bits are common among counters. */
function bitwise(operator: string, left: number, right: number, at: Position): number {
  const [a, b] = [BigInt(left), BigInt(right)]
  switch (operator) {
    case '&':
      return Number(a & b)
    case '|':
      return Number(a | b)
    case '^':
      return Number(a ^ b)
    default:
      if (right < 0 || right > WIDEST) return mistake(`${left} ${operator} ${right}`, at)
      return Number(operator === '<<' ? a << b : a >> b)
  }
}

function integer(value: number | boolean, operator: string, at: Position): number {
  const result = Number(value)
  return Number.isInteger(result) ? result : mistake(`${operator} of ${result}, which is no integer`, at)
}

function comparison(operands: readonly CodeExpression[], operators: readonly string[], scope: Scope): boolean {
  let left = evaluate(operands[0]!, scope)
  return operators.every((operator, index) => {
    const operand = operands[index + 1]!
    const right = evaluate(operand, scope)
    const holds = compare(operator, left, right, operand.at)
    left = right
    return holds
  })
}

function compare(operator: string, left: CodeValue, right: CodeValue, at: Position): boolean {
  switch (operator) {
    case '==':
      return equal(left, right)
    case '!=':
      return !equal(left, right)
    case 'in':
    case 'not in':
      return contains(right, left, at) === (operator === 'in')
    default: {
      const order = isNumber(left) && isNumber(right) ? Number(left) - Number(right) : typeof left === 'string' && typeof right === 'string' ? (left < right ? -1 : left === right ? 0 : 1) : null
      if (order === null) return mistake(`${show(left)} ${operator} ${show(right)}`, at)
      return operator === '<' ? order < 0 : operator === '<=' ? order <= 0 : operator === '>' ? order > 0 : order >= 0
    }
  }
}

function equal(left: CodeValue, right: CodeValue): boolean {
  if (isNumber(left) && isNumber(right)) return Number(left) === Number(right)
  if (isList(left) && isList(right)) return left.length === right.length && left.every((item, index) => equal(item, right[index]!))
  return left === right
}

function contains(container: CodeValue, value: CodeValue, at: Position): boolean {
  if (isList(container)) return container.some((item) => equal(item, value))
  if (typeof container === 'string' && typeof value === 'string') return container.includes(value)
  return mistake(`${show(value)} in ${show(container)}`, at)
}

function call(name: string, values: readonly CodeValue[], at: Position): CodeValue {
  const items = values.length === 1 && isList(values[0]!) ? values[0] : values
  const numbers = (): number[] => items.map((value) => (isNumber(value) ? Number(value) : mistake(`${name} of ${show(value)}`, at)))
  const one = (): number => numbers()[0] ?? mistake(`${name} of nothing`, at)
  switch (name) {
    case 'abs':
      return Math.abs(one())
    case 'min':
      return items.length === 0 ? mistake('min of nothing', at) : Math.min(...numbers())
    case 'max':
      return items.length === 0 ? mistake('max of nothing', at) : Math.max(...numbers())
    case 'sum':
      return numbers().reduce((sum, value) => sum + value, 0)
    case 'int':
      return typeof values[0] === 'string' && /^\s*[+-]?\d+\s*$/.test(values[0]) ? Number(values[0]) : Math.trunc(one())
    case 'float':
      return one()
    case 'bool':
      return truth(values[0] ?? false)
    case 'hex':
      return formatSpec(one(), '#x', at)
    case 'str':
      return show(values[0] ?? '', false)
    case 'len':
      return typeof values[0] === 'string' ? values[0].length : items.length
    default:
      throw new Unsupported(`code with the function ${name}`, at)
  }
}
