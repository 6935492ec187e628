import type http from 'node:http'
import { say, type Terminal } from '../terminal.ts'

/** Prints a line for every request when it is over. */
export function logRequests(server: http.Server, terminal: Terminal): void {
  server.on('request', (request, response) => {
    const started = performance.now()
    const from = request.socket.remoteAddress ?? '?'
    response.on('close', () => {
      const ended = response.writableFinished ? `${((performance.now() - started) / 1000).toFixed(2)} s` : 'cut short by the client'
      say(terminal, `${from}  ${printable(request.method ?? '')} ${printable(request.url ?? '')}  ${String(response.statusCode)}  ${ended}`)
    })
  })
}

/** What a client sent must not move the cursor. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}
