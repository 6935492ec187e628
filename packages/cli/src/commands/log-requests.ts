import type http from 'node:http'
import { say, type Terminal } from '../terminal.ts'

/** Prints a line for every request when it is over. */
export function logRequests(server: http.Server, terminal: Terminal): void {
  server.on('request', (request, response) => {
    const started = performance.now()
    // Node's parser lets only printable characters into the URL: what a client sends cannot move the cursor.
    const from = request.socket.remoteAddress ?? '?'
    response.on('close', () => {
      const ended = response.writableFinished ? `${((performance.now() - started) / 1000).toFixed(2)} s` : 'cut short by the client'
      say(terminal, `${from}  ${request.method ?? ''} ${request.url ?? ''}  ${String(response.statusCode)}  ${ended}`)
    })
  })
}
