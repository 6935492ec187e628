import type { Expression, OptionSpec, Script, ScriptEvent } from '../language/ast.ts'
import { Unsupported } from '../language/error.ts'
import { icmpFamily } from '../packet/icmp-names.ts'
import type { Family } from '../report/result.ts'

/** Socket options and flags of protocols that the stack does not have. */
const SYMBOLS: Readonly<Record<string, string>> = {
  MSG_FASTOPEN: 'TCP Fast Open (RFC 7413)', TCP_FASTOPEN: 'TCP Fast Open (RFC 7413)', TCP_FASTOPEN_CONNECT: 'TCP Fast Open (RFC 7413)',
  TCP_FASTOPEN_KEY: 'TCP Fast Open (RFC 7413)', TCP_FASTOPEN_NO_COOKIE: 'TCP Fast Open (RFC 7413)',
}

const OPTIONS: Readonly<Partial<Record<OptionSpec['kind'], string>>> = {
  fastOpen: 'TCP Fast Open (RFC 7413)', fastOpenExperimental: 'TCP Fast Open (RFC 7413)',
}

/**
 * A script that is about a protocol which the stack does not have is skipped, and told so, before it runs: what it
 * expects of the stack's packets, and the options and flags that it sets, say it. What it only sends must be survived.
 *
 * @throws Unsupported
 */
export function refuseMissing(script: Script): void {
  for (const event of script.events) {
    const what = missingIn(event)
    if (what !== null) throw new Unsupported(`${what} is not there yet`, event.action.at)
  }
}

function missingIn({ action }: ScriptEvent): string | null {
  // A script may well expect that it is not there.
  if (action.kind === 'call') return action.errno === 'EOPNOTSUPP' || action.errno === 'ENOPROTOOPT' ? null : firstOf(action.arguments, missingSymbol)
  if (action.kind !== 'packet' || action.direction !== 'expect' || action.body.kind !== 'tcp') return null
  const { body } = action
  if (Array.isArray(body.options)) {
    const option = firstOf(body.options as readonly OptionSpec[], ({ kind }) => OPTIONS[kind] ?? null)
    if (option !== null) return option
  }
  return null
}

function missingSymbol(expression: Expression): string | null {
  switch (expression.kind) {
    case 'symbol': return Object.hasOwn(SYMBOLS, expression.name) ? SYMBOLS[expression.name]! : null
    case 'or': return firstOf(expression.operands, missingSymbol)
    default: return null
  }
}

function firstOf<T>(items: readonly T[], look: (item: T) => string | null): string | null {
  for (const item of items) {
    const found = look(item)
    if (found !== null) return found
  }
  return null
}

/** Over which families a script can be run that does not say: messages of ICMP have names of one family. */
export function familiesOf(script: Script, families: readonly Family[]): readonly Family[] {
  for (const { action } of script.events) {
    if (action.kind !== 'packet' || action.body.kind !== 'icmp') continue
    const version = icmpFamily(action.body)
    if (version === null) continue
    const fitting = families.filter((family) => (family === 'ipv6') === (version === 6))
    return fitting.length > 0 ? fitting : families
  }
  return families
}
