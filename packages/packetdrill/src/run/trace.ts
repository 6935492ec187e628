import { SYN } from '../packet/flags.ts'
import type { Flow } from '../packet/flow.ts'
import { printShort } from '../packet/print.ts'
import { scaleOf } from '../packet/tcp-options.ts'
import { scriptView } from '../packet/script-view.ts'
import type { FlowTable } from './flow-table.ts'
import type { SentPacket } from './network.ts'

interface Entry {
  /** ms. */
  readonly at: number
  readonly what: string | SentPacket
}

/** What happened, one line each: `0.100000 > S. 0:0(0) ack 1 win 65535 <mss 1460>`. */
export class Trace {
  private readonly entries: Entry[] = []

  /** A call, an injected packet, a note. */
  line(at: number, text: string): void {
    this.entries.push({ at, what: text.trim().replace(/\s*\n\s*/g, ' ') })
  }

  /** A packet that left: told in the script's numbers as soon as those are known, so only at the end. */
  sent(packet: SentPacket): void {
    this.entries.push({ at: packet.at, what: packet })
  }

  lines(flows: FlowTable): string[] {
    return this.entries.map(({ at, what }) => `${(at / 1000).toFixed(6)} ${typeof what === 'string' ? what : describe(what, flows)}`)
  }
}

function describe({ packet }: SentPacket, flows: FlowTable): string {
  const { body } = packet
  const flow = body.kind === 'tcp' || body.kind === 'udp'
    ? flows.find(body.kind, { local: body.sourcePort, remote: body.destinationPort })
    : flows.current(null)
  const view = scriptView(packet, flow)
  return view === null ? `> protocol ${String(packet.protocol)}, ${String(packet.bytes.length)} bytes` : printShort(view)
}

/** Learns from a SYN of ours where its numbers begin, when nothing was known yet. */
export function learnFrom(flow: Flow, sent: readonly SentPacket[]): void {
  for (const { packet: { body } } of sent) {
    if (body.kind === 'tcp' && (body.flags & SYN) !== 0 && body.sourcePort === flow.live.local && body.destinationPort === flow.live.remote) flow.localSyn(body.sequence, 0, scaleOf(body.options))
  }
}
