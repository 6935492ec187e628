import type { Script } from '../language/ast.ts'
import { icmpFamily } from '../packet/icmp-names.ts'
import type { Family } from '../report/result.ts'
import type { RunOptions } from './options.ts'

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

/** Those that the addresses of a script, if it says any, belong to. */
export function ofAddresses(read: RunOptions, families: readonly Family[]): readonly Family[] {
  const address = read.localAddress ?? read.remoteAddress
  if (address === null) return families
  const fitting = families.filter((family) => (family === 'ipv6') === address.includes(':'))
  return fitting.length > 0 ? fitting : families
}
