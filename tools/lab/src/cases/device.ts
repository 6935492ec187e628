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
    name: 'TUN device: offload on devices that others made, and without after with',
    async run() {
      requireDevice()
      for (const mode of ['tun', 'tap'] as const) {
        execFileSync('ip', ['tuntap', 'add', 'dev', 'others', 'mode', mode])
        try {
          expectEqual('at first', flagsOf('others') & VNET_HEADER, 0)
          for (const offload of [true, false, true]) {
            const link = tun({ name: 'others', mode, offload })
            await link.open()
            expectEqual('capability', link.capabilities.hardwareGso === true, offload)
            expectEqual('header', (flagsOf('others') & VNET_HEADER) !== 0, offload)
            link.close()
          }
        } finally {
          execFileSync('ip', ['link', 'del', 'others'])
        }
      }
      execFileSync('ip', ['tuntap', 'add', 'dev', 'queues', 'mode', 'tun', 'multi_queue'])
      expectEqual('a device of several queues', await codeOf({ name: 'queues' }), 'EINVAL')
      execFileSync('ip', ['link', 'del', 'queues'])
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

/** IFF_VNET_HDR of <linux/if_tun.h>. */
const VNET_HEADER = 0x4000

function flagsOf(device: string): number {
  // The file system is mounted for the namespace that it is mounted in: a new mount shows this one's devices.
  return Number(execFileSync('unshare', ['-m', 'sh', '-c', `mount -t sysfs none /sys && cat /sys/class/net/${device}/tun_flags`]).toString())
}

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
