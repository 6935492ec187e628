import { arp, ethernet, icmpv4, icmpv6, ipv4, ipv6, packet, type Family } from '@stack/testing'
import { describe, expect, it } from 'vitest'
import { siege, STACK, FRIEND, type Siege } from './support/siege.ts'

const FLOOD = 30_000
/** Default of the neighbour table. */
const TABLE = 512
const FRIEND_LINK = '02:00:00:00:00:02'

/** The friend answers the question for his address, and the stack knows him: reachable. */
function befriend(besieged: Siege, family: Family): void {
  const { friend, run } = besieged
  const hello = packet(ethernet({ source: FRIEND_LINK }), family === 'ipv4' ? ipv4() : ipv6(), family === 'ipv4' ? icmpv4() : icmpv6())
  const answer = family === 'ipv4'
    ? packet(ethernet({ source: FRIEND_LINK }), arp({ operation: 'reply', sender: FRIEND.ipv4, senderLink: FRIEND_LINK, target: STACK.ipv4 }))
    : packet(ethernet({ source: FRIEND_LINK }), ipv6({ source: FRIEND.ipv6, destination: STACK.ipv6, hopLimit: 255 }), icmpv6({
        type: 'neighbor-advertisement', target: FRIEND.ipv6, solicited: true, override: true, options: [{ kind: 'targetLinkAddress', address: FRIEND_LINK }],
      }))
  friend.inject(hello)
  run()
  friend.inject(answer)
  run()
  expect(neighbours(besieged).find(({ address }) => address === FRIEND[family])?.state).toBe('reachable')
}

const neighbours = ({ nic }: Siege) => nic.neighbors.list()

/** Addresses in the stack's subnet. */
const address = { ipv4: (i: number) => `10.${String(1 + (i >> 16))}.${String((i >> 8) & 255)}.${String(i & 255)}`, ipv6: (i: number) => `fd00::1:${(i >> 16).toString(16)}:${(i & 0xffff).toString(16)}` }

describe('floods of neighbours', () => {
  it.each([['requests', 'request'], ['replies to us', 'reply']] as const)('ARP %s from everywhere: the table is bounded, and nobody becomes reachable by what he says himself', async (name, operation) => {
    const besieged = await siege({ framing: 'ethernet' })
    const { attack, hit, end } = besieged
    befriend(besieged, 'ipv4')
    const frame = packet(ethernet(), arp({ operation, sender: '10.1.0.0', senderLink: '02:00:00:00:00:09', target: STACK.ipv4 }))
    const view = new DataView(frame.buffer)
    const toll = attack(`ARP ${name}`, () => {
      for (let i = 0; i < FLOOD; i++) {
        view.setUint32(14 + 14, 0x0a01_0000 + i)
        hit(frame)
      }
    })
    const table = neighbours(besieged)
    expect(table.length).toBeLessThanOrEqual(TABLE)
    expect(table.filter(({ state }) => state === 'reachable').map(({ address: known }) => known)).toEqual([FRIEND.ipv4])
    expect(toll.packetsOut).toBeLessThanOrEqual(toll.packetsIn)
    expect(toll.bytesOut).toBeLessThanOrEqual(toll.bytesIn)
    await end()
  })

  it('gratuitous ARP from everywhere, and for the friend: he stays, and is doubted at most', async () => {
    const besieged = await siege({ framing: 'ethernet' })
    const { attack, hit, end } = besieged
    befriend(besieged, 'ipv4')
    const frame = packet(ethernet(), arp({ operation: 'request', sender: '10.1.0.0', senderLink: '02:00:00:00:00:09', target: '10.1.0.0' }))
    const view = new DataView(frame.buffer)
    const toll = attack('gratuitous ARP', () => {
      for (let i = 0; i < FLOOD; i++) {
        const word = i % 100 === 99 ? 0x0a00_0002 : 0x0a01_0000 + i
        view.setUint32(14 + 14, word)
        view.setUint32(14 + 24, word)
        hit(frame)
      }
    })
    const table = neighbours(besieged)
    expect(table.length).toBeLessThanOrEqual(TABLE)
    expect(table.filter(({ state }) => state === 'reachable')).toEqual([])
    expect(table.find(({ address: known }) => known === FRIEND.ipv4)?.state).toBe('stale')
    expect(toll.packetsOut).toBe(0)
    await end()
  })

  it.each([['neighbor-solicitation', false], ['neighbor-advertisement', false], ['neighbor-advertisement', true]] as const)('%s (solicited %s) from everywhere: as ARP (RFC 4861 §7.2.3, §7.2.5)', async (type, solicited) => {
    const besieged = await siege({ framing: 'ethernet' })
    const { attack, hit, end } = besieged
    befriend(besieged, 'ipv6')
    // Built beforehand: what is measured is the stack.
    const frames = Array.from({ length: 4000 }, (_, i) => {
      const source = address.ipv6(i)
      const isQuestion = type === 'neighbor-solicitation'
      return packet(ethernet(), ipv6({ source, destination: STACK.ipv6, hopLimit: 255 }), icmpv6({
        type, target: isQuestion ? STACK.ipv6 : source, ...(isQuestion ? {} : { solicited, override: true }),
        options: [{ kind: isQuestion ? 'sourceLinkAddress' : 'targetLinkAddress', address: '02:00:00:00:00:09' }],
      }))
    })
    const toll = attack(`${type}, solicited ${String(solicited)}`, () => {
      for (const frame of frames) hit(frame)
    })
    const table = neighbours(besieged)
    expect(table.length).toBeLessThanOrEqual(TABLE)
    expect(table.filter(({ state }) => state === 'reachable').map(({ address: known }) => known)).toEqual([FRIEND.ipv6])
    expect(toll.packetsOut).toBeLessThanOrEqual(toll.packetsIn)
    expect(toll.bytesOut).toBeLessThanOrEqual(toll.bytesIn)
    await end()
  })

  it.each(['ipv4', 'ipv6'] as const)('pings from hosts that do not exist (%s): resolutions are bounded, packets that wait too, the friend stays (RFC 6583)', async (family) => {
    const besieged = await siege({ framing: 'ethernet' })
    const { attack, hit, run, memory, end } = besieged
    befriend(besieged, family)
    const frames = Array.from({ length: 4000 }, (_, i) => packet(
      ethernet(), family === 'ipv4' ? ipv4({ source: address.ipv4(i) }) : ipv6({ source: address.ipv6(i) }), family === 'ipv4' ? icmpv4() : icmpv6(), new Uint8Array(1000),
    ))
    const toll = attack(`pings from nowhere, ${family}`, () => {
      for (const [i, frame] of frames.entries()) {
        hit(frame)
        if (i % 16 === 15) run(1)
      }
    })
    const table = neighbours(besieged)
    expect(table.length).toBeLessThanOrEqual(TABLE)
    expect(table.find(({ address: known }) => known === FRIEND[family])?.state).toBe('reachable')
    // 64 resolutions hold packets; each question is asked three times at most.
    expect(toll.held).toBeLessThanOrEqual(64 * 2048 + (256 << 10))
    expect(toll.packetsOut).toBeLessThanOrEqual(3 * toll.packetsIn)
    expect(toll.bytesOut).toBeLessThanOrEqual(toll.bytesIn)
    for (let i = 0; i < 10; i++) run(1000)
    expect(memory.packets).toBe(0)
    await end()
  })
})
