import { arp } from '@stack/arp'
import { createStack, type StackBase } from '@stack/core'
import { icmp } from '@stack/icmp'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { pipe } from '@stack/link-pipe'
import { leaksOf, manualClock, type ManualClock } from '@stack/testing'
import { udp, type Udp } from '@stack/udp'
import { describe, expect, it } from 'vitest'
import { raw, type Raw, type RawDatagram, type RawSocket } from '../src/index.ts'
import { bytes, checksum, IPV4, IPV6 } from './support/bench.ts'

type HostStack = StackBase & { readonly raw: Raw; readonly udp: Udp }

const FAMILIES = [
  { ...IPV4, protocol: 1, router: '10.0.0.2', target: '10.1.0.2', expired: 11, unreachable: [3, 3], request: 8, reply: 0 },
  { ...IPV6, protocol: 58, router: 'fd00::2', target: 'fd01::2', expired: 3, unreachable: [1, 4], request: 128, reply: 129 },
] as const
const NEIGHBOR_DISCOVERY = [135, 136]

/** us — router — target. */
async function line(): Promise<{ readonly clock: ManualClock; readonly us: HostStack; readonly target: HostStack; readonly end: () => void }> {
  const clock = manualClock()
  const host = (forwarding: boolean) =>
    createStack({ plugins: [ipv4({ forwarding }), arp(), ipv6({ forwarding, linkLocal: false }), icmp(), udp(), raw()], clock })
  const [us, router, target] = [host(false), host(true), host(false)]
  const [a, b] = pipe({ framing: 'ethernet' })
  const [c, d] = pipe({ framing: 'ethernet' })
  const plain = { skipDuplicateDetection: true }
  await us.addNic(a, { ...plain, addresses: ['10.0.0.1/24', 'fd00::1/64'], gateway: ['10.0.0.2', 'fd00::2'] })
  await router.addNic(b, { ...plain, addresses: ['10.0.0.2/24', 'fd00::2/64'] })
  await router.addNic(c, { ...plain, addresses: ['10.1.0.1/24', 'fd01::1/64'] })
  await target.addNic(d, { ...plain, addresses: ['10.1.0.2/24', 'fd01::2/64'], gateway: ['10.1.0.1', 'fd01::1'] })
  await clock.settle()
  return {
    clock, us, target,
    end() {
      for (const stack of [us, router, target]) stack.destroy()
      expect([us, router, target].flatMap(leaksOf)).toEqual([])
    },
  }
}

/** What an ICMP socket heard, less the address resolution that goes before. */
function heard(socket: RawSocket): RawDatagram[] {
  const all: RawDatagram[] = []
  for (let next = socket.tryReceive(); next !== undefined; next = socket.tryReceive()) {
    if (!NEIGHBOR_DISCOVERY.includes(next.data[0]!)) all.push(next)
  }
  return all
}

describe.each(FAMILIES)('a traceroute over raw sockets: $name', (family) => {
  it('with UDP: the router says that the time is exceeded, the target that the port is unreachable', async () => {
    const { clock, us, end } = await line()
    const errors = us.raw.open({ networkProtocol: family.networkProtocol, protocol: family.protocol })
    const hops: string[] = []
    for (let ttl = 1; ttl <= 2; ttl++) {
      const probe = us.udp.bind({ ttl, port: 40_000 + ttl })
      probe.send(bytes('probe'), { host: family.target, port: 33_434 })
      await clock.advance(100)
      const [answer] = heard(errors)
      hops.push(`${answer!.source} ${answer!.data[0]}/${answer!.data[1]}`)
      // The quotation tells whose probe it is: behind 8 bytes of ICMP and the header of ours its source port.
      const quoted = new DataView(answer!.data.buffer, answer!.data.byteOffset).getUint16(8 + family.headerLength)
      expect(quoted).toBe(40_000 + ttl)
      probe.close()
    }
    const [type, code] = family.unreachable
    expect(hops).toEqual([`${family.router} ${family.expired}/0`, `${family.target} ${type}/${code}`])
    end()
  })

  it('with ICMP: the router says that the time is exceeded, the target answers, and sees who asks', async () => {
    const { clock, us, target, end } = await line()
    const asked = target.raw.open({ networkProtocol: family.networkProtocol, protocol: family.protocol })
    const hops: string[] = []
    for (let ttl = 1; ttl <= 2; ttl++) {
      const socket = us.raw.open({ networkProtocol: family.networkProtocol, protocol: family.protocol, ttl })
      const request = bytes(family.request, 0, 0, 0, 0x12, 0x34, 0, ttl, 'probe')
      if (family.protocol === 1) new DataView(request.buffer).setUint16(2, checksum(request))
      socket.send(request, family.target)
      await clock.advance(100)
      hops.push(...heard(socket).map(({ source, data }) => `${source} ${data[0]}/${data[1]}`))
      socket.close()
    }
    expect(hops).toEqual([`${family.router} ${family.expired}/0`, `${family.target} ${family.reply}/0`])
    expect(heard(asked).map(({ source, data }) => `${source} ${data[0]}`)).toEqual([`${family.us} ${family.request}`])
    end()
  })
})

it('a raw ICMPv6 socket sees neighbour discovery, once each', async () => {
  const { clock, us, end } = await line()
  const socket = us.raw.open({ networkProtocol: IPV6.networkProtocol, protocol: 58 })
  us.udp.bind().send(bytes('x'), { host: 'fd00::2', port: 9 })
  await clock.advance(100)
  const types: number[] = []
  for (let next = socket.tryReceive(); next !== undefined; next = socket.tryReceive()) types.push(next.data[0]!)
  // The router's advertisement, then its port unreachable; it learnt our address from the solicitation.
  expect(types).toEqual([136, 1])
  end()
})
