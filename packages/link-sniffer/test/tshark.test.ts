import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { capture } from '../src/index.ts'
import { A6, arp, B6, ethernet, ipv4, ipv6, MAC_A, MAC_B, pseudoSum, summed, SYN_OPTIONS, tcp, u16, u32, udp } from './packets.ts'
import { bench, partial } from './support.ts'

const hasTshark = spawnSync('tshark', ['--version']).status === 0

const CHECKS = ['ip.check_checksum', 'tcp.check_checksum', 'udp.check_checksum'].flatMap((name) => ['-o', `${name}:TRUE`])

/** One row a packet: the fields asked for. */
function tshark(blocks: readonly Uint8Array[], fields: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'stack-capture-'))
  try {
    const file = join(folder, 'capture.pcapng')
    writeFileSync(file, Buffer.concat(blocks))
    const output = execFileSync('tshark', ['-r', file, ...CHECKS, '-T', 'fields', '-E', 'separator=|', ...fields.flatMap((field) => ['-e', field])], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return output.trimEnd().split('\n')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe.skipIf(!hasTshark)(`tshark${hasTshark ? '' : ' (not installed)'}`, () => {
  test('finds nothing malformed and no bad checksum', async () => {
    const b = await bench('ethernet', true)
    const blocks: Uint8Array[] = []
    const watching = capture(b.nic, { onBlock: (block) => blocks.push(block) })
    const echo = [128, 0, 0, 0, ...u16(7), ...u16(1), 1, 2, 3]
    const solicitation = [135, 0, 0, 0, ...u32(0), ...B6, 1, 1, ...MAC_A]
    await b.receive(ethernet(0x0806, arp(1), MAC_B, MAC_A))
    await b.send(0x0806, Uint8Array.from(arp(2)))
    await b.receive(ethernet(0x0800, ipv4(6, summed(tcp({ flags: 2, options: SYN_OPTIONS }), 16, 6)), MAC_B, MAC_A))
    const segment = tcp({ flags: 0x18, ack: 1, payload: [1, 2, 3, 4, 5] })
    await b.send(0x0800, ipv4(6, segment), partial(16, pseudoSum(segment.length, 6)))
    // To a port that no dissector claims.
    const datagram = udp([1, 2, 3])
    datagram.splice(2, 2, ...u16(4242))
    await b.send(0x0800, ipv4(17, datagram), partial(6, pseudoSum(datagram.length, 17)))
    await b.receive(ethernet(0x86dd, ipv6(58, summed(echo, 2, 58, A6, B6)), MAC_B, MAC_A))
    await b.receive(ethernet(0x86dd, ipv6(58, summed(solicitation, 2, 58, A6, B6)), MAC_B, MAC_A))
    watching.stop()

    const rows = tshark(blocks, ['_ws.col.Protocol', '_ws.malformed', 'ip.checksum.status', 'tcp.checksum.status', 'udp.checksum.status', 'icmpv6.checksum.status', 'frame.interface_name', 'frame.packet_flags_direction'])
    // Status 1 is good; direction 1 in, 2 out.
    expect(rows.map((row) => row.replace(/0x0+(?=[12]\b)/, ''))).toEqual([
      'ARP||||||net0|1',
      'ARP||||||net0|2',
      'TCP||1|1|||net0|1',
      'TCP||1|1|||net0|2',
      'UDP||1||1||net0|2',
      'ICMPv6|||||1|net0|1',
      'ICMPv6|||||1|net0|1',
    ])
  })

  test('reads times, names and lengths as they were', async () => {
    const b = await bench('ip')
    const blocks: Uint8Array[] = []
    const watching = capture(b.nic, { onBlock: (block) => blocks.push(block), snapLength: 40 })
    await b.clock.advance(250.125)
    await b.receive(ipv4(6, summed(tcp({ payload: [1, 2, 3] }), 16, 6)))
    watching.stop()

    expect(tshark(blocks, ['frame.time_epoch', 'frame.len', 'frame.cap_len', 'tcp.dstport', 'frame.encap_type'])).toEqual([
      expect.stringMatching(/^(1767225600\.250125(000)?|2026-01-01T00:00:00\.250125000Z)\|43\|40\|80\|7$/),
    ])
  })
})
