import { isStackError } from '@stack/core'
import type { LabCase } from '../case.ts'
import { DEVICE } from '../testbed.ts'
import { everywhere } from './everywhere.ts'

/** Nobody gets an address that the other end has: our stack finds out (RFC 5227, RFC 4862 §5.4), and the kernel does where it looks. */
export const duplicateCases: readonly LabCase[] = everywhere('duplicate address', [], async ({ nic, peer, family }) => {
  const ours = await nic.addAddress(`${family.kernel}/${family.prefixLength}`, { optimistic: false }).then(
    () => 'assigned',
    (error: unknown) => (isStackError(error) ? error.code : String(error)),
  )
  if (ours !== 'EADDRINUSE') throw new Error(`the kernel's address for our stack: ${ours}`)
  if (family.name === 'IPv4') return

  const failed = `ip addr show dev ${DEVICE} | grep dadfailed`
  await peer.run(`ip addr add ${family.stack}/${family.prefixLength} dev ${DEVICE} && for i in $(seq 50); do ${failed} && break; sleep 0.1; done && ${failed}`)
}, { modes: ['tap'] })
