import { ChecksumState, GsoType } from '@stack/buffer'
import { createStack, LinkWrapper, type LinkCapabilities } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { channel, type ChannelLink } from '@stack/link-channel'
import { ipv4 as v4, ipv6 as v6, leaksOf, manualClock, packet, parsePacket, pattern, tcp, udp } from '@stack/testing'
import { describe, expect, it } from 'vitest'

/*
 * A router between a device that hands in super-packets, as a TUN device with offloads does, and a link with a smaller MTU.
 */

/** Hands in what its test says, with a partial checksum. */
class Offloading extends LinkWrapper<ChannelLink> {
  override get capabilities(): LinkCapabilities {
    return { ...super.capabilities, rxChecksumOffload: true }
  }

  receive(protocol: number, bytes: Uint8Array, l3: number, type: GsoType, mss: number): void {
    const { memory, scheduler } = this.host
    const incoming = memory.allocate(32, bytes.length)!
    incoming.append(bytes, 0, bytes.length)
    incoming.checksumState = ChecksumState.Partial
    incoming.checksumStart = incoming.start + l3
    incoming.checksumOffset = type === GsoType.Udp ? 6 : 16
    incoming.gsoType = type
    incoming.gsoMss = mss
    incoming.gsoL3HeaderLength = l3
    scheduler.pollLink({
      queued: false,
      poll: () => {
        this.deliverNetworkPacket(protocol, incoming)
        this.flush()
        return 1
      },
    })
    scheduler.run()
  }
}

const FAMILIES = [
  { name: 'IPv4', protocol: 0x0800, l3: 20, type: GsoType.TcpV4, ip: (df: boolean) => v4({ source: '10.0.0.2', destination: '10.1.0.2', ttl: 9, identification: 7, dontFragment: df }) },
  { name: 'IPv6', protocol: 0x86dd, l3: 40, type: GsoType.TcpV6, ip: () => v6({ source: 'fd00::2', destination: 'fd01::2', hopLimit: 9 }) },
]

async function router(mtu = 1400) {
  const stack = createStack({ plugins: [ipv4({ forwarding: true }), ipv6({ forwarding: true, linkLocal: false })], clock: manualClock() })
  const near = channel()
  const device = new Offloading(near)
  const far = channel({ mtu })
  await stack.addNic(device, { addresses: ['10.0.0.1/24', 'fd00::1/64'], skipDuplicateDetection: true })
  const nic = await stack.addNic(far, { addresses: ['10.1.0.1/24', 'fd01::1/64'], skipDuplicateDetection: true })
  const read = (link: ChannelLink) => {
    const list = []
    for (let bytes = link.tryRead(); bytes !== null; bytes = link.tryRead()) list.push(parsePacket(bytes))
    return list
  }
  read(near)
  read(far)
  const end = (): void => {
    stack.destroy()
    expect(leaksOf(stack)).toEqual([])
  }
  return { device, nic, sent: () => read(far), answers: () => read(near), end }
}

describe.each(FAMILIES)('a super-packet of $name that is forwarded', ({ protocol, l3, type, ip }) => {
  it('leaves as its segments, each sound', async () => {
    const { device, nic, sent, end } = await router()
    device.receive(protocol, packet(ip(true), tcp({ seq: 100, ack: 1, flags: 'FPA' }), pattern(2500)), l3, type, 1000)
    const segments = sent()
    expect(segments.map(({ problems }) => problems)).toEqual([[], [], []])
    expect(segments.map(({ tcp: header, payload }) => [header!.seq, header!.flags, payload.length])).toEqual([[100, 'A', 1000], [1100, 'A', 1000], [2100, 'FPA', 500]])
    expect(segments.map(({ ipv4: four, ipv6: six }) => four?.ttl ?? six?.hopLimit)).toEqual([8, 8, 8])
    expect(nic.statistics.txPackets).toBe(3)
    end()
  })

  it('and one of UDP', async () => {
    const { device, sent, end } = await router()
    device.receive(protocol, packet(ip(false), udp({ sourcePort: 5, destinationPort: 6 }), pattern(2500)), l3, GsoType.Udp, 1000)
    const datagrams = sent()
    expect(datagrams.map(({ problems }) => problems)).toEqual([[], [], []])
    expect(datagrams.map(({ payload }) => payload.length)).toEqual([1000, 1000, 500])
    if (l3 === 20) expect(datagrams.map(({ ipv4: header }) => header!.identification)).toEqual([7, 8, 9])
    end()
  })

  it('is too big when a segment of it is', async () => {
    const { device, sent, answers, end } = await router(1300)
    device.receive(protocol, packet(ip(true), tcp({ seq: 100, flags: 'A' }), pattern(2500)), l3, type, 1300)
    expect(sent()).toEqual([])
    const [answer] = answers()
    expect(answer?.icmpv4?.mtu ?? answer?.icmpv6?.mtu).toBe(1300)
    end()
  })
})

it('a super-packet of IPv4 whose segments may be fragmented leaves in fragments of them', async () => {
  const { device, sent, end } = await router(700)
  const [{ protocol, l3, type, ip }] = FAMILIES as [(typeof FAMILIES)[0]]
  device.receive(protocol, packet(ip(false), tcp({ seq: 100, flags: 'A' }), pattern(2100)), l3, type, 1000)
  expect(sent().map(({ ipv4: header }) => [header!.identification, header!.fragmentOffset, header!.moreFragments, header!.totalLength])).toEqual([
    [7, 0, true, 700], [7, 680, false, 360], [8, 0, true, 700], [8, 680, false, 360], [9, 0, false, 140],
  ])
  end()
})
