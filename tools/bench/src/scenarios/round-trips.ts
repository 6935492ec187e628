import type { Connection } from '@stack/tcp'
import { rate } from '../measure.ts'
import { makePair } from '../pair.ts'

const PORT = 5002

/** Requests of `size` bytes answered by as many, one at a time, per second, through awaited calls. */
export async function requestResponse(count: number, size: number): Promise<number> {
  const { client, server, host, close } = await makePair()
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
  close()
  return result
}

/** The same through tryRead, tryWrite and handlers. */
export async function requestResponseSync(count: number, size: number): Promise<number> {
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

/** Connections opened, used for 64 bytes each way, and closed by the client, per second. */
export async function connectRequestClose(count: number): Promise<number> {
  const { client, server, host, close } = await makePair()
  const listener = server.tcp.listen({ port: PORT })
  const serve = async (): Promise<void> => {
    for await (const connection of listener) void answerAndClose(connection)
  }
  void serve()
  const message = new Uint8Array(64)
  const into = new Uint8Array(64)
  const result = await rate(count, async () => {
    for (let i = 0; i < count; i++) {
      const connection = await client.tcp.connect({ host, port: PORT })
      await connection.write(message)
      await readFull(connection, into)
      await connection.close()
    }
  })
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

async function answerAndClose(connection: Connection): Promise<void> {
  const into = new Uint8Array(64)
  try {
    if (await readFull(connection, into)) await connection.write(into)
    await connection.read(into)
    await connection.close()
  } catch {
    // The benchmark is over.
  }
}

async function readFull(connection: Connection, into: Uint8Array): Promise<boolean> {
  let got = (await connection.read(into)) ?? -1
  if (got < 0) return false
  while (got < into.length) {
    const count = await connection.read(into.subarray(got))
    if (count === null) return false
    got += count
  }
  return true
}
