import type { CallAction, PacketAction, Script, ScriptEvent, ShellAction, TcpSpec, UdpSpec } from '../language/ast.ts'
import { Unsupported } from '../language/error.ts'
import { injectedPacket, type Wire } from '../packet/inject.ts'
import { SYN } from '../packet/flags.ts'
import type { Flow } from '../packet/flow.ts'
import { printPacket } from '../packet/print.ts'
import type { Posix } from '../posix/index.ts'
import { interpret, type Step } from '../profile/interpret.ts'
import type { Draft, Profile } from '../profile/profile.ts'
import { Calls } from './calls.ts'
import { expectPacket } from './expected-packet.ts'
import { FlowTable } from './flow-table.ts'
import { Mismatch } from './mismatch.ts'
import { micro, type Network } from './network.ts'
import type { RunOptions } from './options.ts'
import { countSockets } from './socket-states.ts'
import { Timeline, type Slot } from './timeline.ts'
import { learnFrom, type Trace } from './trace.ts'

/** What a block of code sees: the figures of the connection when its event came. */
export interface CodeSample {
  readonly event: ScriptEvent
  readonly code: string
  /** ms since the start. */
  readonly at: number
  /** `tcpi_*`; null = there was no connection. */
  readonly values: Readonly<Record<string, number>> | null
}

/** One script against one stack: its events in order, each at its time. */
export class Session {
  readonly flows: FlowTable
  /** Blocks of code wait for the end, as the figures of all of them are one program. */
  readonly samples: CodeSample[] = []
  private readonly script: Script
  private readonly profile: Profile
  private readonly options: RunOptions
  private readonly network: Network
  private readonly posix: Posix
  private readonly trace: Trace
  private readonly draft: Draft
  private readonly timeline: Timeline
  private readonly calls: Calls
  private readonly wire: Wire
  private isDisconnected = false

  /** @param draft - what the stack was made with; socket options of it are looked up when they are needed */
  constructor(script: Script, profile: Profile, options: RunOptions, network: Network, posix: Posix, trace: Trace, draft: Draft) {
    this.script = script
    this.profile = profile
    this.options = options
    this.network = network
    this.posix = posix
    this.trace = trace
    this.draft = draft
    this.flows = new FlowTable(profile.remoteSequence)
    this.timeline = new Timeline(options.toleranceMicroseconds, options.tolerancePercent)
    this.calls = new Calls(posix, network)
    const { local, remote } = network
    for (const [name, cookie] of Object.entries(profile.cookies?.(remote, local) ?? {})) this.flows.cookies.set(name, cookie)
    this.wire = { version: local.length === 4 ? 4 : 6, local, remote, cookies: this.flows.cookies, echoScaled: options.timestampEchoScaled, md5Secret: options.md5Secret }
  }

  /** @throws Mismatch, ScriptError, Unsupported */
  async run(): Promise<void> {
    for (const { action } of this.script.events) {
      if (action.kind === 'packet' && action.foreign !== null) throw new Unsupported(`${action.foreign} is not there`, action.at)
    }
    for (const [index, event] of this.script.events.entries()) {
      await this.tolerate(() => this.event(event, index))
      await this.tolerate(() => {
        this.calls.check()
      })
    }
    await this.tolerate(() => this.calls.finish())
  }

  /** A kind of failure that the script calls not fatal is told and passed over. */
  private async tolerate(step: () => Promise<void> | void): Promise<void> {
    try {
      await step()
    } catch (error) {
      if (!(error instanceof Mismatch) || !this.options.nonFatal.has(error.kind)) throw error
      this.trace.line(this.network.now, `not fatal: ${error.reason}`)
    }
  }

  private async event(event: ScriptEvent, index: number): Promise<void> {
    const slot = this.timeline.slot(event.time)
    const { action } = event
    if (action.kind === 'packet' && action.direction === 'expect') {
      await this.expect(event, action, slot)
      this.timeline.happened(this.network.now)
      return
    }
    await this.reach(event, slot)
    switch (action.kind) {
      case 'packet':
        await this.inject(action)
        // Injected packets follow each other as the script says, whatever the delay of one.
        this.timeline.happened(slot.from ?? this.network.now)
        return
      case 'call':
        this.trace.line(this.network.now, event.text)
        this.note(action)
        await this.calls.start(event, action, slot)
        break
      case 'shell':
        await this.shell(action, event, index)
        break
      case 'code':
        this.samples.push({ event, code: action.code, at: this.network.now, values: this.posix.tcpInfo() })
    }
    this.timeline.happened(this.network.now)
  }

  /** Goes on to the time of an event that the script does itself. */
  private async reach(event: ScriptEvent, slot: Slot): Promise<void> {
    if (slot.from === null) return
    const { network } = this
    if (network.now > micro(slot.to + slot.tolerance)) {
      const difference = `time: expected ${(slot.from / 1000).toFixed(6)} s, it is ${(network.now / 1000).toFixed(6)} s already`
      throw new Mismatch('other', event, difference, event.text.trim(), difference, [difference])
    }
    await network.advanceTo(slot.from)
  }

  private async inject(action: PacketAction): Promise<void> {
    const { body } = action
    this.trace.line(this.network.now, printPacket(action))
    const flow = body.kind === 'icmp' ? this.flows.current(body.inner?.kind === 'udp' || body.inner?.kind === 'tcp' ? body.inner.kind : null) : this.flowFor(body)
    if (flow !== null) learnFrom(flow, this.network.sent)
    await this.network.inject(injectedPacket(action, flow, this.wire))
  }

  private flowFor(body: TcpSpec | UdpSpec): Flow {
    const { flows, network } = this
    if (body.ports === null && flows.isPending(body.kind)) {
      // A socket that spoke first is known by what it said.
      for (const { packet } of network.sent) {
        if (packet.body.kind !== body.kind) continue
        const isFirst = packet.body.kind !== 'tcp' || (packet.body.flags & SYN) !== 0
        const flow = flows.expect(body.kind, null, { local: packet.body.sourcePort, remote: packet.body.destinationPort }, isFirst)
        if (flow !== null) return flow
      }
    }
    return flows.inject(body.kind, body.ports)
  }

  private async expect(event: ScriptEvent, action: PacketAction, slot: Slot): Promise<void> {
    const { options, profile } = this
    await expectPacket(event, action, slot, this.network, this.flows, {
      rules: profile.rules, strict: options.strictSegments, tick: options.timestampTick, md5Secret: options.md5Secret,
    })
  }

  /** Calls say which conversation the next packets are about. */
  private note(action: CallAction): void {
    if (action.name === 'socket') {
      const type = action.arguments[1]
      this.flows.socket(JSON.stringify(type).includes('SOCK_DGRAM') ? 'udp' : 'tcp')
      if (this.options.bindPort !== null) this.flows.localPort = this.options.bindPort
    } else if (action.name === 'connect') {
      // A socket that was disconnected goes on as a new one.
      const address = action.arguments[1]
      if (this.isDisconnected) this.flows.socket('tcp')
      this.isDisconnected = address?.kind === 'symbol' && address.name === 'AF_UNSPEC'
    } else if (action.name === 'bind') {
      const port = /"name":"htons","arguments":\[\{"kind":"integer","value":(\d+)/.exec(JSON.stringify(action.arguments))
      if (port !== null) this.flows.localPort = Number(port[1])
    }
  }

  private async shell(action: ShellAction, event: ScriptEvent, index: number): Promise<void> {
    for (const step of interpret(action, this.profile)) {
      if (step.kind === 'wait') await this.network.advanceTo(this.network.now + step.milliseconds)
      else if (step.kind === 'forget') this.network.stack.tcp.fastOpenCache.clear()
      else if (step.kind === 'sockets') {
        const count = countSockets(this.network.stack, step.state)
        if (count === null) throw new Unsupported(`a list of sockets in ${step.state} is not there`, action.at)
        if (count === step.count) continue
        const difference = `sockets in ${step.state}: expected ${String(step.count)}, got ${String(count)}`
        throw new Mismatch('other', event, difference, event.text.trim(), difference, [difference])
      } else if (!this.isOver(index) && (step.kind === 'configure' || step.setting.effect === 'option')) {
        const what = step.kind === 'configure' ? step.text : step.name
        if (this.hasSocketBefore(index) && !this.reconfigure(step)) throw new Unsupported(`'${what}' in the middle of a script: the stack takes it when it is made`, action.at)
      }
    }
  }

  /** A setting in the middle that sockets can still take: those of the options that it speaks of. */
  private reconfigure(step: Step): boolean {
    if (step.kind !== 'setting' || step.setting.effect !== 'option') return false
    const alone: Draft = { tcp: {}, ipv4: {}, ipv6: {}, socket: {}, mtu: 0, missing: [] }
    step.setting.apply(step.value, alone)
    step.setting.apply(step.value, this.draft)
    const names = Object.keys(alone.tcp)
    if (names.length === 0) return Object.keys(alone.socket).length > 0
    return this.posix.reconfigure(Object.fromEntries(names.map((name) => [name, this.draft.tcp[name]])), step.setting.live === true)
  }

  /** Nothing but shell and code follows: settings are put back. */
  private isOver(index: number): boolean {
    return this.script.events.slice(index + 1).every(({ action }) => action.kind === 'shell' || action.kind === 'code')
  }

  /** What stands before the first event of another kind was told to the stack when it was made. */
  private hasSocketBefore(index: number): boolean {
    return this.script.events.slice(0, index).some(({ action }) => action.kind !== 'shell')
  }
}
