import type { LabCase } from '../case.ts'
import { everywhere } from './everywhere.ts'

/** Bytes after the ICMP header: the usual, a full packet, and one in three fragments. */
const SIZES = [56, 1400, 4000]
const COUNT = 3

/** The kernel pings our stack, and our stack the kernel. */
export const pingCases: readonly LabCase[] = everywhere('ping', ['ping'], async ({ stack, peer, signal, family }) => {
  for (const size of SIZES) {
    const output = await peer.run(`ping -n -c ${COUNT} -i 0.02 -W 2 -s ${size} ${family.stack}`)
    if (!output.includes(`${COUNT} received`)) throw new Error(output)
    for (let sequence = 1; sequence <= COUNT; sequence++) await stack.icmp.ping(family.kernel, { size, sequence, timeout: 2000, signal })
  }
})
