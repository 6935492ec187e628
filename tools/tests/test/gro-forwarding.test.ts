import { updateChecksum16, type Packet } from '@stack/buffer'
import { HookPoint, seededRandom } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { createTestStack, fakeLink, toHex } from '@stack/testing'
import { describe, expect, test } from 'vitest'
import { receiveBatch, Sender } from './support/batches.ts'

/* What a router merges and cuts again is what came, bit for bit. */

const BATCHES = 60
const PORT = 5000

interface Way {
  readonly family: 'ipv4' | 'ipv6'
  readonly timestamps: boolean
  /** MTU of the far side. */
  readonly mtu: number
  /** As a NAT does: another destination and port. */
  readonly rewrites: boolean
}

interface Outcome {
  /** What left on the far side: of the flow, in order, and of everybody else, sorted, because they may be overtaken. */
  readonly flow: readonly string[]
  readonly others: readonly string[]
  readonly merged: number
}

async function pass(way: Way, gro: boolean, seed: number): Promise<Outcome> {
  const { family, timestamps, mtu, rewrites } = way
  const bench = await createTestStack({ plugins: [ipv4({ forwarding: true }), ipv6({ forwarding: true })], seed, nic: { gro } })
  const { stack, clock } = bench
  const far = fakeLink({ mtu })
  await clock.until(stack.addNic(far, { addresses: ['172.16.0.1/16', 'fd01::1/64'], skipDuplicateDetection: true }))
  if (rewrites) {
    stack.hooks.add(HookPoint.Prerouting, (packet) => {
      if (packet.transportProtocol === 6) rewrite(packet, family === 'ipv4' ? 20 : 40)
      return 'accept'
    }, { takesChains: true })
  }
  const random = seededRandom(seed)
  const sender = new Sender(random, {
    family, timestamps, mss: 1400, start: 0x7fff0000, sourcePort: PORT,
    ...(family === 'ipv4' ? { destination: '172.16.0.9' } : { destination: 'fd01::9' }),
  })
  for (let i = 0; i < BATCHES; i++) await receiveBatch(bench, sender.batch(1 + Math.floor(random.next() * 60)))
  const flow: string[] = []
  const others: string[] = []
  for (const { bytes } of far.sent) {
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    const isFirst = family === 'ipv6' || (view.getUint16(6) & 0x1fff) === 0
    const isFlow = isFirst && bytes[family === 'ipv4' ? 9 : 6] === 6 && view.getUint16(family === 'ipv4' ? 20 : 40) === PORT
    const list = isFlow ? flow : others
    list.push(toHex(bytes))
  }
  const merged = bench.nic.statistics.rxMerged
  await bench.end()
  return { flow, others: others.sort(), merged }
}

/** The last word of the destination and the port become others; the checksums follow (RFC 1624). */
function rewrite(packet: Packet, headerLength: number): void {
  const { view, networkHeader: at } = packet
  const address = at + headerLength - 2
  const port = at + headerLength + 2
  const fields = headerLength === 20 ? [at + 10, at + headerLength + 16] : [at + headerLength + 16]
  const change = (field: number, value: number, checksums: readonly number[]): void => {
    const old = view.getUint16(field)
    for (const checksum of checksums) view.setUint16(checksum, updateChecksum16(view.getUint16(checksum), old, value))
    view.setUint16(field, value)
  }
  change(address, 0x00aa, fields)
  change(port, 8080, fields.slice(-1))
}

const WAYS: Record<string, Way> = {
  'IPv4': { family: 'ipv4', timestamps: true, mtu: 1500, rewrites: false },
  'IPv6': { family: 'ipv6', timestamps: false, mtu: 1500, rewrites: false },
  'IPv4 to another address': { family: 'ipv4', timestamps: false, mtu: 1500, rewrites: true },
  'IPv6 to another address': { family: 'ipv6', timestamps: true, mtu: 1500, rewrites: true },
  'IPv4 where it is narrow': { family: 'ipv4', timestamps: true, mtu: 600, rewrites: false },
}

describe.each(Object.entries(WAYS))('%s', (_name, way) => {
  test.each([1])('the same leaves with and without, seed %i', async (seed) => {
    const on = await pass(way, true, seed)
    const off = await pass(way, false, seed)
    expect(on.merged).toBeGreaterThan(200)
    expect(on.flow.length).toBeGreaterThan(way.mtu === 1500 ? 1000 : 50)
    expect(on.flow).toEqual(off.flow)
    expect(on.others).toEqual(off.others)
  })
})
