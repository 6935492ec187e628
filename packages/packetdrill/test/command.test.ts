import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { main } from '../src/command/main.ts'
import type { RunRequest } from '../src/command/main.ts'
import type { JsonReport, Script, ScriptResult } from '../src/index.ts'

let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'packetdrill-'))
  const add = (path: string, text: string): void => {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  add('one/a-pass.pkt', '0 close(3) = 0')
  add('one/deep/b-skip.pkt', '0 splice() = 0')
  add('one/notes.txt', 'no script')
  add('two/c-failv6.pkt', '0 fail() = 0')
  add('two/d-expected.pkt', '// expect-fail: later (RFC 7413)\n0 fail() = 0')
  add('wrong/e.pkt', '0 close(3 = 0')
  add('empty/notes.txt', '')
})
afterAll(() => rmSync(folder, { recursive: true }))

/** A runner that goes by the name of the first call. */
function outcome(script: Script): Partial<ScriptResult> {
  const action = script.events[0]?.action
  if (action?.kind !== 'call' || action.name === 'close') return { status: 'passed' }
  return action.name === 'splice' ? { status: 'skipped', reason: 'splice', line: 1 } : { status: 'failed', reason: 'it fails', line: 1, pcap: Uint8Array.of(1) }
}

async function packetdrill(...args: string[]): Promise<{ code: number; output: string; errors: string; requests: RunRequest[]; scripts: Script[] }> {
  let output = ''
  let errors = ''
  const requests: RunRequest[] = []
  const scripts: Script[] = []
  const code = await main(args, {
    profiles: ['linux', 'own'],
    definesOf: (profile) => (profile === 'linux' ? { FD: '3' } : {}),
    run(script, request) {
      requests.push(request)
      scripts.push(script)
      const result = { path: script.path, status: 'passed' as const, family: null, reason: null, line: null, failure: null, trace: [], pcap: null, ...outcome(script) }
      return Promise.resolve(result)
    },
    write: (text) => (output += text),
    error: (text) => (errors += text),
  })
  return { code, output: output.replaceAll(folder, 'F'), errors: errors.replaceAll(folder, 'F'), requests, scripts }
}

describe('packetdrill', () => {
  it('runs the scripts below folders and tells what did not pass', async () => {
    const { code, output } = await packetdrill(join(folder, 'one'))
    expect(code).toBe(0)
    expect(output.split('\n')[0]).toBe('skipped  F/one/deep/b-skip.pkt:1 splice')
    expect(output).toMatch(/^F\/one +1 +0 +0 +0$/m)
    expect(output).toMatch(/^all +1 +0 +1 +0$/m)
    expect(output).not.toContain('a-pass')
    expect((await packetdrill('-v', join(folder, 'one'))).output).toContain('passed   F/one/a-pass.pkt')
  })

  it('ends with 1 when a script failed, and keeps its packets', async () => {
    const { code, output } = await packetdrill('--pcap', join(folder, 'pcap'), join(folder, 'two'), join(folder, 'one/a-pass.pkt'))
    expect(code).toBe(1)
    expect(output).toContain('FAILED   F/two/c-failv6.pkt:1 it fails')
    expect(output).toContain('expected F/two/d-expected.pkt:1 later (RFC 7413): it fails')
    expect(output).toMatch(/^all +1 +1 +0 +1$/m)
    expect(readdirSync(join(folder, 'pcap'))).toEqual([expect.stringMatching(/_two_c-failv6\.pcap$/)])
  })

  it('reports in JSON', async () => {
    const { code, output } = await packetdrill('--json', join(folder, 'two'), join(folder, 'wrong'))
    expect(code).toBe(1)
    const report = JSON.parse(output) as JsonReport
    expect(report.totals).toEqual({ passed: 0, failed: 2, skipped: 0, expectedFailures: 1 })
    expect(report.scripts.at(-1)).toEqual({ path: 'F/wrong/e.pkt', status: 'failed', reason: 'it cannot be parsed: expected `,` or `)` in the arguments of close, not `=`', line: 1 })
  })

  it('hands on the profile and families', async () => {
    const scripts = [join(folder, 'one/a-pass.pkt'), join(folder, 'two/c-failv6.pkt')]
    expect((await packetdrill('--json', '--profile', 'linux', ...scripts)).requests).toEqual([
      { profile: 'linux', families: null },
      { profile: 'linux', families: ['ipv6'] },
    ])
    expect((await packetdrill('--json', '--family', 'ipv4,ipv4-mapped-ipv6', scripts[1]!)).requests).toEqual([
      { profile: 'own', families: ['ipv4', 'ipv4-mapped-ipv6'] },
    ])
  })

  it('knows names from the profile and the command line', async () => {
    const script = join(folder, 'one/a-pass.pkt')
    writeFileSync(script, '0 close(FD) = RESULT')
    const values = async (...args: string[]): Promise<unknown> => {
      const action = (await packetdrill(...args, script)).scripts[0]?.events[0]?.action
      return action?.kind === 'call' ? [action.arguments[0], action.result].map((value) => (value?.kind === 'integer' ? value.value : (value as { name: string }).name)) : null
    }
    expect(await values('--profile', 'linux', '-D', 'RESULT=EX')).toEqual([3, 'EX'])
    expect(await values('--profile', 'linux', '-DRESULT=0', '-D', 'FD=4')).toEqual([4, 0])
  })

  it('helps', async () => {
    const { code, output } = await packetdrill('--help')
    expect(code).toBe(0)
    expect(output).toContain('--profile NAME      how to compare and to configure: linux, own; default own')
  })

  it.each([
    [[], 'name the scripts, or folders with scripts'],
    [['--nonsense'], `Unknown option '--nonsense'`],
    [['--profile', 'dos', 'x'], 'there is no profile dos: there are linux, own'],
    [['--family', 'ipx', 'x'], 'there is no family ipx: there are ipv4, ipv6, ipv4-mapped-ipv6'],
    [['-D', 'A', 'x'], '-D reads NAME=value, not A'],
    [['nowhere.pkt'], 'there is no nowhere.pkt'],
  ])('ends with 2 for %j', async (args, message) => {
    const { code, errors, output } = await packetdrill(...args)
    expect(code).toBe(2)
    expect(output).toBe('')
    expect(errors).toContain(message)
  })

  it('ends with 2 when there is nothing to run', async () => {
    const { code, errors } = await packetdrill(join(folder, 'empty'))
    expect(code).toBe(2)
    expect(errors).toContain('there are no scripts (*.pkt) below F/empty')
  })
})
