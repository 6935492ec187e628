/** Where something stands in a script: lines and columns count from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** A script as it was written; nothing is interpreted yet. */
export interface Script {
  readonly path: string
  /** The whole text, for errors and reports. */
  readonly text: string
  /** What an `expect-fail` comment ahead of everything says; null = the script should pass. */
  readonly expectedFailure: ExpectedFailure | null
  readonly options: readonly ScriptOption[]
  /** The command before the first event. */
  readonly init: ShellCommand | null
  readonly events: readonly ScriptEvent[]
  /** The command behind the last event. */
  readonly cleanup: ShellCommand | null
}

/** `// expect-fail: issue 3 (RFC 9293)` or `// expect-fail: later (RFC 7413)`. */
export interface ExpectedFailure {
  /** All behind the colon. */
  readonly why: string
  readonly at: Position
}

/** `--name=value` or `--name`. */
export interface ScriptOption {
  readonly name: string
  readonly value: string | null
  readonly at: Position
}

/** A time and an action. */
export interface ScriptEvent {
  readonly at: Position
  readonly time: EventTime
  readonly action: Action
  /** The event's own lines, for reports. */
  readonly text: string
}

/** Seconds. `absolute` counts from the first event, `relative` from the previous event's actual time, `any` is `*`. */
export interface EventTime {
  readonly kind: 'absolute' | 'relative' | 'any'
  readonly seconds: number
  /** The other end of a range `a~b`, of the same kind; null = none. */
  readonly until: number | null
  /** When a blocking call `a...b` has to return, of the same kind; null = it does not block. */
  readonly end: number | null
}

export type Action = PacketAction | CallAction | ShellAction | CodeAction

export interface ShellCommand {
  readonly command: string
  readonly at: Position
}

export interface ShellAction extends ShellCommand {
  readonly kind: 'shell'
}

/** `%{ … }%` */
export interface CodeAction {
  readonly kind: 'code'
  readonly code: string
  readonly at: Position
}

/** `name(arguments) = result [ERRNO (text)]` */
export interface CallAction {
  readonly kind: 'call'
  readonly name: string
  readonly arguments: readonly Expression[]
  /** Null: the call has no result to compare. */
  readonly result: Expression | null
  readonly errno: string | null
  /** What stands in parentheses behind the errno, or behind the result. */
  readonly note: string | null
  readonly at: Position
}

/** An argument or a result. */
export type Expression =
  | { readonly kind: 'ellipsis'; readonly at: Position }
  | { readonly kind: 'integer'; readonly value: number; readonly at: Position }
  | { readonly kind: 'decimal'; readonly value: number; readonly at: Position }
  | { readonly kind: 'string'; readonly value: string; readonly at: Position }
  | { readonly kind: 'symbol'; readonly name: string; readonly at: Position }
  | { readonly kind: 'or'; readonly operands: readonly Expression[]; readonly at: Position }
  | { readonly kind: 'not'; readonly operand: Expression; readonly at: Position }
  /** `htons(8080)`, `inet_addr("…")` */
  | { readonly kind: 'function'; readonly name: string; readonly arguments: readonly Expression[]; readonly at: Position }
  /** `[a, b]` */
  | { readonly kind: 'array'; readonly items: readonly Expression[]; readonly at: Position }
  /** `{name=value, name(…)=value, value}`; a field without a name is positional. */
  | { readonly kind: 'struct'; readonly fields: readonly Field[]; readonly at: Position }

export interface Field {
  readonly name: string | null
  /** What stands in parentheses behind the name: the 1 of `msg_iov(1)=[…]`; null = nothing. */
  readonly size: Expression | null
  readonly value: Expression
}

/** A packet to put in (`<`) or to wait for (`>`). */
export interface PacketAction {
  readonly kind: 'packet'
  readonly direction: 'inject' | 'expect'
  readonly ip: IpSpec
  readonly body: TcpSpec | UdpSpec | IcmpSpec
  /**
   * What of the packet this stack has no notion of: `MPTCP`, `GRE encapsulation`, `the name MSS, which nothing
   * defines`. Its script cannot be run, and is skipped with this reason; null = nothing.
   */
  readonly foreign: string | null
  readonly at: Position
}

/** What is said of the network header; null = not said. The hop limit (`hlim`) is a TTL. */
export interface IpSpec {
  readonly ecn: 'noecn' | 'ect0' | 'ect1' | 'ect01' | 'ce' | null
  readonly tos: number | null
  readonly ttl: number | null
  readonly flowLabel: number | null
  readonly id: number | null
}

export interface Ports {
  readonly source: number
  readonly destination: number
}

export interface TcpSpec {
  readonly kind: 'tcp'
  readonly ports: Ports | null
  /** Letters of `SFRPEWAU`, and `.` for ACK; '' for `-`. */
  readonly flags: string
  /** The ACE field of Accurate ECN (`.5`); null = not said. */
  readonly ace: number | null
  readonly sequence: number
  readonly end: number
  readonly length: number
  /** `...(len)`: the number is not compared. */
  readonly anySequence?: boolean
  /** `0:0(0)!`: the number as it is on the wire, not relative to an initial sequence number. */
  readonly literalSequence: boolean
  readonly ack: number | null
  /** `ack 1!`, likewise. */
  readonly literalAck: boolean
  /** Null: not said, or `...`. */
  readonly window: number | null
  readonly urgent: number | null
  /** Null: no option list was written (no options); `any`: `<...>`. */
  readonly options: readonly OptionSpec[] | 'any' | null
}

export type OptionSpec =
  | { readonly kind: 'nop' | 'eol' | 'sackOK' }
  | { readonly kind: 'mss' | 'wscale'; readonly value: number }
  | { readonly kind: 'sack'; readonly blocks: readonly { readonly start: number; readonly end: number }[] }
  /** `null` in a value: `...`, whatever it is. */
  | { readonly kind: 'timestamp'; readonly value: number | null; readonly echo: number | null }
  /** Fast Open, RFC 7413 (`FO`) or experimental (`FOEXP`). */
  | {
      readonly kind: 'fastOpen' | 'fastOpenExperimental'
      /** Empty: a request for a cookie. Null: `...`, or a name. */
      readonly cookie: Uint8Array | null
      /** The name that the cookie was written as (`TFO_COOKIE`); a run has to know it. */
      readonly symbol: string | null
    }
  /** Digest null: `...`, or just `md5 valid` or `md5 invalid`. */
  | { readonly kind: 'md5'; readonly digest: Uint8Array | null; readonly valid: boolean | null }
  /** Accurate ECN counters in the order written (RFC 9768). */
  | { readonly kind: 'accurateEcn'; readonly counters: readonly { readonly name: 'e0b' | 'ceb' | 'e1b'; readonly value: number }[] }
  /** Anything else by number: `option 253 0xf989`. */
  | { readonly kind: 'other'; readonly number: number; readonly bytes: Uint8Array }

export interface UdpSpec {
  readonly kind: 'udp'
  readonly ports: Ports | null
  readonly length: number
}

export interface IcmpSpec {
  readonly kind: 'icmp'
  /** As written: `unreachable`, `packet_too_big`, `echo_request`, `type_255`, or a number. */
  readonly type: string
  /** As written: `port_unreachable`, `code_1`, a number, or a name that a run has to know (`CODE`). */
  readonly code: string | null
  readonly mtu: number | null
  readonly id: number | null
  readonly sequence: number | null
  /** The packet that the error is about. */
  readonly inner: InnerSpec | null
}

export type InnerSpec =
  | { readonly kind: 'tcp'; readonly sequence: number; readonly end: number; readonly length: number }
  | { readonly kind: 'udp'; readonly length: number }
  | { readonly kind: 'raw'; readonly length: number }
