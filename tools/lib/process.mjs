// Child processes for the tools: found in node_modules/.bin, without what npm or pnpm leave in the environment.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/** Chromium for the browser tests, if there is one. */
export function chromium() {
  return [process.env.CHROMIUM, '/usr/bin/chromium'].find((path) => path && existsSync(path))
}

function environment(extra) {
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' }
  for (const name of Object.keys(env)) {
    // npm passes its whole configuration down as npm_config_*, and pnpm would obey it; of that only
    // where to install from is wanted. NODE_ENV=production would leave out every tool.
    if (/^npm_/i.test(name) && !/^npm_config_(.*registry|.*proxy|cafile|userconfig|cache)$/i.test(name)) delete env[name]
  }
  delete env.NODE_ENV
  delete env.FORCE_COLOR
  env.PATH = join(ROOT, 'node_modules/.bin') + delimiter + env.PATH
  return { ...env, ...extra }
}

/**
 * Runs a command to its end: { code, output }. Its output goes to ours, or is collected when `capture` is set.
 * After `limit` ms the command is ended together with everything it started, and the code is 124.
 */
export function run([file, ...args], { cwd = ROOT, env = {}, capture = false, tee = false, limit } = {}) {
  return new Promise((resolve) => {
    const stdio = capture || tee ? ['ignore', 'pipe', 'pipe'] : 'inherit'
    // Only a process group of its own can be ended as a whole; but it would also miss the user's ^C.
    const child = spawn(file, args, { cwd, env: environment(env), stdio, detached: limit !== undefined })
    let output = ''
    let late = false
    for (const [name, stream] of [['stdout', child.stdout], ['stderr', child.stderr]]) {
      stream?.on('data', (data) => {
        output += data
        if (tee) process[name].write(data)
      })
    }
    const timer = limit === undefined ? undefined : setTimeout(() => {
      late = true
      try { process.kill(-child.pid, 'SIGKILL') } catch { /* already gone */ }
    }, limit)
    child.on('error', (error) => {
      clearTimeout(timer)
      resolve({ code: 127, output: `${output}${file}: ${error.message}\n` })
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (late) output += `\n${file}: stopped after ${limit / 1000} s\n`
      resolve({ code: late ? 124 : code ?? (signal === 'SIGINT' ? 130 : 1), output })
    })
  })
}
