import { createPacketMemory } from '@stack/buffer'
import { describe, expect, test } from 'vitest'
import { ipv4, ipv6, packet, tcp, tcpObserver, type Bytes, type Family, type TcpFields, type TcpObserver } from '../src/index.ts'

const memory = createPacketMemory({ size: 1 << 20 }).pool()

function see(observer: TcpObserver, way: 'ab' | 'ba', moments: readonly ('sent' | 'received')[], bytes: Uint8Array): void {
  for (const moment of moments) {
    const one = memory.allocate(0, bytes.length)!
    one.append(bytes, 0, bytes.length)
    observer.see(way, moment, one)
    one.release()
  }
}

/** A wire between a (port 1) and b (port 2), numbers as they are. */
function wire(family: Family = 'ipv4', mtu = 1500) {
  const observer = tcpObserver({ mtu })
  const go = (way: 'ab' | 'ba', flags: string, fields: TcpFields = {}, data: Bytes = [], moments: readonly ('sent' | 'received')[] = ['sent', 'received']): void => {
    const ports = way === 'ab' ? { sourcePort: 1, destinationPort: 2 } : { sourcePort: 2, destinationPort: 1 }
    see(observer, way, moments, packet(family === 'ipv4' ? ipv4() : ipv6(), tcp({ flags, ...ports, ...fields }), data))
  }
  return {
    observer, go,
    handshake: (syn: TcpFields = {}, answer: TcpFields = syn): void => {
      go('ab', 'S', { seq: 1000, mss: 1400, window: 100, ...syn })
      go('ba', 'SA', { seq: -1, ack: 1001, mss: 1400, window: 100, ...answer })
      go('ab', 'A', { seq: 1001, ack: 0, window: 100, timestamps: answer.timestamps ?? null })
    },
  }
}

describe.each(['ipv4', 'ipv6'] as const)('over %s', (family) => {
  test('what is right is no problem', () => {
    const { observer, go, handshake } = wire(family)
    handshake({ windowScale: 2, sackPermitted: true, timestamps: { value: 1, echo: 0 } })
    const timestamps = { value: 1, echo: 0 }
    go('ab', 'PA', { seq: 1001, ack: 0, window: 100, timestamps }, new Uint8Array(100))
    go('ba', 'A', { seq: 0, ack: 1001, window: 25, timestamps, sack: [[1051, 1101]] })
    go('ba', 'A', { seq: 0, ack: 1101, window: 10, timestamps })
    go('ab', 'FA', { seq: 1101, ack: 0, timestamps })
    go('ba', 'RA', { seq: 0, ack: 9999 })
    expect(observer).toMatchObject({ problems: [], segments: 8 })
  })
})

type Story = (world: ReturnType<typeof wire>) => void
const BREACHES: readonly (readonly [string, Story, string])[] = [
  ['a packet over the MTU', ({ go }) => go('ab', 'A', {}, new Uint8Array(1461)), '1501 bytes on a link of 1500'],
  ['an MSS that does not fit', ({ go }) => go('ab', 'S', { mss: 1461 }), 'MSS 1461'],
  ['no MSS', ({ go }) => go('ab', 'S', {}), 'MSS 0'],
  ['a shift of 15', ({ go }) => go('ab', 'S', { mss: 1400, windowScale: 15 }), 'window scale 15'],
  ['another ISN', ({ go }) => {
    go('ab', 'S', { seq: 1, mss: 1400 })
    go('ab', 'S', { seq: 2, mss: 1400 })
  }, 'two SYNs with different numbers'],
  ['a scale that was not offered', ({ handshake }) => handshake({}, { windowScale: 1 }), 'window scale that was not offered'],
  ['SACK that was not offered', ({ handshake }) => handshake({}, { sackPermitted: true }), 'SACK that was not offered'],
  ['timestamps that were not offered', ({ handshake }) => handshake({}, { timestamps: { value: 1, echo: 0 } }), 'timestamps that were not offered'],
  ['timestamps left out', ({ handshake, go }) => {
    handshake({ timestamps: { value: 1, echo: 0 } })
    go('ab', 'A', { seq: 1001 })
  }, 'timestamps are there or not, against what was agreed'],
  ['data beyond the window', ({ handshake, go }) => {
    handshake()
    go('ab', 'A', { seq: 1001, window: 100 }, new Uint8Array(102))
  }, '2 bytes beyond the window'],
  ['an ACK that goes back', ({ handshake, go }) => {
    handshake()
    go('ab', 'A', { seq: 1001, window: 100 }, 'ab')
    go('ba', 'A', { seq: 0, ack: 1003, window: 100 })
    go('ba', 'A', { seq: 0, ack: 1002, window: 101 })
  }, 'an ACK goes back'],
  ['an ACK of the future', ({ handshake, go }) => {
    handshake()
    go('ba', 'A', { seq: 0, ack: 1002, window: 100 })
  }, 'an ACK of what was never sent'],
  ['a SACK of the future', ({ handshake, go }) => {
    handshake({ sackPermitted: true })
    go('ba', 'A', { seq: 0, ack: 1001, window: 100, sack: [[1005, 1006]] })
  }, 'a SACK of what was never sent'],
  ['a SACK that was not agreed', ({ handshake, go }) => {
    handshake()
    go('ab', 'A', { seq: 1001, window: 100 }, 'ab')
    go('ba', 'A', { seq: 0, ack: 1001, window: 100, sack: [[1002, 1003]] })
  }, 'SACK blocks that were not agreed'],
  ['a window that shrinks', ({ handshake, go }) => {
    handshake()
    go('ba', 'A', { seq: 0, ack: 1001, window: 99 })
  }, 'the right edge goes back by 1'],
]
test.each(BREACHES)('%s is seen', (_, story, problem) => {
  const world = wire()
  story(world)
  expect(world.observer.problems).toContain(problem)
})

test('a probe of one byte may go beyond the window, and a window counts when it was heard', () => {
  const { observer, go, handshake } = wire()
  handshake()
  go('ab', 'PA', { seq: 1001, window: 100 }, new Uint8Array(100))
  go('ab', 'PA', { seq: 1101, window: 100 }, 'x')
  expect(observer.problems).toEqual([])
  go('ba', 'A', { seq: 0, ack: 1101, window: 50 }, [], ['sent'])
  go('ab', 'PA', { seq: 1101, window: 100 }, 'xyz')
  expect(observer.problems).toEqual(['3 bytes beyond the window'])
})

test.each(['ipv4', 'ipv6'] as const)('a window in a damaged segment was not heard, over %s', (family) => {
  const { observer, go, handshake } = wire(family)
  handshake()
  // The last byte of the window, and for IPv4 the TTL.
  for (const at of family === 'ipv4' ? [20 + 15, 8] : [40 + 15]) {
    const bytes = packet(family === 'ipv4' ? ipv4() : ipv6(), tcp({ flags: 'A', sourcePort: 2, destinationPort: 1, seq: 0, ack: 1001, window: 300 }))
    bytes[at]! ^= 1
    see(observer, 'ba', ['received'], bytes)
  }
  go('ab', 'A', { seq: 1001, window: 100 }, new Uint8Array(102), ['sent'])
  expect(observer.problems).toEqual(['2 bytes beyond the window'])
})

test('what is no TCP, cut or a fragment is not looked at', () => {
  const observer = tcpObserver()
  for (const bytes of [new Uint8Array(5), packet(ipv4({ protocol: 17 }), new Uint8Array(30)), packet(ipv4({ moreFragments: true }), tcp({ flags: 'S' })), packet(ipv4(), tcp({ flags: 'S' })).slice(0, 39), packet(ipv6(), tcp({ flags: 'S', headerLength: 60 }))]) {
    see(observer, 'ab', ['sent'], bytes)
  }
  expect(observer).toMatchObject({ problems: [], segments: 0 })
})
