import type { LabCase } from '../case.ts'
import { everywhere } from './everywhere.ts'

const PORT = 7
/** One in a packet, one in three fragments. */
const SIZES = [12, 3000]

/** nc sends a datagram to an echo server on our stack, and our stack one to ncat's. */
export const udpCases: readonly LabCase[] = everywhere('UDP echo', ['nc', 'ncat'], async ({ stack, peer, signal, family }) => {
  const server = stack.udp.bind({ port: PORT })
  const echo = (async () => {
    for await (const { data, remote } of server) server.send(data, remote)
  })()
  for (const size of SIZES) {
    const answer = await peer.run(`head -c ${size} /dev/zero | tr '\\0' s | nc -u -w 1 ${family.stack} ${PORT}`)
    if (answer !== 's'.repeat(size)) throw new Error(`${size} bytes to our stack came back as ${answer.length}: '${answer.slice(0, 40)}'`)
  }
  server.close()
  await echo

  const kernel = await peer.start(`ncat -v -u -l ${family.kernel} ${PORT} -k -c 'exec cat'`, /Listening/)
  const client = stack.udp.connect({ host: family.kernel, port: PORT })
  for (const size of SIZES) {
    const data = new Uint8Array(size).fill(size)
    client.send(data)
    const answer = await client.receive({ signal })
    if (answer === null || Buffer.compare(answer.data, data) !== 0) throw new Error(`${size} bytes to ncat came back as ${answer?.data.length ?? 'nothing'}`)
  }
  client.close()
  await kernel.stop()
})
