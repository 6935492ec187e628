import { rate, type Figure } from '../measure.ts'
import { makePair, type Pair } from '../pair.ts'

const PORT = 5003

/** Datagrams of 1,200 bytes delivered to a handler per second. */
export async function datagrams(count: number, pair?: Pair): Promise<Figure> {
  const { client, server, host, close } = pair ?? (await makePair())
  const receiver = server.udp.bind({ port: PORT, receiveBuffer: 1 << 24 })
  const sender = client.udp.connect({ host, port: PORT })
  const data = new Uint8Array(1200)
  const result = await rate(count, () => new Promise((resolve) => {
    let got = 0
    let sent = 0
    const send = (): void => {
      for (let i = 0; i < 64 && sent < count; i++, sent++) sender.send(data)
    }
    receiver.setHandler({
      datagram: () => {
        if (++got === count) resolve()
        else if (got === sent) send()
      },
    })
    send()
  }))
  if (pair === undefined) close()
  return result
}
