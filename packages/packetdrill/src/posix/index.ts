/**
 * The POSIX face of the stack, for scripts: what packetdrill's language calls `socket`, `write`, `poll` … over the public
 * API of `@stack/tcp` and `@stack/udp`.
 *
 * @packageDocumentation
 */
export { createPosix } from './face.ts'
export type * from './posix.ts'
