import { StackError } from '../errors/stack-error.ts'
import type { Milliseconds } from '../registration/host.ts'
import type { StackParts } from './parts.ts'

/** ms that `close` waits for connections to end by themselves. */
export const DEFAULT_CLOSE_TIMEOUT = 5000

/** Asks the transports to finish and waits for them, at most `timeout` ms of the stack's clock. Never rejects. */
export async function finishTransports(parts: StackParts, timeout: Milliseconds): Promise<void> {
  const { host, demultiplexer, lifetime } = parts
  // The wait itself is an open call: an otherwise idle process must not end in the middle of it.
  host.ref()
  for (const protocol of demultiplexer.protocols) protocol.close()
  const finished = Promise.all(demultiplexer.protocols.map((protocol) => protocol.closed))
  await new Promise<void>((resolve) => {
    const timer = host.timers.create(() => {
      resolve()
    })
    const done = (): void => {
      timer.cancel()
      resolve()
    }
    timer.armAfter(timeout)
    finished.then(done, done)
    // `destroy` in the meantime.
    lifetime.addEventListener('abort', done, { once: true })
    host.scheduler.run()
  })
  host.unref()
}

/** Ends everything now. What is left afterwards is what others hold: packets on their way to another stack. */
export function destroyParts(parts: StackParts): void {
  const { host, demultiplexer, protocols, nics } = parts
  parts.life.abort(new StackError('ERR_STACK_CLOSED', `The stack "${parts.name}" was closed.`))
  for (const endpoint of demultiplexer.endpoints()) attempt(parts, () => {
    endpoint.abort('ERR_STACK_CLOSED')
  })
  for (const protocol of demultiplexer.protocols) attempt(parts, () => {
    protocol.close()
  })
  attempt(parts, () => protocols.rawFactory?.close?.())
  // Resets leave before the links do.
  host.scheduler.run()
  for (const handle of nics.handles) handle.remove().catch((error: unknown) => {
    parts.hostParts.onError(error)
  })
  for (const protocol of protocols.network) attempt(parts, () => {
    protocol.close()
  })
  parts.packetEndpoints.clear()
  parts.hooks.clear()
  parts.deferred.clear()
  parts.timers.cancelAll()
  parts.events.clear()
  parts.router.clear()
  host.memory.close()
  parts.hold.setWanted(false)
}

/** One part that fails to end must not keep the others. */
function attempt(parts: StackParts, step: () => void): void {
  try {
    step()
  } catch (error) {
    parts.hostParts.onError(error)
  }
}
