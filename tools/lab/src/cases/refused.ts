import { isStackError } from '@stack/core'
import type { LabCase } from '../case.ts'
import { everywhere } from './everywhere.ts'

const PORT = 9

/** Nobody listens, at either end, for TCP and for UDP: everybody is told at once. */
export const refusedCases: readonly LabCase[] = everywhere('closed ports', ['nc'], async ({ stack, peer, family, signal }) => {
  const tcp = await codeOf(stack.tcp.connect({ host: family.kernel, port: PORT, signal }))
  if (tcp !== 'ECONNREFUSED') throw new Error(`TCP to the kernel: ${tcp}`)
  const socket = stack.udp.connect({ host: family.kernel, port: PORT })
  socket.send(new Uint8Array(1))
  const udp = await codeOf(socket.receive({ signal }))
  socket.close()
  if (udp !== 'ECONNREFUSED') throw new Error(`UDP to the kernel: ${udp}`)

  const answer = await peer.run(`nc -w 5 -v ${family.stack} ${PORT} 2>&1 || true`)
  if (!answer.includes('refused')) throw new Error(`TCP to our stack: ${answer}`)
  // The second write finds out what the first one caused.
  const unreachable = await peer.run(`exec 3>/dev/udp/${family.stack}/${PORT}; echo a >&3; sleep 0.1; (echo b >&3) 2>&1 || true`)
  if (!unreachable.includes('refused')) throw new Error(`UDP to our stack: ${unreachable}`)
})

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'no error', (error: unknown) => (isStackError(error) ? error.code : String(error)))
}
