import { execFile, execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isStackError } from '@stack/core'
import { tun, type TunOptions } from '@stack/link-tun'
import type { LabCase } from '../case.ts'
import { requireDevice } from '../requirements.ts'

const execute = promisify(execFile)
const NOBODY = 65534

/** What the kernel really answers to what `@stack/link-tun` asks of it. */
export const deviceCases: readonly LabCase[] = [
  {
    name: 'TUN device: name, MTU and persistence',
    async run() {
      requireDevice()
      const made = tun({ name: 'made%d', mtu: 9000, persist: true })
      await made.open()
      expectEqual('name', made.name, 'made0')
      expectEqual('MTU', show('made0').includes(' mtu 9000 '), true)
      expectEqual('a second opener', await codeOf({ name: 'made0' }), 'ERR_STACK_BUSY')
      made.close()
      expectEqual('kept', show('made0') !== '', true)
      expectEqual('the other mode', await codeOf({ name: 'made0', mode: 'tap' }), 'EINVAL')
      const again = tun({ name: 'made0', persist: false })
      await again.open()
      expectEqual('MTU of the device', again.mtu, 9000)
      again.close()
      expectEqual('gone', show('made0'), '')
      expectEqual('an MTU out of range', await codeOf({ mode: 'tap', mtu: 65535 }), 'EINVAL')
    },
  },
  {
    name: 'TUN device: without the right, then as its owner',
    async run() {
      requireDevice()
      execFileSync('ip', ['tuntap', 'add', 'dev', 'owned', 'mode', 'tun', 'user', String(NOBODY)])
      process.seteuid!(NOBODY)
      try {
        expectEqual('no right', await codeOf({}), 'EACCES')
        expectEqual('another MTU', await codeOf({ name: 'owned', mtu: 1400 }), 'EACCES')
        expectEqual('own device', await codeOf({ name: 'owned' }), 'no error')
      } finally {
        process.seteuid!(0)
        execFileSync('ip', ['link', 'del', 'owned'])
      }
    },
  },
  {
    name: 'TUN device: an idle stack does not keep the process alive',
    limit: 20_000,
    async run(signal) {
      requireDevice()
      const script = fileURLToPath(new URL('../children/idle.ts', import.meta.url))
      await execute(process.execPath, [...process.execArgv, script], { signal })
    },
  },
]

function show(device: string): string {
  const all = execFileSync('ip', ['-o', 'link']).toString()
  return all.split('\n').find((line) => line.includes(` ${device}: `)) ?? ''
}

async function codeOf(options: TunOptions): Promise<string> {
  const link = tun(options)
  try {
    await link.open()
    return 'no error'
  } catch (error) {
    return isStackError(error) ? error.code : String(error)
  } finally {
    link.close()
  }
}

function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: expected ${String(expected)}, got ${String(actual)}`)
}
