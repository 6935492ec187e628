// node tools/release-rehearsal.mjs: publishes the committed state to a registry of its own and installs it from there.
// The half that publishes runs in a network namespace with loopback only, so that it cannot reach a real one.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fakeRegistry } from './lib/fake-registry.mjs'
import { ROOT, run } from './lib/process.mjs'

async function must(command, options = {}) {
  const result = await run(command, { capture: true, limit: 600_000, ...options })
  if (result.code !== 0) throw new Error(`${command.join(' ')} ended with ${result.code}\n${result.output}`)
  return result.output
}

/** With network: a clone, installed and built as a release would be. */
async function prepare() {
  const folder = mkdtempSync(join(tmpdir(), 'stack-release-'))
  const clone = join(folder, 'clone')
  try {
    console.log('Cloning, installing and building what is committed …')
    await must(['git', 'clone', '--quiet', ROOT, clone])
    await must(['pnpm', 'install', '--frozen-lockfile', '--prefer-offline'], { cwd: clone })
    await must(['turbo', 'run', 'build'], { cwd: clone })
    const unshare = process.getuid() === 0 ? ['unshare', '-n'] : ['unshare', '-rn']
    const inside = `ip link set lo up && exec "${process.execPath}" "${fileURLToPath(import.meta.url)}" --inside "${folder}"`
    const { code } = await run([...unshare, 'sh', '-c', inside])
    process.exitCode = code
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Without: publish, install, run. */
async function rehearse(folder) {
  const others = Object.keys(networkInterfaces()).filter((name) => name !== 'lo')
  if (others.length > 0) throw new Error(`Not alone in this network namespace: ${others.join(', ')}. Start without --inside.`)

  const registry = await fakeRegistry()
  try {
    // npm wants a token before it asks whether one is needed.
    const userconfig = join(folder, 'npmrc')
    writeFileSync(userconfig, `registry=${registry.url}/\n${registry.url.slice('http:'.length)}/:_authToken=rehearsal\n`)
    const env = { npm_config_registry: `${registry.url}/`, npm_config_userconfig: userconfig, npm_config_cache: join(folder, 'cache') }

    const clone = join(folder, 'clone')
    await must(['node', join(clone, 'node_modules/@changesets/cli/bin.js'), 'publish'], { cwd: clone, env })
    const names = readdirSync(join(clone, 'packages')).map((name) => `@stack/${name}`)
    const missing = names.filter((name) => !registry.packages.has(name))
    if (missing.length > 0) throw new Error(`Not published: ${missing.join(', ')}`)
    console.log(`Published ${registry.packages.size} packages`)

    // Those that depend on packages of others cannot be installed without a network.
    const installable = names.filter((name) => {
      const { dependencies = {} } = JSON.parse(readFileSync(join(clone, 'packages', name.slice('@stack/'.length), 'package.json'), 'utf8'))
      return Object.keys(dependencies).every((dependency) => dependency.startsWith('@stack/'))
    })
    const user = join(folder, 'user')
    mkdirSync(user)
    writeFileSync(join(user, 'package.json'), '{ "private": true, "type": "module" }')
    await must(['npm', 'install', '--no-audit', '--no-fund', ...installable], { cwd: user, env })
    writeFileSync(join(user, 'program.js'), program(installable))
    console.log((await must(['node', 'program.js'], { cwd: user })).trim())
  } finally {
    registry.close()
  }
}

const program = (names) => `
import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
for (const name of ${JSON.stringify(names)}) {
  const file = import.meta.resolve(name)
  if (!file.endsWith('/dist/index.js')) throw new Error(name + ' resolves to ' + file)
  if ((await import(name)) !== require(name)) throw new Error(name + ' is loaded twice')
}
const { createStack } = await import('@stack/core')
const { internet } = await import('@stack/preset-internet')
const { loopback } = await import('@stack/link-loopback')
const stack = createStack({ plugins: [internet()] })
await stack.addNic(loopback(), { addresses: ['127.0.0.1/8', '::1/128'] })
for (const host of ['127.0.0.1', '::1']) {
  await stack.icmp.ping(host)
  const listener = stack.tcp.listen({ host, port: 7 })
  const connection = await stack.tcp.connect({ host, port: 7 })
  await connection.write(new TextEncoder().encode('hello'), { end: true })
  const chunk = await (await listener.accept()).readSome()
  if (new TextDecoder().decode(chunk) !== 'hello') throw new Error('other bytes came over ' + host)
}
stack.destroy()
console.log('Installed, loaded and ran ${names.length} packages')
`

const [mode, folder] = process.argv.slice(2)
try {
  await (mode === '--inside' ? rehearse(folder) : prepare())
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
