import type { Expression } from '../../language/ast.ts'
import type { Outcome } from '../pending-call.ts'
import { fail, ok } from '../pending-call.ts'
import type { System } from '../posix.ts'
import type { TcpSocket } from '../tcp-socket.ts'
import type { UdpFile } from '../udp-socket.ts'
import { pointedNumber, type Names } from '../values.ts'

export type Socket = TcpSocket | UdpFile

/** What getsockopt gives: a number, a string, or a struct by its fields. */
export type OptionValue = number | string | Readonly<Record<string, number>>

/** One socket option; what is absent fails with ENOPROTOOPT. */
export interface SocketOption<S extends Socket = Socket> {
  get?(socket: S, system: System): OptionValue
  set?(socket: S, value: Expression, names: Names, system: System): Outcome
  /** The stack has no notion of it: what the script wants. */
  readonly unsupported?: string
}

export type OptionTable<S extends Socket = Socket> = Readonly<Record<string, SocketOption<S>>>

/** An option whose value is an integer within bounds (EINVAL outside). */
export function integer<S extends Socket>(
  get: (socket: S, system: System) => number, set: (socket: S, value: number, system: System) => Outcome, least: number = -Infinity, most: number = Infinity,
): SocketOption<S> {
  return {
    get,
    set: (socket, expression, names, system) => {
      const value = pointedNumber(expression, names)
      return value < least || value > most ? fail('EINVAL') : set(socket, value, system)
    },
  }
}

/** An option that is only remembered: it changes nothing that the stack does. */
export function remembered(name: string, initially = 0): SocketOption {
  return integer(
    (socket) => socket.remembered.get(name) ?? initially,
    (socket, value) => {
      socket.remembered.set(name, value)
      return ok()
    },
  )
}

/** An option that can be read and not set. */
export function readOnly<S extends Socket>(get: (socket: S, system: System) => OptionValue): SocketOption<S> {
  return { get }
}

export function unsupported(what: string): SocketOption {
  return { unsupported: what }
}
