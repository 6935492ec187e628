import type { Connection } from '@stack/tcp'
import { rate, type Figure } from '../measure.ts'
import { makePair, type Pair } from '../pair.ts'

const PORT = 5004
const SIZE = 64
/** As many addresses of the server as its clients' ports need, so that TIME-WAIT, and not ports, runs out first. */
export const ADDRESSES = 16

/**
 * Connections opened, used for 64 bytes each way, and closed by the client first, one at a time, per second. Before the
 * clock runs, so many were made that TIME-WAIT is full: each one evicts the oldest, and ports come round again.
 */
export async function connectRequestClose(count: number, maxTimeWait: number, given?: Pair): Promise<Figure> {
  const pair = given ?? (await makePair({}, ADDRESSES, { maxTimeWait }))
  const listener = pair.server.tcp.listen({ port: PORT })
  const buffer = new Uint8Array(SIZE)
  const serve = async (): Promise<void> => {
    for (let next = await listener.accept(); next !== null; next = await listener.accept()) void answerAndClose(next, buffer)
  }
  void serve()
  await open(pair, maxTimeWait)
  const result = await rate(count, () => open(pair, count))
  const waiting = pair.client.statistics().protocols['tcp']?.['timeWait']
  if (waiting !== maxTimeWait) throw new Error(`TIME-WAIT holds ${String(waiting)} records and should be full.`)
  if (given === undefined) pair.close()
  return result
}

/** A connection that fails to open, or breaks, fails the benchmark. */
async function open({ client, hosts }: Pair, count: number): Promise<void> {
  const message = new Uint8Array(SIZE)
  const into = new Uint8Array(SIZE)
  for (let i = 0; i < count; i++) {
    const connection = await client.tcp.connect({ host: hosts[i % ADDRESSES]!, port: PORT })
    await connection.write(message)
    await readFull(connection, into)
    await connection.close()
  }
}

async function answerAndClose(connection: Connection, into: Uint8Array): Promise<void> {
  try {
    await readFull(connection, into)
    await connection.write(into)
    // The client closes first.
    await connection.read(into)
    await connection.close()
  } catch {
    // The benchmark is over.
  }
}

async function readFull(connection: Connection, into: Uint8Array): Promise<void> {
  for (let got = 0; got < into.length; ) {
    const count = await connection.read(got === 0 ? into : into.subarray(got))
    if (count === null) throw new Error('The connection ended early.')
    got += count
  }
}
