import { createHash } from 'node:crypto'
import http from 'node:http'
import { pipeline, Readable } from 'node:stream'
import type { TcpStack } from '@stack/node'
import { createHttpServer, StackAgent, type StackSocket } from '@stack/node'
import type { Connection } from '@stack/tcp'
import type { Content } from './content.ts'
import { CommandFailure } from './failure.ts'

export const CONTENT_PATH = '/random.bin'

/** Serves `content` at {@link CONTENT_PATH} with its digest (RFC 9530). */
export function contentListener(content: Content): http.RequestListener {
  return (request, response) => {
    if (request.url !== CONTENT_PATH) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end(`Nothing here. Try ${CONTENT_PATH}\n`)
      return
    }
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': content.size,
      'repr-digest': `sha-256=:${content.digest}:`,
    })
    if (request.method === 'HEAD') response.end()
    else pipeline(Readable.from(content.read()), response, () => undefined)
  }
}

/** An HTTP server that remembers the connection that came last: it is the one whose numbers a sender shows. */
export interface ContentServer {
  readonly connection: Connection | null
}

export function serveContent(stack: TcpStack, content: Content): ContentServer {
  let last: StackSocket | null = null
  createHttpServer(stack, contentListener(content))
    .on('connection', (socket) => {
      last = socket as unknown as StackSocket
    })
    .listen(80)
  return {
    get connection() {
      return last?.connection ?? null
    },
  }
}

/** A download while it runs and when it is done. */
export interface Download {
  readonly bytes: number
  readonly size: number
  readonly seconds: number
  /** Settles at the end; true when the bytes are those that the server meant. */
  readonly verified: Promise<boolean>
}

export function download(stack: TcpStack, host: string, signal: AbortSignal): Download {
  const started = performance.now()
  const agent = new StackAgent(stack)
  const progress = { bytes: 0, size: 0, ended: 0 }
  const verified = (async () => {
    try {
      const response = await get({ host: host.includes(':') ? `[${host}]` : host, path: CONTENT_PATH, agent, signal })
      if (response.statusCode !== 200) throw new CommandFailure(`The server answered ${String(response.statusCode)}.`)
      progress.size = Number(response.headers['content-length'])
      const hash = createHash('sha256')
      for await (const chunk of response as AsyncIterable<Uint8Array>) {
        hash.update(chunk)
        progress.bytes += chunk.length
      }
      return progress.bytes === progress.size && response.headers['repr-digest'] === `sha-256=:${hash.digest('base64')}:`
    } finally {
      progress.ended = performance.now()
      agent.destroy()
    }
  })()
  return {
    get bytes() {
      return progress.bytes
    },
    get size() {
      return progress.size
    },
    get seconds() {
      return ((progress.ended || performance.now()) - started) / 1000
    },
    verified,
  }
}

function get(options: http.RequestOptions): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    http.get(options, resolve).on('error', reject)
  })
}
