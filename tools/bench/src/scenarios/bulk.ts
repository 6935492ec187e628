import type { NicOptions } from '@stack/core'
import type { PipeOptions } from '@stack/link-pipe'
import { rate, type Figure } from '../measure.ts'
import { makePair, type Pair } from '../pair.ts'

const PORT = 5001
const CHUNK = 256 * 1024

/** MB/s of one connection through awaited calls of `size` bytes. */
export async function bulk(options: PipeOptions, least: number, nic: NicOptions = {}, pair?: Pair, size = CHUNK): Promise<Figure> {
  // Who writes waits for whoever reads: both mean the same bytes.
  const bytes = Math.ceil(least / size) * size
  const { client, server, host, close } = pair ?? (await makePair(options, 1, {}, nic))
  const listener = server.tcp.listen({ port: PORT })
  const accepted = listener.accept()
  const connection = await client.tcp.connect({ host, port: PORT })
  const peer = (await accepted)!
  const chunk = new Uint8Array(size).fill(7)
  const into = new Uint8Array(size)
  const result = await rate(bytes / 1e6, async () => {
    const send = async (): Promise<void> => {
      for (let sent = 0; sent < bytes; sent += size) await connection.write(chunk)
    }
    const receive = async (): Promise<void> => {
      for (let got = 0; got < bytes; ) {
        const count = await peer.read(into)
        if (count === null) throw new Error('The stream ended early.')
        got += count
      }
    }
    await Promise.all([send(), receive()])
  })
  if (pair === undefined) close()
  return result
}

/** The same through tryRead, tryWrite and handlers. */
export async function bulkSync(options: PipeOptions, least: number, nic: NicOptions = {}, size = CHUNK): Promise<Figure> {
  const bytes = Math.ceil(least / size) * size
  const { client, server, host, close } = await makePair(options, 1, {}, nic)
  const listener = server.tcp.listen({ port: PORT })
  const accepted = listener.accept()
  const connection = await client.tcp.connect({ host, port: PORT })
  const peer = (await accepted)!
  const chunk = new Uint8Array(size).fill(7)
  const into = new Uint8Array(size)
  const result = await rate(bytes / 1e6, () => new Promise((resolve) => {
    let sent = 0
    let got = 0
    const push = (): void => {
      while (sent < bytes) {
        const count = connection.tryWrite(chunk)
        if (count === 0) return
        sent += count
      }
    }
    peer.setHandler({
      readable: () => {
        for (let count = peer.tryRead(into); typeof count === 'number'; count = peer.tryRead(into)) got += count
        if (got >= bytes) resolve()
      },
    })
    connection.setHandler({ writable: push })
    push()
  }))
  close()
  return result
}
