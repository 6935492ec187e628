import type { Connection } from '@stack/tcp'
import { rate, type Figure } from '../measure.ts'
import { makePair, type Pair } from '../pair.ts'

const PORT = 5002

/** Requests of `size` bytes answered by as many, one at a time, per second, through awaited calls. */
export async function requestResponse(count: number, size: number, pair?: Pair): Promise<Figure> {
  const { client, server, host, close } = pair ?? (await makePair())
  const listener = server.tcp.listen({ port: PORT, noDelay: true })
  const accepted = listener.accept()
  const connection = await client.tcp.connect({ host, port: PORT, noDelay: true })
  void echo((await accepted)!, size)
  const message = new Uint8Array(size)
  const into = new Uint8Array(size)
  const result = await rate(count, async () => {
    for (let i = 0; i < count; i++) {
      await connection.write(message)
      for (let got = 0; got < size; got += (await connection.read(got === 0 ? into : into.subarray(got)))!);
    }
  })
  if (pair === undefined) close()
  return result
}

/** The same through tryRead, tryWrite and handlers. */
export async function requestResponseSync(count: number, size: number): Promise<Figure> {
  const { client, server, host, close } = await makePair()
  const listener = server.tcp.listen({ port: PORT, noDelay: true })
  const accepted = listener.accept()
  const connection = await client.tcp.connect({ host, port: PORT, noDelay: true })
  const peer = (await accepted)!
  const message = new Uint8Array(size)
  const into = new Uint8Array(size)
  peer.setHandler({
    readable: () => {
      if (peer.tryRead(into) === size) peer.tryWrite(into)
    },
  })
  const result = await rate(count, () => new Promise((resolve) => {
    let left = count
    connection.setHandler({
      readable: () => {
        if (connection.tryRead(into) !== size) return
        if (--left === 0) resolve()
        else connection.tryWrite(message)
      },
    })
    connection.tryWrite(message)
  }))
  close()
  return result
}

async function echo(connection: Connection, size: number): Promise<void> {
  const into = new Uint8Array(size)
  try {
    for (;;) {
      for (let got = 0; got < size; ) {
        const count = await connection.read(got === 0 ? into : into.subarray(got))
        if (count === null) return
        got += count
      }
      await connection.write(into)
    }
  } catch {
    // The benchmark is over.
  }
}
