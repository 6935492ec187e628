import type { TransportHost } from '@stack/core'
import type { TcpOptions, TcpPlugin } from './api.ts'
import { TcpProtocol } from './protocol.ts'

/**
 * The TCP plugin: `stack.tcp`.
 *
 * @param options - defaults of all connections, and limits of the stack
 * @returns a plugin for `createStack`; `ERR_STACK_INVALID_OPTION` is thrown when the stack is made
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { tcp } from '@stack/tcp'
 *
 * const stack = createStack({ plugins: [ipv4(), tcp({ noDelay: true })] })
 * stack.destroy()
 * ```
 */
export function tcp(options: TcpOptions = {}): TcpPlugin {
  return {
    kind: 'transport',
    name: 'tcp',
    apiVersion: 1,
    setup: (host: TransportHost) => new TcpProtocol(host, options),
  }
}
