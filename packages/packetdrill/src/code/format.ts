import type { Position } from '../language/ast.ts'
import { ScriptError, Unsupported } from '../language/error.ts'
import type { CodeValue } from './evaluate.ts'

const DIRECTIVE = /%(?:%|([-+ #0]*)(\d*)(?:\.(\d+))?([a-zA-Z]))/g
const SPEC = /^([<>^]?)([-+ ]?)(#?)(0?)(\d*)(?:\.(\d+))?([a-zA-Z]?)$/
const WIDEST = 256

/** A value as Python shows it; strings in quotes when they are shown within others. */
export function show(value: CodeValue, quoted = true): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return quoted ? `'${value}'` : value
  return `(${value.map((item) => show(item)).join(', ')}${value.length === 1 ? ',' : ''})`
}

/** `'cwnd=%d' % value` */
export function formatTemplate(template: string, values: readonly CodeValue[], at: Position): string {
  let used = 0
  const text = template.replace(DIRECTIVE, (directive, flags: string | undefined, width: string, precision: string | undefined, type: string) => {
    if (directive === '%%') return '%'
    const value = values[used++]
    if (value === undefined) throw new ScriptError(`in code: '${template}' needs more than ${values.length} values`, at)
    const left = flags!.includes('-')
    return layout(value, { align: left ? '<' : '>', sign: flags!.includes('+') ? '+' : '', alternate: flags!.includes('#'), zeros: !left && flags!.includes('0'), width, precision, type }, at)
  })
  if (used < values.length) throw new ScriptError(`in code: '${template}' needs ${used} values, not ${values.length}`, at)
  return text
}

/** `f'{value:spec}'` */
export function formatSpec(value: CodeValue, spec: string, at: Position): string {
  const [, align, sign, alternate, zeros, width, precision, type] = SPEC.exec(spec) ?? []
  if (width === undefined) throw new Unsupported(`code with the format ${spec}`, at)
  const defaultAlign = typeof value === 'number' ? '>' : '<'
  return layout(value, { align: align === '' ? defaultAlign : align!, sign: sign!, alternate: alternate !== '', zeros: zeros !== '', width, precision, type: type! }, at)
}

interface Layout {
  readonly align: string
  readonly sign: string
  readonly alternate: boolean
  readonly zeros: boolean
  readonly width: string
  readonly precision: string | undefined
  readonly type: string
}

function layout(value: CodeValue, how: Layout, at: Position): string {
  let text = convert(value, how, at)
  if (how.sign === '+' && typeof value === 'number' && value >= 0) text = `+${text}`
  const width = Math.min(Number(how.width), WIDEST)
  if (how.zeros && typeof value === 'number') return zeroFill(text, width)
  if (how.align === '^') return text.padStart(text.length + ((width - text.length) >> 1)).padEnd(width)
  return how.align === '<' ? text.padEnd(width) : text.padStart(width)
}

/** Zeros stand behind the sign and the prefix. */
function zeroFill(text: string, width: number): string {
  const lead = /^[+-]?(?:0[xXob])?/.exec(text)![0]
  return lead + text.slice(lead.length).padStart(width - lead.length, '0')
}

const RADIX: Readonly<Record<string, number>> = { x: 16, X: 16, o: 8, b: 2 }

function convert(value: CodeValue, how: Layout, at: Position): string {
  const { type } = how
  if (type === '' || type === 's' || type === 'r') {
    const text = typeof value === 'number' && how.precision !== undefined ? value.toPrecision(Math.max(1, Math.min(Number(how.precision), 100))) : show(value, type === 'r')
    return type === 's' && how.precision !== undefined ? text.slice(0, Number(how.precision)) : text
  }
  if (typeof value !== 'number' && typeof value !== 'boolean') throw new ScriptError(`in code: ${type} of ${show(value)}`, at)
  const number = Number(value)
  if ('diu'.includes(type)) return String(Math.trunc(number))
  if (Object.hasOwn(RADIX, type)) {
    const digits = Math.abs(Math.trunc(number)).toString(RADIX[type])
    return (number < 0 ? '-' : '') + (how.alternate ? `0${type}` : '') + (type === 'X' ? digits.toUpperCase() : digits)
  }
  const precision = Math.min(Number(how.precision ?? 6), 100)
  if ('fF'.includes(type)) return number.toFixed(precision)
  if ('eE'.includes(type)) return number.toExponential(precision)
  if ('gG'.includes(type)) return String(Number(number.toPrecision(Math.max(1, precision))))
  throw new Unsupported(`code with the format ${type}`, at)
}
