import type { Expression } from '../language/ast.ts'
import { ScriptError } from '../language/error.ts'
import { field, items, numberOf, stringOf, type Names } from './values.ts'

/** An address and a port. */
export interface SocketAddress {
  readonly host: string
  readonly port: number
}

/** `{sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("10.0.0.1")}`, or `...` for `fallback`. Null = AF_UNSPEC. */
export function socketAddress(expression: Expression, names: Names, fallback: SocketAddress): SocketAddress | null {
  if (expression.kind === 'ellipsis') return fallback
  // AF_UNSPEC where an address stands.
  if (expression.kind === 'symbol' && numberOf(expression, names) === 0) return null
  const family = field(expression, ['sa_family', 'sin_family', 'sin6_family'], 0)
  if (family !== null && family.kind !== 'ellipsis' && numberOf(family, names) === 0) return null
  const port = field(expression, ['sin_port', 'sin6_port'], 1)
  const host = field(expression, ['sin_addr', 'sin6_addr'])
  return {
    host: host === null || host.kind === 'ellipsis' ? fallback.host : addressText(host, names),
    port: port === null || port.kind === 'ellipsis' ? fallback.port : numberOf(port, names),
  }
}

function addressText(expression: Expression, names: Names): string {
  if (expression.kind === 'string') return expression.value
  if (expression.kind === 'function' && expression.name === 'inet_addr') return stringOf(expression.arguments[0] ?? expression)
  // inet_pton(AF_INET6, "::1") and inet_pton("::1").
  if (expression.kind === 'function' && expression.name === 'inet_pton') return stringOf(expression.arguments.at(-1) ?? expression)
  const value = numberOf(expression, names)
  return [24, 16, 8, 0].map((shift) => String((value >>> shift) & 0xff)).join('.')
}

/** Bytes of `[{..., 1000}, {..., 500}]`, of at most `count` parts. */
export function vectorLength(expression: Expression, names: Names, count: number = Infinity): number {
  if (expression.kind === 'ellipsis') return 0
  let length = 0
  for (const part of items(expression).slice(0, count)) {
    const size = field(part, ['iov_len'], 1)
    if (size === null) throw new ScriptError('an iovec needs a length: {..., 1000}', part.at)
    length += numberOf(size, names)
  }
  return length
}

/** What scripts say of a msghdr. */
export interface Message {
  readonly name: Expression | null
  /** Bytes of all parts. */
  readonly length: number
  readonly parts: number
  readonly control: Expression | null
  readonly flags: Expression | null
}

export function message(expression: Expression, names: Names): Message {
  const vector = field(expression, ['msg_iov'])
  const count = field(expression, ['msg_iovlen'])
  return {
    name: field(expression, ['msg_name']),
    length: vector === null ? 0 : vectorLength(vector, names, count === null || count.kind === 'ellipsis' ? Infinity : numberOf(count, names)),
    parts: vector === null || vector.kind === 'ellipsis' ? 0 : items(vector).length,
    control: field(expression, ['msg_control']),
    flags: field(expression, ['msg_flags']),
  }
}

/** `{onoff=1, linger=0}` or `{l_onoff=1, l_linger=0}`. */
export function linger(expression: Expression, names: Names): { readonly isOn: boolean; readonly seconds: number } {
  const isOn = field(expression, ['onoff', 'l_onoff'], 0)
  const seconds = field(expression, ['linger', 'l_linger'], 1)
  return { isOn: isOn !== null && numberOf(isOn, names) !== 0, seconds: seconds === null ? 0 : numberOf(seconds, names) }
}

/** ms of `{tv_sec=1, tv_usec=500000}`. */
export function timeval(expression: Expression, names: Names): number {
  const seconds = field(expression, ['tv_sec', 'sec'], 0)
  const micros = field(expression, ['tv_usec', 'usec'], 1)
  return (seconds === null ? 0 : numberOf(seconds, names)) * 1000 + (micros === null ? 0 : numberOf(micros, names)) / 1000
}

/** One entry of `poll`. */
export interface PollEntry {
  readonly fd: number
  readonly events: number
  /** What the script says of `revents`; null = nothing. */
  readonly expected: Expression | null
}

export function pollEntry(expression: Expression, names: Names): PollEntry {
  const fd = field(expression, ['fd'], 0)
  const events = field(expression, ['events'], 1)
  if (fd === null || events === null) throw new ScriptError('a pollfd needs fd and events: {fd=4, events=POLLIN, revents=0}', expression.at)
  return { fd: numberOf(fd, names), events: numberOf(events, names), expected: field(expression, ['revents'], 2) }
}

/** `{events=EPOLLIN, fd=4}`; the data is what it is called by. */
export interface EpollEvent {
  readonly events: number
  readonly data: { readonly name: string; readonly value: number } | null
}

const EPOLL_DATA = ['fd', 'ptr', 'u32', 'u64']

export function epollEvent(expression: Expression, names: Names): EpollEvent {
  const events = field(expression, ['events'], 0)
  if (events === null) throw new ScriptError('an epoll_event needs events: {events=EPOLLIN, fd=4}', expression.at)
  const name = EPOLL_DATA.find((candidate) => field(expression, [candidate]) !== null)
  const value = name === undefined ? null : field(expression, [name])
  const known = name === undefined || value === null || value.kind === 'ellipsis' ? null : { name, value: numberOf(value, names) }
  return { events: events.kind === 'ellipsis' ? -1 : numberOf(events, names), data: known }
}
