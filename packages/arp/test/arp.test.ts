import { createStack, mappedAddress } from '@stack/core'
import { channel } from '@stack/link-channel'
import type { ChannelLink } from '@stack/link-channel'
import { pipe } from '@stack/link-pipe'
import { ipv4 } from '@stack/ipv4'
import { leaksOf, manualClock } from '@stack/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { arp } from '../src/index.ts'
import { ALL, bench, frame, mac, OTHER_MAC, OWN, OWN_MAC, PEER, PEER_MAC, pingFrame, reply, request } from './support/bench.ts'
import type { Bench } from './support/bench.ts'

/** The letter of RFC 5227: probe before use. */
const STRICT = { optimistic: false }

describe('ARP', () => {
  let b: Bench
  beforeEach(async () => {
    b = await bench()
  })
  afterEach(() => b.end())

  describe('answers', () => {
    test('a request for an own address, and learns who asked [RFC826-reply, RFC826-create]', () => {
      b.receive(request(PEER, PEER_MAC, OWN))
      expect(b.sent()).toEqual([`[${PEER_MAC}] 10.0.0.1 is at ${OWN_MAC}, 10.0.0.2`])
      expect(b.neighbors()).toEqual([`10.0.0.2 stale ${PEER_MAC}`])
      expect(b.counted()).toEqual({ received: 1, requestsReceived: 1, repliesSent: 1, sent: 1 })
    })

    test('what the link pads a frame with is no part of it [RFC826-pad]', () => {
      const padded = new Uint8Array(60).fill(0xee)
      padded.set(request(PEER, PEER_MAC, OWN))
      b.receive(padded)
      expect(b.sent()).toEqual([`[${PEER_MAC}] 10.0.0.1 is at ${OWN_MAC}, 10.0.0.2`])
    })

    test('no request for another address, and learns nothing new from it [RFC826-create]', () => {
      b.receive(request(PEER, PEER_MAC, '10.0.0.3'))
      expect(b.sent()).toEqual([])
      expect(b.neighbors()).toEqual([])
    })

    test('a probe for an own address, without learning from it', () => {
      b.receive(request('0.0.0.0', PEER_MAC, OWN))
      expect(b.sent()).toEqual([`[${PEER_MAC}] 10.0.0.1 is at ${OWN_MAC}, 0.0.0.0`])
      expect(b.neighbors()).toEqual([])
    })

    test('RFC 3927 §2.5: a link-local address is answered by broadcast [RFC5227-broadcast-reply]', async () => {
      await b.nic.addAddress('169.254.7.7/16', { skipDuplicateDetection: true })
      b.receive(request('169.254.1.1', PEER_MAC, '169.254.7.7'))
      expect(b.sent()).toEqual([`[${ALL}] 169.254.7.7 is at ${OWN_MAC}, 169.254.1.1`])
    })
  })

  describe('resolves', () => {
    test('a next hop: asks everybody, sends what waited [RFC826-request, RFC826-queue]', () => {
      b.receive(pingFrame())
      expect(b.sent()).toEqual([`[${ALL}] who has 10.0.0.2, tell 10.0.0.1`])
      b.receive(reply(PEER, PEER_MAC))
      expect(b.sent()).toEqual([`[${PEER_MAC}] ip`])
      expect(b.neighbors()).toEqual([`10.0.0.2 reachable ${PEER_MAC}`])
    })

    test('asks three times, then gives up', async () => {
      const verdict = b.nic.neighbors.resolve(PEER)
      verdict.catch(() => undefined)
      await b.clock.advance(10_000)
      expect(b.sent()).toEqual(Array(3).fill(`[${ALL}] who has 10.0.0.2, tell 10.0.0.1`))
      await expect(verdict).rejects.toMatchObject({ code: 'EHOSTDOWN' })
    })

    test('a stale neighbour is asked itself', async () => {
      b.receive(request(PEER, PEER_MAC, OWN), pingFrame())
      b.sent()
      await b.clock.advance(5000)
      expect(b.sent()).toEqual([`[${PEER_MAC}] who has 10.0.0.2, tell 10.0.0.1`])
    })

    test('broadcast and group addresses without asking [RFC1122-3.3.6-broadcast]', () => {
      const resolver = b.nic.networkInterface.resolver(0x0800)!
      const resolve = (word: number): Uint8Array | null => resolver.resolveStaticAddress(mappedAddress(word))
      expect(resolve(-1)).toEqual(mac(ALL))
      expect(resolve(0x0a0000ff)).toEqual(mac(ALL))
      expect(resolve(0xe00000fb)).toEqual(mac('01:00:5e:00:00:fb'))
      expect(resolve(0xefff0102)).toEqual(mac('01:00:5e:7f:01:02'))
      expect(resolve(0x0a000002)).toBeNull()
    })
  })

  describe('LESSONS §7: gratuitous ARP may only create or refresh as Stale, never Reachable', () => {
    test.each([
      ['announcement', frame('request', PEER, PEER_MAC, PEER)],
      ['gratuitous reply', reply(PEER, PEER_MAC, PEER, ALL)],
    ])('an %s creates a stale entry [RFC826-create]', (_, bytes) => {
      b.receive(bytes)
      expect(b.neighbors()).toEqual([`10.0.0.2 stale ${PEER_MAC}`])
      expect(b.sent()).toEqual([])
    })

    test('an announcement of another link address makes a reachable neighbour stale', () => {
      b.receive(pingFrame(), reply(PEER, PEER_MAC))
      expect(b.neighbors()).toEqual([`10.0.0.2 reachable ${PEER_MAC}`])
      b.receive(frame('request', PEER, OTHER_MAC, PEER))
      expect(b.neighbors()).toEqual([`10.0.0.2 stale ${OTHER_MAC}`])
    })

    test.each(['request', 'reply'] as const)('a %s brings a known neighbour up to date, whoever it is for [RFC826-order, RFC826-merge]', (operation) => {
      b.receive(request(PEER, PEER_MAC, OWN), frame(operation, PEER, OTHER_MAC, '10.0.0.9', OTHER_MAC, OWN_MAC))
      expect(b.neighbors()).toEqual([`10.0.0.2 stale ${OTHER_MAC}`])
    })

    test('a reply that nobody asked for creates nothing [RFC826-create]', () => {
      b.receive(reply(PEER, PEER_MAC))
      expect(b.neighbors()).toEqual([])
    })

    test('a request among others brings a known neighbour up to date, not to Reachable [RFC826-merge]', () => {
      b.receive(request(PEER, PEER_MAC, OWN), request(PEER, OTHER_MAC, '10.0.0.9'))
      expect(b.neighbors()).toEqual([`10.0.0.2 stale ${OTHER_MAC}`])
    })
  })

  describe('drops', () => {
    const changed = (at: number, value: number): Uint8Array => Uint8Array.from(request(PEER, PEER_MAC, OWN), (byte, i) => (i === 14 + at ? value : byte))

    test.each([
      ['another hardware type', changed(1, 6)],
      ['another protocol type', changed(2, 0x86)],
      ['another hardware length', changed(4, 8)],
      ['another protocol length', changed(5, 16)],
      ['another operation', changed(7, 3)],
      ['operation 0', changed(7, 0)],
      ['a group as hardware address', changed(8, 3)],
      ['a group as sender', request('224.0.0.1', PEER_MAC, OWN)],
      ['the broadcast address as sender', request('255.255.255.255', PEER_MAC, OWN)],
      ['a loopback sender', request('127.0.0.1', PEER_MAC, OWN)],
    ])('%s [RFC826-types]', (_, bytes) => {
      b.receive(bytes)
      expect(b.sent()).toEqual([])
      expect(b.neighbors()).toEqual([])
      expect(b.counted()).toEqual({ received: 1, dropMalformed: 1 })
    })

    test('its own messages when the network reflects them', () => {
      b.receive(frame('request', OWN, OWN_MAC, OWN))
      expect(b.counted()).toEqual({ received: 1, dropReflected: 1 })
    })

    test('random and truncated messages, without harm', () => {
      let state = 3
      const random = (): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 8
      for (let i = 0; i < 3000; i++) {
        const bytes = random() % 2 === 0 ? request(PEER, PEER_MAC, OWN) : reply(PEER, PEER_MAC)
        for (let n = random() % 4; n > 0; n--) bytes[14 + (random() % 28)] = random()
        b.receive(random() % 4 === 0 ? bytes.slice(0, 14 + (random() % 28)) : bytes)
        b.sent()
      }
      expect(b.nic.neighbors.list().length).toBeLessThanOrEqual(512)
      expect(b.stack.arp.statistics.dropMalformed).toBeGreaterThan(100)
    })
  })

  describe('defends an own address (RFC 5227 §2.4)', () => {
    test('once in ten seconds by an announcement, then gives up [RFC5227-ongoing, RFC5227-defend, RFC5227-give-up]', async () => {
      await b.clock.advance(60_000)
      b.receive(request(OWN, PEER_MAC, '10.0.0.9'))
      expect(b.sent()).toEqual([`[${ALL}] announce 10.0.0.1`])
      expect(b.nic.addresses[0]!.state).toBe('assigned')
      await b.clock.advance(10_000)
      b.receive(reply(OWN, PEER_MAC, '10.0.0.9'))
      expect(b.sent()).toEqual([`[${ALL}] announce 10.0.0.1`])
      await b.clock.advance(9_999)
      b.receive(request(OWN, PEER_MAC, '10.0.0.9'))
      expect(b.sent()).toEqual([])
      expect(b.nic.addresses[0]!.state).toBe('duplicate')
      expect(b.counted()).toMatchObject({ conflicts: 3, defended: 2 })
    })

    test('and does not learn itself as a neighbour', () => {
      b.receive(request(OWN, PEER_MAC, OWN))
      expect(b.neighbors()).toEqual([])
    })
  })
})

describe('a unicast datagram in a link-layer broadcast', () => {
  const broadcast = (bytes: Uint8Array): Uint8Array => Uint8Array.from([...mac(ALL), ...bytes.subarray(6)])

  test('is not for this host [RFC1122-3.3.6-link]', async () => {
    const b = await bench()
    b.receive(broadcast(pingFrame()))
    expect(b.sent()).toEqual([])
    expect(b.stack.ipv4.statistics.ipv4.dropLinkBroadcast).toBe(1)
    b.end()
  })

  test('is not sent on either [RFC1812-5.3.4-link]', async () => {
    const b = await bench()
    const outside = channel()
    // What goes to 10.0.0.1 is for somebody behind this router now.
    b.nic.removeAddress(OWN)
    await b.nic.addAddress('10.0.0.3/32', { skipDuplicateDetection: true })
    await b.stack.addNic(outside, { addresses: ['10.0.0.4/24'] })
    b.stack.ipv4.forwarding = true
    b.receive(broadcast(pingFrame()))
    expect(outside.tryRead()).toBeNull()
    b.receive(pingFrame())
    expect(outside.tryRead()).not.toBeNull()
    b.end()
  })
})

describe('a router to an Ethernet link', () => {
  /** 10.1.0.9 → 10.0.0.2, time to live 9, and the same with another destination byte. */
  const packet = (host: number): Uint8Array => {
    const bytes = Uint8Array.of(0x45, 0, 0, 21, 0, 0, 0, 0, 9, 99, 0, 0, 10, 1, 0, 9, 10, 0, 0, host, 0xaa)
    let sum = 0
    for (let i = 0; i < 20; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!
    sum = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff
    bytes[10] = sum >> 8
    bytes[11] = sum & 255
    return bytes
  }

  async function router(): Promise<{ b: Bench; inside: ChannelLink }> {
    const b = await bench()
    const inside = channel()
    await b.stack.addNic(inside, { addresses: ['10.1.0.1/24'] })
    b.stack.ipv4.forwarding = true
    return { b, inside }
  }

  test('room for the link header is made', async () => {
    const { b, inside } = await router()
    inside.inject(packet(2))
    expect(b.sent()).toEqual([`[${ALL}] who has 10.0.0.2, tell 10.0.0.1`])
    b.receive(reply(PEER, PEER_MAC))
    expect(b.sent()).toEqual([`[${PEER_MAC}] ip`])
    b.end()
  })

  test('who does not answer is host unreachable to the sender (RFC 1812 §5.2.7.1) [RFC1812-4.3.3.1-unreachable]', async () => {
    const { b, inside } = await router()
    inside.inject(packet(3))
    await b.clock.advance(4000)
    const answer = inside.tryRead()!
    // From 10.1.0.1 to 10.1.0.9, type 3 code 1, about the packet.
    expect([...answer.subarray(12, 22)]).toEqual([10, 1, 0, 1, 10, 1, 0, 9, 3, 1])
    expect([...answer.subarray(40, 49)]).toEqual([10, 1, 0, 9, 10, 0, 0, 3, 0xaa])
    expect(inside.tryRead()).toBeNull()
    b.end()
  })
})

describe('duplicate detection (RFC 5227 §2.1)', () => {
  test('three probes, then the address is assigned and announced twice [RFC5227-probe, RFC5227-wait, RFC5227-announce]', async () => {
    const b = await bench({}, {})
    const times: number[] = []
    const lines: string[] = []
    const began = b.clock.now()
    let done = false
    const added = b.nic.addAddress(`${OWN}/24`, STRICT).then(() => (done = true))
    expect(b.nic.addresses[0]!.state).toBe('tentative')
    for (let i = 0; i < 1000; i++) {
      await b.clock.advance(10)
      for (const line of b.sent()) {
        times.push(b.clock.now() - began)
        lines.push(line)
      }
    }
    await added
    expect(done).toBe(true)
    expect(lines).toEqual([...Array<string>(3).fill(`[${ALL}] probe 10.0.0.1`), ...Array<string>(2).fill(`[${ALL}] announce 10.0.0.1`)])
    expect(times[0]).toBeLessThanOrEqual(1010)
    for (const i of [1, 2]) {
      expect(times[i]! - times[i - 1]!).toBeGreaterThanOrEqual(990)
      expect(times[i]! - times[i - 1]!).toBeLessThanOrEqual(2010)
    }
    for (const i of [3, 4]) expect(Math.abs(times[i]! - times[i - 1]! - 2000)).toBeLessThanOrEqual(10)
    b.end()
  })

  test('a tentative address is not answered for', async () => {
    const b = await bench({}, {})
    void b.nic.addAddress(`${OWN}/24`, STRICT).catch(() => undefined)
    b.receive(request(PEER, PEER_MAC, OWN))
    expect(b.sent()).toEqual([])
    b.end()
  })

  test.each([
    ['a reply from its holder', reply(OWN, PEER_MAC, '0.0.0.0')],
    ['any request by its holder', request(OWN, PEER_MAC, '10.0.0.77')],
    ['another host that probes for it too', request('0.0.0.0', PEER_MAC, OWN)],
  ])('%s makes it a duplicate [RFC5227-probe-conflict, RFC5227-probe-race]', async (_, bytes) => {
    const b = await bench({}, {})
    const added = b.nic.addAddress(`${OWN}/24`, STRICT)
    const refused = expect(added).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await b.clock.advance(1500)
    const probes = b.sent().length
    expect(probes).toBeGreaterThan(0)
    b.receive(bytes)
    await refused
    await b.clock.advance(20_000)
    expect(b.sent()).toEqual([])
    expect(b.nic.addresses[0]!.state).toBe('duplicate')
    expect(b.counted()).toMatchObject({ conflicts: 1 })
    b.end()
  })

  test('two stacks that want one address: at most one gets it', async () => {
    const clock = manualClock()
    const [left, right] = pipe({ framing: 'ethernet' })
    const stacks = [left, right].map((link) => ({ link, stack: createStack({ plugins: [ipv4(), arp()], clock }) }))
    const nics = await Promise.all(stacks.map(({ stack, link }) => stack.addNic(link)))
    const added = nics.map((nic) => nic.addAddress(`${OWN}/24`, STRICT).then(() => 'assigned', (error: unknown) => (error as { code: string }).code))
    await clock.advance(10_000)
    const verdicts = await Promise.all(added)
    expect(verdicts.filter((verdict) => verdict === 'assigned').length).toBeLessThanOrEqual(1)
    expect(verdicts).toContain('EADDRINUSE')
    for (const { stack } of stacks) {
      stack.destroy()
      expect(leaksOf(stack)).toEqual([])
    }
  })

  test('behind ten conflicts, one address a minute [RFC5227-limit]', async () => {
    const b = await bench({}, {})
    for (let i = 1; i <= 10; i++) {
      const added = b.nic.addAddress(`10.0.0.${i}/24`, STRICT)
      const refused = expect(added).rejects.toMatchObject({ code: 'EADDRINUSE' })
      await b.clock.advance(1500)
      b.receive(reply(`10.0.0.${i}`, PEER_MAC, '0.0.0.0'))
      await refused
    }
    b.sent()
    void b.nic.addAddress('10.0.0.50/24', STRICT).catch(() => undefined)
    await b.clock.advance(58_000)
    expect(b.sent()).toEqual([])
    await b.clock.advance(2000)
    expect(b.sent()[0]).toBe(`[${ALL}] probe 10.0.0.50`)
    b.end()
  })

  test('skipDuplicateDetection: assigned at once, and announced', async () => {
    const b = await bench({})
    expect(b.nic.addresses[0]!.state).toBe('assigned')
    await b.clock.advance(10_000)
    expect(b.sent()).toEqual(Array(2).fill(`[${ALL}] announce 10.0.0.1`))
    b.end()
  })

  test('options: no probes, no announcements', async () => {
    const b = await bench({ probe: false, announce: false }, { addresses: [`${OWN}/24`] })
    await b.clock.advance(10_000)
    expect(b.nic.addresses[0]!.state).toBe('assigned')
    expect(b.sent()).toEqual([])
    b.end()
    expect(() => arp({ probes: 1 } as object)).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_OPTION' }))
  })

  test('a removed address is neither probed for nor announced', async () => {
    const b = await bench({}, {})
    void b.nic.addAddress(`${OWN}/24`, STRICT).catch(() => undefined)
    b.nic.removeAddress(OWN)
    await b.nic.addAddress(`${PEER}/24`, { skipDuplicateDetection: true })
    expect(b.sent()).toEqual([`[${ALL}] announce 10.0.0.2`])
    b.nic.removeAddress(PEER)
    await b.clock.advance(10_000)
    expect(b.sent()).toEqual([])
    b.end()
  })

  test('a NIC without Ethernet addresses needs no ARP', async () => {
    const b = await bench({}, { addresses: [`${OWN}/24`] }, { framing: 'ip' })
    expect(b.nic.addresses[0]!.state).toBe('assigned')
    await b.clock.advance(10_000)
    expect(b.counted()).toEqual({})
    b.end()
  })
})

describe('an optimistic address (RFC 4429 for ARP)', () => {
  test('is in use at once, probed for, then assigned and announced', async () => {
    const b = await bench({}, { addresses: [`${OWN}/24`] })
    expect(b.nic.addresses[0]!.state).toBe('optimistic')
    b.receive(request(PEER, PEER_MAC, OWN))
    expect(b.sent()).toEqual([`[${PEER_MAC}] 10.0.0.1 is at ${OWN_MAC}, 10.0.0.2`])
    await b.clock.advance(10_000)
    expect(b.nic.addresses[0]!.state).toBe('assigned')
    expect(b.sent()).toEqual([...Array<string>(3).fill(`[${ALL}] probe 10.0.0.1`), ...Array<string>(2).fill(`[${ALL}] announce 10.0.0.1`)])
    b.end()
  })

  test('goes to the one who answers a probe, and the event says to whom', async () => {
    const b = await bench({}, { addresses: [`${OWN}/24`] })
    const states: string[] = []
    b.nic.on('address-changed', ({ address, state, holder }) => states.push(`${address} ${state} ${holder?.[5]}`))
    await b.clock.advance(1500)
    b.receive(reply(OWN, PEER_MAC, '0.0.0.0'))
    await b.clock.settle()
    expect(states).toEqual([`${OWN} duplicate 2`])
    b.sent()
    b.receive(request(PEER, PEER_MAC, OWN))
    await b.clock.advance(10_000)
    expect(b.sent()).toEqual([])
    b.end()
  })

  test('stays in use when the NIC comes up again; a strict one does not [RFC5227-up]', async () => {
    const b = await bench({}, { addresses: [`${OWN}/24`] })
    const added = b.nic.addAddress(`${PEER}/24`, STRICT)
    await b.clock.advance(10_000)
    await added
    b.nic.down()
    b.nic.up()
    expect(b.nic.addresses.map(({ state }) => state)).toEqual(['optimistic', 'tentative'])
    await b.clock.advance(10_000)
    expect(b.nic.addresses.map(({ state }) => state)).toEqual(['assigned', 'assigned'])
    b.end()
  })
})
