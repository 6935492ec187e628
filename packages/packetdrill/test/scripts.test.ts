import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'vitest'
import { own, packetdrillSuite, runScript } from '../src/index.ts'

const FOLDER = new URL('../scripts/', import.meta.url)

const scripts = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.pkt'))
  .sort()
  .map((path) => ({ path, text: readFileSync(new URL(path, FOLDER), 'utf8') }))

describe('our own scripts', () => {
  for (const { name, run } of packetdrillSuite(scripts, (script) => runScript(script, { profile: own }))) it(name, run)
})
