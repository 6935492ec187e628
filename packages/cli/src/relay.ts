import net from 'node:net'
import { pipeline } from 'node:stream'
import { connect, type TcpStack } from '@stack/node'
import { CommandFailure, explain } from './failure.ts'

/** A port of this machine whose connections go on over a stack. */
export interface Relay {
  readonly port: number
  close(): void
}

/** Listens on 127.0.0.1 and carries every connection to `target` of the stack's network. Port 0 = any free one. */
export async function openRelay(port: number, stack: TcpStack, target: { readonly host: string; readonly port: number }): Promise<Relay> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (outer) => {
    sockets.add(outer)
    outer.on('close', () => sockets.delete(outer))
    const inner = connect(stack, { ...target, allowHalfOpen: true, noDelay: true })
    // An error on one side ends the other; there is nobody here to tell.
    pipeline(outer, inner, outer, () => undefined)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new CommandFailure(error.code === 'EADDRINUSE'
        ? `Port ${String(port)} of 127.0.0.1 is taken: choose another with --host-port, 0 for any.`
        : `127.0.0.1 port ${String(port)} cannot be opened: ${explain(error)}.`))
    })
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as net.AddressInfo).port,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
