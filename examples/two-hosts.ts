// Two hosts on an Ethernet in memory: one greets every connection, the other says hello and reads the answer.
import { createStack } from '@stack/core'
import { pipe } from '@stack/link-pipe'
import { internet } from '@stack/preset-internet'

const [left, right] = pipe({ framing: 'ethernet' })
const server = createStack({ name: 'server', plugins: [internet()] })
const client = createStack({ name: 'client', plugins: [internet()] })
client.on('neighbor-changed', ({ address, state }) => console.log(`neighbour ${address}: ${state}`))
// Nobody else is on this Ethernet: no seconds of probes for addresses that are taken (RFC 5227).
await server.addNic(left, { addresses: ['10.0.0.1/24'], skipDuplicateDetection: true })
await client.addNic(right, { addresses: ['10.0.0.2/24'], skipDuplicateDetection: true })

const { rtt, ttl } = await client.icmp.ping('10.0.0.1')
console.log(`ping: ${rtt.toFixed(3)} ms, ttl ${String(ttl)}`)

async function greet(): Promise<void> {
  for await (const connection of server.tcp.listen({ port: 7000 })) {
    await connection.write(new TextEncoder().encode(`welcome, ${connection.remote.host}\n`), { end: true })
  }
}
const greeting = greet()

const connection = await client.tcp.connect({ host: '10.0.0.1', port: 7000 })
const decoder = new TextDecoder()
for await (const chunk of connection) console.log(decoder.decode(chunk).trim())
console.log(`round-trip time ${connection.info().smoothedRtt.toFixed(3)} ms`)

await Promise.all([client.close(), server.close()])
await greeting
