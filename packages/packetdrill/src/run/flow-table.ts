import type { Ports } from '../language/ast.ts'
import { Flow, type FlowPorts, type RemoteSequence } from '../packet/flow.ts'

type Protocol = 'tcp' | 'udp'

/** Where the stack's sockets are bound and what they connect to, where the script says `...`. */
const DEFAULT_PORT = 8080

const FIRST_REMOTE_PORT = 49_152

/**
 * The conversations of a script. A packet without ports is about the one under test: that of the latest socket, which is
 * known by its first packet.
 */
export class FlowTable {
  /** Where connections to the latest socket go. */
  localPort: number = DEFAULT_PORT
  readonly flows: Flow[] = []
  /** Fast Open cookies by the names that the script has for them. */
  readonly cookies: Map<string, Uint8Array> = new Map<string, Uint8Array>()
  private readonly underTest = new Map<Protocol, Flow>()
  private readonly remoteSequence: RemoteSequence
  private nextRemotePort = FIRST_REMOTE_PORT

  constructor(remoteSequence: RemoteSequence) {
    this.remoteSequence = remoteSequence
  }

  /** A socket was made: the next packet is about a new conversation. */
  socket(protocol: Protocol): void {
    this.underTest.delete(protocol)
    this.localPort = DEFAULT_PORT
  }

  /** The conversation of a packet to put in; a new one where there is none. */
  inject(protocol: Protocol, ports: Ports | null): Flow {
    if (ports !== null) {
      const known = this.flows.find((flow) => flow.protocol === protocol && flow.matches(ports, 'inject'))
      const script = { local: ports.destination, remote: ports.source }
      return this.use(known ?? this.add(protocol, script, script))
    }
    // Datagrams come from where the stack's go; connections from a port of their own each.
    const remote = protocol === 'udp' ? DEFAULT_PORT : this.nextRemotePort
    return this.underTest.get(protocol) ?? this.use(this.add(protocol, { local: this.localPort, remote }, null))
  }

  /**
   * The conversation of a packet that the stack sent and an event expects; null = it belongs to another. `isFirst`: it may
   * begin one.
   */
  expect(protocol: Protocol, ports: Ports | null, live: FlowPorts, isFirst = true): Flow | null {
    const current = this.underTest.get(protocol)
    if (ports === null) {
      if (current !== undefined) return isAt(current, live) ? current : null
      // What an earlier conversation still says is nothing new.
      if (!isFirst && this.find(protocol, live) !== null) return null
      return this.use(this.add(protocol, live, null))
    }
    const known = this.flows.find((flow) => flow.protocol === protocol && flow.matches(ports, 'expect'))
    if (known !== undefined) return isAt(known, live) ? this.use(known) : null
    // A port of the stack's choosing gets the name that the script has for it.
    if (this.flows.some((flow) => flow.protocol === protocol && isAt(flow, live)) || live.remote !== ports.destination) return null
    return this.use(this.add(protocol, live, { local: ports.source, remote: ports.destination }))
  }

  /** By live ports. */
  find(protocol: Protocol, live: FlowPorts): Flow | null {
    return this.flows.findLast((flow) => flow.protocol === protocol && isAt(flow, live)) ?? null
  }

  /** What an ICMP message without more words is about. */
  current(protocol: Protocol | null): Flow | null {
    if (protocol !== null) return this.underTest.get(protocol) ?? null
    return this.underTest.get('tcp') ?? this.underTest.get('udp') ?? null
  }

  isPending(protocol: Protocol): boolean {
    return !this.underTest.has(protocol)
  }

  private use(flow: Flow): Flow {
    this.underTest.set(flow.protocol, flow)
    return flow
  }

  private add(protocol: Protocol, live: FlowPorts, script: FlowPorts | null): Flow {
    if (live.remote >= this.nextRemotePort) this.nextRemotePort = live.remote + 1
    const flow = new Flow(protocol, live, script, this.remoteSequence)
    this.flows.push(flow)
    return flow
  }
}

function isAt(flow: Flow, live: FlowPorts): boolean {
  return flow.live.local === live.local && flow.live.remote === live.remote
}
