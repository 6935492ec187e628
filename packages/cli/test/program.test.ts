import { describe, expect, it } from 'vitest'
import { run } from './terminal.ts'

describe('the command line', () => {
  it('has help that names every command', async () => {
    const { code, out, err } = await run('--help')
    expect([code, err]).toEqual([0, ''])
    for (const command of ['demo', 'ping', 'serve']) expect(out).toMatch(new RegExp(`^ {2}${command} `, 'm'))
  })

  it.each(['demo', 'ping', 'serve'])('has help for %s that says what options are for and what they are without', async (command) => {
    const { code, out, err } = await run(command, '--help')
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(new RegExp(`^Usage: stack ${command} `))
    expect(out).toContain('--tun')
    expect(out).toContain('(default: ')
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(110)
  })

  it('says its version', async () => {
    expect(await run('--version')).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string })
  })

  it.each([
    [[], /Usage: stack/],
    [['nonsense'], /unknown command 'nonsense'/],
    [['demo', '--nonsense'], /unknown option '--nonsense'/],
    [['demo', '--size', 'big'], /'big' is invalid.*whole number from 1/],
    [['demo', '--size', '0'], /'0' is invalid/],
    [['demo', '--loss', '101'], /'101' is invalid.*from 0 to 100/],
    [['demo', '--loss', ''], /is invalid/],
    [['demo', '--for', '3'], /--for goes with --tun/],
    [['demo', '--tun', '--loss', '1'], /--loss is for the wire in memory/],
    [['ping', 'localhost'], /'localhost' is invalid.*names are not looked up/],
    [['ping', '--count', '1.5'], /whole number/],
    [['serve'], /missing required argument 'folder'/],
    [['serve', '.', '--port', '0'], /from 1 to 65535/],
    [['serve', '.', '--tun', '--host-port', '1'], /--host-port is for the network in memory/],
  ])('%j is called wrongly: 2, and why', async (args, why) => {
    const { code, out, err } = await run(...args)
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err).toMatch(why)
  })
})
