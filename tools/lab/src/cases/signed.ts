import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { netem } from '@stack/link-netem'
import type { Connection } from '@stack/tcp'
import { md5, type Md5Authentication } from '@stack/tcp/md5'
import { Skipped } from '../case.ts'
import type { LabCase } from '../case.ts'
import { content } from '../content.ts'
import { everywhere, type Place } from './everywhere.ts'

const PORT = 179
const SIZE = 1_000_000
const SCRIPT = fileURLToPath(new URL('../children/signed.py', import.meta.url))

/** TCP MD5 signatures (RFC 2385) against the kernel's, with losses, so that everything is retransmitted and selectively acknowledged. */
export const signedCases: readonly LabCase[] = everywhere('TCP MD5 signatures', ['python3'], async (place) => {
  await accept(place)
  await connect(place)
  await refuse(place)
}, { wrap: (link) => netem(link, { loss: 0.01, direction: 'both', seed: 1 }) })

function signed({ family }: Place, key: string): Md5Authentication {
  return md5({ hash: (message) => createHash('md5').update(message).digest(), keys: [{ peer: family.kernel, key }] })
}

/** The kernel connects. */
async function accept(place: Place): Promise<void> {
  const { stack, peer, family } = place
  const listener = stack.tcp.listen({ port: PORT, authentication: signed(place, 'secret') })
  const echoed = listener.accept().then(async (connection) => {
    for await (const chunk of connection!) await connection!.write(chunk)
    await connection!.close()
  })
  const said = await peer.run(`python3 ${SCRIPT} connect ${family.stack} ${family.kernel} ${PORT} secret`)
  if (said.startsWith('unsupported')) throw new Skipped(`needs TCP_MD5SIG in the kernel: ${said}`)
  if (said !== 'same\n') throw new Error(`the kernel: ${said}`)
  await echoed
  await listener.close()
}

/** The stack connects. */
async function connect(place: Place): Promise<void> {
  const { stack, peer, family, signal } = place
  const { bytes } = content(SIZE)
  const service = await peer.start(`python3 ${SCRIPT} listen ${family.stack} ${family.kernel} ${PORT} secret`, /listening/)
  const connection = await stack.tcp.connect({ host: family.kernel, port: PORT, authentication: signed(place, 'secret'), signal })
  const [, got] = await Promise.all([connection.write(bytes, { end: true, signal }), readAll(connection)])
  if (Buffer.compare(got, bytes) !== 0) throw new Error(`${got.length} of ${SIZE} bytes came back, or others`)
  await connection.close()
  await service.ended
  const { dropBadSignature, dropNoSignature } = stack.statistics().protocols['tcp']!
  if (dropBadSignature !== 0 || dropNoSignature !== 0) throw new Error(`${dropBadSignature} signatures were wrong, ${dropNoSignature} missing`)
}

/** With another key neither hears of the other. */
async function refuse(place: Place): Promise<void> {
  const { stack, peer, family } = place
  const service = await peer.start(`python3 ${SCRIPT} listen ${family.stack} ${family.kernel} ${PORT} secret`, /listening/)
  const attempt = stack.tcp.connect({ host: family.kernel, port: PORT, authentication: signed(place, 'other'), timeout: 1500 })
  const code = await attempt.then(() => 'connected', (error: unknown) => (error as { readonly code: string }).code)
  await service.stop()
  if (code !== 'ETIMEDOUT') throw new Error(`with another key: ${code}`)
}

async function readAll(connection: Connection): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of connection) chunks.push(chunk)
  return Buffer.concat(chunks)
}
