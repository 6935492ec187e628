import type { SegmentFields } from '@stack/testing'
import type { Connection, ConnectOptions } from '../../src/index.ts'
import type { Bench } from './peer.ts'

/** A connection of the stack over a path of 100 ms, to a peer with SACK, segments of 1,000 bytes and a large window. */
export async function connect(bench: Bench, options: Partial<ConnectOptions> = {}, answer: SegmentFields = {}): Promise<Connection> {
  const promise = bench.stack.tcp.connect({ host: bench.remote, port: 5000, timestamps: false, ...options })
  await bench.clock.settle()
  bench.localPort = bench.expect('S').sourcePort
  await bench.clock.advance(100)
  await bench.send('SA', { ack: 1, mss: 1000, scale: 3, win: 60_000, sackPermitted: true, ...answer })
  const connection = await promise
  bench.expect('A')
  return connection
}
