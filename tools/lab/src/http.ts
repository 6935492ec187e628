import { createHash } from 'node:crypto'
import type { Connection, Tcp } from '@stack/tcp'

/** As little HTTP/1.1 as curl and nginx need: one request a connection. */

export interface Server {
  close(): Promise<void>
}

/** Answers GET with `body`, and PUT with the SHA-256 of what was sent, in hexadecimal. */
export function serve(tcp: Tcp, port: number, body: Uint8Array, onError: (error: unknown) => void): Server {
  const listener = tcp.listen({ port })
  const accept = async (): Promise<void> => {
    for await (const connection of listener) answer(connection, body).catch(onError)
  }
  accept().catch(onError)
  return { close: () => listener.close() }
}

async function answer(connection: Connection, body: Uint8Array): Promise<void> {
  const { head, rest } = await readHead(connection)
  const isUpload = head.startsWith('PUT ')
  const content = isUpload ? Buffer.from(await hashOf(connection, rest, Number(/^content-length: (\d+)/im.exec(head)![1]))) : body
  await connection.write(Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\nConnection: close\r\n\r\n`))
  await connection.write(content, { end: true })
  await connection.close()
}

/** Fetches a document: its length and the SHA-256 of it. */
export async function get(tcp: Tcp, host: string, port: number, path: string, signal: AbortSignal): Promise<{ length: number; hash: string }> {
  const connection = await tcp.connect({ host, port, signal })
  await connection.write(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: stack\r\nConnection: close\r\n\r\n`), { signal })
  const { head, rest } = await readHead(connection)
  if (!/^HTTP\/1.1 200 /.test(head)) throw new Error(`${path}: ${head}`)
  const length = Number(/^content-length: (\d+)/im.exec(head)![1])
  const hash = await hashOf(connection, rest, length)
  await connection.close()
  return { length, hash }
}

async function readHead(connection: Connection): Promise<{ head: string; rest: Uint8Array }> {
  let received: Buffer = Buffer.alloc(0)
  for (;;) {
    const end = received.indexOf('\r\n\r\n')
    if (end >= 0) return { head: received.subarray(0, end).toString(), rest: received.subarray(end + 4) }
    const more = await connection.readSome()
    if (more === null) throw new Error(`the connection ended in the middle of a head: ${received.toString()}`)
    received = Buffer.concat([received, more])
  }
}

async function hashOf(connection: Connection, first: Uint8Array, length: number): Promise<string> {
  const hash = createHash('sha256').update(first)
  let missing = length - first.length
  const into = new Uint8Array(256 * 1024)
  while (missing > 0) {
    const count = await connection.read(into)
    if (count === null) throw new Error(`the connection ended ${missing} bytes early`)
    hash.update(into.subarray(0, count))
    missing -= count
  }
  return hash.digest('hex')
}
