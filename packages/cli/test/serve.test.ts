import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { run, start } from './terminal.ts'

const folder = mkdtempSync(join(tmpdir(), 'stack-test-'))
const big = Buffer.alloc(3_000_000, 'stack ')
writeFileSync(join(folder, 'big.bin'), big)
writeFileSync(join(folder, 'file.txt'), 'hello')
afterAll(() => {
  rmSync(folder, { recursive: true })
})

describe('stack serve', () => {
  it('serves a folder to this machine until Ctrl-C', async () => {
    const running = start(['serve', folder, '--host-port', '0'])
    const [, url] = await running.says(/ at (http:\/\/127\.0\.0\.1:\d+\/)\n/)
    expect(await (await fetch(`${url!}file.txt`)).text()).toBe('hello')
    const bodies = await Promise.all([1, 2, 3].map(async () => Buffer.from(await (await fetch(`${url!}big.bin`)).arrayBuffer())))
    for (const body of bodies) expect(body.equals(big)).toBe(true)
    expect((await fetch(`${url!}missing`)).status).toBe(404)
    await running.says(/ {2}GET \/missing {2}404 /)
    running.interrupt()
    const { code, out } = await running.result
    expect(code).toBe(0)
    expect(out).toContain('10.0.0.1  GET /file.txt  200  ')
    await expect(fetch(url!)).rejects.toThrow()
  })

  it('fails for what is no folder, and for a port that is taken, and says so', async () => {
    expect(await run('serve', join(folder, 'missing'))).toMatchObject({ code: 1, err: expect.stringContaining('cannot be served') as string })
    expect(await run('serve', join(folder, 'file.txt'))).toMatchObject({ code: 1, err: expect.stringContaining('name the folder') as string })
    const blocker = net.createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => blocker.once('listening', resolve))
    const { port } = blocker.address() as net.AddressInfo
    expect(await run('serve', folder, '--host-port', String(port))).toMatchObject({ code: 1, err: expect.stringMatching(/is taken: choose another with --host-port/) as string })
    blocker.close()
  })
})
