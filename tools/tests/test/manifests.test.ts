import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

interface Manifest {
  name: string
  version: string
  description: string
  keywords: string[]
  license: string
  type: string
  sideEffects: boolean
  engines: { node: string }
  files: string[]
  exports: Record<string, unknown>
  publishConfig: { access: string; exports: Record<string, unknown> }
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

const packages = new URL('../../../packages/', import.meta.url)
const folders = readdirSync(packages)

describe.each(folders)('@stack/%s', (folder) => {
  const manifest = JSON.parse(readFileSync(new URL(`${folder}/package.json`, packages), 'utf8')) as Manifest
  const { dependencies = {}, peerDependencies = {}, devDependencies = {} } = manifest

  test('says what every package says', () => {
    expect(manifest).toMatchObject({ name: `@stack/${folder}`, license: 'Apache-2.0', type: 'module', sideEffects: false, engines: { node: '>=20.19.0' } })
    expect(manifest.description.length).toBeGreaterThan(10)
    expect(manifest.keywords.length).toBeGreaterThan(2)
    expect(manifest.files).toEqual(expect.arrayContaining(['dist', 'src']))
    expect(manifest.publishConfig.access).toBe('public')
  })

  test('publishes the exports it has, without the source condition', () => {
    const published = structuredClone(manifest.exports)
    for (const entry of Object.values(published)) {
      if (typeof entry === 'object') delete (entry as Record<string, string>)['@stack/source']
    }
    expect(manifest.publishConfig.exports).toEqual(published)
  })

  test('links siblings by workspace:^ and asks for peers by a range written by hand', () => {
    for (const [name, range] of Object.entries({ ...dependencies, ...devDependencies })) {
      if (name.startsWith('@stack/')) expect(range, name).toBe('workspace:^')
    }
    for (const [name, range] of Object.entries(peerDependencies)) {
      expect(range, name).toMatch(/^\^\d+\.\d+\.\d+$/)
      expect(devDependencies, `${name} is a peer, so tests need it, too`).toHaveProperty(name)
    }
  })

  // Two cores in one program work, but nobody wants to ship them; only programs bring one, and tools that make whole hosts.
  if (!['buffer', 'core', 'cli', 'packetdrill', 'simulation'].includes(folder)) {
    test('has one core with its siblings: as a peer', () => {
      expect(peerDependencies).toHaveProperty('@stack/core')
      expect(dependencies).not.toHaveProperty('@stack/core')
    })
  }
})
