import type { Expression } from '../../language/ast.ts'
import { ScriptError } from '../../language/error.ts'
import { Epoll, type EpollReport } from '../epoll.ts'
import { now, Ready, type Operation } from '../file.ts'
import { fail, ok } from '../pending-call.ts'
import type { OutMismatch } from '../posix.ts'
import { epollEvent, pollEntry } from '../structs.ts'
import { items, numberOf, type Arguments } from '../values.ts'
import type { CallTable, Face } from './call.ts'
import { wanted, withFile } from './sockets.ts'

/** Calls that wait for several descriptors. */
export const POLLING_CALLS: CallTable = {
  poll: (face, args) => {
    args.expect(3)
    const entries = items(args.get(0)).slice(0, args.numberOr(1, Infinity)).map((entry) => pollEntry(entry, face.names))
    return {
      attempt: (isLate) => {
        const ready = entries.map(({ fd, events }) => (fd < 0 ? 0 : maskOf(face, fd) & (translated(face, events) | Ready.Err | Ready.Hup | Ready.Invalid)))
        const count = ready.filter((mask) => mask !== 0).length
        if (count === 0 && !isLate) return null
        return ok(count, entries.flatMap(({ fd, expected }, i) => compareEvents(face, `revents of fd ${String(fd)}`, ready[i]!, expected)))
      },
      patience: patienceOf(args.number(2)),
    }
  },

  epoll_create: (face, args, result) => {
    args.expect(1)
    return now(args.number(0) > 0 ? ok(face.files.add(new Epoll(), wanted(face, result))) : fail('EINVAL'))
  },

  epoll_create1: (face, args, result) => {
    args.expect(1)
    return now(ok(face.files.add(new Epoll(), wanted(face, result))))
  },

  epoll_ctl: (face, args) => {
    args.expect(4)
    return withEpoll(face, args, (epoll) => {
      const fd = args.number(2)
      const file = face.files.get(fd)
      if (file === undefined) return now(fail('EBADF'))
      const command = args.number(1)
      if (command === face.symbols.numberOf('EPOLL_CTL_DEL')) return now(epoll.remove(fd))
      if (file === epoll) return now(fail('EINVAL'))
      const event = epollEvent(args.get(3), face.names)
      if (command === face.symbols.numberOf('EPOLL_CTL_ADD')) return now(epoll.add(fd, file, event))
      return now(command === face.symbols.numberOf('EPOLL_CTL_MOD') ? epoll.modify(fd, event) : fail('EINVAL'))
    })
  },

  epoll_wait: (face, args) => {
    args.expect(4)
    return epollWait(face, args)
  },

  epoll_pwait: (face, args) => {
    args.expect(4, 6)
    return epollWait(face, args)
  },
}

function epollWait(face: Face, args: Arguments): Operation {
  return withEpoll(face, args, (epoll) => {
    const most = args.number(2)
    if (most <= 0) return now(fail('EINVAL'))
    return {
      attempt: (isLate) => {
        const reports = epoll.collect(most)
        if (reports.length === 0 && !isLate) return null
        return ok(reports.length, reports.length === 0 ? [] : compareReports(face, reports, args.get(1)))
      },
      patience: patienceOf(args.number(3)),
    }
  })
}

function withEpoll(face: Face, args: Arguments, call: (epoll: Epoll) => Operation): Operation {
  return withFile(face, args, (file) => (file instanceof Epoll ? call(file) : now(fail('EINVAL'))))
}

/** poll(2): ms, negative = for ever. */
function patienceOf(timeout: number): number {
  return timeout < 0 ? Infinity : timeout
}

/** Everything that holds of a descriptor. */
function maskOf(face: Face, fd: number): number {
  return face.files.get(fd)?.poll() ?? Ready.Invalid
}

/** FreeBSD's numbers of what differs, as the bits that files speak of; the aliases of reading and writing. */
function translated(face: Face, events: number): number {
  const bit = (name: string): number => face.symbols.poll.numberOf(name)!
  let mask = events & (Ready.In | Ready.Out | Ready.Pri)
  if ((events & bit('POLLRDHUP')) !== 0) mask |= Ready.ReadHup
  if ((events & bit('POLLRDNORM')) !== 0) mask |= Ready.In
  if ((events & bit('POLLWRNORM')) !== 0) mask |= Ready.Out
  return mask
}

function compareEvents(face: Face, what: string, actual: number, expected: Expression | null): readonly OutMismatch[] {
  if (expected === null || expected.kind === 'ellipsis') return []
  const mask = numberOf(expected, face.names)
  if (translated(face, mask) === (actual & (Ready.In | Ready.Out | Ready.Pri | Ready.ReadHup)) && ((mask ^ actual) & ALWAYS) === 0) return []
  return [{ what, expected: show(face, mask), actual: show(face, actual), at: expected.at }]
}

const ALWAYS = Ready.Err | Ready.Hup | Ready.Invalid

function show(face: Face, mask: number): string {
  if (mask === 0) return '0'
  const names: string[] = []
  for (let bit = 1; bit !== 0 && bit <= 0x4000; bit <<= 1) if ((mask & bit) !== 0) names.push(face.symbols.poll.nameOf(bit) ?? `0x${bit.toString(16)}`)
  return names.join('|')
}

function compareReports(face: Face, reports: readonly EpollReport[], expected: Expression): readonly OutMismatch[] {
  if (expected.kind === 'ellipsis') return []
  const list = items(expected)
  if (list.length < reports.length) throw new ScriptError(`epoll_wait() gave ${String(reports.length)} events, and the script says ${String(list.length)}`, expected.at)
  return reports.flatMap(({ events, data }, i) => {
    const entry = list[i]!
    if (entry.kind === 'ellipsis') return []
    const wish = epollEvent(entry, face.names)
    const found: OutMismatch[] = []
    if (wish.events !== -1 && wish.events !== events) found.push({ what: `events of report ${String(i + 1)}`, expected: show(face, wish.events), actual: show(face, events), at: entry.at })
    if (wish.data !== null && wish.data.value !== data.value) {
      found.push({ what: `data of report ${String(i + 1)}`, expected: `${wish.data.name}=${String(wish.data.value)}`, actual: `${data.name}=${String(data.value)}`, at: entry.at })
    }
    return found
  })
}
