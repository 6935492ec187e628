import { describe, expect, test } from 'vitest'
import { ChecksumState } from '@stack/buffer'
import { createStack, isStackError, type LinkEndpoint } from '@stack/core'
import { channel, type ChannelLink, type ChannelOptions } from '@stack/link-channel'
import { fakeNic, leaksOf, manualClock } from '@stack/testing'
import { muxed, type MuxedOptions } from '../src/index.ts'

const A4 = Uint8Array.of(10, 0, 0, 1)
const B4 = Uint8Array.of(10, 0, 0, 2)
const C4 = Uint8Array.of(10, 0, 0, 3)
const A6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
// The same last word, and another address.
const B6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1)
const MAC_A = Uint8Array.of(2, 0, 0, 0, 0, 1)
const MAC_B = Uint8Array.of(2, 0, 0, 0, 0, 2)

const ipv4 = (destination: Uint8Array | number[], mark = 0): number[] => [0x45, 0, 0, 20, 0, mark, 0, 0, 64, 17, 0, 0, 9, 9, 9, 9, ...destination]
const ipv6 = (destination: Uint8Array | number[]): number[] => [0x60, 0, 0, 0, 0, 0, 59, 64, ...A6, ...destination]
const frame = (destination: Uint8Array | number[]): number[] => [...destination, ...MAC_B, 0x88, 0xcc, 1]

function bench(options: (links: { readonly a: ChannelLink; readonly b: ChannelLink }) => MuxedOptions, inner: ChannelOptions = {}) {
  const clock = manualClock()
  const a = channel(inner)
  const b = channel(inner)
  const link = muxed(options({ a, b }))
  const nic = fakeNic(clock)
  nic.attach(link)
  const read = (from: ChannelLink): number[][] => {
    const packets: number[][] = []
    for (let bytes = from.tryRead(); bytes !== null; bytes = from.tryRead()) packets.push([...bytes])
    return packets
  }
  return { clock, a, b, link, nic, read }
}

const codeOf = (run: () => unknown): unknown => {
  try {
    run()
    return null
  } catch (error) {
    return isStackError(error) ? error.code : error
  }
}

describe('a packet', () => {
  test('goes over the link of its network destination, in order', () => {
    const t = bench(({ a, b }) => ({ routes: [{ destination: A4, link: a }, { destination: B4, link: b }, { destination: A6, link: a }, { destination: B6, link: b }] }))
    expect(t.nic.send(ipv4(A4, 1), ipv4(B4, 2), ipv4(A4, 3), ipv6(B6), ipv6(A6))).toBe(5)

    expect(t.read(t.a)).toEqual([ipv4(A4, 1), ipv4(A4, 3), ipv6(A6)])
    expect(t.read(t.b)).toEqual([ipv4(B4, 2), ipv6(B6)])
    expect(t.nic.memory.packets).toBe(0)
  })

  test('of an Ethernet mux by its link destination', () => {
    const t = bench(({ a, b }) => ({ framing: 'ethernet', routes: [{ destination: MAC_A, link: a }, { destination: MAC_B, link: b }] }), { framing: 'ethernet' })
    t.nic.send(frame(MAC_B), frame(MAC_A))
    expect(t.read(t.a)).toEqual([frame(MAC_A)])
    expect(t.read(t.b)).toEqual([frame(MAC_B)])
  })

  test('without a route is dropped and counted, or goes to the default', () => {
    const t = bench(({ a }) => ({ routes: [{ destination: A4, link: a }] }))
    expect(t.nic.send(ipv4(C4))).toBe(1)
    expect(t.link.statistics.noRoute).toBe(1)
    const d = bench(({ a, b }) => ({ routes: [{ destination: A4, link: a }], default: b }))
    d.nic.send(ipv4(C4), ipv4(A4))
    expect(d.read(d.b)).toEqual([ipv4(C4)])
    expect(d.read(d.a)).toEqual([ipv4(A4)])
    expect([t.nic.memory.packets, d.nic.memory.packets]).toEqual([0, 0])
  })

  test.each([[[224, 0, 0, 1]], [[239, 255, 255, 250]], [[255, 255, 255, 255]]])('to the group %o goes out on all links', (group) => {
    const t = bench(({ a, b }) => ({ routes: [{ destination: A4, link: a }, { destination: B4, link: b }, { destination: C4, link: b }] }))
    t.nic.send(ipv4(group))
    expect(t.read(t.a)).toEqual([ipv4(group)])
    expect(t.read(t.b)).toEqual([ipv4(group)])
    expect(t.nic.memory.packets).toBe(0)
  })

  test('to an IPv6 group and an Ethernet group too', () => {
    const t = bench(({ a, b }) => ({ routes: [{ destination: A6, link: a }, { destination: B6, link: b }] }))
    const group = [0xff, 2, ...Array<number>(13).fill(0), 1]
    t.nic.send(ipv6(group))
    expect([t.read(t.a), t.read(t.b)]).toEqual([[ipv6(group)], [ipv6(group)]])
    const e = bench(({ a, b }) => ({ framing: 'ethernet', routes: [{ destination: MAC_A, link: a }, { destination: MAC_B, link: b }] }), { framing: 'ethernet' })
    e.nic.send(frame([255, 255, 255, 255, 255, 255]))
    expect([e.read(e.a).length, e.read(e.b).length]).toEqual([1, 1])
  })

  test('to a group, with no link at all', () => {
    const t = bench(() => ({}))
    t.nic.send(ipv4([224, 0, 0, 1]))
    expect(t.link.statistics.noRoute).toBe(1)
    expect(t.nic.memory.packets).toBe(0)
  })

  test('that has no destination is malformed', () => {
    const t = bench(({ a }) => ({ default: a }))
    t.nic.send([], ipv4(A4).slice(0, 19), ipv6(A6).slice(0, 39), [0x10, ...Array<number>(60).fill(0)])
    expect(t.link.statistics.malformed).toBe(4)
    expect(t.link.writeRawPacket(t.nic.packet([0x45]))).toBe(false)
    expect(t.link.statistics.malformed).toBe(5)
    expect(t.read(t.a)).toEqual([])
    expect(t.nic.memory.packets).toBe(0)
  })

  test('for a full link is dropped: one peer does not hold up the others', () => {
    const t = bench(({ a, b }) => ({ routes: [{ destination: A4, link: a }, { destination: B4, link: b }] }), { limit: 2 })
    expect(t.nic.send(ipv4(A4, 1), ipv4(A4, 2), ipv4(A4, 3), ipv4(B4, 4))).toBe(4)
    expect(t.link.statistics.refused).toBe(1)
    expect(t.read(t.b)).toEqual([ipv4(B4, 4)])
    expect(t.read(t.a)).toEqual([ipv4(A4, 1), ipv4(A4, 2)])
    expect(t.nic.memory.packets).toBe(0)
  })

  test('written raw goes the same way', () => {
    const t = bench(({ a, b }) => ({ routes: [{ destination: A4, link: a }, { destination: B4, link: b }] }))
    expect(t.link.writeRawPacket(t.nic.packet(ipv4(B4)))).toBe(true)
    expect(t.link.writeRawPacket(t.nic.packet(ipv4([224, 0, 0, 1])))).toBe(true)
    expect(t.link.writeRawPacket(t.nic.packet(ipv4(C4)))).toBe(false)
    expect(t.read(t.a)).toHaveLength(1)
    expect(t.read(t.b)).toHaveLength(2)
  })
})

describe('what comes in', () => {
  test('is handed in from every link', () => {
    const t = bench(({ a, b }) => ({ routes: [{ destination: A4, link: a }], default: b }))
    t.a.inject(Uint8Array.from(ipv4(C4, 1)))
    t.b.inject(Uint8Array.from(ipv6(A6)))
    expect(t.nic.received.map(({ protocol }) => protocol)).toEqual([0x0800, 0x86dd])
    expect(t.nic.flushes).toBe(2)
  })

  test('a verdict on the checksum counts only from links that give one', () => {
    const trusted = channel({ capabilities: { rxChecksumOffload: true } })
    const t = bench(({ a }) => ({ routes: [{ destination: A4, link: a }, { destination: B4, link: trusted }] }))
    expect(t.link.capabilities.rxChecksumOffload).toBe(true)
    for (const link of [t.a, trusted]) {
      const packet = t.nic.packet(ipv4(C4))
      packet.checksumState = ChecksumState.Verified
      link.injectInbound(0x0800, packet)
    }
    expect(t.nic.received.map(({ checksumState }) => checksumState)).toEqual([ChecksumState.None, ChecksumState.Verified])
  })

  test('can be injected', () => {
    const t = bench(() => ({}))
    t.link.injectInbound(0x0800, t.nic.packet(ipv4(C4)))
    expect(t.nic.received).toHaveLength(1)
    t.nic.detach()
    t.link.injectInbound(0x0800, t.nic.packet(ipv4(C4)))
    expect(t.nic.memory.packets).toBe(0)
  })
})

describe('injectOutbound', () => {
  test('sends bytes as they are to the link of a destination', () => {
    const t = bench(({ a, b }) => ({ routes: [{ destination: A4, link: a }, { destination: A6, link: b }] }))
    expect(t.link.injectOutbound(A4, Uint8Array.of(1))).toBe(true)
    expect(t.link.injectOutbound(0x0a000001, Uint8Array.of(2))).toBe(true)
    expect(t.link.injectOutbound(A6, Uint8Array.of(3))).toBe(true)
    expect(t.link.injectOutbound(B4, Uint8Array.of(4))).toBe(false)
    expect(t.link.injectOutbound(Uint8Array.of(1, 2), Uint8Array.of(5))).toBe(false)
    expect(t.link.injectOutbound(0.5, Uint8Array.of(6))).toBe(false)
    expect([t.read(t.a), t.read(t.b)]).toEqual([[[1], [2]], [[3]]])
    t.nic.detach()
    expect(t.link.injectOutbound(A4, Uint8Array.of(1))).toBe(false)
  })
})

describe('routes', () => {
  test('come and go while the link is up', () => {
    const t = bench(({ a }) => ({ routes: [{ destination: A4, link: a }] }))
    expect(t.link.remove(B4)).toBe(false)
    t.link.add(B4, t.b)
    t.link.add(C4, t.b)
    expect([t.link.size, t.b.isAttached]).toEqual([3, true])
    t.nic.send(ipv4(B4), ipv4(C4))
    expect(t.read(t.b)).toHaveLength(2)

    expect(t.link.remove(B4)).toBe(true)
    expect(t.b.isAttached).toBe(true)
    expect(t.link.remove(C4)).toBe(true)
    expect(t.b.isAttached).toBe(false)
    t.nic.send(ipv4(B4))
    expect(t.link.statistics.noRoute).toBe(1)
    // The link is the caller's again.
    t.link.add(B4, t.b)
    expect(t.b.isAttached).toBe(true)
  })

  test('with one last word are told apart, and removed one by one', () => {
    const t = bench(({ a, b }) => ({ routes: [{ destination: A6, link: a }, { destination: B6, link: b }] }))
    expect(t.link.remove(A6)).toBe(true)
    t.nic.send(ipv6(A6), ipv6(B6))
    expect(t.read(t.b)).toEqual([ipv6(B6)])
    expect(t.link.statistics.noRoute).toBe(1)
    expect(t.link.remove(A6)).toBe(false)
    expect(t.link.remove(B6)).toBe(true)
    expect(t.link.size).toBe(0)
  })

  test('that cannot be are refused', () => {
    const t = bench(({ a }) => ({ routes: [{ destination: A4, link: a }], limit: 2 }))
    expect(codeOf(() => t.link.add(A4, t.b))).toBe('ERR_STACK_INVALID_ARGUMENT')
    expect(codeOf(() => t.link.add(MAC_A, t.b))).toBe('ERR_STACK_INVALID_ARGUMENT')
    expect(codeOf(() => t.link.add(B4, channel({ framing: 'ethernet' })))).toBe('ERR_STACK_INVALID_ARGUMENT')
    fakeNic(t.clock).attach(t.b)
    expect(codeOf(() => t.link.add(B4, t.b))).toBe('ERR_STACK_BUSY')
    const framed: LinkEndpoint = Object.assign(channel(), { addHeader: () => true })
    expect(codeOf(() => t.link.add(B4, framed))).toBe('ERR_STACK_NOT_SUPPORTED')
    t.link.add(B4, channel())
    expect(codeOf(() => t.link.add(C4, channel()))).toBe('ERR_STACK_LIMIT')
    t.link.close()
    t.link.remove(A4)
    expect(codeOf(() => t.link.add(C4, channel()))).toBe('ERR_STACK_CLOSED')
  })
})

describe('what the link is', () => {
  test('is what all links inside can do', () => {
    const small = channel({ mtu: 1280, capabilities: { txChecksumOffload: true, scatterGather: true } })
    const large = channel({ mtu: 9000, capabilities: { txChecksumOffload: true } })
    const link = muxed({ routes: [{ destination: A4, link: large }] })
    expect(link).toMatchObject({ kind: 'muxed', framing: 'ip', mtu: 9000, maxHeaderLength: 0, linkAddress: null })
    link.add(B4, small)
    expect(link.mtu).toBe(1280)
    expect(link.capabilities).toMatchObject({ txChecksumOffload: true, scatterGather: false, resolutionRequired: false })
    link.remove(B4)
    expect(link.mtu).toBe(9000)
    expect(muxed()).toMatchObject({ mtu: 1500, capabilities: { txChecksumOffload: false } })
    expect(muxed({ mtu: 1400, default: channel() }).mtu).toBe(1400)
    const ethernet = channel({ framing: 'ethernet', linkAddress: MAC_B })
    expect(muxed({ framing: 'ethernet', default: ethernet })).toMatchObject({ linkAddress: MAC_B, maxHeaderLength: 14, arpHardwareType: 1 })
  })

  test('the carrier is there as long as one link has it', () => {
    const clock = manualClock()
    const a = channel()
    const b = channel()
    const link = muxed({ routes: [{ destination: A4, link: a }, { destination: B4, link: b }] })
    const faces: { setCarrier(up: boolean): void }[] = []
    for (const inner of [a, b]) {
      const attach = inner.attach.bind(inner)
      inner.attach = (dispatcher) => {
        if (dispatcher !== null) faces.push(dispatcher)
        attach(dispatcher)
      }
    }
    const nic = fakeNic(clock)
    nic.attach(link)
    faces[0]!.setCarrier(false)
    expect(nic.carrier).toBe(true)
    faces[1]!.setCarrier(false)
    expect(nic.carrier).toBe(false)
    faces[0]!.setCarrier(true)
    expect(nic.carrier).toBe(true)
    link.remove(A4)
    expect(nic.carrier).toBe(false)
  })

  test('links that have to be opened are opened', async () => {
    const opened: string[] = []
    const device = (name: string): LinkEndpoint => Object.assign(channel(), { open: () => {
      opened.push(name)
      return Promise.resolve()
    } })
    await muxed({ routes: [{ destination: A4, link: device('a') }], default: device('default') }).open!()
    expect(opened.sort()).toEqual(['a', 'default'])
  })

  test('a stack on it leaves nothing behind, and the links are closed with it', async () => {
    const clock = manualClock()
    const a = channel()
    const link = muxed({ routes: [{ destination: A4, link: a }] })
    const stack = createStack({ plugins: [], clock })
    await stack.addNic(link)
    stack.destroy()
    await link.closed
    await a.closed
    expect(leaksOf(stack)).toEqual([])
  })

  test.each([{ framing: 'x' }, { mtu: 1 }, { limit: 0 }, { links: [] }])('%o is refused', (options) => {
    expect(codeOf(() => muxed(options as MuxedOptions))).toBe('ERR_STACK_INVALID_OPTION')
  })
})
