import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { arp } from '@stack/arp'
import { createStack, type LinkEndpoint } from '@stack/core'
import { icmp } from '@stack/icmp'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { ethernet } from '@stack/link-ethernet'
import { netem, type NetemOptions } from '@stack/link-netem'
import { pipe } from '@stack/link-pipe'
import { capture } from '@stack/link-sniffer'
import { tcp } from '@stack/tcp'
import { leaksOf, manualClock } from '@stack/testing'
import { udp } from '@stack/udp'
import { describe, expect, test } from 'vitest'

// Links around links, under whole stacks: a VLAN over a bad wire of bare bytes, with a capture at one end.

const hasTshark = spawnSync('tshark', ['--version']).status === 0

async function network(bad: NetemOptions) {
  const clock = manualClock()
  const [left, right] = pipe({ mtu: 1518 })
  const wire = netem(left, { ...bad, direction: 'both', seed: 1 })
  const stackOn = async (link: LinkEndpoint, number: number) => {
    const stack = createStack({ plugins: [ipv4(), arp(), ipv6(), tcp(), udp(), icmp()], clock })
    const nic = await clock.until(stack.addNic(link, { addresses: [`10.0.0.${number}/24`, `fd00::${number}/64`], skipDuplicateDetection: true }))
    return { stack, nic }
  }
  const a = await stackOn(ethernet(wire, { vlan: 42 }), 1)
  const b = await stackOn(ethernet(right, { vlan: 42 }), 2)
  return { clock, wire, a, b }
}

/** Sends `length` bytes from a to b over TCP; returns what arrived. */
async function transfer({ clock, a, b }: Awaited<ReturnType<typeof network>>, host: string, length: number): Promise<Uint8Array> {
  const listener = b.stack.tcp.listen({ port: 7 })
  const connecting = a.stack.tcp.connect({ host, port: 7 })
  const accepting = listener.accept()
  const connection = await clock.until(connecting)
  const server = (await clock.until(accepting))!
  const bytes = Uint8Array.from({ length }, (_, i) => (i * 7) & 0xff)
  void connection.write(bytes, { end: true })
  const received = new Uint8Array(length)
  let count = 0
  for (;;) {
    const part = await clock.until(server.readSome({ max: 65_536 }))
    if (part === null) break
    received.set(part, count)
    count += part.length
  }
  expect(received.subarray(0, count)).toEqual(bytes)
  await clock.until(Promise.all([connection.close(), server.close()]))
  return received
}

describe.each(['10.0.0.2', 'fd00::2'])('TCP to %s', (host) => {
  test('over a wire that delays, loses, reorders, duplicates and corrupts', async () => {
    const t = await network({ delay: 10, jitter: 2, loss: 0.02, reorder: 0.02, duplicate: 0.02, corrupt: 0.02 })
    await transfer(t, host, 300_000)

    const { out } = t.wire.statistics
    expect(Math.min(out.lost, out.duplicated, out.corrupted)).toBeGreaterThan(0)
    t.a.stack.destroy()
    t.b.stack.destroy()
    expect([...leaksOf(t.a.stack), ...leaksOf(t.b.stack)]).toEqual([])
    expect(t.clock.scheduler.timers.armed).toBe(0)
  })
})

describe.skipIf(!hasTshark)(`a capture${hasTshark ? '' : ' (tshark is not installed)'}`, () => {
  test('has nothing malformed and no bad checksum for tshark', async () => {
    const t = await network({ delay: 5, loss: 0.01 })
    const blocks: Uint8Array[] = []
    const lines: string[] = []
    const watching = capture(t.a.nic, { onBlock: (block) => blocks.push(block), onLine: (line) => lines.push(line) })
    await transfer(t, '10.0.0.2', 50_000)
    await t.clock.until(t.a.stack.icmp.ping('fd00::2'))
    const socket = t.a.stack.udp.connect({ host: '10.0.0.2', port: 4242 })
    socket.send(new Uint8Array(3000))
    await t.clock.advance(1000)
    watching.stop()
    t.a.stack.destroy()
    t.b.stack.destroy()

    const folder = mkdtempSync(join(tmpdir(), 'stack-links-'))
    try {
      const file = join(folder, 'capture.pcapng')
      writeFileSync(file, Buffer.concat(blocks))
      const filter = '_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0 || icmpv6.checksum.status == 0'
      const run = (...options: string[]): string[] => {
        const checks = ['ip.check_checksum', 'tcp.check_checksum', 'udp.check_checksum'].flatMap((name) => ['-o', `${name}:TRUE`])
        const text = execFileSync('tshark', ['-r', file, ...checks, ...options], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
        return text === '' ? [] : text.split('\n')
      }
      expect(run()).toHaveLength(watching.packets)
      expect(run('-Y', filter)).toEqual([])
      expect(run('-Y', '!(vlan.id == 42)')).toEqual([])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
    expect(lines).toHaveLength(watching.packets)
    expect(lines.filter((line) => /\[(truncated|bad)|unknown/.test(line))).toEqual([])
  })
})
