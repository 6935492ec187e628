import type { Expression } from '../../language/ast.ts'
import { Unsupported } from '../../language/error.ts'
import { controlMismatches, errorMessages, type ControlMessage } from '../control-messages.ts'
import { now, type Operation, type ReadOutcome, type ReadRequest, type WriteRequest } from '../file.ts'
import type { Socket } from '../options/option.ts'
import { fail, ok, type Outcome } from '../pending-call.ts'
import type { OutMismatch } from '../posix.ts'
import { message, vectorLength, type Message } from '../structs.ts'
import { numberOf, type Arguments } from '../values.ts'
import { ZeroFile } from '../zero-file.ts'
import type { CallTable, Face } from './call.ts'
import { addressOf, withSocket } from './sockets.ts'

/** ms. */
const DEFAULT_TOLERANCE = 4
/** Pieces of memory that one segment of Linux refers to. */
const PINNED_PARTS = 17

/** Calls that move bytes. */
export const TRANSFER_CALLS: CallTable = {
  read: (face, args) => {
    args.expect(3)
    return read(face, args, args.number(2), 0)
  },
  readv: (face, args) => {
    args.expect(3)
    return read(face, args, vectorLength(args.get(1), face.names, args.numberOr(2, Infinity)), 0)
  },
  recv: (face, args) => {
    args.expect(4)
    return read(face, args, args.number(2), args.number(3))
  },
  recvfrom: (face, args) => {
    args.expect(6)
    return read(face, args, args.number(2), args.number(3))
  },
  recvmsg: (face, args) => {
    args.expect(3)
    const parts = message(args.get(1), face.names)
    return read(face, args, parts.length, args.number(2), parts)
  },
  write: (face, args) => {
    args.expect(3)
    return write(face, args, args.number(2), 0, null)
  },
  writev: (face, args) => {
    args.expect(3)
    return write(face, args, vectorLength(args.get(1), face.names, args.numberOr(2, Infinity)), 0, null)
  },
  send: (face, args) => {
    args.expect(4)
    return write(face, args, args.number(2), args.number(3), null)
  },
  sendto: (face, args) => {
    args.expect(4, 6)
    return write(face, args, args.number(2), args.number(3), args.count > 4 ? args.get(4) : null)
  },
  sendmsg: (face, args) => {
    args.expect(3)
    const { name, length, parts } = message(args.get(1), face.names)
    if (parts > PINNED_PARTS && flagsOf(face, args.number(2))('MSG_ZEROCOPY')) throw new Unsupported('segments that end where their pages are used up (MSG_ZEROCOPY of many parts)', args.at)
    return write(face, args, length, args.number(2), name)
  },
  sendfile: (face, args) => {
    args.expect(4)
    if (!(face.files.get(args.number(1)) instanceof ZeroFile)) return now(fail('EBADF'))
    return withSocket(face, args, (socket) => socket.write({ length: args.number(3), more: false, endOfRecord: false, urgent: false, dontWait: false, to: null }))
  },
}

function read(face: Face, args: Arguments, length: number, flags: number, parts: Message | null = null): Operation {
  const has = flagsOf(face, flags)
  return withSocket(face, args, (socket) => {
    if (length > 0 && parts === null && isNull(args.get(1))) return now(fail('EFAULT'))
    if (has('MSG_ERRQUEUE')) return now(readErrorQueue(face, socket, parts))
    if (has('MSG_OOB')) return now(socket.kind === 'tcp' ? socket.readUrgent() : fail('EOPNOTSUPP'))
    const request: ReadRequest = {
      length, peek: has('MSG_PEEK'), truncate: has('MSG_TRUNC'), waitAll: has('MSG_WAITALL'), dontWait: has('MSG_DONTWAIT'),
    }
    const operation = socket.read(request)
    if (parts === null) return operation
    return {
      ...operation,
      attempt: (isLate) => {
        const outcome: ReadOutcome | null = operation.attempt(isLate)
        if (outcome === null || outcome.errno !== undefined) return outcome
        const cut = outcome.isTruncated === true ? face.symbols.numberOf('MSG_TRUNC')! : 0
        return ok(outcome.value, differences(face, parts, cut, controlOf(face, socket)))
      },
    }
  })
}

/** The next entry of the error queue: control messages, and no bytes. */
function readErrorQueue(face: Face, socket: Socket, parts: Message | null): Outcome {
  const entry = socket.kind === 'tcp' ? socket.refreshedQueue?.take() : undefined
  if (entry === undefined) return fail('EAGAIN')
  if (parts === null) return ok()
  const hasSegment = entry.kind === 'time' && entry.hasSegment
  const flags = face.symbols.numberOf('MSG_ERRQUEUE')! | (hasSegment ? face.symbols.numberOf('MSG_TRUNC')! : 0)
  return ok(0, differences(face, parts, flags, errorMessages(entry, face)))
}

/** TCP_INQ asks how much is left; the end of the stream counts as one byte. */
function controlOf(face: Face, socket: Socket): readonly ControlMessage[] {
  if (socket.kind !== 'tcp' || socket.remembered.get('TCP_INQ') !== 1) return []
  const level = face.symbols.numberOf('SOL_TCP')!
  const type = face.symbols.numberOf('TCP_CM_INQ')!
  return [{ level, type, data: socket.unread }]
}

/** What recvmsg gives back beside the bytes: flags and control messages. */
function differences(face: Face, { flags, control }: Message, actual: number, messages: readonly ControlMessage[]): readonly OutMismatch[] {
  const found: OutMismatch[] = []
  if (flags !== null && flags.kind !== 'ellipsis') {
    const expected = numberOf(flags, face.names)
    if (expected !== actual) found.push({ what: 'msg_flags', expected: `0x${expected.toString(16)}`, actual: `0x${actual.toString(16)}`, at: flags.at })
  }
  if (control !== null) found.push(...controlMismatches(control, messages, face.names, face.options.tolerance ?? DEFAULT_TOLERANCE))
  return found
}

function write(face: Face, args: Arguments, length: number, flags: number, to: Expression | null): Operation {
  const has = flagsOf(face, flags)
  return withSocket(face, args, (socket) => {
    if (has('MSG_ZEROCOPY') && socket.kind !== 'tcp') throw new Unsupported('zerocopy of datagrams (MSG_ZEROCOPY)', args.at)
    const opens = has('MSG_FASTOPEN')
    if ((opens || has('MSG_OOB')) && socket.kind !== 'tcp') return now(fail('EOPNOTSUPP'))
    if (length > 0 && isNull(args.get(1))) return now(fail('EFAULT'))
    // A stream that has a peer is written to that, whatever the address says.
    const mayOpen = opens || socket.kind === 'udp' || socket.isConnectedByWrites
    const isSomewhere = mayOpen && to !== null && !isNull(to) && !(socket.kind === 'udp' && to.kind === 'ellipsis' && (socket.socket?.remote ?? null) !== null)
    const request: WriteRequest = {
      length, more: has('MSG_MORE'), endOfRecord: has('MSG_EOR'), urgent: has('MSG_OOB'), dontWait: has('MSG_DONTWAIT'), fastOpen: opens, zeroCopy: has('MSG_ZEROCOPY'),
      to: isSomewhere ? addressOf(face, to, face.remote) : null,
    }
    const operation = socket.write(request)
    // MSG_EOF of FreeBSD shuts the sending side down behind the bytes.
    if (!has('MSG_EOF') || socket.kind !== 'tcp') return operation
    return {
      ...operation,
      attempt: (isLate) => {
        const outcome = operation.attempt(isLate)
        if (outcome !== null && outcome.errno === undefined) socket.shutdown('write')
        return outcome
      },
    }
  })
}

function isNull(expression: Expression): boolean {
  return (expression.kind === 'integer' && expression.value === 0) || (expression.kind === 'symbol' && expression.name === 'NULL')
}

function flagsOf(face: Face, flags: number): (name: string) => boolean {
  return (name) => {
    // A flag that this system does not have is in nobody's number.
    const bit = face.symbols.messages.numberOf(name) ?? 0
    return face.symbols.messages.nameOf(bit) === name && (flags & bit) !== 0
  }
}
