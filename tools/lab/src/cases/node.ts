import http from 'node:http'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createHttpServer, StackAgent } from '@stack/node'
import type { LabCase } from '../case.ts'
import { content } from '../content.ts'
import { everywhere } from './everywhere.ts'
import { startNginx } from './nginx.ts'

const PORT = 8080
const SIZE = 5_000_000

/** Node's own HTTP server and client, over our stack: curl uploads and downloads, and nginx is asked. */
export const nodeCases: readonly LabCase[] = everywhere('node:http', ['curl', 'nginx'], async (place) => {
  const { stack, peer, family, signal } = place
  const { bytes, hash } = content(SIZE)
  const server = createHttpServer(stack, (request, response) => {
    const sum = createHash('sha256')
    request.on('data', (data: Buffer) => sum.update(data))
    request.on('end', () => response.end(request.method === 'PUT' ? sum.digest('hex') : bytes))
  })
  server.listen(PORT)
  const url = `http://${family.url(family.stack)}:${PORT}/`
  // Two requests on one connection: keep-alive.
  const downloaded = await peer.run(`curl -sS --fail ${url} | tee ${place.folder}/got | sha256sum; curl -sS --fail -T ${place.folder}/got ${url} -T ${place.folder}/got ${url}`)
  if (downloaded.split(hash).length !== 4) throw new Error(`curl and the server have other bytes: ${downloaded}`)
  server.close()
  await once(server, 'close')

  const nginx = await startNginx(place, bytes)
  const agent = new StackAgent(stack, { keepAlive: true, maxSockets: 1 })
  for (let i = 0; i < 2; i++) {
    const request = http.get({ agent, host: family.kernel, port: nginx.port, path: '/file', signal })
    const [response] = (await once(request, 'response', { signal })) as [http.IncomingMessage]
    const sum = createHash('sha256')
    for await (const data of response) sum.update(data as Buffer)
    if (sum.digest('hex') !== hash) throw new Error('other bytes came from nginx')
  }
  agent.destroy()
  await nginx.stop()
})
