// A bad network in virtual time: seconds of TCP take a moment, and every run is the same to the packet.
import { createStack } from '@stack/core'
import { netem } from '@stack/link-netem'
import { pipe } from '@stack/link-pipe'
import { internet } from '@stack/preset-internet'
import { manualClock } from '@stack/testing'

const BYTES = 2_000_000

async function download(loss: number): Promise<string> {
  const clock = manualClock()
  const wire = { delay: 25, rate: 50_000_000, loss, seed: 1 }
  const [left, right] = pipe()
  const server = createStack({ clock, plugins: [internet()] })
  const client = createStack({ clock, plugins: [internet()] })
  await server.addNic(netem(left, wire), { addresses: ['10.0.0.1/24'], skipDuplicateDetection: true })
  await client.addNic(netem(right, wire), { addresses: ['10.0.0.2/24'], skipDuplicateDetection: true })

  const listener = server.tcp.listen({ port: 80 })
  const started = clock.now()
  const connection = await clock.until(client.tcp.connect({ host: '10.0.0.1', port: 80 }))
  const sender = await clock.until(listener.accept())
  if (sender === null) throw new Error('The listener was closed.')
  const sent = sender.write(new Uint8Array(BYTES), { end: true })
  let received = 0
  await clock.until((async () => {
    for await (const chunk of connection) received += chunk.length
  })())
  await sent
  const seconds = (clock.now() - started) / 1000
  const { retransmits } = sender.info()
  client.destroy()
  server.destroy()
  return `${String(received)} bytes in ${seconds.toFixed(3)} s, ${String(retransmits)} retransmits`
}

for (const loss of [0, 0.001, 0.01]) console.log(`${String(loss * 100)} % loss: ${await download(loss)}`)
