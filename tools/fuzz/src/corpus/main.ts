/**
 * npm run corpus -- DIR [--no-tshark]: feeds every frame of every pcap and pcapng in a folder to the parsers and to a stack,
 * and compares fields with tshark where it is installed. The last line counts, as JSON.
 */
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { runCorpus } from './corpus.ts'
import { hasTshark } from './tshark.ts'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { 'no-tshark': { type: 'boolean' } } })
const folder = positionals[0] ?? fileURLToPath(new URL('../../fixtures', import.meta.url))
const withTshark = values['no-tshark'] !== true && hasTshark()
if (!withTshark) console.log('Without tshark: nothing is compared.')
const { files, frames, unknown, compared, problems, fed } = await runCorpus(folder, withTshark)
for (const problem of problems.slice(0, 50)) console.log(problem)
if (problems.length > 50) console.log(`… and ${problems.length - 50} more`)
console.log(`${files} files, ${frames} frames (${unknown} of links not known here), ${compared} fields compared; the stack sent ${fed.sent} packets and held ${fed.mostHeld} bytes at most`)
console.log(JSON.stringify({ passed: frames > 0 && problems.length === 0 ? 1 : 0, failed: problems.length }))
process.exitCode = frames > 0 && problems.length === 0 ? 0 : 1
