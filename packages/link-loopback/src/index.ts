/**
 * The loopback link: what is written comes back in, through the run-to-completion loop and never on the sender's stack.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { loopback } from '@stack/link-loopback'
 *
 * const stack = createStack({ plugins: [ipv4()] })
 * await stack.addNic(loopback(), { addresses: ['127.0.0.1/8'] })
 * stack.destroy()
 * ```
 *
 * @packageDocumentation
 */
export { loopback, type LoopbackLink, type LoopbackOptions } from './loopback.ts'
