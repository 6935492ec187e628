import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { run, start } from './terminal.ts'

const folder = mkdtempSync(join(tmpdir(), 'stack-test-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const PCAPNG_MAGIC = 0x0a0d0d0a

describe('stack demo', () => {
  it('shows ARP, ping and a verified download, and writes a capture', async () => {
    const file = join(folder, 'demo.pcapng')
    const { code, out, err } = await run('demo', '--size', '1', '--capture', file)
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^Two hosts on an Ethernet in memory: 300 Mbit\/s, 1 ms each way, 0\.02 % loss \(seed 1\)\./)
    expect(out).toContain('ARP   10.0.0.2 is at 02:00:00:00:00:02\n')
    for (const sequence of [1, 2, 3]) expect(out).toMatch(new RegExp(`PING  64 bytes from 10\\.0\\.0\\.2: seq=${String(sequence)} ttl=64 time=`))
    expect(out).toContain('HTTP  GET http://10.0.0.2/random.bin\n')
    expect(out).toMatch(/HTTP {2}1,048,576 bytes in \d+\.\d\d s: [\d.]+ MB\/s, rtt [\d.]+ ms, [\d,]+ retransmits?\n/)
    expect(out).toContain('HTTP  sha256 verified\n')
    expect(out).toContain(`PCAP  ${file}  `)
    expect(out).toMatch(/\nNext:\n {2}stack demo --loss/)
    const bytes = readFileSync(file)
    expect(bytes.readUInt32LE(0)).toBe(PCAPNG_MAGIC)
    // Cut to 128 bytes a packet, behind the header of its block.
    const packets = Number(/ ([\d,]+) packets/.exec(out)![1]!.replaceAll(',', ''))
    expect(bytes.length).toBeLessThan(packets * 180 + 1000)
    expect(bytes.includes('GET /random.bin HTTP/1.1')).toBe(true)
  })

  it('does the same over IPv6', async () => {
    const { code, out } = await run('demo', '--size', '1', '--ipv6', '--no-capture')
    expect(code).toBe(0)
    expect(out).toContain('NDP   fd00::2 is at 02:00:00:00:00:02\n')
    expect(out).not.toContain('ARP')
    expect(out).toContain('GET http://[fd00::2]/random.bin')
    expect(out).toContain('sha256 verified')
    expect(out).not.toContain('PCAP')
  })

  it('gets through a bad network', async () => {
    const { code, out } = await run('demo', '--size', '1', '--loss', '2', '--delay', '0', '--no-capture', '--seed', '7')
    expect(code).toBe(0)
    expect(out).toContain('2 % loss (seed 7)')
    expect(out).toMatch(/[1-9][\d,]* retransmits/)
    expect(out).toContain('sha256 verified')
  })

  it('rewrites its progress on a terminal only', async () => {
    const slow = ['demo', '--size', '1', '--rate', '20', '--no-capture']
    const [tty, plain] = await Promise.all([start(slow, { isTty: true }).result, start(slow).result])
    expect(tty.out).toContain('\r\u001B[KHTTP  ')
    expect(plain.out).not.toContain('\r')
  })

  it('fails at Ctrl-C, soon', async () => {
    const running = start(['demo', '--size', '64', '--rate', '1', '--no-capture'])
    await running.says(/HTTP {2}GET/)
    running.interrupt()
    const { code, out, err } = await running.result
    expect(code).toBe(1)
    expect(err).toContain('interrupted')
    expect(out).not.toContain('verified')
  })

  it('fails when the capture cannot be written, and says what to do', async () => {
    const { code, err } = await run('demo', '--size', '1', '--capture', join(folder, 'missing', 'x.pcapng'))
    expect(code).toBe(1)
    expect(err).toMatch(/^stack: The capture cannot be written: .*--no-capture\.\n$/)
  })

  it('runs as a program', async () => {
    const file = join(folder, 'program.pcapng')
    const args = ['--conditions=@stack/source', '--import', 'tsx', 'packages/cli/src/main.ts', 'demo', '--size', '1', '--capture', file]
    const child = spawn(process.execPath, args, { cwd: fileURLToPath(new URL('../../..', import.meta.url)) })
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect(code, out).toBe(0)
    expect(out).toContain('sha256 verified')
    expect(statSync(file).size).toBeGreaterThan(1000)
  }, 60_000)
})
