import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { LabCase } from '../case.ts'
import { requireTools } from '../requirements.ts'

const execute = promisify(execFile)

/** What all other cases stand on: a network namespace with nothing but a loopback interface, and that one works. */
export const namespaceCase: LabCase = {
  name: 'a network namespace of our own',
  async run(signal) {
    requireTools('ping')
    const script = 'ip link set lo up && ping -c 1 -W 2 127.0.0.1 && ip -o link'
    const { stdout } = await execute('unshare', ['-n', 'sh', '-c', script], { signal })
    const links = stdout.split('\n').filter((line) => /^\d+: /.test(line))
    if (links.length !== 1) throw new Error(`expected the loopback interface alone:\n${links.join('\n')}`)
  },
}
