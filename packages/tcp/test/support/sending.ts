import type { Connection, TcpOptions } from '../../src/index.ts'
import { Bench, pattern, type Segment } from './peer.ts'

export const MSS = 1000
/** ms */
export const RTT = 100

export interface SendingOptions {
  readonly sack?: boolean
  readonly timestamps?: boolean
  readonly tcp?: TcpOptions
  /** What the peer says. Default 1,000, and 12 more with timestamps. */
  readonly mss?: number
  /** Of the handshake, ms. Default 100. */
  readonly rtt?: number
}

export const sequences = (segments: readonly Segment[]): number[] => segments.map(({ seq }) => seq)

/** A connection whose handshake took `rtt`: that is the smoothed and the least round trip. */
export async function connected({ sack = false, timestamps = false, mss = timestamps ? MSS + 12 : MSS, tcp = {}, rtt = RTT }: SendingOptions = {}): Promise<{ bench: Bench; connection: Connection }> {
  const bench = await Bench.create({ tcp: { noDelay: true, ...tcp } })
  const promise = bench.stack.tcp.connect({ host: bench.remote, port: 5000 })
  await bench.clock.settle()
  const syn = bench.expect('S')
  bench.localPort = syn.sourcePort
  await bench.clock.advance(rtt)
  if (timestamps) bench.peerTs = 1
  await bench.send('SA', { seq: 0, ack: 1, mss, sackPermitted: sack, ...(timestamps ? { ts: { value: 1, echo: syn.ts!.value } } : {}) })
  const connection = await promise
  bench.expect('A', { seq: 1, ack: 1 })
  return { bench, connection }
}

/** The same, with `bytes` on their way as far as cwnd lets them. */
export async function sending(bytes: number, options?: SendingOptions): Promise<{ bench: Bench; connection: Connection; sent: Segment[] }> {
  const { bench, connection } = await connected(options)
  connection.write(pattern(bytes)).catch(() => undefined)
  await bench.clock.settle()
  return { bench, connection, sent: bench.all() }
}
