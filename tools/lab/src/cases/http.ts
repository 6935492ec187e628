import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LabCase } from '../case.ts'
import { content } from '../content.ts'
import { get, serve } from '../http.ts'
import { everywhere, type Place } from './everywhere.ts'
import { startNginx } from './nginx.ts'

const PORT = 80
const LARGE = 100_000_000

/** curl downloads from our stack and uploads to it; both ends have the same bytes. */
export const curlCases: readonly LabCase[] = everywhere('curl, 100 MB each way', ['curl', 'sha256sum'], (place) => curl(place, LARGE), { limit: 60_000 })

/** The same through devices without offload: packets and checksums are those of a wire. */
export const plainCurlCases: readonly LabCase[] = everywhere('curl without offload, 10 MB each way', ['curl', 'sha256sum'], (place) => curl(place, LARGE / 10), {
  offload: false,
})

/** Our stack downloads a file from nginx. */
export const nginxCases: readonly LabCase[] = everywhere('a file from nginx', ['nginx'], async (place) => {
  const { stack, family, signal } = place
  const { bytes, hash } = content(LARGE / 10)
  const nginx = await startNginx(place, bytes)
  const got = await get(stack.tcp, family.kernel, nginx.port, '/file', signal)
  await nginx.stop()
  if (got.length !== bytes.length || got.hash !== hash) throw new Error(`${got.length} of ${bytes.length} bytes arrived, or others`)
})

/** Many short connections, 50 at a time. */
export const connectionCases: readonly LabCase[] = everywhere('200 connections', ['curl'], async ({ stack, peer, family }) => {
  const { bytes } = content(2000)
  const errors: unknown[] = []
  const server = serve(stack.tcp, PORT, bytes, (error) => errors.push(error))
  const sizes = await peer.run(`curl -sS --fail -Z --parallel-max 50 -o /dev/null -w '%{size_download}\\n' 'http://${family.url(family.stack)}:${PORT}/[1-200]'`)
  await server.close()
  if (errors.length > 0) throw new AggregateError(errors, `the server: ${String(errors[0])}`)
  const complete = sizes.split('\n').filter((size) => size === String(bytes.length)).length
  if (complete !== 200) throw new Error(`${complete} of 200 answers were complete`)
})

export async function curl({ stack, peer, folder, family }: Place, size: number): Promise<void> {
  const { bytes, hash } = content(size)
  const errors: unknown[] = []
  const server = serve(stack.tcp, PORT, bytes, (error) => errors.push(error))
  const url = `http://${family.url(family.stack)}:${PORT}/file`

  const downloaded = await peer.run(`curl -sS --fail ${url} | sha256sum`)
  if (!downloaded.startsWith(hash)) throw new Error(`curl downloaded other bytes: ${downloaded}`)

  const file = join(folder, 'upload')
  writeFileSync(file, bytes)
  const uploaded = await peer.run(`curl -sS --fail -H Expect: -T ${file} ${url}`)
  if (uploaded !== hash) throw new Error(`our stack got other bytes: ${uploaded}`)

  await server.close()
  if (errors.length > 0) throw new AggregateError(errors, `the server: ${String(errors[0])}`)
}
