import type { Ports } from '../language/ast.ts'

/** Ports of one conversation, seen from the stack. */
export interface FlowPorts {
  readonly local: number
  readonly remote: number
}

/** How a script counts the bytes of the remote side behind its SYN: from that SYN's number, or as the numbers stand. */
export type RemoteSequence = 'relative' | 'literal'

/** One conversation of the script: which live ports it has, and how its numbers map. */
export class Flow {
  readonly protocol: 'tcp' | 'udp'
  readonly live: FlowPorts
  /** As the script names them; null = it does not. */
  readonly script: FlowPorts | null
  private readonly remoteSequence: RemoteSequence
  /** Where our latest FIN stood, in the script's numbers. */
  sentFin: number | null = null
  /** Live number − script number of our side, by the latest SYN that we sent; null = none yet. */
  private localOffset: number | null = null
  /** What the script calls our latest SYN. */
  private localIsn = 0
  private remoteIsn = 0
  /** Of a SYN of the remote side that we have not answered with one of ours. */
  private offeredIsn: number | null = null
  /** Both sides have sent a SYN: another one of the remote side changes nothing unless we answer it with ours. */
  private isSynchronized = false
  /** Our next SYN may start over: the script began a connection anew. */
  private relearn = true
  private readonly timestamps = new Map<number, number>()
  private localScale: number | null = null
  private remoteScale: number | null = null
  private firstTimestamp: { readonly script: number; readonly live: number } | null = null

  constructor(protocol: 'tcp' | 'udp', live: FlowPorts, script: FlowPorts | null, remoteSequence: RemoteSequence) {
    this.protocol = protocol
    this.live = live
    this.script = script
    this.remoteSequence = remoteSequence
  }

  matches(ports: Ports, direction: 'inject' | 'expect'): boolean {
    const { local, remote } = this.script ?? this.live
    return direction === 'inject' ? ports.source === remote && ports.destination === local : ports.source === local && ports.destination === remote
  }

  /** The script sends a SYN of this number; `scale` null: without window scaling. */
  remoteSyn(sequence: number, scale: number | null): void {
    this.relearn = true
    if (this.isSynchronized) {
      this.offeredIsn = sequence
      return
    }
    this.remoteScale = scale
    if (this.localOffset === null) this.offeredIsn = sequence
    else this.synchronize(sequence)
  }

  private synchronize(remoteIsn: number): void {
    if (this.remoteSequence === 'relative') this.remoteIsn = remoteIsn
    this.offeredIsn = null
    this.isSynchronized = true
  }

  /** The stack sent a SYN with the live number where the script has `script`. */
  localSyn(live: number, script: number, scale: number | null): void {
    this.localScale = scale
    if (this.offeredIsn !== null) this.synchronize(this.offeredIsn)
    if (this.localOffset !== null && !this.relearn) return
    this.localOffset = (live - script) | 0
    this.localIsn = script
    this.relearn = false
  }

  /** Of the windows that the stack tells; 0 unless both sides offered it (RFC 7323 §2.2). */
  get windowScale(): number {
    return this.remoteScale === null ? 0 : (this.localScale ?? 0)
  }

  /** Our numbers, script to live; uint32. Scripts that give our SYN a number may count from it all the same. */
  localToLive(script: number): number {
    const isCounted = this.remoteSequence === 'relative' && script < this.localIsn
    return (script + (this.localOffset ?? 0) + (isCounted ? this.localIsn : 0)) >>> 0
  }

  localToScript(live: number): number {
    return (live - (this.localOffset ?? 0)) >>> 0
  }

  /** The remote side's numbers. What goes with a SYN stands as it is, and so does what answers a SYN that was refused. */
  remoteToLive(script: number, isSyn: boolean): number {
    const isn = this.isSynchronized || this.remoteSequence === 'literal' ? this.remoteIsn : (this.offeredIsn ?? 0)
    return (script + (isSyn ? 0 : isn)) >>> 0
  }

  remoteToScript(live: number, isSyn: boolean): number {
    return (live - (isSyn ? 0 : this.remoteIsn)) >>> 0
  }

  /** Our timestamp where the script has `script`. */
  sawTimestamp(script: number, live: number): void {
    this.firstTimestamp ??= { script, live }
    this.timestamps.set(script, live)
  }

  get hasTimestamp(): boolean {
    return this.firstTimestamp !== null
  }

  /** An echo of our timestamp, script to live. `scaled`: by the distance from the first one, else by what was seen. */
  echoToLive(script: number, scaled: boolean): number {
    const seen = scaled ? undefined : this.timestamps.get(script)
    if (seen !== undefined) return seen
    return this.firstTimestamp === null ? script : (script - this.firstTimestamp.script + this.firstTimestamp.live) >>> 0
  }

  /** Our live timestamp in the numbers of the script, by the first one. */
  timestampToScript(live: number): number {
    return this.firstTimestamp === null ? live : (live - this.firstTimestamp.live + this.firstTimestamp.script) >>> 0
  }
}
