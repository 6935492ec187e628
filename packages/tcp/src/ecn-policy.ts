import type { ConnectionOptions, EcnKind, EcnPolicy } from './api.ts'
import type { TcpContext } from './context.ts'
import type { Settings } from './options.ts'

const DEFAULTS: Required<EcnPolicy> = { offer: 'none', accept: 'accurate', options: 'acks', capable: 'data', cwr: 'new', verify: true, retries: null }

const NAMED: Readonly<Record<string, Required<EcnPolicy>>> = {
  off: { ...DEFAULTS, accept: 'none' },
  passive: DEFAULTS,
  on: { ...DEFAULTS, offer: 'classic' },
  accurate: { ...DEFAULTS, offer: 'accurate' },
}

/** What a connection with these settings does about ECN. A congestion control that lives by marks always asks for them. */
export function ecnPolicy(context: TcpContext, settings: Settings): Required<EcnPolicy> {
  const policy = decided(settings.ecn)
  if (context.algorithms.get(settings.congestionControl)?.needsEcn !== true) return policy
  return { ...policy, offer: atLeastClassic(policy.offer), accept: atLeastClassic(policy.accept) }
}

function decided(option: Required<ConnectionOptions>['ecn']): Required<EcnPolicy> {
  return typeof option === 'string' ? NAMED[option]! : { ...DEFAULTS, ...option }
}

function atLeastClassic(kind: EcnKind): EcnKind {
  return kind === 'none' ? 'classic' : kind
}
