/**
 * packetdrill scripts against @stack, in virtual time.
 *
 * ```ts
 * import { formatResult, parseScript, runScript } from '@stack/packetdrill'
 *
 * const script = parseScript(`
 *     0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
 *    +0...0.1 connect(3, ..., ...) = 0
 *    +0 > S 0:0(0) <...>
 *   +.1 < S. 0:0(0) ack 1 win 65535 <mss 1460>
 *    +0 > . 1:1(0) ack 1
 * `, 'connect.pkt')
 * console.log(formatResult(await runScript(script))) // passed   connect.pkt
 * ```
 *
 * @packageDocumentation
 */
export * from './language/index.ts'
export * from './code/index.ts'
export { profiles, runScript } from './packetdrill.ts'
export type { RunOptions } from './packetdrill.ts'
export type * from './profile/profile.ts'
export { freebsd, linux, own } from './profile/profiles.ts'
export type * from './posix/posix.ts'
export * from './report/index.ts'
export * from './suite.ts'
