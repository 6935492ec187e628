// Assembles src/kernels.wat into src/kernels-wasm.ts.
import { readFileSync, writeFileSync } from 'node:fs'
import initWabt from 'wabt'

const source = new URL('../src/kernels.wat', import.meta.url)
const target = new URL('../src/kernels-wasm.ts', import.meta.url)

const wabt = await initWabt()
const module = wabt.parseWat('kernels.wat', readFileSync(source, 'utf8'), { simd: true })
const base64 = Buffer.from(module.toBinary({}).buffer).toString('base64')
const lines = base64.match(/.{1,120}/g).map((line) => `  '${line}'`)

writeFileSync(target, `// Generated from kernels.wat by tools/assemble-kernels.mjs.

/** The kernel module, base64. */
export const KERNELS: string =
${lines.join(' +\n')}
`)
