import type { IcmpSpec } from '../language/ast.ts'
import { ScriptError } from '../language/error.ts'

interface Message {
  readonly type: number
  readonly codes: readonly (string | null)[]
}

type Names = Readonly<Record<string, Message>>

/** RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1. A code is its place in the list. */
const V4: Names = {
  echo_reply: { type: 0, codes: [] },
  unreachable: {
    type: 3,
    codes: [
      'net_unreachable', 'host_unreachable', 'protocol_unreachable', 'port_unreachable', 'frag_needed', 'source_route_failed', 'net_unknown',
      'host_unknown', 'source_host_isolated', 'net_prohibited', 'host_prohibited', 'net_unreachable_for_tos', 'host_unreachable_for_tos',
      'packet_filtered', 'precedence_violation', 'precedence_cutoff',
    ],
  },
  source_quench: { type: 4, codes: [] },
  redirect: { type: 5, codes: ['net_redirect', 'host_redirect', 'net_redirect_for_tos', 'host_redirect_for_tos'] },
  echo_request: { type: 8, codes: [] },
  time_exceeded: { type: 11, codes: ['ttl_exceeded', 'reassembly_time_exceeded'] },
  parameter_problem: { type: 12, codes: ['header_field', 'missing_option', 'bad_length'] },
  timestamp_request: { type: 13, codes: [] },
  timestamp_reply: { type: 14, codes: [] },
  information_request: { type: 15, codes: [] },
  information_reply: { type: 16, codes: [] },
  address_mask_request: { type: 17, codes: [] },
  address_mask_reply: { type: 18, codes: [] },
}

/** RFC 4443. */
const V6: Names = {
  unreachable: {
    type: 1,
    codes: ['no_route', 'admin_prohibited', 'beyond_scope', 'address_unreachable', 'port_unreachable', 'source_policy', 'reject_route'],
  },
  packet_too_big: { type: 2, codes: [] },
  time_exceeded: { type: 3, codes: ['exceed_hop_limit', 'exceed_reassembly_time'] },
  parameter_problem: { type: 4, codes: ['header_field', 'unknown_next_header', 'unknown_option'] },
  echo_request: { type: 128, codes: [] },
  echo_reply: { type: 129, codes: [] },
}

/** Other spellings that are in use. */
const SAME: Readonly<Record<string, string>> = {
  not_neighbour: 'beyond_scope', not_neighbor: 'beyond_scope', ttl: 'ttl_exceeded', ttl_exceeded_in_transit: 'ttl_exceeded',
  frag_reass_exceeded: 'reassembly_time_exceeded', exceeded_hop_limit: 'exceed_hop_limit', exceeded_frag_time: 'exceed_reassembly_time',
}

/** Numbers of a message as it is written. Throws {@link ScriptError} for a name that the family does not have. */
export function icmpNumbers(spec: IcmpSpec, version: 4 | 6, at: { readonly line: number; readonly column: number }): { readonly type: number; readonly code: number } {
  const names = version === 4 ? V4 : V6
  const message = names[spec.type]
  const type = message?.type ?? numberOf(spec.type)
  if (type === null) throw new ScriptError(`ICMP over IPv${String(version)} has no type '${spec.type}': known are ${Object.keys(names).join(', ')}, or a number.`, at)
  if (spec.code === null) return { type, code: 0 }
  const codes = message?.codes ?? []
  const place = Math.max(codes.indexOf(spec.code), codes.indexOf(SAME[spec.code] ?? spec.code))
  const code = place >= 0 ? place : numberOf(spec.code)
  if (code === null) throw new ScriptError(`ICMP type '${spec.type}' over IPv${String(version)} has no code '${spec.code}': known are ${codes.join(', ')}, or a number.`, at)
  return { type, code }
}

/** The family that has the names of this message; null = both have, or neither. */
export function icmpFamily(spec: IcmpSpec): 4 | 6 | null {
  const four = isKnown(spec, V4)
  return four === isKnown(spec, V6) ? null : four ? 4 : 6
}

function isKnown({ type, code }: IcmpSpec, names: Names): boolean {
  const codes = names[type]?.codes
  return codes !== undefined && (code === null || numberOf(code) !== null || codes.includes(code) || codes.includes(SAME[code] ?? code))
}

/** Names of a message's numbers; numbers as text where there is no name. */
export function icmpText(type: number, code: number, version: 4 | 6): { readonly type: string; readonly code: string | null } {
  const entry = Object.entries(version === 4 ? V4 : V6).find(([, message]) => message.type === type)
  if (entry === undefined) return { type: String(type), code: code === 0 ? null : String(code) }
  const [name, { codes }] = entry
  return { type: name, code: codes[code] ?? (code === 0 ? null : String(code)) }
}

/** Types that carry a packet which they are about. */
export function isIcmpError(type: number, version: 4 | 6): boolean {
  return version === 4 ? [3, 4, 5, 11, 12].includes(type) : type < 128
}

/** Does the message carry the MTU of the next hop? (RFC 1191 §4, RFC 4443 §3.2) */
export function hasMtu(type: number, code: number, version: 4 | 6): boolean {
  return version === 4 ? type === 3 && code === 4 : type === 2
}

export function isEcho(type: number, version: 4 | 6): boolean {
  return version === 4 ? type === 0 || type === 8 : type === 128 || type === 129
}

function numberOf(text: string): number | null {
  const value = Number(text.replace(/^(?:type|code)_/, ''))
  return text !== '' && Number.isInteger(value) && value >= 0 && value <= 255 ? value : null
}
