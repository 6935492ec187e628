/**
 * One link over several, chosen for each packet by its destination: one NIC that reaches many peers, each over a link of
 * its own.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { channel } from '@stack/link-channel'
 * import { muxed } from '@stack/link-muxed'
 *
 * const alice = channel()
 * const bob = channel()
 * const link = muxed({ routes: [
 *   { destination: Uint8Array.of(10, 0, 0, 2), link: alice },
 *   { destination: Uint8Array.of(10, 0, 0, 3), link: bob },
 * ] })
 * const stack = createStack({ plugins: [ipv4()] })
 * await stack.addNic(link, { addresses: ['10.0.0.1/24'] })
 * link.remove(Uint8Array.of(10, 0, 0, 3))
 * stack.destroy()
 * ```
 *
 * @packageDocumentation
 */
export { muxed, type MuxedCounters, type MuxedLink, type MuxedOptions, type MuxedRoute } from './muxed.ts'
