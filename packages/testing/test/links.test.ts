import type { LinkEndpoint } from '@stack/core'
import { describe, expect, test } from 'vitest'
import {
  allOf, altering, atMostTimes, blackHole, bursts, corrupting, duplicating, enforcingMtu, ethernet, everyNth, except, fakeLink, fakeNic, gilbertElliott, ipv4, largerThan, lossy,
  manualClock, matching, packet, packetNumbers, parsePacket, reordering, someOf, sometimes, trailing, truncating, udp, type FakeLink, type FakeLinkOptions, type PacketPattern,
} from '../src/index.ts'

/** A datagram that carries its number. */
const datagram = (n: number, length = 1): Uint8Array => packet(ipv4(), udp(), new Uint8Array(length).fill(n))
const numberOf = (bytes: Uint8Array): number => bytes[28]!

function setUp<K extends LinkEndpoint>(wrap: (link: FakeLink) => K, options: FakeLinkOptions = {}) {
  const clock = manualClock()
  const inner = fakeLink(options)
  const link = wrap(inner)
  const nic = fakeNic(clock)
  nic.attach(link)
  return {
    clock, inner, link, nic,
    sent: () => inner.sent.map(({ bytes }) => numberOf(bytes)),
    received: () => nic.received.map(({ bytes }) => numberOf(bytes)),
    /** Sends datagrams 1 to `count`, one a batch. */
    send: (count: number) => {
      for (let n = 1; n <= count; n++) nic.send(datagram(n))
    },
    inject: async (count: number) => {
      for (let n = 1; n <= count; n++) inner.inject(datagram(n))
      await clock.settle()
    },
    end: () => {
      nic.detach()
      expect(nic.memory.packets).toBe(0)
      expect(clock.scheduler.timers.armed).toBe(0)
    },
  }
}

const PATTERNS: readonly (readonly [string, () => PacketPattern, readonly number[]])[] = [
  ['everyNth(3)', () => everyNth(3), [3, 6, 9, 12]],
  ['packetNumbers(1, 5)', () => packetNumbers(1, 5), [1, 5]],
  ['bursts once', () => bursts({ from: 2, length: 3 }), [2, 3, 4]],
  ['bursts again', () => bursts({ from: 2, length: 2, every: 5 }), [2, 3, 7, 8, 12]],
  ['sometimes(0)', () => sometimes(0), []],
  ['sometimes(1)', () => sometimes(1), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
  ['matching', () => matching(({ payload }) => payload[0]! > 10), [11, 12]],
  ['atMostTimes', () => atMostTimes(2, everyNth(2)), [2, 4]],
  ['allOf', () => allOf(everyNth(2), everyNth(3)), [6, 12]],
  ['someOf', () => someOf(packetNumbers(1), everyNth(6)), [1, 6, 12]],
  ['except', () => except(bursts({ from: 2, length: 10 })), [1, 12]],
]
test.each(PATTERNS)('%s', (_, pattern, hit) => {
  const { send, sent, link, end } = setUp((inner) => lossy(inner, { pattern: pattern() }))
  send(12)
  expect(sent()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].filter((n) => !hit.includes(n)))
  expect(link).toMatchObject({ hits: { out: hit.length, in: 0 }, seen: { out: 12, in: 0 } })
  end()
})

describe('chance has a seed', () => {
  const hitsOf = (pattern: PacketPattern): number[] => {
    const hits: number[] = []
    for (let number = 1; number <= 10_000; number++) {
      if (pattern({ number, direction: 'out', length: 100, bytes: () => new Uint8Array(0), parsed: () => parsePacket(new Uint8Array(0)) })) hits.push(number)
    }
    return hits
  }

  test('sometimes', () => {
    const hits = hitsOf(sometimes(0.1, 7))
    expect(hits).toEqual(hitsOf(sometimes(0.1, 7)))
    expect(hits).not.toEqual(hitsOf(sometimes(0.1, 8)))
    expect(Math.abs(hits.length - 1000)).toBeLessThan(100)
  })

  test('gilbertElliott hits in bursts of 1/toGood', () => {
    const options = { toBad: 0.01, toGood: 0.2, seed: 3 }
    const hits = hitsOf(gilbertElliott(options))
    expect(hits).toEqual(hitsOf(gilbertElliott(options)))
    const numberOfBursts = hits.filter((n) => !hits.includes(n - 1)).length
    expect(hits.length / numberOfBursts).toBeGreaterThan(3.5)
    expect(hits.length / numberOfBursts).toBeLessThan(6.5)
    // The share of bad times: toBad / (toBad + toGood).
    expect(Math.abs(hits.length - 476)).toBeLessThan(150)
    expect(hitsOf(gilbertElliott({ ...options, hitsWhenGood: 0.5, hitsWhenBad: 0.5 })).length).toBeGreaterThan(4500)
  })
})

describe('directions', () => {
  test.each([
    ['out', [2, 4], [1, 2, 3, 4]],
    ['in', [1, 2, 3, 4], [2, 4]],
    ['both', [2, 4], [2, 4]],
  ] as const)('%s', async (direction, sent, received) => {
    const hostile = setUp((inner) => lossy(inner, { pattern: except(everyNth(2)), direction }))
    hostile.send(4)
    await hostile.inject(4)
    expect([hostile.sent(), hostile.received()]).toEqual([sent, received])
    expect(hostile.nic.flushes).toBeGreaterThan(0)
    hostile.end()
  })
})

test('duplicating: copies go with it', async () => {
  const { send, inject, sent, received, end } = setUp((inner) => duplicating(inner, { pattern: packetNumbers(2), copies: 2, direction: 'both' }))
  send(3)
  await inject(3)
  expect([sent(), received()]).toEqual([[1, 2, 2, 2, 3], [1, 2, 2, 2, 3]])
  end()
})

test('a black hole swallows large packets only, in silence', () => {
  const { nic, inner, link, end } = setUp((lower) => blackHole(lower, { above: 1280 }))
  expect(nic.send(datagram(1, 1252), datagram(2, 1253))).toBe(2)
  expect(inner.sent.map(({ bytes }) => bytes.length)).toEqual([1280])
  expect(link.mtu).toBe(1500)
  end()
})

test('an enforced MTU is the link’s, and what is longer is lost', () => {
  const { nic, inner, link, end } = setUp((lower) => enforcingMtu(lower, 1280))
  nic.send(datagram(1, 1252), datagram(2, 1253))
  expect(inner.sent).toHaveLength(1)
  expect(link).toMatchObject({ mtu: 1280, hits: { out: 1 } })
  end()
  expect(enforcingMtu(fakeLink({ mtu: 576 }), 1280).mtu).toBe(576)
})

test('an Ethernet header does not count', () => {
  const { nic, inner, end } = setUp((lower) => blackHole(lower, { above: 100 }), { framing: 'ethernet' })
  for (const length of [72, 73]) nic.send(packet(ethernet(), ipv4(), udp(), new Uint8Array(length)))
  expect(inner.sent.map(({ bytes }) => bytes.length)).toEqual([114])
  end()
})

test('patterns see frames taken apart', () => {
  const { nic, inner, end } = setUp((lower) => lossy(lower, { pattern: matching(({ udp: header }) => header?.destinationPort === 53) }), { framing: 'ethernet' })
  for (const destinationPort of [52, 53]) nic.send(packet(ethernet(), ipv4(), udp({ destinationPort })))
  expect(inner.sent).toHaveLength(1)
  end()
})

test('corrupting: one bit, the same for the same seed', () => {
  const flips = [1, 1, 2].map((seed) => {
    const { send, inner, end } = setUp((lower) => corrupting(lower, { seed }))
    send(5)
    const found = inner.sent.map(({ bytes }, i) => {
      const good = datagram(i + 1)
      return [...bytes].flatMap((byte, at) => (byte === good[at] ? [] : [[at, byte ^ good[at]!]]))
    })
    end()
    return found
  })
  expect(flips[0]!.every((one) => one.length === 1 && Math.log2(one[0]![1]!) % 1 === 0)).toBe(true)
  expect(flips[1]).toEqual(flips[0])
  expect(flips[2]).not.toEqual(flips[0])
})

test('trailing and truncating', async () => {
  const long = setUp((lower) => trailing(lower, { direction: 'both', bytes: [1, 2, 3] }))
  long.send(1)
  await long.inject(1)
  expect([long.inner.sent[0]!.bytes.slice(29), long.nic.received[0]!.bytes.slice(29)]).toEqual([Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3)])
  expect(long.nic.received[0]!.protocol).toBe(0x0800)
  long.end()
  const short = setUp((lower) => truncating(lower, { length: 20, pattern: everyNth(2) }))
  short.send(2)
  expect(short.inner.sent.map(({ bytes, protocol }) => [bytes.length, protocol])).toEqual([[29, 0x0800], [20, 0x0800]])
  short.end()
})

test('altering to nothing loses the packet', () => {
  const { send, inner, end } = setUp((lower) => altering(lower, { alter: () => [] }))
  send(3)
  expect(inner.sent).toEqual([])
  end()
})

describe('reordering', () => {
  test('a packet is overtaken by so many', async () => {
    const { send, inject, sent, received, end } = setUp((lower) => reordering(lower, { pattern: packetNumbers(2), by: 2, direction: 'both' }))
    send(5)
    await inject(5)
    expect([sent(), received()]).toEqual([[1, 3, 4, 2, 5], [1, 3, 4, 2, 5]])
    end()
  })

  test('it goes in the end, though nobody overtakes it', async () => {
    const { send, inject, sent, received, clock, end } = setUp((lower) => reordering(lower, { pattern: packetNumbers(2), wait: 300, direction: 'both' }))
    send(2)
    await inject(2)
    await clock.advance(299)
    expect([sent(), received()]).toEqual([[1], [1]])
    await clock.advance(1)
    expect([sent(), received()]).toEqual([[1, 2], [1, 2]])
    end()
  })

  test('what is held goes with the link', () => {
    const { send, end } = setUp((lower) => reordering(lower))
    send(3)
    end()
  })
})

describe('a full inner link', () => {
  test('packets wait, in order, and the NIC hears when there is room', () => {
    const { nic, inner, sent, end } = setUp((lower) => duplicating(lower))
    inner.setRoom(3)
    expect(nic.send(datagram(1), datagram(2))).toBe(2)
    expect(sent()).toEqual([1, 1, 2])
    expect(nic.send(datagram(3))).toBe(0)
    inner.setRoom(1)
    expect(sent()).toEqual([1, 1, 2, 2])
    expect(nic.writables).toBe(2)
    expect(nic.send(datagram(4))).toBe(1)
    expect(sent()).toEqual([1, 1, 2, 2])
    end()
  })
})

test('hostile links nest, and let raw packets and the carrier through', async () => {
  const { nic, inner, link, send, sent, clock, end } = setUp((lower) => duplicating(lossy(lower, { pattern: everyNth(3) }), { pattern: largerThan(0) }))
  send(2)
  expect(sent()).toEqual([1, 1, 2])
  expect(link.writeRawPacket(nic.packet(datagram(9)))).toBe(true)
  expect(sent()).toEqual([1, 1, 2, 9])
  inner.setCarrier(false)
  await clock.settle()
  expect(nic.carrier).toBe(false)
  link.close()
  expect(inner.isClosed).toBe(true)
  end()
})

test('no offload is offered, whatever the inner link has', () => {
  const inner = fakeLink({ capabilities: { txChecksumOffload: true, rxChecksumOffload: true, softwareGso: true, hardwareGso: true, scatterGather: true, resolutionRequired: true } })
  expect(lossy(inner).capabilities).toEqual({ txChecksumOffload: false, rxChecksumOffload: false, softwareGso: false, hardwareGso: false, scatterGather: false, resolutionRequired: true })
})
