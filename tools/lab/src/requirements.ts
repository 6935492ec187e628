import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { join } from 'node:path'
import { Skipped } from './case.ts'

const INSIDE = 'STACK_LAB_INSIDE'

/**
 * Runs the whole lab again in a network namespace of its own: what cases make there, nobody else sees.
 *
 * @returns the exit code of that run; null when this is that run, or no namespace can be made (then all cases skip)
 */
export function runInNamespace(): number | null {
  if (isInNamespace() || spawnSync('unshare', ['-n', 'true'], { stdio: 'ignore' }).status !== 0) return null
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const { status } = spawnSync('unshare', ['-n', ...command], { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } })
  return status ?? 1
}

function isInNamespace(): boolean {
  return process.env[INSIDE] !== undefined
}

/** @throws Skipped unless this machine has network namespaces and `tools` */
export function requireTools(...tools: readonly string[]): void {
  if (!isInNamespace()) throw new Skipped('needs root with the right to make network namespaces')
  const missing = ['nsenter', 'ip', 'timeout', 'bash', ...tools].filter((tool) => !isInstalled(tool))
  if (missing.length > 0) throw new Skipped(`needs ${missing.join(', ')}`)
}

/** @throws Skipped unless there are TUN devices too */
export function requireDevice(...tools: readonly string[]): void {
  requireTools(...tools)
  if (!existsSync('/dev/net/tun')) throw new Skipped('needs /dev/net/tun')
}

function isInstalled(tool: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
