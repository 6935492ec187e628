import { describe, expect, test } from 'vitest'
import { pipe, type PipeOptions } from '@stack/link-pipe'
import { fakeNic, manualClock } from '@stack/testing'
import { sniffer, type CaptureOptions } from '../src/index.ts'
import { ipv4, udp } from './packets.ts'
import { readPcapng } from './support.ts'

function wire(options: CaptureOptions, pipeOptions: PipeOptions = {}) {
  const clock = manualClock()
  const [left, right] = pipe(pipeOptions)
  const link = sniffer(left, options)
  const near = fakeNic(clock)
  const far = fakeNic(clock)
  near.attach(link)
  far.attach(right)
  return { clock, link, near, far }
}

describe('a link around a link', () => {
  test('captures both directions and changes nothing', async () => {
    const blocks: Uint8Array[] = []
    const w = wire({ onBlock: (block) => blocks.push(block) })
    w.near.send(ipv4(17, udp([1])))
    await w.clock.advance(5)
    w.far.send(ipv4(17, udp([2])))
    await w.clock.advance(5)

    const { interfaces, packets } = readPcapng(blocks)
    expect(interfaces).toMatchObject([{ name: 'pipe', linkType: 101 }])
    expect(packets).toMatchObject([{ flags: 2, bytes: ipv4(17, udp([1])) }, { flags: 1, bytes: ipv4(17, udp([2])) }])
    expect(w.far.received.map(({ bytes }) => bytes)).toEqual([ipv4(17, udp([1]))])
    expect(w.near.received.map(({ bytes }) => bytes)).toEqual([ipv4(17, udp([2]))])
    expect(w.link).toMatchObject({ kind: 'pipe', mtu: 1500, framing: 'ip' })
    expect(w.link.capabilities).toBe(w.link.lower.capabilities)
    expect([w.near.memory.packets, w.far.memory.packets]).toEqual([0, 0])
  })

  test('a packet that the link inside refuses is captured once, when it is taken', async () => {
    const lines: string[] = []
    const w = wire({ onLine: (line) => lines.push(line) }, { limit: 2 })
    expect(w.near.send(ipv4(17, udp([1])), ipv4(17, udp([1, 2])), ipv4(17, udp([1, 2, 3])))).toBe(2)
    await w.clock.advance(1)
    expect(w.near.send(ipv4(17, udp([1, 2, 3])))).toBe(1)
    await w.clock.advance(1)

    expect(lines.map((line) => line.replace(/^.*length /, ''))).toEqual(['1', '2', '3'])
    expect(w.near.writables).toBe(1)
  })

  test('raw packets too', async () => {
    const lines: string[] = []
    const w = wire({ onLine: (line) => lines.push(line) }, { limit: 1 })
    expect(w.link.writeRawPacket(w.near.packet(ipv4(17, udp([1]))))).toBe(true)
    expect(w.link.writeRawPacket(w.near.packet(ipv4(17, udp([1, 2]))))).toBe(false)
    await w.clock.advance(1)

    expect(lines).toHaveLength(1)
    expect(w.near.memory.packets).toBe(0)
  })

  test('after stop it only passes packets on', async () => {
    const lines: string[] = []
    const w = wire({ onLine: (line) => lines.push(line) })
    w.link.capture.stop()
    w.near.send(ipv4(17, udp([1])))
    w.far.send(ipv4(17, udp([1])))
    await w.clock.advance(1)

    expect(lines).toEqual([])
    expect(w.far.received).toHaveLength(1)
    expect(w.near.received).toHaveLength(1)
  })

  test('one capture goes on when the link is attached again', async () => {
    const blocks: Uint8Array[] = []
    const w = wire({ onBlock: (block) => blocks.push(block) })
    w.near.detach()
    w.near.attach(w.link)
    w.near.send(ipv4(17, udp([1])))
    await w.clock.advance(1)

    const { interfaces, packets } = readPcapng(blocks)
    expect([interfaces.length, packets.length]).toEqual([1, 1])
  })
})
