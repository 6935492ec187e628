import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './process.mjs'

/** Files of the repository, also those not committed yet, whose path matches. */
export function list(pattern) {
  const output = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26 })
  return output.split('\0').filter((path) => path !== '' && pattern.test(path) && existsSync(join(ROOT, path))).sort()
}
