// Three stacks: two networks that do not know each other, and a router between them that shows what passes.
import { createStack } from '@stack/core'
import { pipe } from '@stack/link-pipe'
import { capture } from '@stack/link-sniffer'
import { internet } from '@stack/preset-internet'

const [a, routerA] = pipe()
const [b, routerB] = pipe()
const left = createStack({ name: 'left', plugins: [internet()] })
const right = createStack({ name: 'right', plugins: [internet()] })
const router = createStack({ name: 'router', plugins: [internet({ ipv4: { forwarding: true } })] })

await left.addNic(a, { addresses: ['10.1.0.2/24'], gateway: '10.1.0.1' })
await right.addNic(b, { addresses: ['10.2.0.2/24'], gateway: '10.2.0.1' })
const nicA = await router.addNic(routerA, { name: 'to-left', addresses: ['10.1.0.1/24'] })
const nicB = await router.addNic(routerB, { name: 'to-right', addresses: ['10.2.0.1/24'] })
const watching = capture([nicA, nicB], { onLine: (line) => console.log(line) })

// One hop less to live than it was sent with.
const { ttl } = await left.icmp.ping('10.2.0.2')
console.log(`10.2.0.2 answered, ttl ${String(ttl)}`)

const listener = right.tcp.listen({ port: 7 })
const connection = await left.tcp.connect({ host: '10.2.0.2', port: 7 })
const peer = await listener.accept()
await connection.write(new TextEncoder().encode('over the router'), { end: true })
const received = await peer?.readSome()
console.log(new TextDecoder().decode(received ?? undefined))
await peer?.close()

// The third network does not exist, and the router says so.
await left.tcp.connect({ host: '10.3.0.1', port: 7 }).catch((error: unknown) => console.log(String(error)))

watching.stop()
for (const stack of [left, right, router]) stack.destroy()
