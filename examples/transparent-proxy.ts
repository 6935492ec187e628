// A gateway without rules for anybody: it takes every connection that a guest opens, whatever its destination, and opens it
// again from its own address. What it cannot reach, the guest is told of.
import { createStack } from '@stack/core'
import { pipe } from '@stack/link-pipe'
import { internet } from '@stack/preset-internet'
import type { Connection } from '@stack/tcp'

const [a, gatewayA] = pipe()
const [b, gatewayB] = pipe()
const guest = createStack({ name: 'guest', plugins: [internet()] })
const gateway = createStack({ name: 'gateway', plugins: [internet()] })
const server = createStack({ name: 'server', plugins: [internet()] })

await guest.addNic(a, { addresses: ['10.0.0.2/24'], gateway: '10.0.0.1' })
// The range: all of IPv4 is this host's, for who comes in here.
await gateway.addNic(gatewayA, { name: 'inside', addresses: ['10.0.0.1/24'], ranges: ['0.0.0.0/0'] })
await gateway.addNic(gatewayB, { name: 'outside', addresses: ['192.0.2.1/24'] })
await server.addNic(b, { addresses: ['192.0.2.80/24'] })

gateway.tcp.forward({ nic: 'inside' }, (request) => {
  const { host, port } = request.local
  gateway.tcp.connect({ host, port }).then(
    async (outside) => {
      console.log(`${request.remote.host} wants ${host} port ${String(port)}: it is there`)
      const inside = await request.accept()
      await Promise.all([
        (async () => {
          for await (const chunk of inside) await outside.write(chunk)
          outside.shutdown('write')
        })(),
        (async () => {
          for await (const chunk of outside) await inside.write(chunk)
          inside.shutdown('write')
        })(),
      ])
      await Promise.all([inside.close(), outside.close()])
    },
    (error: unknown) => {
      console.log(`${request.remote.host} wants ${host} port ${String(port)}: ${(error as { code: string }).code}`)
      request.reject((error as { code: string }).code === 'ECONNREFUSED' ? 'reset' : 'unreachable')
    },
  )
})

async function echo(connection: Connection): Promise<void> {
  console.log(`the server sees ${connection.remote.host}`)
  for await (const chunk of connection) await connection.write(chunk)
  await connection.close()
}
server.tcp.listen({ port: 7 }).setHandler((connection) => void echo(connection))

const connection = await guest.tcp.connect({ host: '192.0.2.80', port: 7 })
console.log(`the guest sees ${connection.remote.host}`)
await connection.write(new TextEncoder().encode('through the proxy'), { end: true })
const received = await connection.readSome()
console.log(new TextDecoder().decode(received ?? undefined))
await connection.close()

for (const host of ['192.0.2.80', '198.51.100.1']) {
  await guest.tcp.connect({ host, port: 8 }).catch((error: unknown) => console.log(String(error)))
}

for (const stack of [guest, gateway, server]) stack.destroy()
