import type { TcpOptions } from '@stack/tcp'
import type { Rules } from '../packet/compare.ts'
import type { RemoteSequence } from '../packet/flow.ts'
import type { System } from '../posix/index.ts'
import type { Family } from '../report/result.ts'

/** What the stack of a script is made with, in the making. */
export interface Draft {
  /** Options of `tcp()`: only what it knows. */
  tcp: Record<string, unknown>
  ipv4: Record<string, unknown>
  ipv6: Record<string, unknown>
  /** Socket options that nobody sets begin with: `TCP_KEEPIDLE` and the like, in the option's unit. */
  socket: Record<string, number>
  /** Of the link, bytes. */
  mtu: number
  /** Settings wanted that our stack does not have yet, as they were written. The script runs all the same. */
  missing: string[]
}

/**
 * What one setting (`net.ipv4.tcp_syn_retries`) means here. A `*` at the end of the name stands for any ending.
 *
 * - `option`: it becomes an option of the stack; with `live`, in the middle of a script, also of connections that there are.
 * - `missing`: an option that the stack does not have yet; `option` says which it will be. The script runs with what there is.
 * - `irrelevant`: it makes no difference to what a script can see of this stack, and `why`.
 * - `fixed`: our stack behaves as with these values and no other; with another the script is skipped.
 */
export type Setting =
  | { readonly name: string; readonly effect: 'option'; readonly live?: boolean; apply(value: string, draft: Draft): void }
  | { readonly name: string; readonly effect: 'missing'; readonly option: string }
  | { readonly name: string; readonly effect: 'irrelevant'; readonly why: string }
  | { readonly name: string; readonly effect: 'fixed'; readonly values: readonly string[]; readonly why: string }

/**
 * What a shell command means here. `words` are the command's own, without redirections; the name stands without its
 * folders.
 *
 * - `irrelevant`: nothing to do, and `why`.
 * - `settings`: it assigns settings; gives name and value of each.
 * - `forget`: what clients remember of servers is gone.
 * - `wait`: ms that it takes.
 * - `unsupported`: it asks for `what`, which this stack has no notion of.
 * - `configure`: it changes how the stack is made; false = not in this form.
 *
 * `when` looks at the words; a row that it refuses is passed over.
 */
export type Command =
  | { readonly name: string; readonly effect: 'irrelevant'; readonly why: string; when?(words: readonly string[]): boolean }
  | { readonly name: string; readonly effect: 'settings'; when?(words: readonly string[]): boolean; assignments(words: readonly string[]): readonly (readonly [name: string, value: string])[] }
  | { readonly name: string; readonly effect: 'unsupported'; readonly what: string; when?(words: readonly string[]): boolean }
  | { readonly name: string; readonly effect: 'forget'; when?(words: readonly string[]): boolean }
  | { readonly name: string; readonly effect: 'wait'; milliseconds(words: readonly string[]): number }
  | { readonly name: string; readonly effect: 'configure'; when?(words: readonly string[]): boolean; apply(words: readonly string[], draft: Draft): boolean }

/** How scripts of one origin are run: how to configure our stack for them, and how to compare where stacks differ lawfully. */
export interface Profile {
  readonly name: string
  /** Whose calls, errnos and option numbers. */
  readonly system: System
  /** What comes behind SHUT_RD can be read all the same. */
  readonly readsAfterShutdown?: boolean
  readonly rules: Rules
  readonly remoteSequence: RemoteSequence
  /** What a script that does not say is run over. */
  readonly families: readonly Family[]
  /** Options of `tcp()` before any setting of a script. */
  readonly tcp: TcpOptions
  /** What socket options begin with, and the system's switch for Fast Open (`TCP_FASTOPEN`: Linux's bits). Default: none. */
  readonly socket?: Readonly<Record<string, number>>
  /** Fast Open cookies that scripts have names for, of the addresses of a run. */
  cookies?(client: Uint8Array, server: Uint8Array): Readonly<Record<string, Uint8Array>>
  /** Looked up in order, the first that fits. Callers extend a profile by putting theirs in front. */
  readonly settings: readonly Setting[]
  readonly commands: readonly Command[]
}
