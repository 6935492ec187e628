import type { Expression } from '../../language/ast.ts'
import { ScriptError, Unsupported } from '../../language/error.ts'
import { IPV6_LEVEL, IP_LEVEL, UDP_LEVEL } from '../options/network-level.ts'
import type { OptionTable, OptionValue, Socket, SocketOption } from '../options/option.ts'
import { SOCKET_LEVEL } from '../options/socket-level.ts'
import { TCP_LEVEL } from '../options/tcp-level.ts'
import { now } from '../file.ts'
import { fail, ok, type Outcome } from '../pending-call.ts'
import type { OutMismatch } from '../posix.ts'
import { TcpSocket } from '../tcp-socket.ts'
import { pointedNumber, stringOf, type Arguments } from '../values.ts'
import type { CallTable, Face } from './call.ts'
import { withFile, withSocket } from './sockets.ts'

const IP = 0
const TCP = 6
const UDP = 17
const IPV6 = 41
/** Bytes of an int. */
const INT = 4

/** Calls that look at descriptors and change them. */
export const OPTION_CALLS: CallTable = {
  getsockopt: (face, args) => {
    args.expect(5)
    return withSocket(face, args, (socket) => now(getOption(face, args, socket)))
  },

  setsockopt: (face, args) => {
    args.expect(5)
    return withSocket(face, args, (socket) => {
      const option = optionOf(face, args, socket)
      if (typeof option === 'string') return now(fail(option))
      if (option.set === undefined) return now(fail('ENOPROTOOPT'))
      const value = args.get(3)
      // Options of IP may be a byte.
      const least = face.system === 'linux' && args.number(1) === IP ? 1 : INT
      if (value.kind === 'array' && args.numberOr(4, INT) < least) return now(fail('EINVAL'))
      return now(option.set(socket, value, face.names, face.system))
    })
  },

  fcntl: (face, args) => {
    args.expect(2, 3)
    return withFile(face, args, (file) => {
      const { symbols } = face
      const nonBlocking = symbols.numberOf('O_NONBLOCK')!
      switch (commandOf(face, args.number(1))) {
        case 'F_GETFL':
          return now(ok(symbols.numberOf('O_RDWR')! | (file.isNonBlocking ? nonBlocking : 0)))
        case 'F_SETFL':
          file.isNonBlocking = (args.number(2) & nonBlocking) !== 0
          return now(ok())
        case 'F_GETFD':
        case 'F_SETFD':
          return now(ok())
        default:
          return now(fail('EINVAL'))
      }
    })
  },

  ioctl: (face, args) => {
    args.expect(2, 3)
    return withSocket(face, args, (socket) => now(ioctl(face, args, socket)))
  },
}

function getOption(face: Face, args: Arguments, socket: Socket): Outcome {
  const option = optionOf(face, args, socket)
  if (typeof option === 'string') return fail(option)
  if (option.get === undefined) return fail('ENOPROTOOPT')
  const isError = option === SOCKET_LEVEL['SO_ERROR']
  const value = isError ? errorOf(face, socket) : option.get(socket, face.system)
  return ok(0, compare(face, value, args.get(3), isError))
}

function errorOf(face: Face, socket: Socket): number {
  const error = socket.takeError()
  return error === null ? 0 : (face.symbols.errno.numberOf(error) ?? -1)
}

/** The option that level and name stand for, or the errno. */
function optionOf(face: Face, args: Arguments, socket: Socket): SocketOption | string {
  const level = args.number(1)
  const name = nameOf(face, args.get(2), level)
  const tables: Readonly<Record<number, OptionTable>> = {
    [face.symbols.levels.numberOf('SOL_SOCKET')!]: SOCKET_LEVEL,
    [TCP]: socket instanceof TcpSocket ? (TCP_LEVEL) : {},
    [UDP]: socket instanceof TcpSocket ? {} : UDP_LEVEL,
    [IP]: IP_LEVEL,
    [IPV6]: IPV6_LEVEL,
  }
  const option = name === undefined ? undefined : tables[level]?.[name]
  if (option === undefined) return 'ENOPROTOOPT'
  if (option.unsupported !== undefined) throw new Unsupported(option.unsupported, args.get(2).at)
  return option
}

/** Scripts write names, which is what counts; a bare number is looked up in its level. */
function nameOf(face: Face, expression: Expression, level: number): string | undefined {
  if (expression.kind !== 'symbol') return face.symbols.options(level)?.nameOf(pointedNumber(expression, face.names))
  if (face.names(expression.name) === undefined) throw new ScriptError(`unknown option ${expression.name}`, expression.at)
  return expression.name
}

function commandOf(face: Face, command: number): string | undefined {
  return ['F_GETFL', 'F_SETFL', 'F_GETFD', 'F_SETFD'].find((name) => face.symbols.numberOf(name) === command)
}

function compare(face: Face, actual: OptionValue, expected: Expression, isErrno: boolean): readonly OutMismatch[] {
  const what = 'option value'
  if (expected.kind === 'ellipsis') return []
  if (typeof actual === 'string') {
    const wanted = stringOf(expected)
    return wanted === actual ? [] : [{ what, expected: wanted, actual, at: expected.at }]
  }
  if (typeof actual === 'object') return compareStruct(face, actual, expected)
  const wanted = pointedNumber(expected, face.names)
  if (wanted === actual) return []
  const show = (value: number): string => (isErrno ? (face.symbols.errno.nameOf(value) ?? String(value)) : String(value))
  return [{ what, expected: show(wanted), actual: show(actual), at: expected.at }]
}

/** Fields by their names, with or without a prefix (`l_onoff`, `onoff`); without names, in order. */
function compareStruct(face: Face, actual: Readonly<Record<string, number>>, expected: Expression): readonly OutMismatch[] {
  if (expected.kind !== 'struct') throw new ScriptError('this option is a struct: {field=value}', expected.at)
  const names = Object.keys(actual)
  return expected.fields.flatMap(({ name, value }, place) => {
    if (value.kind === 'ellipsis') return []
    const known = name === null ? names[place] : names.find((candidate) => candidate === name || `l_${candidate}` === name || candidate === `tv_${name}`)
    if (known === undefined) throw new ScriptError(`there is no field ${name ?? String(place)}`, value.at)
    const wanted = pointedNumber(value, face.names)
    return wanted === actual[known] ? [] : [{ what: known, expected: String(wanted), actual: String(actual[known]), at: value.at }]
  })
}

function ioctl(face: Face, args: Arguments, socket: Socket): Outcome {
  const request = args.number(1)
  const is = (name: string): boolean => face.symbols.files.numberOf(name) === request
  if (is('FIONBIO')) {
    socket.isNonBlocking = args.pointed(2) !== 0
    return ok()
  }
  const value = ioctlValue(socket, is)
  if (value === null) return fail('ENOTTY')
  const expected = args.get(2)
  return ok(0, compare(face, value, expected, false))
}

function ioctlValue(socket: Socket, is: (name: string) => boolean): number | null {
  const isStream = socket instanceof TcpSocket
  if (is('FIONREAD')) return isStream ? (socket.connection?.readableLength ?? 0) : (socket.socket?.readableLength ?? 0)
  if (!isStream) return is('SIOCOUTQ') ? 0 : null
  const { connection } = socket
  if (is('SIOCOUTQ') || is('FIONWRITE')) return connection?.unackedLength ?? 0
  if (is('SIOCOUTQNSD')) return connection?.info().bytesNotSent ?? 0
  if (is('FIONSPACE')) return connection?.writableLength ?? socket.bufferSize('sendBuffer')
  return is('SIOCATMARK') ? Number(connection?.urgentLength === 1) : null
}
