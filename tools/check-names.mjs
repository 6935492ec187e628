// No file of the repository may name a package registry or a folder of the machine it was written on:
// both are true for one person only. The names are put together here so that this file passes too.
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './lib/process.mjs'
import { list } from './lib/files.mjs'

const dot = (...parts) => parts.join('.')
const hosts = [dot('registry', 'npmjs', 'org'), dot('registry', 'yarnpkg', 'com'), dot('npm', 'pkg', 'github', 'com'),
  dot('deb', 'debian', 'org'), dot('security', 'debian', 'org'), dot('proxy', 'golang', 'org'), dot('files', 'pythonhosted', 'org')]

// Top folders that every machine has say nothing; a path below any other one does.
const ordinary = new Set(['', 'bin', 'dev', 'etc', 'home', 'mnt', 'opt', 'proc', 'private', 'root', 'run', 'srv', 'sys', 'tmp', 'usr', 'var', 'Users'])
const top = ROOT.split('/')[1] ?? ''
const paths = [ROOT, ...(ordinary.has(top) ? [] : [`/${top}`]), ...(homedir() === '/root' ? [] : [homedir()])].map((path) => `${path}/`)

const problems = []
for (const path of list(/./)) {
  const bytes = readFileSync(join(ROOT, path))
  if (bytes.includes(0)) continue
  bytes.toString('utf8').split('\n').forEach((line, index) => {
    for (const name of hosts) if (line.includes(name)) problems.push(`${path}:${index + 1} names ${name}`)
    for (const name of paths) {
      // Not after a letter, as in `network/work/`, nor after a dot, as in `./work/`.
      const at = line.indexOf(name)
      if (at >= 0 && !/[\w.-]/.test(line[at - 1] ?? ' ')) problems.push(`${path}:${index + 1} names ${name}`)
    }
  })
}

if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exitCode = 1
}
