import { createStack, type LinkEndpoint } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { pipe } from '@stack/link-pipe'
import { tcp } from '@stack/tcp'
import {
  atMostTimes, bursts, corrupting, duplicating, enforcingMtu, everyNth, formatPacket, gilbertElliott, isPattern, leaksOf, lossy, manualClock, matching, parsePacket, pattern, reordering,
  sometimes, tcpObserver, trailing, type HostileLink,
} from '@stack/testing'
import { describe, expect, it, test } from 'vitest'
import { recordTraffic } from './support/corpus.ts'

describe('the kit and the stack read the same packets', () => {
  it('finds nothing wrong with what stacks send', async () => {
    const frames = await recordTraffic()
    const kinds = new Set<string>()
    for (const frame of frames) {
      const parsed = parsePacket(frame, { first: 'ethernet' })
      expect([parsed.problems, formatPacket(parsed)]).toEqual([[], expect.any(String)])
      for (const { layer } of parsed.layers) kinds.add(layer)
    }
    expect([...kinds].sort()).toEqual(['arp', 'ethernet', 'fragment', 'icmpv4', 'icmpv6', 'ipv4', 'ipv6', 'tcp', 'udp'])
  })
})

const LENGTH = 200_000

/** Sends bytes one way over a link that is hostile on a's side; both ends of the wire are watched. Returns how many packets were hit. */
async function transfer(hostile: (link: LinkEndpoint) => HostileLink): Promise<number> {
  const clock = manualClock()
  const [left, right] = pipe({ latency: 5 })
  const a = createStack({ plugins: [ipv4(), tcp()], clock })
  const b = createStack({ plugins: [ipv4(), tcp()], clock })
  const observer = tcpObserver()
  const link = hostile(left)
  observer.watch(await a.addNic(link, { addresses: ['10.0.0.1/24'] }), await b.addNic(right, { addresses: ['10.0.0.2/24'] }))
  const listener = b.tcp.listen({ port: 80 })
  const connection = await clock.until(a.tcp.connect({ host: '10.0.0.2', port: 80 }))
  const passive = (await clock.until(listener.accept()))!
  const written = connection.write(pattern(LENGTH), { end: true })
  let read = 0
  for (let chunk = await clock.until(passive.readSome()); chunk !== null; chunk = await clock.until(passive.readSome())) {
    expect(isPattern(chunk, read)).toBe(true)
    read += chunk.length
  }
  await clock.until(Promise.all([written, passive.close(), connection.close()]))
  expect(read).toBe(LENGTH)
  expect(observer.problems).toEqual([])
  a.destroy()
  b.destroy()
  expect([...leaksOf(a), ...leaksOf(b)]).toEqual([])
  return link.hits.out + link.hits.in
}

test.each<[string, (link: LinkEndpoint) => HostileLink]>([
  ['every 20th lost, both ways', (link) => lossy(link, { pattern: everyNth(20), direction: 'both' })],
  ['a burst of ten', (link) => lossy(link, { pattern: bursts({ from: 30, length: 10 }) })],
  ['good and bad times', (link) => lossy(link, { pattern: gilbertElliott({ toBad: 0.05, toGood: 0.4 }) })],
  ['the SYN lost twice', (link) => lossy(link, { pattern: atMostTimes(2, matching(({ tcp: header }) => header?.flags === 'S')) })],
  ['bits flipped', (link) => corrupting(link, { pattern: everyNth(15), direction: 'both' })],
  ['bytes behind every packet', (link) => trailing(link, { direction: 'both' })],
  ['duplicates', (link) => duplicating(link, { pattern: everyNth(3), direction: 'both' })],
  ['another order', (link) => reordering(link, { pattern: everyNth(7), by: 2, direction: 'both' })],
  ['all of it', (link) => lossy(duplicating(reordering(corrupting(trailing(link), { pattern: sometimes(0.01) }), { pattern: sometimes(0.05, 2), direction: 'both' }), { pattern: sometimes(0.05, 3) }), { pattern: sometimes(0.02, 4), direction: 'both' })],
])('a transfer over a hostile link: %s', async (_, hostile) => {
  expect(await transfer(hostile)).toBeGreaterThan(0)
})

test('an enforced MTU is kept', async () => {
  expect(await transfer((link) => enforcingMtu(link, 600))).toBe(0)
})
