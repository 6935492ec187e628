// Node's own HTTP, over a stack: the server and the agent are the only lines that know.
import http from 'node:http'
import { text } from 'node:stream/consumers'
import { createStack } from '@stack/core'
import { pipe } from '@stack/link-pipe'
import { createHttpServer, StackAgent } from '@stack/node'
import { internet } from '@stack/preset-internet'

const [left, right] = pipe()
const server = createStack({ plugins: [internet()] })
const client = createStack({ plugins: [internet()] })
await server.addNic(left, { addresses: ['fd00::1/64'], skipDuplicateDetection: true })
await client.addNic(right, { addresses: ['fd00::2/64'], skipDuplicateDetection: true })

createHttpServer(server, (request, response) => {
  response.end(`${request.method ?? ''} ${request.url ?? ''} from ${request.socket.remoteAddress ?? ''}`)
}).listen(80)

const agent = new StackAgent(client, { keepAlive: true })
for (const path of ['/one', '/two']) {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get({ host: 'fd00::1', path, agent }, resolve).on('error', reject)
  })
  console.log(response.statusCode, await text(response))
}
agent.destroy()
await Promise.all([client.close(), server.close()])
