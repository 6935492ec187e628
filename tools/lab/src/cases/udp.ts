import { Skipped, type LabCase } from '../case.ts'
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

/** Bytes of each datagram of a large send but the last. */
const SEGMENT = 1000
const LARGE = 10_300
/** UDP_SEGMENT is 103 at level SOL_UDP, 17. */
const SEND_LARGE = `
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
try:
    s.setsockopt(17, 103, ${SEGMENT})
except OSError:
    print("unsupported")
    sys.exit()
s.connect((sys.argv[1], ${PORT}))
s.send(bytes(i // 7 % 256 for i in range(${LARGE})))
`

/** The kernel leaves it to the device to cut what a program sends at once (UDP_SEGMENT): the datagrams are those that it wanted. */
export const largeDatagramCases: readonly LabCase[] = everywhere('UDP cut by the device', ['python3'], async ({ stack, peer, signal, family }) => {
  const server = stack.udp.bind({ port: PORT })
  const said = await peer.run(`python3 -c '${SEND_LARGE}' ${family.stack}`)
  if (said !== '') throw new Skipped('needs UDP_SEGMENT in the kernel')
  for (let at = 0; at < LARGE; at += SEGMENT) {
    const expected = Uint8Array.from({ length: Math.min(SEGMENT, LARGE - at) }, (_, i) => Math.floor((at + i) / 7))
    const got = await server.receive({ signal })
    if (got === null || Buffer.compare(got.data, expected) !== 0) throw new Error(`the datagram at ${at} has ${got?.data.length ?? 'no'} bytes, or others`)
  }
  server.close()
})
