import type { Connection, Listener } from '@stack/tcp'
import type { Expression } from '../../src/language/ast.ts'
import type { Call, CallResult, Posix, PosixOptions } from '../../src/posix/index.ts'

export function miniPosix(o: PosixOptions): Posix {
  const fds = new Map<number, { bound?: boolean; listener?: Listener; connection?: Connection }>()
  let last: Connection | null = null
  const num = (e: Expression): number => e.kind === 'integer' ? e.value : e.kind === 'symbol' ? 0 : 0
  const ok = (value: number, errno: string | null = null): CallResult => ({ value, errno, out: [] })
  class Pending implements Call {
    result: CallResult | null = null
    doneAt: number | null = null
    deadline = Infinity
    get done(): boolean { return this.result !== null }
    set(r: CallResult): this { this.result = r; this.doneAt = o.clock.now(); return this }
  }
  return {
    start(name, args, result) {
      const c = new Pending()
      const fd = args[0] === undefined ? 0 : num(args[0])
      const s = fds.get(fd)
      switch (name) {
        case 'socket': fds.set(num(result!), {}); return c.set(ok(num(result!)))
        case 'bind': return c.set(ok(0))
        case 'listen': s!.listener = o.stack.tcp.listen({ port: 8080 }); return c.set(ok(0))
        case 'accept': { void s!.listener!.accept().then((x) => { fds.set(num(result!), { connection: x! }); last = x; c.set(ok(num(result!))) }); return c }
        case 'connect': { void o.stack.tcp.connect({ host: o.remoteAddress, port: 8080 }).then((x) => { fds.set(fd, { connection: x }); last = x; c.set(ok(0)) }, (e: unknown) => { c.set(ok(-1, (e as { code: string }).code)) }); return c }
        case 'write': { const n = num(args[2]!); void s!.connection!.write(new Uint8Array(n)).then(() => c.set(ok(n))); return c }
        case 'read': { void s!.connection!.readSome({ max: num(args[2]!) }).then((x) => c.set(ok(x === null ? 0 : x.length))); return c }
        case 'close': { void s!.connection?.close().catch(() => undefined); return c.set(ok(0)) }
        default: return c.set(ok(0))
      }
    },
    evaluate: (e) => e.kind === 'integer' ? e.value : 0,
    connection: () => last,
    tcpInfo: () => null,
    end() {},
  }
}
