import { isMapped } from '@stack/core'
import type { Expression } from '../../language/ast.ts'
import { ScriptError, Unsupported } from '../../language/error.ts'
import { now, type OpenFile, type Operation } from '../file.ts'
import { fail, ok } from '../pending-call.ts'
import { socketAddress, type SocketAddress } from '../structs.ts'
import { TcpSocket } from '../tcp-socket.ts'
import { UdpFile } from '../udp-socket.ts'
import type { Arguments } from '../values.ts'
import { ZeroFile } from '../zero-file.ts'
import { numberOf } from '../values.ts'
import type { CallTable, Face } from './call.ts'

const STREAM = 1
const DATAGRAM = 2

/** Protocols that the stack has no sockets for. */
const FOREIGN: Readonly<Record<number, string>> = {
  1: 'ICMP sockets', 58: 'ICMP sockets', 132: 'SCTP', 136: 'UDP-Lite', 255: 'raw sockets', 262: 'MPTCP',
}

/** Calls that make, open and end sockets. */
export const SOCKET_CALLS: CallTable = {
  socket: (face, args, result) => {
    args.expect(3)
    const { symbols } = face
    const type = args.number(1)
    const nonBlocking = symbols.numberOf('SOCK_NONBLOCK')!
    const kind = type & ~(nonBlocking | symbols.numberOf('SOCK_CLOEXEC')!)
    const protocol = args.numberOr(2, 0)
    const foreign = FOREIGN[protocol]
    if (foreign !== undefined) throw new Unsupported(foreign, args.get(2).at)
    const domain = domainOf(face, args)
    if (domain === null) return now(fail('EAFNOSUPPORT'))
    const isNonBlocking = (type & nonBlocking) !== 0
    if (kind === STREAM && (protocol === 0 || protocol === 6)) return now(ok(face.files.add(new TcpSocket(face.tcp, domain, isNonBlocking), wanted(face, result))))
    if (kind === DATAGRAM && (protocol === 0 || protocol === 17)) return now(ok(face.files.add(new UdpFile(face.udp, domain, isNonBlocking), wanted(face, result))))
    if (kind !== STREAM && kind !== DATAGRAM) throw new Unsupported('sockets that are neither TCP nor UDP', args.get(1).at)
    return now(fail('EPROTONOSUPPORT'))
  },

  bind: (face, args) => {
    args.expect(3)
    return withSocket(face, args, (socket) => {
      const address = addressOf(face, args.get(1), face.local)
      return now(address === null ? fail('EAFNOSUPPORT') : socket.bind(address))
    })
  },

  listen: (face, args) => {
    args.expect(2)
    return withSocket(face, args, (socket) => now(socket.kind === 'tcp' ? socket.listen(args.number(1)) : fail('EOPNOTSUPP')))
  },

  accept: (face, args, result) => {
    args.expect(3)
    return accept(face, args, result, 0)
  },

  accept4: (face, args, result) => {
    args.expect(4)
    return accept(face, args, result, args.number(3))
  },

  connect: (face, args) => {
    args.expect(3)
    return withSocket(face, args, (socket) => {
      const address = addressOf(face, args.get(1), face.remote)
      if (socket.kind === 'udp') return now(socket.connect(address))
      if (address !== null) return socket.connect(address)
      return now(face.system === 'linux' ? socket.disconnect() : fail('EAFNOSUPPORT'))
    })
  },

  shutdown: (face, args) => {
    args.expect(2)
    const how = (['read', 'write', 'both'] as const)[args.number(1)]
    return withSocket(face, args, (socket) => now(how === undefined ? fail('EINVAL') : socket.shutdown(how)))
  },

  open: (face, args, result) => {
    args.expect(2, 3)
    return now(ok(face.files.add(new ZeroFile(), wanted(face, result))))
  },

  close: (face, args) => {
    args.expect(1)
    const file = face.files.remove(args.number(0))
    return file === undefined ? now(fail('EBADF')) : file.close()
  },
}

/** The descriptor that the script gives to what a call makes; null = the script expects none. */
export function wanted(face: Face, result: Expression | null): number | null {
  if (result === null || result.kind === 'ellipsis') return null
  const fd = numberOf(result, face.names)
  return fd >= 0 ? fd : null
}

/** Runs `call` with the file of the first argument; EBADF without one. */
export function withFile(face: Face, args: Arguments, call: (file: OpenFile) => Operation): Operation {
  const file = face.files.get(args.number(0))
  return file === undefined ? now(fail('EBADF')) : call(file)
}

/** As {@link withFile}, for sockets only (ENOTSOCK). */
export function withSocket(face: Face, args: Arguments, call: (socket: TcpSocket | UdpFile) => Operation): Operation {
  return withFile(face, args, (file) => (file instanceof TcpSocket || file instanceof UdpFile ? call(file) : now(fail('ENOTSOCK'))))
}

/** An address argument; null = AF_UNSPEC. @throws ScriptError for a text that is no address */
export function addressOf(face: Face, expression: Expression, fallback: SocketAddress): SocketAddress | null {
  const address = socketAddress(expression, face.names, fallback)
  if (address === null) return null
  try {
    face.options.stack.parseAddress(address.host)
  } catch {
    throw new ScriptError(`'${address.host}' is no address`, expression.at)
  }
  return address
}

function accept(face: Face, args: Arguments, result: Expression | null, flags: number): Operation {
  return withSocket(face, args, (socket) => {
    if (socket.kind !== 'tcp') return now(fail('EOPNOTSUPP'))
    const isNonBlocking = (flags & face.symbols.numberOf('SOCK_NONBLOCK')!) !== 0
    // FreeBSD's accept, unlike Linux's, hands the flag on.
    const inherits = face.system === 'freebsd' && socket.isNonBlocking
    return socket.accept((accepted) => face.files.add(accepted, wanted(face, result)), isNonBlocking || inherits)
  })
}

/** AF_INET or AF_INET6, `...` being the family of the run; null = another. */
function domainOf(face: Face, args: Arguments): number | null {
  const v4 = face.symbols.numberOf('AF_INET')!
  const v6 = face.symbols.numberOf('AF_INET6')!
  const { family, stack, localAddress } = face.options
  const own = family === 'ipv4' && isMapped(stack.parseAddress(localAddress)) ? v4 : v6
  const domain = args.numberOr(0, own)
  return domain === v4 || domain === v6 ? domain : null
}
