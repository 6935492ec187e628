import { describe, expect, it } from 'vitest'
import { run, start } from './terminal.ts'

describe('stack ping', () => {
  it('pings the other host and sums up', async () => {
    const { code, out } = await run('ping', '--count', '2', '--interval', '0')
    expect(code).toBe(0)
    expect(out).toMatch(/^PING 10\.0\.0\.2 56\(84\) bytes of data\.\n/)
    expect(out).toMatch(/\n64 bytes from 10\.0\.0\.2: icmp_seq=1 ttl=64 time=\d+\.\d{3} ms\n/)
    expect(out).toContain('\n64 bytes from 10.0.0.2: icmp_seq=2 ')
    expect(out).toMatch(/\n--- 10\.0\.0\.2 ping statistics ---\n2 packets transmitted, 2 received, 0% packet loss, time \d+ms\n/)
    expect(out).toMatch(/\nrtt min\/avg\/max\/mdev = [\d.]+\/[\d.]+\/[\d.]+\/[\d.]+ ms\n$/)
  })

  it('pings over IPv6, with as many bytes as asked', async () => {
    const { code, out } = await run('ping', 'fd00::2', '--count', '1', '--size', '3000')
    expect(code).toBe(0)
    expect(out).toMatch(/^PING fd00::2 3000\(3048\) bytes of data\.\n3008 bytes from fd00::2: /)
  })

  it('fails when nothing answered', async () => {
    const { code, out } = await run('ping', '10.0.0.9', '--count', '1')
    expect(code).toBe(1)
    expect(out).toContain('icmp_seq=1: ')
    expect(out).toContain('1 packets transmitted, 0 received, 100% packet loss')
    expect(out).not.toContain('rtt min')
  })

  it('sums up at Ctrl-C, at once', async () => {
    const running = start(['ping', '--count', '100', '--interval', '3600000'])
    await running.says(/icmp_seq=1 /)
    running.interrupt()
    const { code, out } = await running.result
    expect(code).toBe(0)
    expect(out).toContain('1 packets transmitted, 1 received, 0% packet loss')
  })
})
