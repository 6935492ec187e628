/**
 * The heart of @stack: a user-space TCP/IP stack that is composed from packages. Core owns NICs, routes, neighbours,
 * the demultiplexer, the scheduler and the registration interfaces; it knows no protocol.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { udp } from '@stack/udp'
 *
 * const stack = createStack({ plugins: [ipv4(), udp()] })
 * stack.destroy()
 * ```
 *
 * @packageDocumentation
 */
export * from './address/address.ts'
export * from './address/words.ts'
export { ERROR_CODES, type ErrorCode, type Failure } from './errors/codes.ts'
export { errorCodeOf, type TransportError, type TransportErrorKind } from './errors/transport-error.ts'
export { StackError, isStackError, type StackErrorDetails } from './errors/stack-error.ts'
export * from './registration/gso.ts'
export type * from './registration/host.ts'
export type * from './registration/link.ts'
export type * from './registration/neighbor.ts'
export type * from './registration/network.ts'
export * from './registration/route.ts'
export type * from './registration/transport.ts'
export * from './registration/raw.ts'
export type * from './registration/plugin.ts'
export type { PortAllocator, PortRequest, PortReservation } from './demux/ports.ts'
export * from './hooks/hooks.ts'
export { systemClock } from './host/system-clock.ts'
export { secureRandom, seededRandom } from './host/random.ts'
export { createScheduler, type TurnScheduler } from './turn/scheduler.ts'
export { createStack } from './stack/create-stack.ts'
export { separate } from './nic/separate.ts'
export { fifo, type FifoOptions } from './nic/fifo.ts'
export { isUsableAddress } from './nic/usable.ts'
export {
  addEthernetHeader, BROADCAST_LINK_ADDRESS, ETHERNET_HEADER_LENGTH, formatLinkAddress, isEthernetDestination, parseEthernetHeader, parseLinkAddress,
  sameLinkAddress,
} from './nic/ethernet.ts'
export { checkOptions, type OptionRule, type OptionSchema } from './stack/options.ts'
export type * from './stack/events.ts'
export type { Installed, Check, PluginItem, Falsy, NameOf, ApiOf } from './stack/installed.ts'
export type * from './stack/types.ts'
export type { Qdisc } from './nic/qdisc.ts'
export { cutSegments, segmentCount, segmentLength, type SegmentOptions } from './nic/segmentation.ts'
export { LEAST_BELIEVED_MTU } from './route/path-mtu.ts'
export { createSipHash, sipHashWithKey, type SipHash } from './host/siphash.ts'
export { createLinkInbox, type LinkInbox, type LinkInboxOptions } from './link/link-inbox.ts'
export { detachPacket } from './link/detach.ts'
export { LinkWrapper } from './link/link-wrapper.ts'
export { addressSum, pseudoHeaderSum, wordsSum } from './address/pseudo-header.ts'
export { installAsyncDispose } from './edge/async-dispose.ts'
export { checkHandler } from './edge/check-handler.ts'
export { createMailbox, type Mailbox, type MailboxSource } from './edge/mailbox.ts'
export { startCall, type PendingCall } from './edge/pending-call.ts'
export { ReceiveQueue } from './edge/receive-queue.ts'
